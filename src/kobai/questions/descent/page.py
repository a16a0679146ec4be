"""The page of a descent: the table, the paths on their landscape to be played, f by step, the settings."""

import html
import json
import math
from collections.abc import Sequence

from kobai.questions.descent import table
from kobai.questions.descent.figures import figures, looks_of
from kobai.questions.descent.outcome import DescentOutcome, PathRow
from kobai.report import document
from kobai.report.document import definitions, escaped, figure, scrolling
from kobai.words import say


def page(outcome: DescentOutcome, command: str) -> str:
    """The whole page; `command` is the shell command or the Python call that makes it again."""
    outcome = outcome.shown()
    drawings = figures(outcome)
    for each in drawings.values():
        each.update_layout(showlegend=False)  # the buttons of the page are the legend
    parts = {
        "table": _table(outcome),
        "notes": document.notes(table.notes(outcome)),
        "evidence": document.evidence(
            "descent",
            chips=[(label, look.swatch) for label, look in looks_of(outcome).items()],
            figures="".join(_figure(outcome, name) for name in drawings),
            setup=_setup(outcome),
            command=command,
            heading="descent.figures",
        ),
    }
    shows = outcome.landscape.shows
    introduction = f'<p class="shows">{html.escape(shows)}</p>' if shows else ""
    return document.page(
        title=table.title(outcome),
        headline=table.headline(outcome),
        main=introduction + document.fill(document.read("kobai.questions.descent", "descent.html"), parts),
        data=document.data(drawings),
        style=document.read("kobai.questions.descent", "descent.css"),
        script=document.read("kobai.questions.descent", "descent.js"),
    )


def summary(outcome: DescentOutcome) -> str:
    """The table and its notes alone, without style or script: for a notebook."""
    outcome = outcome.shown()
    left = [table.COLUMNS.index(name) for name in table.LEFT]
    listing = scrolling(table.headers(), escaped(table.rows(outcome)), _caption(outcome), left)
    return listing + document.notes(table.notes(outcome))


def _caption(outcome: DescentOutcome) -> str:
    return f"{table.title(outcome)}. {table.headline(outcome)}"


def _table(outcome: DescentOutcome) -> str:
    """The table, each cell with the value to sort by; and what its columns mean."""
    heads = "".join(
        f'<th scope="col"{_look(name)}><button type="button">{html.escape(head)}</button></th>'
        for name, head in zip(table.COLUMNS, table.headers(), strict=True)
    )
    looks = [look.swatch for look in looks_of(outcome).values()]
    body = "".join(
        f"<tr>{_row(row, cells, swatch)}</tr>"
        for row, cells, swatch in zip(outcome.rows, table.rows(outcome), looks, strict=True)
    )
    caption = html.escape(say("descent.table.caption", level=table.level(outcome)))
    meanings = [
        (table.joined(head), say(f"descent.meaning.{name}"))
        for name, head in zip(table.COLUMNS, table.headers(), strict=True)
    ]
    return (
        f'<p class="caption">{caption}</p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table aria-label="{caption}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
        + document.folded(say("report.columns"), meanings)
    )


UNDER = ("learning_rate", "hyperparameters")
"""Columns that stand under the name of the method where the page is narrow."""


def _look(name: str) -> str:
    classes = ["left"] * (name in table.LEFT) + ["wide"] * (name in UNDER)
    return f' class="{" ".join(classes)}"' if classes else ""


def _row(row: PathRow, cells: Sequence[str], swatch: str) -> str:
    values, texts = row.cells(), dict(zip(table.COLUMNS, cells, strict=True))
    rate = "" if values["learning_rate"] is None else f"η {texts['learning_rate']}"
    under = html.escape(" ".join(part for part in (rate, texts["hyperparameters"]) if part))
    columns = []
    for name, cell in zip(table.COLUMNS, cells, strict=True):
        text = html.escape(cell)
        key = html.escape(_key(values[name] if name != "hyperparameters" else cell))
        if name == "method":
            mark = f'<i style="{swatch}"></i>'
            whole = f'{mark}{text.replace("_", "_<wbr>")}<span class="under">{under}</span>'
            columns.append(f'<th scope="row" class="left" data-sort="{key}">{whole}</th>')
        else:
            columns.append(f'<td{_look(name)} data-sort="{key}">{text}</td>')
    return "".join(columns)


def _key(value: float | str | None) -> str:
    """What to sort by; nothing for what is missing."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _figure(outcome: DescentOutcome, name: str) -> str:
    if name == "descent":
        return figure(name, [say("report.descent.caption")])
    minima = say("report.paths.minima") if outcome.landscape.minima else ""
    texts = {key: html.escape(say(f"descent.{key}")) for key in ("play", "pause")}
    step = html.escape(say("descent.step", step="{step}"))
    axis = html.escape(say("report.axis.at.steps"))
    player = (
        '<div class="player">'
        f'<button type="button" id="play" data-play="{texts["play"]}" data-pause="{texts["pause"]}">'
        f"{texts['play']}</button>"
        f'<input type="range" id="step" min="0" value="0" aria-label="{axis}">'
        f'<output id="shown" for="step" data-text="{step}"></output></div>'
    )
    place = figure(name, [say("report.paths.caption"), minima])
    return place.replace('<div class="plot"', player + '<div class="plot"', 1)


def _setup(outcome: DescentOutcome) -> str:
    landscape = outcome.landscape
    least = "–" if landscape.least is None else table.number(landscape.least)
    minima = "; ".join(
        "(" + ", ".join(table.number(x) for x in point[:4]) + (", …)" if len(point) > 4 else ")")
        for point in landscape.minima
    )
    values = {"landscape": landscape.name, "source": landscape.source or "–", "least": least}
    values |= {"minima": minima or "–", "start": table.headline(outcome)}
    known = definitions((say(f"descent.setting.{name}"), value) for name, value in values.items())
    versions = definitions(document.versions())
    return document.sections({"descent.settings": known, "report.settings.versions": versions})
