"""What the figures of a report share: colours, panels that rearrange for a narrow page, axes for losses.

A figure is one or more panels. Where they stand on a wide and on a narrow page is kept in ``layout.meta``, as
arguments for ``Plotly.relayout``. The letters are grey and the ground is transparent, which suits light and
dark pages; the report replaces the grey by its own ink.
"""

import html
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from kobai.report.colours import DASHES, GREY, PALETTE

Attributes: TypeAlias = dict[str, Any]
"""Attributes of plotly, as its layouts and traces take them: a tree of its own, by name."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star", "hexagon", "triangle-down")

INK, GRID = GREY, "rgba(128,128,128,0.2)"
GAP, BELOW = 0.055, 84
"""Between panels: beside, as a fraction of a wide page; below, in pixels."""
MARGIN = {"l": 52, "r": 10, "t": 34, "b": 52}


POINTS = 12_000
"""So many points of all curves of a figure are drawn, which is more than a screen has columns."""


def colour(i: int) -> str:
    """The colour of the i-th of several things."""
    return PALETTE[i % len(PALETTE)]


def stroke(i: int) -> dict[str, str]:
    """Colour and dash of the line of the i-th of many things: another dash where the colours begin again."""
    return {"color": colour(i), "dash": DASHES[i // len(PALETTE) % len(DASHES)]}


def swatch(i: int) -> str:
    """CSS of the dot beside the name of the i-th of many things: a ring where the colours begin again."""
    again = i // len(PALETTE) % 2
    return f"box-shadow:inset 0 0 0 .2em {colour(i)}" if again else f"background:{colour(i)}"


def translucent(colour: str, opacity: float) -> str:
    """A colour of `PALETTE` that lets what is behind it shine through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def text(value: object) -> str:
    """`value` as letters only: plotly reads ``<b>`` and ``<a href>`` in any name."""
    return html.escape(str(value), quote=False)


def axis(letter: str, panel: int) -> str:
    """What a trace calls the axis of a panel: x, x2, x3, …"""
    return letter if panel == 1 else f"{letter}{panel}"


