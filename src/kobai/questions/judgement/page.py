"""The page of a judgement: verdicts, table, one chart of intervals, settings in one HTML file."""

import html
from collections.abc import Iterator

from kobai.questions.judgement import table
from kobai.questions.judgement.figures import figures, shown
from kobai.questions.judgement.outcome import Judgement
from kobai.report import document, panels
from kobai.report.document import definitions, escaped, scrolling
from kobai.words import say


def page(judgement: Judgement, command: str) -> str:
    """The whole page; `command` is the shell command or the Python call that makes it again."""
    drawings = figures(judgement)
    captions = [say("report.verdicts.caption")]
    if judgement.margin is not None:
        captions.append(say("report.verdicts.margin"))
    parts = {
        "answer": "".join(_answer(judgement)),
        "together": _together(judgement),
        "notes": document.notes(table.warnings(judgement)),
        "table": _table(judgement),
        "evidence": document.evidence(
            "judge",
            chips=[
                (verdict.arm, f"background:{panels.colour(i)}") for i, verdict in enumerate(shown(judgement))
            ],
            figures=document.figure("verdicts", captions),
            setup=_setup(judgement),
            command=command,
        ),
    }
    return document.page(
        title=table.title(judgement),
        headline=table.headline(judgement),
        main=document.fill(document.read("kobai.questions.judgement", "judgement.html"), parts),
        data=document.data(drawings),
    )


def summary(judgement: Judgement) -> str:
    """Verdicts, table and notes alone, without style or script: for a notebook."""
    items = "".join(_answer(judgement))
    notes = document.notes(table.warnings(judgement))
    return f"<ul>{items}</ul>{_together(judgement)}{_scrolling(judgement)}{notes}"


# The parts of the page


def _answer(judgement: Judgement) -> Iterator[str]:
    for verdict, sentence in table.answers(judgement):
        yield f"<li><strong>{html.escape(verdict.arm)}</strong><span>{html.escape(sentence)}</span></li>"


def _together(judgement: Judgement) -> str:
    return f"<p>{html.escape(table.together(judgement))}</p>" if len(judgement.arms) > 2 else ""


def _scrolling(judgement: Judgement) -> str:
    left = [table.COLUMNS.index(name) for name in table.LEFT]
    heads = [head.replace("\n", " ") for head in table.headers(judgement)]
    return scrolling(heads, escaped(table.cells(judgement)), table.headline(judgement), left)


def _table(judgement: Judgement) -> str:
    heads = (head.replace("\n", " ") for head in table.headers(judgement))
    meanings = [(head, say(f"judge.meaning.{name}")) for head, name in zip(heads, table.COLUMNS, strict=True)]
    return _scrolling(judgement) + document.folded(say("report.columns"), meanings)


def _setup(judgement: Judgement) -> str:
    scale, margin, sigma = judgement.scale, judgement.margin, judgement.sigma
    values = {
        "metric": judgement.metric,
        "by": scale.by if scale.target is None else f"{scale.by}:{scale.target:g}",
        "baseline": judgement.baseline,
        "margin": "–" if margin is None else f"{scale.size(margin):g}",
        "sigma": "–" if sigma is None else f"{sigma:g}",
        "slope": "–" if scale.slope is None else f"{scale.slope:g}",
        "look": "–" if judgement.next is None else str(judgement.next),
    }
    rows = definitions((say(f"judge.setting.{name}"), value) for name, value in values.items())
    versions = definitions(document.versions())
    return document.sections({"judge.settings": rows, "report.settings.versions": versions})
