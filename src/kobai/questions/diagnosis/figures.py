"""The figures of a diagnosis: the losses, and a picture a layer over time (heat maps); of the first seed."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from kobai.questions.diagnosis import signs, table
from kobai.questions.diagnosis.outcome import Diagnosis
from kobai.questions.diagnosis.sites import RELU, STATE
from kobai.report import panels
from kobai.report.panels import INK, figure, listed, text, value_axis
from kobai.words import say

FAST, NEVER = "#6cc5b8", "#edf1f1"
COLUMNS = 60
"""Stretches of steps that a heat map shows."""


def figures(diagnosis: Diagnosis) -> dict[str, go.Figure]:
    """The figures by name: losses, gradients, updates and, where there are any, units."""
    drawings = {
        "diagnosis_losses": _losses(diagnosis),
        "diagnosis_gradients": _by_array(diagnosis, diagnosis.record.gradients),
        "diagnosis_updates": _by_array(diagnosis, _ratios(diagnosis)),
    }
    units = _units(diagnosis)
    return drawings if units is None else drawings | {"diagnosis_units": units}


def _losses(diagnosis: Diagnosis) -> go.Figure:
    """Training and validation loss by step, what is reached without the inputs, and where troubles begin."""
    record, control = diagnosis.record, diagnosis.case.control
    curves = {"train": record.train[:, 0], "validation": record.validation[:, 0]}
    every = signs.finite(np.concatenate(list(curves.values())))
    # What explodes is shown until a hundred times the start, and the rest of it leaves the figure.
    start = min(float(every.max()), 100 * float(every[0])) if every.size and every[0] > 0 else 1.0
    across = {"title_text": say("report.axis.at.steps"), "range": [0, diagnosis.case.setting.steps]}
    up = {"title_text": say("diagnose.axis.loss"), **value_axis(every, start, maximize=False)}
    drawing = figure([""], [across], [up], height=300, margin={"t": 26})
    for i, (key, losses) in enumerate(curves.items()):
        label = say(f"diagnose.curve.{key}")
        drawing.add_scatter(
            x=record.marks.tolist(),
            y=listed(losses),
            name=label,
            meta=label,
            mode="lines+markers",
            marker={"size": 4},
            line=panels.stroke(i),
        )
    if control is not None and np.isfinite(signs.lowest(control)):
        label = say("diagnose.curve.control")
        ends = [0, diagnosis.case.setting.steps]
        line = {"color": INK, "dash": "dot"}
        drawing.add_scatter(
            x=ends, y=[signs.lowest(control)] * 2, name=label, meta=label, mode="lines", line=line
        )
    for trouble in diagnosis.troubles[:1]:
        if trouble.step is not None:
            drawing.add_vline(x=trouble.step, line={"color": INK, "width": 1, "dash": "dash"})
            drawing.add_annotation(
                text=text(table.name(trouble)),
                x=trouble.step,
                yref="paper",
                y=1,
                yanchor="bottom",
                xanchor="left" if trouble.step < diagnosis.case.setting.steps / 2 else "right",
                showarrow=False,
            )
    return drawing


def _ratios(diagnosis: Diagnosis) -> np.ndarray:
    """The length of each array's updates over that of the array, [steps, arrays]."""
    record = diagnosis.record
    with np.errstate(divide="ignore", invalid="ignore"):
        return record.updates / record.weights


def _by_array(diagnosis: Diagnosis, values: np.ndarray) -> go.Figure:
    """A heat map with a row for each trained array: the logarithm of medians over stretches of steps."""
    starts = np.unique(np.linspace(0, len(values), min(COLUMNS, len(values)), endpoint=False).astype(int))
    stretches = np.split(values, starts[1:])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        means = np.array([np.median(np.log10(stretch), axis=0) for stretch in stretches])
    return _heat(starts, list(diagnosis.case.arrays), means.T, logarithmic=True)


def _units(diagnosis: Diagnosis) -> go.Figure | None:
    """A heat map with a row for each layer of units: the share that is dead, or saturated."""
    case, record = diagnosis.case, diagnosis.record
    rows = [
        (case.layer(i), unit["dead"] if site.kind == RELU else unit["saturated"])
        for i, (site, unit) in enumerate(zip(case.sites, record.units, strict=True))
        if site.kind != STATE
    ]
    if not rows:
        return None
    names, shares = zip(*rows, strict=True)
    return _heat(record.marks, list(names), np.array(shares), logarithmic=False)


def _heat(steps: np.ndarray, names: Sequence[str], values: np.ndarray, *, logarithmic: bool) -> go.Figure:
    """Rows of values [names, steps] as fields whose colour is their size."""
    values = np.where(np.isfinite(values), values, np.nan)
    known = signs.finite(values)
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    if not logarithmic:
        low, high = 0.0, 1.0
    bare = {"showgrid": False, "showline": False, "ticklabelstandoff": 6}
    up = {
        "tickvals": [*range(len(names))],
        "ticktext": [text(each) for each in names],
        "autorange": "reversed",
    }
    drawing = figure(
        [""],
        [{**bare, "title_text": say("report.axis.at.steps")}],
        [{**bare, **up}],
        height=max(30 * len(names), 60),
        margin={"t": 8},
    )
    shown = [[None if not np.isfinite(v) else float(f"{v:.4g}") for v in row] for row in values]
    plain = "10<sup>%{z:.2f}</sup>" if logarithmic else "%{z:.0%}"
    drawing.add_heatmap(
        x=[int(step) for step in steps],
        y=up["tickvals"],
        z=shown,
        hovertemplate=say("report.axis.at.steps") + f" %{{x}}: {plain}<extra></extra>",
        coloraxis="coloraxis",
    )
    ticks = {"tickprefix": "10<sup>", "ticksuffix": "</sup>"} if logarithmic else {"tickformat": ".0%"}
    scale = {
        "colorscale": [[0, NEVER], [1, FAST]],
        "cmin": float(low),
        "cmax": float(high) if high > low else float(low) + 1,
        "colorbar": {"thickness": 10, "len": 1.0, "nticks": 4, **ticks},
    }
    meta = {**drawing.layout.meta, "scale": ["--never", "--fast"]}
    return drawing.update_layout(meta=meta, coloraxis=scale)
