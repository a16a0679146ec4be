"""The page of a diagnosis: the troubles on top, what was measured, one picture a layer over time."""

import html
from collections.abc import Iterator

from kobai.questions.diagnosis import table
from kobai.questions.diagnosis.figures import figures
from kobai.questions.diagnosis.outcome import Diagnosis
from kobai.report import document, panels
from kobai.report.document import definitions, escaped
from kobai.words import say

PACKAGE = "kobai.questions.diagnosis"


def page(diagnosis: Diagnosis, command: str) -> str:
    """The whole page; `command` is the shell command or the Python call that makes it again."""
    drawings = figures(diagnosis)
    for each in drawings.values():
        each.update_layout(showlegend=False)  # the buttons of the page are the legend
    keys = ["train", "validation"] + ([] if diagnosis.case.control is None else ["control"])
    marks = [panels.swatch(0), panels.swatch(1), f"background:{panels.INK}"]
    parts = {
        "answer": html.escape(table.answer(diagnosis)),
        "troubles": "".join(_troubles(diagnosis)),
        "notes": document.notes(table.notes(diagnosis)),
        "measured": definitions(table.measured(diagnosis)),
        "evidence": document.evidence(
            "diagnose",
            chips=[(say(f"diagnose.curve.{key}"), mark) for key, mark in zip(keys, marks, strict=False)],
            figures="".join(document.figure(name, [say(f"report.{name}.caption")]) for name in drawings),
            setup=_setup(diagnosis),
            command=command,
        ),
    }
    return document.page(
        title=table.title(diagnosis),
        headline=table.headline(diagnosis),
        main=document.fill(document.read(PACKAGE, "diagnosis.html"), parts),
        data=document.data(drawings),
        style=document.read(PACKAGE, "diagnosis.css"),
    )


def summary(diagnosis: Diagnosis) -> str:
    """Answer, troubles, measurements and notes alone, without style or script: for a notebook."""
    found = "".join(_troubles(diagnosis))
    heads = [say("diagnose.measured"), say("diagnose.value")]
    rows = escaped([list(row) for row in table.measured(diagnosis)])
    listing = document.scrolling(heads, rows, table.title(diagnosis))
    notes = document.notes(table.notes(diagnosis))
    return f"<p>{html.escape(table.answer(diagnosis))}</p><ol>{found}</ol>{listing}{notes}"


def _troubles(diagnosis: Diagnosis) -> Iterator[str]:
    for said in table.said(diagnosis):
        name, place, evidence, remedy = map(html.escape, said[:4])
        cures = "".join(f"<li>{html.escape(cure)}</li>" for cure in said.cures)
        tried = f"<ul>{cures}</ul>" if cures else ""
        head = f'<strong>{name}</strong><span class="place">{place}</span>'
        yield f"<li>{head}<p>{evidence}</p><p>{remedy}</p>{tried}</li>"


def _setup(diagnosis: Diagnosis) -> str:
    setting = diagnosis.case.setting
    values = {
        "task": setting.task.name,
        "optimizer": table.optimizer(diagnosis),
        "initializer": setting.initializer.name,
        "steps": str(setting.steps),
        "seeds": str(len(diagnosis.seeds)),
    }
    rows = definitions((say(f"diagnose.setting.{name}"), value) for name, value in values.items())
    versions = definitions(document.versions())
    return document.sections({"diagnose.settings": rows, "report.settings.versions": versions})