def figure(
    titles: Sequence[str],
    x: Sequence[Attributes],
    y: Sequence[Attributes],
    *,
    height: int = 240,
    columns: tuple[int, int] = (1, 1),
    margin: dict[str, int] | None = None,
) -> go.Figure:
    """A figure of empty panels.

    Args:
      titles, x, y: title (letters only) and axes of each panel.
      height: of a panel, in pixels.
      columns: panels in a row, on a wide and on a narrow page.
      margin: instead of `MARGIN`, what of it is given.
    """
    margin = {**MARGIN, **(margin or {})}
    meta = {
        name: _arrangement(len(titles), count, height, margin["t"] + margin["b"], gap)
        for name, count, gap in (("wide", columns[0], GAP), ("narrow", columns[1], 3 * GAP))
    }
    layout: Attributes = {
        "template": "none",
        "meta": meta,
        "margin": margin,
        "font": {"size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "legend": {"traceorder": "reversed"},
        "annotations": [_title(title, panel) for panel, title in enumerate(titles, start=1)],
    }
    common = {
        "gridcolor": GRID,
        "linecolor": GRID,
        "showline": True,
        "zeroline": False,
        "ticks": "",
        "tickangle": 0,
        "automargin": True,
        "title_standoff": 8,
    }
    for panel, (across, up) in enumerate(zip(x, y, strict=True), start=1):
        number = "" if panel == 1 else panel
        layout[f"xaxis{number}"] = {**common, "anchor": axis("y", panel), **across}
        layout[f"yaxis{number}"] = {**common, "anchor": axis("x", panel), **up}
    for place, value in meta["wide"].items():
        part, _, name = place.partition(".")
        layout[part] = {**layout[part], name: value} if name else value
    return go.Figure(layout=layout)  # at once: each update would check all of it anew


def _title(title: str, panel: int) -> Attributes:
    return {
        "text": title,
        "font": {"weight": "bold"},
        "xref": f"{axis('x', panel)} domain",
        "yref": f"{axis('y', panel)} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 5,
        "showarrow": False,
    }


def _arrangement(count: int, columns: int, height: int, margins: int, gap: float) -> Attributes:
    """Domains of the axes of `count` panels in rows of `columns`, from the top; and the height of it all."""
    rows = math.ceil(count / columns)
    inside = rows * height + (rows - 1) * BELOW
    width = (1 - (columns - 1) * gap) / columns
    places: Attributes = {"height": inside + margins}
    for i in range(count):
        row, column = divmod(i, columns)
        number = "" if i == 0 else i + 1
        left, top = column * (width + gap), 1 - row * (height + BELOW) / inside
        places[f"xaxis{number}.domain"] = [left, min(1.0, left + width)]
        places[f"yaxis{number}.domain"] = [max(0.0, top - height / inside), top]
    return places


def wider(places: Attributes, top: int, more: int) -> None:
    """More room above the panels of an arrangement, whose margin there is `top`."""
    places["margin.t"] = top + more
    places["height"] += more


def value_axis(values: ArrayLike, start: float, maximize: bool) -> Attributes:
    """The axis of a loss or metric: logarithmic for positive ones that fall; from the best value to a little
    beyond the start, so that a run that explodes does not press all others into a line.

    Args:
      values: what is to be drawn, any shape; what is not finite is left out.
      start: the value before training, or the worst of several.
      maximize: whether more is better.
    """
    heights = np.append(values, start)
    heights = heights[np.isfinite(heights)]
    if not heights.size:
        return {"showticklabels": False}
    logarithmic = not maximize and bool(heights.min() > 0)
    if logarithmic:
        heights = np.log10(heights)
    sign = 1 if maximize else -1
    best, start = sign * (sign * heights).max(), heights[-1]
    room = abs(best - start) or abs(best) or 1.0
    worst = sign * max((sign * heights).min(), sign * start - 0.2 * room)
    ends = sorted((worst - sign * 0.03 * room, best + sign * 0.05 * room))
    kind = "log" if logarithmic else "linear"
    look: Attributes = {"type": kind, "range": [float(end) for end in ends]}
    decades = ends[1] - ends[0]
    if logarithmic and decades > 0.8:  # numbers at 1, 2, 5, 10; over many decades at 1, 10, 100
        look["dtick"] = "D2" if decades < 3 else 1
    if logarithmic and decades < 3:
        look["tickformat"] = "~g"  # else plotly writes 2 for 0.02, even where no 0.01 is in sight
    return look


def in_data(axis: Attributes, position: float) -> float:
    """The value that stands at a position of an axis (plotly counts a logarithmic one in powers of ten)."""
    return 10.0**position if axis.get("type") == "log" else position


def within(values: ArrayLike, axis: Attributes) -> np.ndarray:
    """Which values lie on the axis; not those that are not finite."""
    values = np.asarray(values, float)
    low, high = (in_data(axis, end) for end in axis.get("range", (-np.inf, np.inf)))
    return np.isfinite(values) & (values >= low) & (values <= high)


def apart(heights: ArrayLike, gap: float, low: float, high: float) -> np.ndarray:
    """The places within [low, high], `gap` or more from one another, that are nearest to these heights [n].

    They keep their order; of equal heights the last is the highest. Where there is no room for all, the
    highest go beyond.
    """
    heights = np.asarray(heights, float)
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    # Apart by a gap is ascending, once i gaps are taken off the i-th.
    ascending = _ascending(heights[order] - steps)
    places = np.empty(len(order))
    places[order] = np.clip(ascending, low, max(low, high - steps[-1])) + steps
    return places


def _ascending(values: np.ndarray) -> np.ndarray:
    """The numbers nearest to these [n] by squares that never fall: neighbours that do are pooled."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, size = float(value), 1
        while pools and pools[-1][0] >= mean:
            before, more = pools.pop()
            mean, size = (before * more + mean * size) / (more + size), more + size
        pools.append((mean, size))
    return np.repeat([mean for mean, _ in pools], [size for _, size in pools])


def listed(values: ArrayLike) -> list[float | None]:
    """Numbers for plotly: what is not finite leaves a gap."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(values, float)]


def points(x: ArrayLike, y: ArrayLike, curves: int = 1) -> dict[str, list[float | None]]:
    """A curve as plotly has it; of very many points as many as a screen shows, for one of so many curves."""
    places = thinned(y, max(POINTS // max(curves, 1), 2))
    return {"x": listed(np.asarray(x)[places]), "y": listed(np.asarray(y)[places])}


def thinned(curve: ArrayLike, most: int) -> np.ndarray:
    """Which points of a curve [n] are drawn, ascending: all, or about `most` of them.

    Of each of equally long stretches the lowest and the highest point, so that no spike is lost, and both
    ends of the curve.
    """
    curve = np.asarray(curve, float)
    n = len(curve)
    if n <= most:
        return np.arange(n)
    starts = np.linspace(0, n, max(most // 2, 1), endpoint=False).astype(int)
    ends = [*starts[1:], n]
    known = np.nan_to_num(curve, nan=0.0)
    low = [a + int(known[a:b].argmin()) for a, b in zip(starts, ends, strict=True)]
    high = [a + int(known[a:b].argmax()) for a, b in zip(starts, ends, strict=True)]
    return np.unique([0, *low, *high, n - 1])
