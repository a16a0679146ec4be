"""The figures whose lines are optimizers over time: losses and metric, and how many runs have arrived.

Every trace of one optimizer has its name as ``meta``, and the trace of its single runs, which a page shows
when it is asked for them, a list with its name. Each line has its name at its end. ``layout.meta.along`` says
how a page turns the horizontal axis into steps, epochs and seconds.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from numpy.typing import ArrayLike

from kobai.questions.comparison.numbers import Unit, unit
from kobai.report.colours import PALETTE, Look, looks
from kobai.report.panels import (
    INK,
    POINTS,
    Attributes,
    apart,
    axis,
    figure,
    listed,
    text,
    thinned,
    translucent,
    value_axis,
)
from kobai.study import statistics
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome
from kobai.study.rows import elapsed
from kobai.study.study import CONFIRMATION
from kobai.words import metric, say

HEIGHT = 280
"""Of a panel, in pixels."""
KNOTS = 100
"""So many points say how seconds follow steps."""
LETTERS = 16
"""Of the name at the end of a line."""
SIZE = 11
"""Of its letters, in pixels."""


def looks_of(answer: Answer) -> dict[str, Look]:
    """The look of each optimizer of an answer, as it is shown, by name."""
    return looks(row.optimizer for row in answer.rows)


def line(name: str, look: Look, hover: str, **more: object) -> go.Scatter:
    """A line of one optimizer; `hover` says what the point is."""
    return go.Scatter(
        name=text(name),
        meta=name,
        legendgroup=name,
        line={**look.line, "width": 2, "shape": more.pop("shape", "linear")},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>",
        **{"mode": "lines", **more},
    )


def curves(outcome: Outcome, answer: Answer) -> go.Figure:
    """Losses and metric of the winners: median and quartiles over the fresh seeds, and the single runs."""
    task, look, cost = outcome.study.facts, looks_of(answer), unit(answer)
    columns = {name: say(f"report.axis.{name}") for name in ("training_loss", "validation_loss")}
    if task.measures_loss:  # then the metric is the validation loss
        del columns["validation_loss"]
    columns["validation_metric"] = say("report.axis.validation_metric", metric=metric(task.metric_label))
    cells = _confirmed(outcome)
    spreads = {
        column: {name: _quartiles(outcome, cells[name], column) for name in cells} for column in columns
    }
    over = {name: cost.of(own["evaluated_at"][0].to_numpy()) for name, own in cells.items()}
    last = max(x[-1] for x in over.values())
    drawing = _over(
        outcome,
        answer,
        last,
        titles=[text(title) for title in columns.values()],
        up=[_curve_axis(outcome, column, list(spreads[column].values())) for column in columns],
        columns=(len(columns), 1),
    )
    few = POINTS // (len(answer.rows) * len(columns))
    for panel, column in enumerate(columns, start=1):
        place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel)}
        for row in reversed(answer.rows):  # the best last, on top
            name = row.optimizer
            places = thinned(spreads[column][name][1], few)
            x, (low, median, high) = over[name][places], spreads[column][name][:, places]
            if row.seeds > 1:
                drawing.add_trace(_band(name, look[name].colour, x, low, high).update(place))
                drawing.add_trace(_runs(name, look[name], over[name], cells[name][column], few).update(place))
            lines = line(name, look[name], HOVER, x=x.tolist(), y=_written(median), showlegend=panel == 1)
            drawing.add_trace(lines.update(place))
    ends = {row.optimizer: spreads[column][row.optimizer][1] for row in answer.rows}
    _add_names(drawing, len(columns), ends, look, last)
    _add_target(drawing, answer, len(columns))
    return drawing


HOVER = "%{x:.4g}: %{y:.4g}"


def reached(outcome: Outcome, answer: Answer) -> go.Figure:
    """The fraction of the fresh runs that have reached the target by each step."""
    look, cost = looks_of(answer), unit(answer)
    arrivals = {name: outcome.times(cells) for name, cells in _confirmed(outcome).items()}
    last = max(steps.max() for steps in arrivals.values())  # infinite where a run never arrived
    end = float(cost.of(min(answer.steps, max(1.25 * last, 1))))
    up = {"title_text": say("report.axis.reached"), "range": [0, 1.02], "tickformat": ".0%"}
    drawing = _over(outcome, answer, end, titles=[""], up=[up], margin={"t": 12})
    ends = {}
    for row in reversed(answer.rows):
        x, y = statistics.kaplan_meier(arrivals[row.optimizer], answer.steps)
        ends[row.optimizer] = y[cost.of(x) <= end]
        places = thinned(y, POINTS // len(answer.rows))
        points = {"x": cost.of(x[places]).tolist(), "y": y[places].tolist()}
        hover = "%{x:.4g}: %{y:.0%}"
        drawing.add_trace(line(row.optimizer, look[row.optimizer], hover, **points, shape="hv"))
    # Of lines that end at one height the name of the fastest stands above.
    order = sorted(ends, key=lambda name: -statistics.restricted(arrivals[name], answer.steps).mean())
    _add_names(drawing, 1, {name: ends[name] for name in order}, look, end)
    return drawing


def _confirmed(outcome: Outcome) -> dict[str, pl.DataFrame]:
    """The cells of each winner on the fresh seeds, by the name of its optimizer."""
    return {name: outcome.cells_of(trial, CONFIRMATION) for name, trial in outcome.winners.items()}


# The horizontal axis


def _over(
    outcome: Outcome, answer: Answer, last: float, *, titles: list[str], up: list[Attributes], **more: Any
) -> go.Figure:
    """Empty panels over time until `last`, with room for names at the right."""
    cost = unit(answer)
    across = {"title_text": cost.phrase("report.along"), "range": [0, last]}
    names = [row.optimizer for row in answer.rows]
    room = 18 + 7 * max(len(name) for name in map(_short, names))
    margin = {**more.pop("margin", {}), "r": room}
    drawing = figure(titles, [across] * len(titles), up, height=HEIGHT, margin=margin, **more)
    meta = {**drawing.layout.meta, "along": _along(outcome, cost)}
    return drawing.update_layout(meta=meta)


def _along(outcome: Outcome, drawn: Unit) -> list[Attributes]:
    """What the axis can be, first what it is drawn in: a word, a title, and how a value becomes another one.

    That is a factor (``scale``), or for each optimizer a table (``knots``) between whose values it is linear.
    """
    study = outcome.study
    scales = {"steps": drawn.steps, "epochs": drawn.steps / study.epoch if study.epoch else 0.0}
    if {"batch_size", "accumulate", "sampling"} & {each.name for each in study.axes}:
        del scales["epochs"]  # then a step is not one number of examples
    ways: list[Attributes] = [
        {"unit": say(f"report.unit.{name}"), "title": say(f"report.along.{name}"), "scale": scale}
        for name, scale in sorted(scales.items(), key=lambda item: item[0] != drawn.name)
        if scale
    ]
    knots = {}
    for name, cells in _confirmed(outcome).items():
        marks = drawn.of(cells["evaluated_at"][0].to_numpy())
        seconds = np.median(elapsed(cells), axis=0)
        places = thinned(seconds, KNOTS)
        knots[name] = [marks[places].tolist(), [float(f"{value:.4g}") for value in seconds[places]]]
    names = {"unit": say("report.unit.seconds"), "title": say("report.along.seconds")}
    return [*ways, {**names, "knots": knots}]


# What is drawn


def _maximize(outcome: Outcome, column: str) -> bool:
    return column == "validation_metric" and outcome.study.facts.maximize


def _quartiles(outcome: Outcome, cells: pl.DataFrame, column: str) -> np.ndarray:
    """[3, evaluations]: lower quartile, median, upper quartile over the runs; a diverged run is the worst."""
    values = np.array(cells[column].to_list(), float)
    values = np.where(np.isfinite(values), values, -np.inf if _maximize(outcome, column) else np.inf)
    with np.errstate(invalid="ignore"):  # ∞ − ∞, where all have diverged
        return np.quantile(values, (0.25, 0.5, 0.75), axis=0)


def _curve_axis(outcome: Outcome, column: str, spreads: list[np.ndarray]) -> Attributes:
    """The axis from the best value (of the metric, or the target) to the start.

    That of a metric that rises begins where a tenth of the budget has brought the slowest, so that its end
    can be read.
    """
    maximize = _maximize(outcome, column)
    target = outcome.target if column == "validation_metric" else np.nan
    tenth = spreads[0].shape[1] // 10 if maximize else 0
    starts = [median[np.isfinite(median)] for _, median, _ in spreads]
    starts = [median[min(tenth, median.size - 1)] for median in starts if median.size]
    start = (min if maximize else max)(starts, default=np.nan)
    return value_axis(np.append(spreads, target), start, maximize)


def _written(heights: ArrayLike) -> list[float | None]:
    """Heights as plotly has them, to the seven figures that single precision has: a page is half as large."""
    return [None if height is None else float(f"{height:.7g}") for height in listed(heights)]


def _band(name: str, colour: str, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> go.Scatter:
    """The area between two curves, where both are finite."""
    both = np.isfinite(low) & np.isfinite(high)
    return go.Scatter(
        x=[*x[both].tolist(), *x[both][::-1].tolist()],
        y=_written([*low[both], *high[both][::-1]]),
        name=text(name),
        meta=name,
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
        mode="lines",
        line_width=0,
        fill="toself",
        fillcolor=translucent(colour, 0.16),
    )


def _runs(name: str, look: Look, x: np.ndarray, runs: pl.Series, most: int) -> go.Scatter:
    """Every run by itself, in one trace with gaps, which a page shows when it is asked for."""
    across: list[float | None] = []
    up: list[float | None] = []
    for run in runs:
        places = thinned(run, max(most // len(runs), 2))
        across += [*x[places].tolist(), None]
        up += [*_written(np.asarray(run, float)[places]), None]
    return go.Scatter(
        x=across,
        y=up,
        name=text(name),
        meta=["runs", name],
        visible=False,
        showlegend=False,
        hoverinfo="skip",
        mode="lines",
        line={"color": look.colour, "width": 1},
        opacity=0.55,
    )


def _add_names(
    drawing: go.Figure, panel: int, lines: Mapping[str, np.ndarray], look: Mapping[str, Look], x: float
) -> None:
    """The name of each line at its end, behind a dot: a trace, which hides with the line. Names are as far
    apart as letters are high.

    Args:
      lines: the heights of each line, by name.
      x: the right end of the axis.
    """
    up = drawing.layout["yaxis" if panel == 1 else f"yaxis{panel}"]
    if up.range is None:
        return
    low, high = up.range
    finite = {name: heights[np.isfinite(heights)] for name, heights in lines.items()}
    ends = np.array([heights[-1] if heights.size else np.nan for heights in finite.values()])
    if up.type == "log":
        ends = np.log10(ends)
    ends = np.clip(np.nan_to_num(ends, nan=high), low, high)
    if len(ends) <= len(PALETTE):
        ends = apart(ends, 1.2 * SIZE * (high - low) / HEIGHT, low, high)
    for name, end in zip(lines, ends, strict=True):
        drawing.add_scatter(
            x=[x],
            y=[float(10**end if up.type == "log" else end)],
            mode="markers+text",
            marker={"color": look[name].colour, "size": 6},
            text=[text(_short(name))],
            textposition="middle right",
            textfont_size=SIZE,
            meta=name,
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
            xaxis=axis("x", panel),
            yaxis=axis("y", panel),
        )


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _add_target(drawing: go.Figure, answer: Answer, panel: int) -> None:
    """A dotted line at the target, across one panel; its name where curves seldom are: below a target that
    they have passed, or above one that they have still to come down to."""
    place = {"xref": f"{axis('x', panel)} domain", "yref": axis("y", panel)}
    y, dotted = answer.target, {"color": INK, "width": 1, "dash": "dot"}
    drawing.add_shape(type="line", x0=0, x1=1, y0=y, y1=y, line=dotted, **place)
    if drawing.layout["yaxis" if panel == 1 else f"yaxis{panel}"].type == "log":
        y = float(np.log10(y))  # a text's place on a logarithmic axis, unlike a line's, is an exponent
    if answer.maximize:
        side = {"x": 0.99, "xanchor": "right", "yanchor": "top"}
    else:
        side = {"x": 0.01, "xanchor": "left", "yanchor": "bottom"}
    name = say("report.target", target=f"{answer.target:.4g}")
    drawing.add_annotation(text=name, y=y, showarrow=False, font_size=11, **side, **place)
