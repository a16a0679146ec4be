"""The figures of a report, as plotly figures; an optimizer has one colour in all of them.

`figures(outcome, answer)` gives them by name. Some show what was confirmed on the fresh seeds (costs, curves,
reached), three what tuning saw (learning_rates, map, tuning). Every trace of one optimizer has its name as
``meta``.
"""

import numpy as np
import plotly.graph_objects as go

from kobai.questions.comparison import cut, rates
from kobai.questions.comparison.costs import costs
from kobai.questions.comparison.curves import curves, line, looks_of, reached
from kobai.questions.comparison.numbers import unit
from kobai.report.panels import (
    INK,
    POINTS,
    figure,
    listed,
    text,
    thinned,
    wider,
)
from kobai.study import statistics
from kobai.study.answer import Answer
from kobai.study.outcome import Outcome
from kobai.study.rows import Combination
from kobai.words import say

FAST, NEVER = "#6cc5b8", "#edf1f1"
"""Ends of the colour scale of the map, on a light page."""


def figures(outcome: Outcome, answer: Answer) -> dict[str, go.Figure]:
    """The figures by name: of several optimizers costs; curves, learning_rates, map, reached, tuning."""
    answer, every = cut.shown(answer), outcome
    outcome = cut.drawn(outcome, answer)
    several = {"costs": costs(answer, looks_of(answer))} if len(answer.rows) > 1 else {}
    return {
        **several,
        "curves": curves(outcome, answer),
        "learning_rates": rates.learning_rates(outcome, answer, looks_of(answer)),
        "map": _map(answer),
        "reached": reached(outcome, answer),
        "tuning": _tuning(every, answer),
    }


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
    meta = drawing.layout.meta
    wider(meta["narrow"], drawing.layout.margin.t, 40)  # there is no room to write them level
    meta["narrow"]["xaxis.tickangle"] = 40
    meta["wide"] |= {"margin.t": drawing.layout.margin.t, "xaxis.tickangle": 0}
    drawing.update_layout(meta=meta)
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


def _steps(answer: Answer, pair: Combination | None) -> str:
    """Steps, and below them how many runs reached the target: 120, 3/3."""
    if pair is None:
        return "–"
    runs = 1 if pair.demonstration else len(answer.tuning_seeds)
    reached = round(pair.reach_rate * runs)
    cost = unit(answer)
    steps = f"<b>{cost.count(pair.steps)}</b>" if reached else f">{cost.count(answer.steps)}"
    return f"{steps}<br>{reached}/{runs}"


def _rate(pair: Combination | None) -> str:
    return "–" if pair is None or pair.learning_rate is None else f"{pair.learning_rate:g}"


def _tuning(outcome: Outcome, answer: Answer) -> go.Figure:
    """The expected best of k trials: what tuning costs; every cell counts, drawn or not."""
    study, look, cost = outcome.study, looks_of(answer), unit(answer)
    drawing = figure(
        [""],
        [{"title_text": say("report.axis.trials")}],
        [{"title_text": cost.phrase("report.axis.cost"), "rangemode": "tozero"}],
        height=320,
        margin={"t": 12},
    )
    for row in reversed(answer.rows):
        arrivals = [times for (name, *_), times in outcome.tuned.items() if name == row.optimizer]
        best = statistics.best_after_k([statistics.geometric_mean(steps, study.steps) for steps in arrivals])
        k = thinned(best, POINTS // len(answer.rows)) + 1
        hover = cost.phrase("report.hover.trials", count="%{x}", cost="%{y:.3g}")
        mode = "lines" if len(k) > 1 else "markers"
        points = {"x": k.tolist(), "y": listed(cost.of(best[k - 1]))}
        drawing.add_trace(line(row.optimizer, look[row.optimizer], hover, **points, mode=mode))
    return drawing
