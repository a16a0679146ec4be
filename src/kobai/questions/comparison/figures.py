"""The figures of a report, as plotly figures; an optimizer has one colour in all of them.

`figures(outcome, answer)` gives them by name. Some show what was confirmed on the fresh seeds (curves,
seconds, reached), three what tuning saw (learning_rates, map, tuning). Every trace of one optimizer has the
optimizer's name as its ``meta``.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kobai.questions.comparison import cut, rates
from kobai.questions.comparison.numbers import unit
from kobai.report.panels import INK, axis, colour, figure, listed, text, thinned, translucent, value_axis
from kobai.study import statistics
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome
from kobai.study.rows import Pair, elapsed
from kobai.study.study import CONFIRMATION, TUNING
from kobai.words import metric, say

FAST, NEVER = "#6cc5b8", "#edf1f1"
"""Ends of the colour scale of the map, on a light page."""


POINTS = 12_000
"""So many points of curves are drawn in a figure, which is more than a screen has columns."""


def figures(outcome: Outcome, answer: Answer) -> dict[str, go.Figure]:
    """The figures by name: curves, learning_rates, map, reached, tuning; with minimizers also seconds."""
    answer, every = cut.shown(answer), outcome.cells
    outcome = cut.drawn(outcome, answer)
    timed = {"seconds": _curves(outcome, answer, by_seconds=True)} if answer.epoch is not None else {}
    return {
        "curves": _curves(outcome, answer),
        **timed,
        "learning_rates": rates.learning_rates(outcome),
        "map": _map(answer),
        "reached": _reached(outcome, answer),
        "tuning": _tuning(outcome, answer, every),
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


def _curves(outcome: Outcome, answer: Answer, by_seconds: bool = False) -> go.Figure:
    """Losses and metric of the winners over the steps: median and quartiles over the fresh seeds.

    Over the seconds instead, each point stands where the median run was when it was evaluated there.
    """
    task, look = outcome.study.task, colours(outcome)
    columns = {name: say(f"report.axis.{name}") for name in ("training_loss", "validation_loss")}
    if task.metric is None:  # then the metric is the validation loss
        del columns["validation_loss"]
    columns["validation_metric"] = say("report.axis.validation_metric", metric=metric(task.metric_label))
    cells = {name: outcome.cells_of(trial, CONFIRMATION) for name, trial in outcome.winners.items()}
    spreads = {
        column: {name: _quartiles(outcome, cells[name], column) for name in cells} for column in columns
    }
    if by_seconds:
        at, along = say("report.axis.seconds"), {name: _median_seconds(own) for name, own in cells.items()}
    else:
        cost = unit(answer)
        at = cost.phrase("report.axis.at")
        along = {name: cost.of(own["evaluated_at"][0].to_numpy()) for name, own in cells.items()}
    across = {"title_text": at, "range": [0, max(x[-1] for x in along.values())]}
    drawing = figure(
        [text(title) for title in columns.values()],
        [across] * len(columns),
        [_curve_axis(outcome, column, list(spreads[column].values())) for column in columns],
        columns=(len(columns), 1),
    )
    hover = at + " %{x:.4g}: %{y:.4g}"
    for panel, column in enumerate(columns, start=1):
        place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel)}
        for row in reversed(answer.rows):  # the best last, on top
            name = row.optimizer
            seen = thinned(spreads[column][name][1], POINTS // (len(answer.rows) * len(columns)))
            x, (low, median, high) = along[name][seen], spreads[column][name][:, seen]
            if row.seeds > 1:
                drawing.add_trace(_band(name, look[name], x, low, high).update(place))
            line = _line(name, look[name], hover, x=x.tolist(), y=listed(median), showlegend=panel == 1)
            drawing.add_trace(line.update(place))
    _target_line(drawing, answer, len(columns))
    return drawing


def _median_seconds(cells: pl.DataFrame) -> np.ndarray:
    """[evaluations] the median over the runs of the seconds until each evaluation."""
    return np.median(elapsed(cells), axis=0)


def _maximize(outcome: Outcome, column: str) -> bool:
    return column == "validation_metric" and outcome.study.task.maximize


def _quartiles(outcome: Outcome, cells: pl.DataFrame, column: str) -> np.ndarray:
    """[3, evaluations]: lower quartile, median, upper quartile over the runs; a diverged run is the worst."""
    curves = np.array(cells[column].to_list(), float)
    curves = np.where(np.isfinite(curves), curves, -np.inf if _maximize(outcome, column) else np.inf)
    with np.errstate(invalid="ignore"):  # ∞ − ∞, where all have diverged
        return np.quantile(curves, (0.25, 0.5, 0.75), axis=0)


def _curve_axis(outcome: Outcome, column: str, spreads: list[np.ndarray]) -> dict[str, Any]:
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


def _band(name: str, colour: str, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> go.Scatter:
    """The area between two curves, where both are finite."""
    both = np.isfinite(low) & np.isfinite(high)
    return go.Scatter(
        x=[*x[both].tolist(), *x[both][::-1].tolist()],
        y=[*low[both].tolist(), *high[both][::-1].tolist()],
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


def _target_line(drawing: go.Figure, answer: Answer, panel: int) -> None:
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


def _reached(outcome: Outcome, answer: Answer) -> go.Figure:
    """The fraction of the fresh runs that have reached the target by each step."""
    look = colours(outcome)
    arrivals = {
        name: outcome.times(outcome.cells_of(trial, CONFIRMATION)) for name, trial in outcome.winners.items()
    }
    last = max(steps.max() for steps in arrivals.values())  # infinite where a run never arrived
    cost = unit(answer)
    end = cost.of(min(answer.steps, max(1.25 * last, 1)))
    across = {"title_text": cost.phrase("report.axis.at"), "range": [0, end]}
    up = {"title_text": say("report.axis.reached"), "range": [0, 1.02], "tickformat": ".0%"}
    drawing = figure([""], [across], [up], height=320, margin={"t": 12})
    for row in reversed(answer.rows):
        x, y = statistics.kaplan_meier(arrivals[row.optimizer], answer.steps)
        hover = cost.phrase("report.axis.at") + " %{x:.4g}: %{y:.0%}"
        seen = thinned(y, POINTS // len(answer.rows))
        x, y = x[seen], y[seen]
        name, points = row.optimizer, {"x": cost.of(x).tolist(), "y": y.tolist()}
        drawing.add_trace(_line(name, look[name], hover, **points, shape="hv"))
    return drawing


# What tuning saw


def _map(answer: Answer) -> go.Figure:
    """Steps to the target, and how many runs reached it, of every optimizer with every initial value."""
    pairs = {(pair.optimizer, pair.initializer, pair.demonstration): pair for pair in answer.pairs}
    columns = sorted({key[1:] for key in pairs}, key=lambda column: (column[1], _order(answer, column[0])))
    names = [row.optimizer for row in answer.rows]
    grid = [[pairs.get((name, *column)) for column in columns] for name in names]
    bare = {"showgrid": False, "showline": False, "ticklabelstandoff": 6}
    across = {"tickvals": [*range(len(columns))], "ticktext": [_column_name(*column) for column in columns]}
    up = {
        "tickvals": [*range(len(names))],
        "ticktext": [text(name) for name in names],
        "autorange": "reversed",
    }
    drawing = figure(
        [""],
        [{**bare, **across, "side": "top"}],
        [{**bare, **up}],
        height=48 * len(names),
        margin={"t": 56, "b": 8},
    )
    drawing.add_heatmap(
        x=across["tickvals"],
        y=up["tickvals"],
        # Coloured by the logarithm: 50 steps differ from 100 as 100 do from 200.
        z=[[None if pair is None else np.log10(max(pair.steps, 1)) for pair in row] for row in grid],
        text=[[_steps(answer, pair) for pair in row] for row in grid],
        customdata=[[_rate(pair) for pair in row] for row in grid],
        texttemplate="%{text}",
        hovertemplate=say("report.axis.learning_rate") + " %{customdata}<br>%{text}<extra></extra>",
        xgap=3,
        ygap=3,
        coloraxis="coloraxis",
    )
    fewest = min(max(pair.steps, 1) for pair in answer.pairs)
    if fewest == answer.steps:  # nobody arrives: every field has the colour of "never"
        fewest = 1
    ends = {"cmin": np.log10(fewest), "cmax": np.log10(answer.steps)}
    drawing.update_layout(coloraxis={"colorscale": [[0, FAST], [1, NEVER]], "showscale": False, **ends})
    demonstrated = [i for i, (_, demonstration) in enumerate(columns) if demonstration]
    if 0 < len(demonstrated) < len(columns):
        drawing.add_vline(x=demonstrated[0] - 0.5, line={"color": INK, "width": 1, "dash": "dot"})
    return drawing


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
    cost = unit(answer)
    steps = f"<b>{cost.count(pair.steps)}</b>" if reached else f">{cost.count(answer.steps)}"
    return f"{steps}<br>{reached}/{runs}"


def _rate(pair: Pair | None) -> str:
    return "–" if pair is None or pair.learning_rate is None else f"{pair.learning_rate:g}"


def _tuning(outcome: Outcome, answer: Answer, every: pl.DataFrame) -> go.Figure:
    """The expected best of k trials: what tuning costs; `every` cell counts, drawn or not."""
    study, look, cost = outcome.study, colours(outcome), unit(answer)
    drawing = figure(
        [""],
        [{"title_text": say("report.axis.trials")}],
        [{"title_text": cost.phrase("report.axis.cost"), "rangemode": "tozero"}],
        height=320,
        margin={"t": 12},
    )
    for row in reversed(answer.rows):
        own = every.filter(pl.col("phase") == TUNING, pl.col("optimizer") == row.optimizer)
        trials = [cells for _, cells in own.group_by(*study.columns, maintain_order=True)]
        arrivals = [outcome.times(cells) for cells in trials]
        best = statistics.best_after_k(
            [statistics.restricted(steps, study.steps).mean() for steps in arrivals]
        )
        k = thinned(best, POINTS // len(answer.rows)) + 1
        hover = cost.phrase("report.hover.trials", count="%{x}", cost="%{y:.3g}")
        mode = "lines" if len(k) > 1 else "markers"
        points = {"x": k.tolist(), "y": listed(cost.of(best[k - 1]))}
        drawing.add_trace(_line(row.optimizer, look[row.optimizer], hover, **points, mode=mode))
    return drawing
