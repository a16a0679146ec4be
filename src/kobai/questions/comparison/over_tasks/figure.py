"""The figure of what one choice for all tasks costs: a row a candidate, a sign a task, a dot their mean."""

from collections.abc import Iterator, Mapping

import plotly.graph_objects as go

from kobai.questions.comparison.costs import ROW, differences, place, ratios, with_room
from kobai.questions.comparison.numbers import worse
from kobai.questions.comparison.over_tasks import sentences
from kobai.report.colours import looks
from kobai.report.panels import INK, SYMBOLS, figure, text
from kobai.study.answer import Answer
from kobai.study.criterion import FINAL
from kobai.study.over_tasks import OverTask, OverTasks
from kobai.words import metric, say

SIGNS = tuple(name for name in SYMBOLS if name != "circle")
"""Of the tasks; the average has the dot."""


def over_tasks(over: OverTasks, answers: Mapping[str, Answer]) -> go.Figure:
    """What each candidate costs on each task, on average, and at most."""
    rows = [each for each in over.candidates if each.mean is not None]
    ends = [end for each in rows for end in _ends(over, each)]
    is_final = over.by == FINAL
    across = differences(ends, say("over.axis.final")) if is_final else ratios(ends, say("over.axis"))
    up = {
        "tickvals": [*range(len(rows))],
        "ticktext": [text(each.name) for each in rows],
        "range": [len(rows) - 0.5, -0.5],
        "showgrid": False,
        "ticklabelstandoff": 6,
    }
    drawing = figure([""], [across], [up], height=ROW * len(rows) + 10, margin={"t": 36})
    with_room(drawing)
    colours = looks(each.name for each in over.candidates)
    for i, each in enumerate(rows):
        for trace in _row(over, answers, each, i, colours[each.name].colour):
            drawing.add_trace(trace)
    for trace in _of_tasks(over, answers, rows):
        drawing.add_trace(trace)
    above = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    return drawing.update_layout(
        legend={"orientation": "h", "traceorder": "normal", **above}, showlegend=True
    )


def _ends(over: OverTasks, each: OverTask) -> Iterator[float]:
    """All that is drawn of a candidate."""
    yield from (value for value in (each.mean, each.high) if value is not None)
    yield from (cost.estimate for name in over.counted if (cost := each.costs[name]) is not None)


def _row(
    over: OverTasks, answers: Mapping[str, Answer], each: OverTask, i: int, colour: str
) -> Iterator[go.Scatter]:
    """The line up to the bound of the average, if there is one, and the dot of the average."""
    shared = {"name": text(each.name), "meta": each.name, "showlegend": False}
    by, mean = over.by, each.mean or 0.0
    hover = say("over.hover.mean", mean=sentences.cost(over, answers, mean))
    if each.high is not None:
        ends = [place(by, 0.0), place(by, each.high)]
        line = {"color": colour, "width": 3 if each.member else 1.5}
        yield go.Scatter(x=ends, y=[i, i], mode="lines", line=line, hoverinfo="skip", **shared)
        high = sentences.cost(over, answers, each.high)
        hover = say("over.hover.high", mean=sentences.cost(over, answers, mean), high=high)
    fill = colour if each.member and not over.untold else "rgba(0,0,0,0)"
    yield go.Scatter(
        x=[place(by, mean)],
        y=[i],
        mode="markers",
        marker={"size": 13, "color": fill, "line": {"color": colour, "width": 2}},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{text(hover)}<extra></extra>",
        **shared,
    )


def _of_tasks(over: OverTasks, answers: Mapping[str, Answer], rows: list[OverTask]) -> Iterator[go.Scatter]:
    """The signs of each task, of all candidates."""
    for number, task in enumerate(over.counted):
        costs = [cost for each in rows if (cost := each.costs[task]) is not None]
        yield go.Scatter(
            name=text(task),
            x=[place(over.by, cost.estimate) for cost in costs],
            y=[*range(len(costs))],
            mode="markers",
            marker={"size": 8, "symbol": f"{SIGNS[number % len(SIGNS)]}-open", "color": INK},
            customdata=[worse(answers[task], cost.estimate) for cost in costs],
            text=[text(cost.name) for cost in costs],
            hovertemplate="<b>%{text}</b><br>%{fullData.name}: %{customdata}<extra></extra>",
        )


def captions(over: OverTasks) -> list[str]:
    """What stands above the figure, sentence by sentence."""
    bounds = any(each.high is not None for each in over.candidates)
    return [
        say("over.caption.final" if over.by == FINAL else "over.caption", metric=metric(over.metric)),
        say("over.caption.bounds") if bounds else "",
        "" if over.untold else say("over.caption.members"),
    ]
