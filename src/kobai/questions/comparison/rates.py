"""The figure of the learning rates: where each optimizer works with each initial value, and where not.

It shows what tuning chose by (`Measure`): steps or seconds to the target, or the final metric, which also
stands where no run of the tuning arrived.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from kobai.candidates.grid import Candidate
from kobai.candidates.values import learning_rate, rate_is_factor
from kobai.questions.comparison.numbers import Unit, unit
from kobai.report.colours import DASHES, Look
from kobai.report.panels import (
    INK,
    SYMBOLS,
    Attributes,
    axis,
    figure,
    in_data,
    listed,
    text,
    thinned,
    translucent,
    value_axis,
    wider,
    within,
)
from kobai.study.answer import Answer
from kobai.study.cells import Names
from kobai.study.criterion import FINAL, STEPS
from kobai.study.outcome import Outcome
from kobai.study.study import TUNING
from kobai.words import metric, say

ROW = 0.07
"""Height of a row of crosses, as a part of the axis."""


POINTS, RUNS = 6_000, 300
"""So many rates are drawn in the figure, and so many runs of one optimizer with one initial value."""


class Measure(NamedTuple):
    """What the tuning was ranked by, of every run."""

    name: str
    """``target`` or ``final``, for the words of the figure."""
    title: str
    runs: Mapping[Names, np.ndarray]
    """Of each run of a trial of the tuning; not finite where it never arrived, or diverged."""
    means: Mapping[Names, float]
    """Of a trial the mean of what is compared (`Study.measures`), by which it is ranked."""
    told: Callable[[float], float]
    """A mean of these as a number on the axis."""
    axis: Attributes
    better: Callable[..., float]


class RatePoint(NamedTuple):
    """One learning rate with one initial value."""

    rate: float | str
    """A dash for an optimizer without one."""
    centre: float
    """The mean by which the runs are ranked. The best of the variants that have this rate."""
    runs: tuple[float, ...]
    """Every run, not finite where it never arrived or diverged."""


class Frame(NamedTuple):
    """The vertical axis that the panels share."""

    values: Attributes
    """The axis of what can be shown as a number."""
    rows: list[float]
    """The row of crosses of each initial value, beyond the bad end of the axis."""
    whole: Attributes
    """The axis with the rows, if there is any run to cross out."""


def measure(outcome: Outcome, cost: Unit) -> Measure:
    """What the tuning of this study was ranked by; steps are told in the unit of cost."""
    study, tuning = outcome.study, outcome.in_phase(TUNING)
    by = outcome.by if any(np.isfinite(times).any() for times in outcome.tuned.values()) else FINAL
    compared = outcome.compared(by)
    means = {names: float(each.x.mean()) for names, each in compared.items()}
    if by == FINAL:
        sign = -1 if study.facts.maximize else 1
        ends = {}
        for names, cells in tuning.each("validation_metric"):
            metrics = cells["validation_metric"].list
            ends[names] = [each.to_numpy().astype(float) for each in (metrics.first(), metrics.last())]
        starts, last = (np.concatenate(each) for each in zip(*ends.values(), strict=True))
        return Measure(
            "final",
            say("report.axis.final", metric=metric(study.facts.metric_label)),
            {names: end for names, (_, end) in ends.items()},
            means,
            lambda mean: sign * mean,
            value_axis(last, float(np.median(starts)), study.facts.maximize),
            max if study.facts.maximize else min,
        )
    one = cost.steps if by == STEPS else 1.0
    amounts = {names: np.exp(each.x) / one for names, each in compared.items()}
    most = study.steps / one if by == STEPS else float(max(each.max() for each in amounts.values()))
    return Measure(
        "target",
        cost.phrase("report.axis.cost") if by == STEPS else say("report.axis.cost.seconds"),
        {names: np.where(compared[names].arrived, each, np.inf) for names, each in amounts.items()},
        means,
        lambda mean: math.exp(mean) / one,
        _ratio_axis(float(min(each.min() for each in amounts.values())), most),
        min,
    )


def _ratio_axis(least: float, most: float) -> Attributes:
    """A logarithmic axis of what costs something, up to the most."""
    low, high = math.log10(least), math.log10(most)
    room, marks = 0.05 * (high - low or 1), _marks(least, most)
    return {
        "type": "log",
        "range": [low - room, high + room],
        "tickvals": marks,
        "ticktext": [f"{mark:.3g}" if mark < 1000 else f"{mark:.0f}" for mark in marks],
    }


def _marks(least: float, most: float) -> list[float]:
    """1, 2, 5, 10, 20, … up to the budget `most`, which is one of them; the next is not close to it."""
    decades = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 1)
    marks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return [*(mark for mark in marks if mark < most / 1.5), most]


def learning_rates(outcome: Outcome, answer: Answer, looks: Mapping[str, Look]) -> go.Figure:
    """What tuning chose by, of every run over its learning rate: a panel for each optimizer."""
    candidates, initializers = outcome.study.candidates, outcome.study.initializers
    by = measure(outcome, unit(answer))
    frame = _frame(outcome, by)
    lines = -(-len(candidates) // 4)
    most = max(POINTS // (len(candidates) * len(initializers)), 10)
    drawing = figure(
        [text(candidate.name) for candidate in candidates],
        [_rate_axis(candidate) for candidate in candidates],
        [{**frame.whole, "title_text": by.title if panel == 0 else ""} for panel in range(len(candidates))],
        height=190,
        columns=(-(-len(candidates) // lines), min(2, len(candidates))),
        margin={"t": 76},
    )
    for panel, candidate in enumerate(candidates, start=1):
        ink, winner = looks[candidate.name].colour, outcome.winners[candidate.name]
        place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel), "showlegend": False}
        for i, initializer in enumerate(initializers):
            points = _points(outcome, candidate.name, initializer.name, by)
            points = [points[k] for k in _drawn(points, most, learning_rate(winner.variant))]
            traces = [_line(by, points, frame, i, ink), _runs(points, frame, ink)]
            traces.append(_crosses(by.name, points, frame, i, ink))
            if winner.initializer.name == initializer.name:
                traces.append(_ring(points, frame, i, ink, learning_rate(winner.variant)))
            same = {"name": text(initializer.name), "legendgroup": initializer.name, **place}
            drawing.add_traces([trace.update(same) for trace in traces])
    drawing.add_traces(list(_keys(outcome, by, crosses=frame.whole is not frame.values)))
    legend = {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    meta = drawing.layout.meta
    for panel, candidate in enumerate(candidates, start=1):
        if _rate_axis(candidate).get("dtick"):  # so many numbers as there is room for
            rates = candidate.learning_rates()
            for page, numbers in (("wide", 6), ("narrow", 3)):
                step = math.ceil(math.log10(rates[-1] / rates[0]) / numbers)
                meta[page][f"xaxis{'' if panel == 1 else panel}.dtick"] = step
    wider(meta["narrow"], drawing.layout.margin.t, 28 * (1 + len(initializers) // 3))  # for the legend
    meta["wide"]["margin.t"] = drawing.layout.margin.t
    return drawing.update_layout(legend=legend, legend_traceorder="normal", meta=meta)


def _drawn(points: list[RatePoint], most: int, choice: float | None) -> list[int]:
    """Which of the points are drawn: about `most`, with the rate that was chosen among them."""
    positions = set(thinned([point.centre for point in points], most).tolist())
    return sorted(positions | {k for k, point in enumerate(points) if point.rate == choice})


def crossed(outcome: Outcome, by: Measure) -> bool:
    """Whether any run of the tuning is drawn as a cross: it never arrived, diverged, or ended far worse than
    it began."""
    frame = _frame(outcome, by)
    return frame.whole is not frame.values


def _points(outcome: Outcome, optimizer: str, initializer: str, by: Measure) -> list[RatePoint]:
    """The points of one optimizer with one initial value, by rate."""
    points: dict[float | None, RatePoint] = {}
    place = outcome.study.columns.index("initializer")
    rates = {
        names: rate
        for names, rate in outcome.in_phase(TUNING).rates.items()
        if (names[0], names[place]) == (optimizer, initializer)
    }
    for names in sorted(rates, key=lambda names: rates[names] or 0.0):  # all have a rate, or none has
        rate, centre = rates[names], by.told(by.means[names])
        before = points.get(rate, RatePoint("–" if rate is None else rate, centre, ()))
        best = by.better(before.centre, centre)
        points[rate] = RatePoint(before.rate, best, (*before.runs, *by.runs[names].tolist()))
    return list(points.values())


def _frame(outcome: Outcome, by: Measure) -> Frame:
    """The axis of the measure, and beyond its bad end a row of crosses for each initial value."""
    if "range" not in by.axis:
        return Frame(by.axis, [0.0] * len(outcome.study.initializers), by.axis)
    low, high = by.axis["range"]
    bad, step = (low, (low - high) * ROW) if by.better is max else (high, (high - low) * ROW)
    rows = [bad + step * (i + 1) for i in range(len(outcome.study.initializers))]
    ends = sorted((low, high, rows[-1] + step))
    is_whole = all(within(runs, by.axis).all() for runs in by.runs.values())
    whole = by.axis if is_whole else {**by.axis, "range": [ends[0], ends[-1]]}
    return Frame(by.axis, [in_data(by.axis, row) for row in rows], whole)


def _rate_axis(candidate: Candidate) -> Attributes:
    """Logarithmic, with a number at each decade; none for an optimizer that has no learning rate."""
    rates = candidate.learning_rates()
    if not rates:
        return {"type": "category", "title_text": say("report.axis.no_rate"), "showticklabels": False}
    factor = rate_is_factor(candidate.variants[0])
    title = {"title_text": say("report.axis.factor" if factor else "report.axis.learning_rate")}
    if rates[0] <= 0:
        return title
    if rates[-1] < 10 * rates[0]:
        return {**title, "type": "log", "nticks": 4}
    return {**title, "type": "log", "dtick": 1, "exponentformat": "power", "tickfont_size": 10}


def _line(by: Measure, points: list[RatePoint], frame: Frame, i: int, ink: str) -> go.Scatter:
    """The centres, as far as they are on the axis."""
    centres = [point.centre if within(point.centre, frame.values) else np.nan for point in points]
    hover = f"{say('report.axis.learning_rate')} %{{x}}<br>{text(by.title)} %{{y:.4g}}"
    return go.Scatter(
        x=[point.rate for point in points],
        y=listed(centres),
        mode="lines+markers",
        line={"color": ink, "width": 1.5, "dash": DASHES[i % len(DASHES)]},
        marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>",
    )


def _runs(points: list[RatePoint], frame: Frame, ink: str) -> go.Scatter:
    """A small dot for each run."""
    few = max(RUNS // max(len(points), 1), 3)
    shown = {point.rate: np.sort(point.runs)[thinned(np.sort(point.runs), few)] for point in points}
    runs = [(rate, run) for rate, some in shown.items() for run in some if within(run, frame.values)]
    return go.Scatter(
        x=[rate for rate, _ in runs],
        y=[run for _, run in runs],
        mode="markers",
        marker={"color": translucent(ink, 0.45), "size": 4},
        hoverinfo="skip",
    )


def _crosses(name: str, points: list[RatePoint], frame: Frame, i: int, ink: str) -> go.Scatter:
    """A cross in the row of the initial value at each rate with runs that are off the axis, with how many."""
    lost = {point.rate: int(np.sum(~within(point.runs, frame.values))) for point in points}
    runs = {point.rate: len(point.runs) for point in points}
    rates = [rate for rate, count in lost.items() if count]
    rate_word = say("report.axis.learning_rate")
    return go.Scatter(
        x=rates,
        y=[frame.rows[i]] * len(rates),
        mode="markers",
        marker={"symbol": "x-thin-open", "size": 7, "color": ink, "line_width": 1.5},
        hovertext=[say(f"report.hover.lost.{name}", count=lost[rate], runs=runs[rate]) for rate in rates],
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{rate_word} %{{x}}<br>%{{hovertext}}<extra></extra>",
    )


def _ring(points: list[RatePoint], frame: Frame, i: int, ink: str, rate: float | None) -> go.Scatter:
    """A ring around the rate that tuning chose."""
    [choice] = [point for point in points if point.rate == ("–" if rate is None else rate)]
    y = choice.centre if within(choice.centre, frame.values) else frame.rows[i]
    marker = {"symbol": "circle-open", "size": 15, "color": ink, "line_width": 1.5}
    return go.Scatter(x=[choice.rate], y=[y], mode="markers", marker=marker, hoverinfo="skip")


def _keys(outcome: Outcome, by: Measure, crosses: bool) -> Iterator[go.Scatter]:
    """The legend: traces without points, in the ink of the letters."""
    for i, initializer in enumerate(outcome.study.initializers):
        line = {"color": INK, "width": 1.5, "dash": DASHES[i % len(DASHES)]}
        marker = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7, "color": INK}
        name = initializer.name
        yield _key(name, mode="lines+markers", line=line, marker=marker, legendgroup=name)
    ring = {"symbol": "circle-open", "size": 13, "color": INK, "line_width": 1.5}
    yield _key(say("report.key.chosen"), mode="markers", marker=ring)
    if crosses:
        cross = {"symbol": "x-thin-open", "size": 7, "color": INK, "line_width": 1.5}
        yield _key(say(f"report.key.lost.{by.name}"), mode="markers", marker=cross)


def _key(name: str, **look: object) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], name=text(name), **look)
