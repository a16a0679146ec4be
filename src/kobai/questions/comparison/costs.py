"""The figure of what choosing each optimizer costs: a row a candidate, with the bound at its right end."""

from collections.abc import Mapping, Sequence
from math import log10

import plotly.graph_objects as go

from kobai.questions.comparison.numbers import part, scale, worse
from kobai.report.colours import Look
from kobai.report.panels import Attributes, figure, text
from kobai.study.answer import Answer
from kobai.study.criterion import FINAL
from kobai.study.question import Cost
from kobai.words import metric, say

ROW = 26
"""Pixels of a row."""

TICKS = (0, 0.1, 0.25, 0.5, 1, 2, 4, 9, 24, 99)
"""Numbers at the axis, as parts of the steps of the best."""

ROOM = 0.15
"""Of a narrow axis, which a number takes."""

MOST = 1e4
"""What needs a larger part more steps is drawn there."""


def costs(answer: Answer, look: Mapping[str, Look]) -> go.Figure:
    """What choosing each optimizer costs: from 0 to its bound, with a dot where the fresh seeds put it.

    The dot is full for those that may be the best. The axis is one of ratios: 100 % more, twice the steps, is
    as far from 0 as 300 % is from 100 %.
    """
    rows = [cost for cost in answer.optimizer.costs if cost.name in look]
    ends = [value for cost in rows for value in (cost.estimate, cost.high or 0)]
    title = say(f"report.axis.more.{scale(answer)}")
    across = differences(ends, title) if answer.by == FINAL else ratios(ends, title)
    up = {
        "tickvals": [*range(len(rows))],
        "ticktext": [text(cost.name) for cost in rows],
        "range": [len(rows) - 0.5, -0.5],
        "showgrid": False,
        "ticklabelstandoff": 6,
    }
    drawing = figure([""], [across], [up], height=ROW * len(rows) + 10, margin={"t": 8})
    with_room(drawing)
    for i, cost in enumerate(rows):
        for trace in _row(answer, cost, i, look[cost.name].colour):
            drawing.add_trace(trace)
    return drawing


def ratios(costs: Sequence[float], title: str) -> Attributes:
    """The axis from no cost to the largest of these, parts of the steps of the best; `place` is where each
    stands. Its range is in powers of ten, as plotly counts on a logarithmic one."""
    most = max(1.12, 1.06 * max((1 + min(cost, MOST) for cost in costs), default=1.0))
    ticks = [tick for tick in TICKS if 1 + tick <= most]
    return {
        "title_text": title,
        "type": "log",
        "range": [0, log10(most)],
        "tickvals": [1 + tick for tick in ticks],
        "ticktext": [part(tick) for tick in ticks],
    }


def with_room(drawing: go.Figure) -> None:
    """Leave out numbers at an axis of ratios that would touch on a narrow page."""
    axis = drawing.layout.xaxis
    if axis.type != "log":
        return
    kept: list[int] = []
    for i, value in enumerate(axis.tickvals):
        if not kept or log10(value / axis.tickvals[kept[-1]]) >= ROOM * axis.range[1]:
            kept.append(i)
    meta = drawing.layout.meta
    for name, places in (("wide", range(len(axis.tickvals))), ("narrow", kept)):
        for what in ("tickvals", "ticktext"):
            meta[name][f"xaxis.{what}"] = [axis[what][i] for i in places]
    drawing.update_layout(meta=meta)


def differences(costs: Sequence[float], title: str) -> Attributes:
    """The axis from no cost to the largest of these, differences of final metrics."""
    most = 1.06 * max((min(cost, MOST) for cost in costs), default=0.0) or 1.0
    return {"title_text": title, "range": [0, most], "rangemode": "tozero"}


def _row(answer: Answer, cost: Cost, row: int, colour: str) -> list[go.Scatter]:
    """The line up to the bound, if there is one, and the dot."""
    fill = colour if cost.member else "rgba(0,0,0,0)"
    shared = {"name": text(cost.name), "meta": cost.name, "legendgroup": cost.name, "showlegend": False}
    dot = go.Scatter(
        x=[place(answer.by, cost.estimate)],
        y=[row],
        mode="markers",
        marker={"size": 10, "color": fill, "line": {"color": colour, "width": 2}},
        cliponaxis=False,  # or the dot at no cost would be half a dot
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{_hover(answer, cost)}<extra></extra>",
        **shared,
    )
    if cost.high is None:
        return [dot]
    line = {"color": colour, "width": 3 if cost.member else 1.5}
    ends = [place(answer.by, 0.0), place(answer.by, cost.high)]
    return [
        go.Scatter(x=ends, y=[row, row], mode="lines", line=line, hoverinfo="skip", **shared),
        dot,
    ]


def place(by: str, cost: float) -> float:
    """Where a cost stands: a difference of final metrics at itself, a part of steps on the axis of ratios."""
    return cost if by == FINAL else 1 + min(cost, MOST)


def _hover(answer: Answer, cost: Cost) -> str:
    """What the row says, in words."""
    seen, unit = worse(answer, cost.estimate), scale(answer)
    if cost.high is None:
        return say(f"report.hover.more.{unit}", seen=seen)
    return say(f"report.hover.cost.{unit}", seen=seen, cost=worse(answer, cost.high))


def captions(answer: Answer) -> list[str]:
    """What stands above the figure, sentence by sentence."""
    told = any(cost.high is not None for cost in answer.optimizer.costs)
    return [
        say(
            f"report.costs.caption.{'final' if answer.by == FINAL else 'ratio'}", metric=metric(answer.metric)
        ),
        say("report.costs.bounds") if told else say("report.costs.untold"),
        say("report.costs.members") if told else "",
    ]
