"""The figures of a descent: the paths on the contours of the landscape (in two dimensions), and f by step.

A path has one colour in all of them. The page plays the paths: ``layout.meta.steps`` of the figure `paths` is
the step of every point of a line, and a line's last point is drawn by a marker trace of its own.
"""

from collections.abc import Sequence

import jax
import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from kobai.questions.descent.outcome import DescentOutcome, PathRow
from kobai.questions.descent.table import labels
from kobai.report.colours import Look, looks
from kobai.report.panels import GRID, INK, Attributes, axis, figure, listed, text
from kobai.words import say

DEEP, HIGH = "#b9c6cc", "#ffffff"
"""The ground of the contours, on a light page; ``layout.meta.scale`` names the page's own."""

CELLS = 121
"""Points of the contours along each axis."""

ALL_STEPS = 600
"""So many steps are drawn one by one; beyond, as many again at growing distances."""


POINTS = 12_000
"""So many points of all paths are drawn one by one."""

FAR = 1000
"""No point is drawn farther away than so many widths of what is shown: browsers stumble over 1e40."""


def figures(outcome: DescentOutcome) -> dict[str, go.Figure]:
    """The figures by name: paths (where the landscape has two dimensions), descent."""
    outcome = outcome.shown()
    drawings = {"paths": _paths(outcome)} if len(outcome.start) == 2 else {}
    return {**drawings, "descent": _curves(outcome)}


