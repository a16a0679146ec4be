"""The figure of a judgement: how much better or worse each arm is than the baseline, with its interval."""

import math

import plotly.graph_objects as go

from kobai.questions.judgement import table
from kobai.questions.judgement.outcome import Judgement
from kobai.questions.judgement.verdicts import EQUIVALENT, UNDECIDED, Verdict
from kobai.report import cut
from kobai.report.panels import INK, Attributes, colour, figure, text
from kobai.words import say

ROW = 30
"""Pixels of a row."""


def shown(judgement: Judgement) -> list[Verdict]:
    """The verdicts that are drawn."""
    return cut.first(judgement.verdicts)


def figures(judgement: Judgement) -> dict[str, go.Figure]:
    """The figures by name: verdicts."""
    return {"verdicts": _verdicts(judgement)}


def _verdicts(judgement: Judgement) -> go.Figure:
    """A row for each arm: the interval as a line, the effect as a dot, which is full where a verdict is."""
    rows, ratios = shown(judgement), judgement.scale.ratios
    kind = "ratio" if ratios else "difference"
    values = {"metric": text(judgement.metric), "baseline": text(judgement.baseline)}
    across: Attributes = {"title_text": say(f"judge.axis.{kind}", **values), "nticks": 6}
    if ratios:
        across["type"] = "log"
    up = {
        "tickvals": [*range(len(rows))],
        "ticktext": [text(verdict.arm) for verdict in rows],
        "range": [len(rows) - 0.5, -0.5],
        "showgrid": False,
        "ticklabelstandoff": 6,
    }
    drawing = figure([""], [across], [up], height=ROW * len(rows) + 30, margin={"t": 26})
    _margin(drawing, judgement)
    for i, verdict in enumerate(rows):
        for trace in _row(judgement, verdict, i):
            drawing.add_trace(trace)
    middle = 1.0 if ratios else 0.0
    drawing.add_vline(x=middle, line={"color": INK, "width": 1, "dash": "dot"})
    side = "right" if judgement.scale.maximize and not ratios else "left"
    return drawing.add_annotation(
        text=say(f"judge.better.{side}"),
        xref="x domain",
        yref="y domain",
        x=1 if side == "right" else 0,
        y=1,
        xanchor=side,
        yanchor="bottom",
        yshift=4,
        showarrow=False,
    )


def _margin(drawing: go.Figure, judgement: Judgement) -> None:
    """The band of differences that do not matter."""
    if judgement.margin is not None:
        ends = (math.exp(-judgement.margin), math.exp(judgement.margin)) if judgement.scale.ratios else ()
        low, high = ends or (-judgement.margin, judgement.margin)
        drawing.add_vrect(x0=low, x1=high, fillcolor=INK, opacity=0.15, line_width=0, layer="below")


def _row(judgement: Judgement, verdict: Verdict, place: int) -> list[go.Scatter]:
    value, low, high = judgement.effect(verdict)
    own = colour(place)
    decided = verdict.verdict not in (UNDECIDED, EQUIVALENT)
    shared = {
        "name": text(verdict.arm),
        "meta": verdict.arm,
        "legendgroup": verdict.arm,
        "showlegend": False,
    }
    said = f"{table.effect(judgement, verdict)}, p {text(cut.p_value(verdict.corrected_p))}"
    dot = go.Scatter(
        x=[value],
        y=[place],
        mode="markers",
        marker={"size": 10, "color": own if decided else "rgba(0,0,0,0)", "line": {"color": own, "width": 2}},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{said}<extra></extra>",
        **shared,
    )
    if low is None:
        return [dot]
    line = {"color": own, "width": 3 if decided else 1.5}
    ends = {"x": [low, high], "y": [place, place]}
    return [go.Scatter(**ends, mode="lines", line=line, hoverinfo="skip", **shared), dot]
