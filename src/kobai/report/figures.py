"""The five figures of a report, as plotly figures; an optimizer has one colour in all of them.

`figures(outcome, answer)` gives them by name. Two show what was confirmed on the fresh seeds (curves,
reached), three what tuning saw (learning_rates, map, tuning). Every trace of one optimizer has the
optimizer's name as its ``meta``.
"""

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kobai.report.panels import DASHES, INK, SYMBOLS, axis, colour, figure, listed, text, translucent, value_axis, within
from kobai.study import statistics
from kobai.study.answer import Answer, Pair
from kobai.study.grid import Candidate
from kobai.study.protocol import CONFIRMATION, TUNING, Outcome, cells_of, times
from kobai.words import say

FAST, NEVER = "#0b7d74", "#eceff0"
"""Ends of the colour scale of the map, on a light page."""


def figures(outcome: Outcome, answer: Answer) -> dict[str, go.Figure]:
    """The figures by name: curves, learning_rates, map, reached, tuning."""
    return {
        "curves": _curves(outcome, answer),
        "learning_rates": _learning_rates(outcome),
        "map": _map(answer),
        "reached": _reached(outcome, answer),
        "tuning": _tuning(outcome, answer),
    }


def colours(outcome: Outcome) -> dict[str, str]:
    """The colour of each optimizer, by name."""
    return {candidate.name: colour(i) for i, candidate in enumerate(outcome.study.candidates)}


def _line(name: str, colour: str, hover: str, **more: object) -> go.Scatter:
    """A line of one optimizer; `hover` says what the point is."""
    return go.Scatter(
        name=text(name),
        meta=name,
        legendgroup=name,
        line={"color": colour, "width": 2, "shape": more.pop("shape", "linear")},
        hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>",
        **{"mode": "lines", **more},
    )


# What was confirmed


def _curves(outcome: Outcome, answer: Answer) -> go.Figure:
    """Losses and metric of the winners over the steps: median and quartiles over the fresh seeds."""
    task, look = outcome.study.task, colours(outcome)
    columns = {name: say(f"report.axis.{name}") for name in ("training_loss", "validation_loss")}
    if task.metric is None:  # then the metric is the validation loss
        del columns["validation_loss"]
    columns["validation_metric"] = say("report.axis.validation_metric", metric=task.measure)
    cells = {name: cells_of(outcome.cells, trial, CONFIRMATION) for name, trial in outcome.winners.items()}
    spreads = {
        column: {name: _quartiles(cells[name], column, _maximize(outcome, column)) for name in cells} for column in columns
    }
    across = {"title_text": say("report.axis.step"), "range": [0, answer.steps]}
    made = figure(
        [text(title) for title in columns.values()],
        [across] * len(columns),
        [_curve_axis(list(spreads[column].values()), _maximize(outcome, column)) for column in columns],
        columns=(len(columns), 1),
    )
    hover = say("report.axis.step") + " %{x}: %{y:.4g}"
    for panel, column in enumerate(columns, start=1):
        place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel)}
        for row in reversed(answer.rows):  # the best last, on top
            name = row.optimizer
            x, (low, median, high) = cells[name]["evaluated_at"][0].to_numpy(), spreads[column][name]
            if row.seeds > 1:
                made.add_trace(_band(name, look[name], x, low, high, **place))
            line = _line(name, look[name], hover, x=x.tolist(), y=listed(median), showlegend=panel == 1, **place)
            made.add_trace(line)
    _target_line(made, answer, len(columns))
    return made


def _maximize(outcome: Outcome, column: str) -> bool:
    return column == "validation_metric" and outcome.study.task.maximize


def _quartiles(cells: pl.DataFrame, column: str, maximize: bool) -> np.ndarray:
    """[3, evaluations]: lower quartile, median and upper quartile over the runs; a diverged run is the worst."""
    curves = np.array(cells[column].to_list(), float)
    curves = np.where(np.isfinite(curves), curves, -np.inf if maximize else np.inf)
    with np.errstate(invalid="ignore"):  # ∞ − ∞, where all have diverged
        return np.quantile(curves, (0.25, 0.5, 0.75), axis=0)


def _curve_axis(spreads: list[np.ndarray], maximize: bool) -> dict:
    starts = [median[np.isfinite(median)][0] for _, median, _ in spreads if np.isfinite(median).any()]
    return value_axis(spreads, (min if maximize else max)(starts, default=np.nan), maximize)


def _band(name: str, colour: str, x: np.ndarray, low: np.ndarray, high: np.ndarray, **place: str) -> go.Scatter:
    """The area between two curves, where both are finite."""
    both = np.isfinite(low) & np.isfinite(high)
    return go.Scatter(
        x=[*x[both].tolist(), *x[both][::-1].tolist()],
        y=[*low[both].tolist(), *high[both][::-1].tolist()],
        **{"name": text(name), "meta": name, "legendgroup": name, "showlegend": False, "hoverinfo": "skip"},
        **{"mode": "lines", "line_width": 0, "fill": "toself", "fillcolor": translucent(colour, 0.16)},
        **place,
    )


def _target_line(made: go.Figure, answer: Answer, panel: int) -> None:
    """A dotted line at the target, across one panel."""
    place = {"xref": f"{axis('x', panel)} domain", "yref": axis("y", panel)}
    made.add_shape(
        type="line", x0=0, x1=1, y0=answer.target, y1=answer.target, line={"color": INK, "width": 1, "dash": "dot"}, **place
    )
    logarithmic = made.layout["yaxis" if panel == 1 else f"yaxis{panel}"].type == "log"
    made.add_annotation(
        text=say("report.target", target=f"{answer.target:.4g}"),
        y=np.log10(answer.target) if logarithmic else answer.target,
        **{"x": 0.01, "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font_size": 11},
        **place,
    )


