"""The figure of learning rates: the loss that each has reached, after each rung of the race."""

import math

import numpy as np
import plotly.graph_objects as go

from kobai.questions.range.outcome import RangeOutcome
from kobai.report import panels
from kobai.report.panels import Attributes
from kobai.words import say


def lines(outcome: RangeOutcome) -> list[str]:
    """The name of the line of each rung."""
    return [say("range.line", steps=steps) for steps in outcome.race.rungs]


def figures(outcome: RangeOutcome) -> dict[str, go.Figure]:
    """The figures by name: range."""
    return {"range": _range(outcome)}


def _range(outcome: RangeOutcome) -> go.Figure:
    race, bound = outcome.race, outcome.bound.rate
    rates = [each.rate for each in race.reached]
    every = [loss for each in race.reached for loss in each.losses.values()]
    up: Attributes = {
        **panels.value_axis(every, race.start, maximize=False),
        "title_text": say("range.axis.loss"),
    }
    bottom, top = (panels.in_data(up, end) for end in up["range"])
    ends = [math.log10(rates[0]) - 0.25, math.log10(rates[-1]) + 0.25]
    across: Attributes = {
        "type": "log",
        "title_text": say("range.axis.rate"),
        "range": ends,
        "tickvals": rates,
        "ticktext": [f"{rate:g}" if i % 2 == 0 else "" for i, rate in enumerate(rates)],
    }
    figure = panels.figure([""], [across], [up], height=380, margin={"t": 24})
    if race.low is not None and race.high is not None:
        figure.add_scatter(
            x=[race.low, race.high, race.high, race.low],
            y=[bottom, bottom, top, top],
            fill="toself",
            fillcolor=panels.translucent(panels.colour(5), 0.12),
            mode="none",
            hoverinfo="skip",
            showlegend=False,
        )
    _level(figure, rates, race.start)
    for i, (steps, name) in enumerate(zip(race.rungs, lines(outcome), strict=True)):
        there = [each for each in race.reached if steps in each.losses]
        losses = np.array([each.losses[steps] for each in there])
        shown = np.where(losses <= top, losses, top)  # what lies beyond stands as a cross at the upper edge
        figure.add_scatter(
            x=[each.rate for each in there],
            y=panels.listed(shown),
            name=name,
            meta=name,
            mode="lines+markers",
            cliponaxis=False,
            line={"color": panels.colour(i), "width": 2},
            marker={"size": 8, "symbol": ["circle" if loss <= top else "x" for loss in losses]},
            customdata=[f"{loss:.4g}" if math.isfinite(loss) else "∞" for loss in losses],
            hovertemplate="η %{x:g}: %{customdata}<extra></extra>",
        )
    marks = [(race.suggestion.rate, "solid", say("range.answer.suggestion"))] if race.suggestion else []
    if bound is not None and ends[0] < math.log10(bound) < ends[1]:
        marks.append((bound, "dash", say("range.answer.theory")))
    for i, (rate, dash, word) in enumerate(marks):
        _mark(figure, rate, dash, word, (bottom, top), above=i == 0, left=math.log10(rate) > sum(ends) / 2)
    return figure


def _level(figure: go.Figure, rates: list[float], start: float) -> None:
    """A dotted line at the loss before the first step."""
    figure.add_scatter(
        x=[rates[0], rates[-1]],
        y=[start, start],
        mode="lines",
        line={"color": panels.INK, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )


def _mark(
    figure: go.Figure,
    rate: float,
    dash: str,
    word: str,
    ends: tuple[float, float],
    *,
    above: bool,
    left: bool,
) -> None:
    """A line across at a rate, with a word at its upper or its lower end, to its left or its right."""
    figure.add_scatter(
        x=[rate, rate],
        y=list(ends),
        mode="lines",
        line={"color": panels.INK, "width": 1.5, "dash": dash},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_annotation(
        x=math.log10(rate),
        y=1.0 if above else 0.0,
        yref="y domain",
        text=panels.text(f"{word} {rate:.3g}"),
        showarrow=False,
        xanchor="right" if left else "left",
        xshift=-5 if left else 5,
        yanchor="top" if above else "bottom",
        font={"color": panels.INK},
    )