def drawn_steps(steps: int, paths: int = 1) -> np.ndarray:
    """The steps that are drawn, from 0 to the last; fewer of them where there are many paths."""
    each = max(min(ALL_STEPS, POINTS // paths), 50)
    if steps <= 2 * each:
        return np.arange(steps + 1)
    beyond = np.geomspace(each, steps, each).round().astype(int)
    return np.unique(np.concatenate([np.arange(each), beyond]))


def _of(row: PathRow, steps: np.ndarray) -> np.ndarray:
    """Those of the steps that the path has; a minimizer's last iterate stays where it is."""
    return steps[steps < len(row.path.values)]


# The landscape from above


def looks_of(outcome: DescentOutcome) -> dict[str, Look]:
    """The look of each row of the table, by its label."""
    return looks(labels(outcome))


def _paths(outcome: DescentOutcome) -> go.Figure:
    (left, right), (bottom, top) = box = _box(outcome)
    drawing = figure(
        [""],
        [{"range": [left, right], "title_text": "x₁", "showgrid": False}],
        [{"range": [bottom, top], "title_text": "x₂", "showgrid": False}],
        height=460,
        margin={"t": 12},
    )
    drawing.add_trace(_contours(outcome, (left, right), (bottom, top)))
    steps = drawn_steps(max(len(row.path.values) for row in outcome.rows) - 1, len(outcome.rows))
    hover = say("report.axis.at.steps") + " %{customdata}: (%{x:.4g}, %{y:.4g})"
    for row, (label, ink) in reversed([*zip(outcome.rows, looks_of(outcome).items(), strict=True)]):
        own = _of(row, steps)
        x, y = map(_rounded, _within_reach(row.path.points[own], box).T)
        look: dict[str, str] = {"name": text(label), "meta": label, "legendgroup": label}
        look["hovertemplate"] = f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>"
        marker = {"size": 4, "color": ink.colour}
        line = {**ink.line, "width": 2}
        drawing.add_scatter(
            x=x, y=y, customdata=own.tolist(), mode="lines+markers", line=line, marker=marker, **look
        )
        head = {"size": 11, "color": ink.colour, "line": {"color": "#ffffff", "width": 1.5}}
        end = {"x": x[-1:], "y": y[-1:], "customdata": [int(own[-1])]}
        drawing.add_scatter(**end, mode="markers", marker=head, showlegend=False, **look)
    minima = _mark(outcome.landscape.minima, symbol="star", size=13)
    drawing.add_traces([minima, _mark([outcome.start], symbol="x-thin-open", size=11)])
    scale = {"colorscale": [[0, DEEP], [1, HIGH]], "showscale": False}
    meta = {**drawing.layout.meta, "steps": steps.tolist(), "scale": ["--deep", "--high"]}
    return drawing.update_layout(meta=meta, coloraxis=scale)


def _within_reach(points: np.ndarray, box: ArrayLike) -> np.ndarray:
    """Points [n, 2], those that are very far away drawn nearer in their direction."""
    low, high = np.transpose(box)
    middle, size = (low + high) / 2, high - low
    with np.errstate(invalid="ignore", over="ignore"):  # of a path that left the numbers
        away = np.abs((points - middle) / size).max(axis=1, keepdims=True)
        return np.where(away > FAR, middle + (points - middle) / away * FAR, points)


def _mark(points: Sequence[Sequence[float]], **look: str | int) -> go.Scatter:
    """Points that belong to no path."""
    x, y = np.reshape(points, (-1, 2)).T.tolist()
    marker = {"color": INK, "line": {"width": 1.5}, **look}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _box(outcome: DescentOutcome) -> tuple[tuple[float, float], tuple[float, float]]:
    """What is looked at: the landscape's own box, or where the paths are; and the start in any case."""
    start = np.array(outcome.start)
    own = None if outcome.landscape.box is None else np.array(outcome.landscape.box, float).T
    view = _visited(outcome) if own is None else own
    low, high = np.minimum(view[0], start), np.maximum(view[1], start)
    if own is None or (low < own[0]).any() or (high > own[1]).any():
        room = 0.1 * np.where(high > low, high - low, 1.0)
        low, high = low - room, high + room
    (left, right), (bottom, top) = np.transpose([low, high]).tolist()
    return (left, right), (bottom, top)


def _visited(outcome: DescentOutcome) -> np.ndarray:
    """[2, 2]: lower left and upper right corner of nearly all steps, but for paths that diverge."""
    own = [row.path.points for row in outcome.rows if row.status != "diverged"]
    points = np.concatenate([np.array([outcome.start]), *own])
    return np.quantile(points[np.isfinite(points).all(axis=1)], (0.01, 0.99), axis=0)


def _contours(outcome: DescentOutcome, across: tuple[float, float], up: tuple[float, float]) -> go.Contour:
    """Lines of equal f: equally far apart in log (f − least) where the least value is known."""
    x, y = np.linspace(*across, CELLS), np.linspace(*up, CELLS)
    with jax.enable_x64(True):
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        f = np.asarray(jax.jit(jax.vmap(outcome.landscape.objective))(points)).reshape(CELLS, CELLS)
    f = np.where(np.isfinite(f), f, np.nan)
    z, least = f, outcome.landscape.least
    if least is not None and np.nanmax(f) > least:
        z = np.log10(np.maximum(f - least, 0) / (np.nanmax(f) - least) + 1e-3)
    low, high = np.nanmin(z), np.nanmax(z)
    return go.Contour(
        x=_rounded(x),
        y=_rounded(y),
        z=[_rounded(row) for row in z],
        customdata=[_rounded(row) for row in f],
        contours={"start": float(low), "end": float(high), "size": float(high - low) / 14 or 1.0},
        line={"width": 0.8, "color": GRID.replace("0.2", "0.55")},
        coloraxis="coloraxis",
        hovertemplate="(%{x:.3g}, %{y:.3g}): %{customdata:.4g}<extra></extra>",
    )


def _rounded(values: ArrayLike) -> list[float | None]:
    """Six figures are enough to draw."""
    return [None if value is None else float(f"{value:.6g}") for value in listed(values)]


# f by step


def _curves(outcome: DescentOutcome) -> go.Figure:
    """f, or its height above the least value, by step; with a minimizer also by evaluations."""
    panels = ["report.axis.at.steps"]
    if any(row.path.counts for row in outcome.rows):
        panels.append("descent.axis.evaluations")
    least = outcome.landscape.least or 0.0
    heights = [row.path.values - least for row in outcome.rows]
    up = _height_axis(outcome, heights)
    across = [{"title_text": say(key), "range": [0, _until(outcome, i)]} for i, key in enumerate(panels)]
    drawing = figure([""] * len(panels), across, [up] * len(panels), height=300, columns=(len(panels), 1))
    inks = looks_of(outcome).items()
    for panel, key in enumerate(panels, start=1):
        place = {"xaxis": axis("x", panel), "yaxis": axis("y", panel), "showlegend": panel == 1}
        hover = say(key) + " %{x}: %{y:.4g}"
        for i, (row, (label, ink)) in reversed([*enumerate(zip(outcome.rows, inks, strict=True))]):
            own = _of(row, drawn_steps(len(row.path.values) - 1, len(outcome.rows)))
            drawing.add_scatter(
                x=(own if panel == 1 else row.path.spent[own]).tolist(),
                y=_rounded(_drawable(heights[i][own], up)),
                name=text(label),
                meta=label,
                legendgroup=label,
                mode="lines",
                line={**ink.line, "width": 2},
                hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>",
                **place,
            )
        level = outcome.level - least
        drawing.add_shape(
            type="line",
            x0=0,
            x1=1,
            y0=level,
            y1=level,
            line={"color": INK, "width": 1, "dash": "dot"},
            xref=f"{axis('x', panel)} domain",
            yref=axis("y", panel),
        )
    return drawing


def _drawable(heights: np.ndarray, up: Attributes) -> np.ndarray:
    """What the axis can show: above zero on a logarithmic one, within reach on a linear one."""
    if up["type"] == "log":
        return np.where(heights > 0, heights, np.nan)
    low, high = up["range"]
    reach = FAR * (high - low)
    return np.where(np.isfinite(heights), np.clip(heights, low - reach, high + reach), np.nan)


def _height_axis(outcome: DescentOutcome, heights: list[np.ndarray]) -> Attributes:
    """Logarithmic above a known least value, from three decades below the tolerance to the start."""
    known = outcome.landscape.least is not None
    title = say("descent.axis.height" if known and outcome.landscape.least else "descent.axis.value")
    start, level = float(heights[0][0]), outcome.level - (outcome.landscape.least or 0.0)
    if not known or level <= 0 or start <= 0:
        values = np.concatenate([h[np.isfinite(h)] for h in heights])
        span = abs(start - level) or 1.0
        low = max(float(values.min()), min(start, level) - 3 * span)
        return {"title_text": title, "type": "linear", "range": [low - 0.05 * span, max(start, level) + span]}
    ends = [np.log10(level) - 3, np.log10(max(start, level)) + 0.7]
    return {"title_text": title, "type": "log", "range": [float(e) for e in ends], "exponentformat": "power"}


def _until(outcome: DescentOutcome, panel: int) -> float:
    """A little beyond the last arrival; to the end where nobody arrives."""
    last = [row.stays if panel == 0 else int(row.path.spent[row.stays]) for row in outcome.rows if row.stays]
    return 1.4 * max(last, default=outcome.steps / 1.4) + 5