def _reached(outcome: Outcome, answer: Answer) -> go.Figure:
    """The fraction of the fresh runs that have reached the target by each step."""
    look = colours(outcome)
    across = {"title_text": say("report.axis.step"), "range": [0, answer.steps]}
    up = {"title_text": say("report.axis.reached"), "range": [0, 1.02], "tickformat": ".0%"}
    made = figure([""], [across], [up], height=320, margin={"t": 12})
    for row in reversed(answer.rows):
        found = times(outcome.study, cells_of(outcome.cells, outcome.winners[row.optimizer], CONFIRMATION), outcome.target)
        x, y = statistics.kaplan_meier(found, answer.steps)
        hover = say("report.axis.step") + " %{x}: %{y:.0%}"
        made.add_trace(_line(row.optimizer, look[row.optimizer], hover, x=x.tolist(), y=y.tolist(), shape="hv"))
    return made


# What tuning saw


def _learning_rates(outcome: Outcome) -> go.Figure:
    """The last metric of every tuning run over its learning rate: a panel for each optimizer."""
    task, candidates = outcome.study.task, outcome.study.candidates
    cells = outcome.cells.filter(pl.col("phase") == TUNING).with_columns(
        first=pl.col("validation_metric").list.first(), final=pl.col("validation_metric").list.last()
    )
    up = value_axis(cells["final"].to_numpy(), float(cells["first"].median()), task.maximize)  # type: ignore[arg-type]
    missing = bool((~within(cells["final"].to_numpy(), up)).any())
    shown, floors = _with_floors(up, len(outcome.study.initializers) if missing else 0, task.maximize)
    rows = -(-len(candidates) // 4)
    made = figure(
        [text(candidate.name) for candidate in candidates],
        [_rate_axis(candidate) for candidate in candidates],
        [shown] * len(candidates),
        height=190,
        columns=(-(-len(candidates) // rows), min(2, len(candidates))),
        margin={"t": 64},
    )
    for panel, candidate in enumerate(candidates, start=1):
        own = cells.filter(pl.col("optimizer") == candidate.name)
        made.add_traces(list(_rate_traces(outcome, candidate, own, colour(panel - 1), up, floors, panel)))
    for i, initializer in enumerate(outcome.study.initializers):
        marker = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 8}
        made.add_trace(_key(initializer.name, mode="lines+markers", marker=marker, line_dash=DASHES[i % len(DASHES)]))
    made.add_trace(_key(say("report.chosen"), mode="markers", marker={"symbol": "circle-open", "size": 14}))
    if missing:
        made.add_trace(_key(say("report.diverged"), mode="markers", marker={"symbol": "x-thin-open", "size": 8}))
    legend = {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top", "traceorder": "normal"}
    return made.update_layout(legend=legend)


def _rate_traces(
    outcome: Outcome, candidate: Candidate, cells: pl.DataFrame, ink: str, up: dict, floors: list[float], panel: int
) -> Iterator[go.Scatter]:
    """For each initial value: the line of medians, the single runs, the runs that are off the axis; the choice."""
    task, winner = outcome.study.task, outcome.winners[candidate.name]
    place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel), "showlegend": False}
    what = f"{say('report.axis.learning_rate')} %{{x}}<br>{text(task.measure)} %{{y:.4g}}"
    for i, initializer in enumerate(outcome.study.initializers):
        own = cells.filter(pl.col("initializer") == initializer.name).sort("learning_rate")
        same = {"name": text(initializer.name), "legendgroup": initializer.name, **place}
        rates, finals = _positions(own["learning_rate"]), own["final"].to_numpy()
        on = within(finals, up)
        medians = _medians(own, task.maximize)
        heights = np.where(within(list(medians.values()), up), list(medians.values()), np.nan)
        yield go.Scatter(
            x=list(medians),
            y=listed(heights),
            mode="lines+markers",
            line={"color": ink, "width": 1.5, "dash": DASHES[i % len(DASHES)]},
            marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7},
            hovertemplate=f"<b>%{{fullData.name}}</b><br>{what}<extra></extra>",
            **same,
        )
        if outcome.study.tuning_seeds > 1:
            x, y = [x for x, good in zip(rates, on, strict=True) if good], finals[on].tolist()
            yield go.Scatter(x=x, y=y, mode="markers", marker={"color": translucent(ink, 0.4), "size": 4}, hoverinfo="skip", **same)
        lost = [x for x, good in zip(rates, on, strict=True) if not good]
        if lost:
            x = list(dict.fromkeys(lost))
            share = [say("report.hover.diverged", count=lost.count(at), runs=rates.count(at)) for at in x]
            yield go.Scatter(
                x=x,
                y=[floors[i]] * len(x),
                mode="markers",
                marker={"symbol": "x-thin-open", "size": 7, "line": {"color": ink, "width": 1.5}},
                hovertext=share,
                hovertemplate="<b>%{fullData.name}</b><br>%{hovertext}<extra></extra>",
                **same,
            )
        if winner.initializer.name == initializer.name:
            at = _positions([_rate(winner.setting)])
            y = [height if np.isfinite(height) else floors[i] for height in [dict(zip(medians, heights, strict=True))[at[0]]]]
            ring = {"symbol": "circle-open", "size": 15, "color": ink, "line_width": 1.5}
            yield go.Scatter(x=at, y=y, mode="markers", marker=ring, hoverinfo="skip", **same)
