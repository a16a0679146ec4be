"""The figure of the learning rates: where each optimizer works with each initial value, and where not."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kobai.candidates.grid import Candidate
from kobai.candidates.values import learning_rate
from kobai.report.panels import (
    DASHES,
    INK,
    SYMBOLS,
    axis,
    colour,
    figure,
    in_data,
    listed,
    text,
    thinned,
    translucent,
    value_axis,
    within,
)
from kobai.study.outcome import Outcome
from kobai.study.study import TUNING, Study
from kobai.words import metric, say

ROW = 0.07
"""Height of a row of crosses, as a part of the axis."""


POINTS, RUNS = 6_000, 300
"""So many rates are drawn in the figure, and so many runs of one optimizer with one initial value."""


class Point(NamedTuple):
    """One learning rate with one initial value."""

    rate: float | str
    """A dash for an optimizer without one."""
    median: float
    """The median of the final metric, a diverged run counted as the worst: infinite where most have diverged.
    The best of several variants that have this rate."""
    finals: tuple[float, ...]
    """The final metric of every run, NaN where it diverged."""


class Frame(NamedTuple):
    """The vertical axis that the panels share."""

    values: dict[str, Any]
    """The axis of what can be shown as a number."""
    rows: list[float]
    """The row of crosses of each initial value, beyond the bad end of the axis."""
    whole: dict[str, Any]
    """The axis with the rows, if there is any run to cross out."""


def learning_rates(outcome: Outcome) -> go.Figure:
    """The final metric of every tuning run over its learning rate: a panel for each optimizer."""
    candidates, initializers = outcome.study.candidates, outcome.study.initializers
    cells, frame = _tuning(outcome), _frame(outcome)
    lines = -(-len(candidates) // 4)
    most = max(POINTS // (len(candidates) * len(initializers)), 10)
    drawing = figure(
        [text(candidate.name) for candidate in candidates],
        [_rate_axis(candidate) for candidate in candidates],
        [frame.whole] * len(candidates),
        height=190,
        columns=(-(-len(candidates) // lines), min(2, len(candidates))),
        margin={"t": 76},
    )
    for panel, candidate in enumerate(candidates, start=1):
        ink, winner = colour(panel - 1), outcome.winners[candidate.name]
        place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel), "showlegend": False}
        for i, initializer in enumerate(initializers):
            pair = pl.col("optimizer") == candidate.name, pl.col("initializer") == initializer.name
            points = _points(cells.filter(*pair), outcome.study)
            points = [points[k] for k in _drawn(points, most, learning_rate(winner.variant))]
            traces = [_line(outcome, points, frame, i, ink), _runs(points, frame, ink)]
            traces.append(_crosses(points, frame, i, ink))
            if winner.initializer.name == initializer.name:
                traces.append(_ring(points, frame, i, ink, learning_rate(winner.variant)))
            same = {"name": text(initializer.name), "legendgroup": initializer.name, **place}
            drawing.add_traces([trace.update(same) for trace in traces])
    drawing.add_traces(list(_keys(outcome, crosses=crossed(outcome))))
    legend = {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    meta = drawing.layout.meta
    for panel in range(1, len(candidates) + 1):  # a number at every second decade where there is little room
        for page, step in (("wide", 1), ("narrow", 2)):
            meta[page][f"xaxis{'' if panel == 1 else panel}.ticklabelstep"] = step
    return drawing.update_layout(legend=legend, legend_traceorder="normal", meta=meta)


def _drawn(points: list[Point], most: int, chosen: float | None) -> list[int]:
    """Which of the points are drawn: about `most`, with the rate that was chosen among them."""
    kept = set(thinned([point.median for point in points], most).tolist())
    return sorted(kept | {k for k, point in enumerate(points) if point.rate == chosen})


def crossed(outcome: Outcome) -> bool:
    """Whether any run of the tuning is drawn as a cross: it diverged, or ended far worse than it began."""
    frame = _frame(outcome)
    return frame.whole is not frame.values


def _points(cells: pl.DataFrame, study: Study) -> list[Point]:
    """The points of one optimizer with one initial value, by rate."""
    worst, better = (-np.inf, max) if study.task.maximize else (np.inf, min)
    points: dict[Any, Point] = {}
    settings = cells.sort("learning_rate").group_by("learning_rate", *study.columns, maintain_order=True)
    for (rate, *_), group in settings:
        finals = np.array([curve[-1] for curve in group["validation_metric"].to_list()], float)
        median = float(np.median(np.where(np.isfinite(finals), finals, worst)))
        before = points.get(rate, Point("–" if rate is None else rate, worst, ()))
        points[rate] = Point(before.rate, better(before.median, median), (*before.finals, *finals.tolist()))
    return list(points.values())


def _tuning(outcome: Outcome) -> pl.DataFrame:
    return outcome.cells.filter(pl.col("phase") == TUNING)


def _frame(outcome: Outcome) -> Frame:
    curves = np.array(_tuning(outcome)["validation_metric"].to_list(), float)
    maximize = outcome.study.task.maximize
    values = value_axis(curves[:, -1], float(np.median(curves[:, 0])), maximize)
    if "range" not in values:
        return Frame(values, [0.0] * len(outcome.study.initializers), values)
    low, high = values["range"]
    bad, step = (low, (low - high) * ROW) if maximize else (high, (high - low) * ROW)
    rows = [bad + step * (i + 1) for i in range(len(outcome.study.initializers))]
    ends = sorted((low, high, rows[-1] + step))
    whole = values if within(curves[:, -1], values).all() else {**values, "range": [ends[0], ends[-1]]}
    return Frame(values, [in_data(values, row) for row in rows], whole)


def _rate_axis(candidate: Candidate) -> dict[str, Any]:
    """Logarithmic, with a number at each decade; none for an optimizer that has no learning rate."""
    rates = candidate.learning_rates()
    if not rates:
        return {"type": "category", "title_text": say("report.axis.no_rate"), "showticklabels": False}
    title = {"title_text": say("report.axis.learning_rate")}
    if rates[0] <= 0:
        return title
    if rates[-1] < 10 * rates[0]:
        return {**title, "type": "log", "nticks": 4}
    return {**title, "type": "log", "dtick": 1, "exponentformat": "power", "tickfont_size": 10}


def _line(outcome: Outcome, points: list[Point], frame: Frame, i: int, ink: str) -> go.Scatter:
    """The medians, as far as they are on the axis."""
    medians = [point.median if within(point.median, frame.values) else np.nan for point in points]
    label = text(metric(outcome.study.task.metric_label))
    hover = f"{say('report.axis.learning_rate')} %{{x}}<br>{label} %{{y:.4g}}"
    return go.Scatter(
        x=[point.rate for point in points],
        y=listed(medians),
        mode="lines+markers",
        line={"color": ink, "width": 1.5, "dash": DASHES[i % len(DASHES)]},
        marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>",
    )


def _runs(points: list[Point], frame: Frame, ink: str) -> go.Scatter:
    """A small dot for each run."""
    few = max(RUNS // max(len(points), 1), 3)
    finals = {point.rate: np.sort(point.finals)[thinned(np.sort(point.finals), few)] for point in points}
    runs = [(rate, final) for rate, some in finals.items() for final in some if within(final, frame.values)]
    return go.Scatter(
        x=[rate for rate, _ in runs],
        y=[final for _, final in runs],
        mode="markers",
        marker={"color": translucent(ink, 0.45), "size": 4},
        hoverinfo="skip",
    )


def _crosses(points: list[Point], frame: Frame, i: int, ink: str) -> go.Scatter:
    """A cross in the row of the initial value at each rate with runs that are off the axis, with how many."""
    lost = {point.rate: int(np.sum(~within(point.finals, frame.values))) for point in points}
    runs = {point.rate: len(point.finals) for point in points}
    rates = [rate for rate, count in lost.items() if count]
    rate_word = say("report.axis.learning_rate")
    return go.Scatter(
        x=rates,
        y=[frame.rows[i]] * len(rates),
        mode="markers",
        marker={"symbol": "x-thin-open", "size": 7, "color": ink, "line_width": 1.5},
        hovertext=[say("report.hover.diverged", count=lost[rate], runs=runs[rate]) for rate in rates],
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{rate_word} %{{x}}<br>%{{hovertext}}<extra></extra>",
    )


def _ring(points: list[Point], frame: Frame, i: int, ink: str, rate: float | None) -> go.Scatter:
    """A ring around the rate that tuning chose."""
    [chosen] = [point for point in points if point.rate == ("–" if rate is None else rate)]
    y = chosen.median if within(chosen.median, frame.values) else frame.rows[i]
    marker = {"symbol": "circle-open", "size": 15, "color": ink, "line_width": 1.5}
    return go.Scatter(x=[chosen.rate], y=[y], mode="markers", marker=marker, hoverinfo="skip")


def _keys(outcome: Outcome, crosses: bool) -> Iterator[go.Scatter]:
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
        yield _key(say("report.key.diverged"), mode="markers", marker=cross)


def _key(name: str, **look: Any) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], name=text(name), **look)
