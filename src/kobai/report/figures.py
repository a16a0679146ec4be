"""The five figures of a report, as plotly figures; an optimizer has one colour in all of them.

`figures(outcome, answer)` gives them by name. Two show what was confirmed on the fresh seeds (curves,
reached), three what tuning saw (learning_rates, map, tuning). Every trace of one optimizer has the
optimizer's name as its ``meta``.
"""

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kobai.report import rates
from kobai.report.panels import INK, axis, colour, figure, listed, text, translucent, value_axis
from kobai.study import statistics
from kobai.study.answer import Answer, Pair
from kobai.study.protocol import CONFIRMATION, TUNING, Outcome, cells_of, times
from kobai.words import say

FAST, NEVER = "#0b7d74", "#eceff0"
"""Ends of the colour scale of the map, on a light page."""


def figures(outcome: Outcome, answer: Answer) -> dict[str, go.Figure]:
    """The figures by name: curves, learning_rates, map, reached, tuning."""
    return {
        "curves": _curves(outcome, answer),
        "learning_rates": rates.learning_rates(outcome),
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


def _map(answer: Answer) -> go.Figure:
    """Steps to the target, and how many runs reached it, of every optimizer with every initial value."""
    pairs = {(pair.optimizer, pair.initializer, pair.demonstration): pair for pair in answer.pairs}
    columns = sorted({key[1:] for key in pairs}, key=lambda column: (column[1], _order(answer, column[0]), column[0]))
    names = [row.optimizer for row in answer.rows]
    grid = [[pairs.get((name, *column)) for column in columns] for name in names]
    places = {"tickvals": list(range(len(columns))), "ticktext": [_column_name(*column) for column in columns]}
    lines = {"showgrid": False, "showline": False}
    made = figure(
        [""],
        [{**places, **lines, "side": "top", "tickangle": 0}],
        [{"tickvals": list(range(len(names))), "ticktext": [text(name) for name in names], **lines, "autorange": "reversed"}],
        height=44 * len(names),
        margin={"t": 56, "b": 8},
    )
    made.add_heatmap(
        x=places["tickvals"],
        y=list(range(len(names))),
        z=[[pair and pair.steps for pair in row] for row in grid],
        text=[[_steps(answer, pair) for pair in row] for row in grid],
        customdata=[[_rate(pair) for pair in row] for row in grid],
        texttemplate="%{text}",
        hovertemplate=say("report.axis.learning_rate") + " %{customdata}<br>%{text}<extra></extra>",
        xgap=3,
        ygap=3,
        coloraxis="coloraxis",
    )
    fewest = min((pair.steps for pair in answer.pairs), default=0.0)
    lowest = fewest if fewest < answer.steps else 0.0  # if nobody arrives, every field has the colour of "never"
    made.update_layout(
        coloraxis={"colorscale": [[0, FAST], [1, NEVER]], "cmin": lowest, "cmax": answer.steps, "showscale": False}
    )
    demonstrated = [i for i, (_, demonstration) in enumerate(columns) if demonstration]
    if 0 < len(demonstrated) < len(columns):
        edge = demonstrated[0] - 0.5
        made.add_shape(type="line", x0=edge, x1=edge, y0=0, y1=1, yref="y domain", line={"color": INK, "width": 1, "dash": "dot"})
    return made


def _order(answer: Answer, initializer: str) -> float:
    """The mean of the steps with an initial value: the best stands first."""
    return float(np.mean([pair.steps for pair in answer.pairs if pair.initializer == initializer]))


def _column_name(initializer: str, demonstration: bool) -> str:
    note = f"<br><i>{say('report.demonstration')}</i>" if demonstration else ""
    return f"{text(initializer)}{note}"


def _steps(answer: Answer, pair: Pair | None) -> str:
    """Steps, and below them how many runs reached the target: 120, 3/3."""
    if pair is None:
        return "–"
    runs = 1 if pair.demonstration else len(answer.tuning_seeds)
    reached = round(pair.reach_rate * runs)
    return f"<b>{pair.steps:.0f}</b>  {reached}/{runs}" if reached else f">{answer.steps}  0/{runs}"


def _rate(pair: Pair | None) -> str:
    return "–" if pair is None or pair.learning_rate is None else f"{pair.learning_rate:g}"


def _tuning(outcome: Outcome, answer: Answer) -> go.Figure:
    """The expected best of k trials: what tuning costs."""
    study, look = outcome.study, colours(outcome)
    made = figure(
        [""],
        [{"title_text": say("report.axis.trials"), "rangemode": "tozero"}],
        [{"title_text": say("report.axis.steps"), "rangemode": "tozero"}],
        height=320,
        margin={"t": 12},
    )
    for row in reversed(answer.rows):
        own = outcome.cells.filter(pl.col("phase") == TUNING, pl.col("optimizer") == row.optimizer)
        trials = [cells for _, cells in own.group_by("hyperparameters", "initializer", maintain_order=True)]
        steps = [statistics.restricted(times(study, cells, outcome.target), study.steps).mean() for cells in trials]
        best = statistics.best_after_k(steps)
        hover = say("report.hover.trials", count="%{x}", steps="%{y:.0f}")
        mode = "lines+markers" if len(best) == 1 else "lines"
        made.add_trace(
            _line(row.optimizer, look[row.optimizer], hover, x=list(range(1, len(best) + 1)), y=listed(best), mode=mode)
        )
    return made
