"""The page of learning rates: answer, table, figure, settings in one HTML file."""

import html

from kobai.questions.range import table
from kobai.questions.range.figures import figures, lines
from kobai.questions.range.outcome import RangeOutcome
from kobai.report import document, panels
from kobai.report.document import definitions, escaped, scrolling
from kobai.words import say


def page(outcome: RangeOutcome, command: str) -> str:
    """The whole page; `command` is the shell command or the Python call that makes it again."""
    drawings = figures(outcome)
    for each in drawings.values():
        each.update_layout(showlegend=False)  # the buttons of the page are the legend
    marks = [(name, f"background:{panels.colour(i)}") for i, name in enumerate(lines(outcome))]
    parts = {
        "answer": "".join(_answer(outcome)),
        "table": _table(outcome),
        "evidence": document.evidence(
            "range",
            chips=marks,
            figures=document.figure("range", [say("report.range.caption")]),
            setup=_setup(outcome),
            command=command,
        ),
    }
    return document.page(
        title=table.title(outcome),
        headline=table.headline(outcome),
        main=document.fill(document.read("kobai.questions.range", "range.html"), parts),
        data=document.data(drawings),
    )


def summary(outcome: RangeOutcome) -> str:
    """Answer and table alone, without style or script: for a notebook."""
    items = "".join(
        f"<li>{html.escape(head)}: {html.escape(rest)}</li>" for head, rest in table.answers(outcome)
    )
    return f"<ul>{items}</ul>{_scrolling(outcome)}"


def _answer(outcome: RangeOutcome) -> list[str]:
    return [
        f"<li><strong>{html.escape(head)}</strong><span>{html.escape(rest)}</span></li>"
        for head, rest in table.answers(outcome)
    ]


def _scrolling(outcome: RangeOutcome) -> str:
    caption = f"{table.title(outcome)}. {table.headline(outcome)}"
    heads = table.headers(outcome)
    return scrolling(heads, escaped(table.cells(outcome)), caption, left=(0, len(heads) - 1))


def _table(outcome: RangeOutcome) -> str:
    heads = table.headers(outcome)
    keys = ["rate", *["loss"] * (len(heads) - 2), "verdict"]
    meanings = [(head, say(f"range.meaning.{key}")) for head, key in zip(heads, keys, strict=True)]
    return _scrolling(outcome) + document.folded(say("report.columns"), meanings)


def _setup(outcome: RangeOutcome) -> str:
    race = outcome.race
    values = {
        "task": outcome.task,
        "optimizer": outcome.optimizer,
        "initializer": outcome.initializer,
        "steps": f"{outcome.steps:,}",
        "rungs": say("range.rungs", steps=" → ".join(map(str, race.rungs)), seeds=len(race.alone)),
        "gradients": f"{outcome.gradients:,} / {outcome.of_grid:,}",
    }
    rows = definitions((say(f"range.setting.{name}"), value) for name, value in values.items())
    versions = definitions(document.versions())
    return document.sections({"range.settings": rows, "report.settings.versions": versions})
