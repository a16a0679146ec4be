"""Figures on a plane: contour lines with paths or arrows on them, and regions."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from kobai.course.figures.look import finished
from kobai.report.panels import axis, colour, figure, listed, stroke, text, translucent

Height: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A function of the plane, which takes arrays."""
FINE = 160
GROUND: dict[str, object] = {
    "contours": {"coloring": "none"},
    "showscale": False,
    "showlegend": False,
    "ncontours": 18,
    "line": {"width": 1, "color": "rgba(128,128,128,0.6)"},
    "hoverinfo": "skip",
}
"""Contour lines that stay behind what is drawn on them."""


def contour(
    f: Height,
    x: tuple[float, float],
    y: tuple[float, float],
    paths: Mapping[str, ArrayLike] | None = None,
    *,
    title: str = "",
    logarithmic: bool = True,
) -> go.Figure | None:
    """Contour lines of f(x, y), and paths of points [steps, 2] drawn on them.

    Args:
      f: takes arrays.
      x, y: the ends of the axes; what of a path lies far outside is cut off.
      paths: by name; None for the map alone.
      title: of the figure.
      logarithmic: whether the lines stand at powers instead of at equal differences of f.
    """
    if paths is not None and not paths:
        return None
    across, up = np.linspace(*x, FINE), np.linspace(*y, FINE)
    heights = np.asarray(f(*np.meshgrid(across, up)), float)
    shown = np.log10(heights - np.nanmin(heights) + 1e-3) if logarithmic else heights
    chart = figure([""], [{"range": list(x)}], [{"range": list(y)}], height=420, margin={"t": 48})
    chart.add_contour(x=across, y=up, z=shown, **GROUND)
    for i, (name, path) in enumerate((paths or {}).items()):
        points = _inside(np.asarray(path, float), x, y)
        chart.add_scatter(
            name=text(name),
            x=listed(points[:, 0]),
            y=listed(points[:, 1]),
            mode="lines+markers",
            line={**stroke(i), "width": 2},
            marker={"size": 4},
            customdata=np.arange(len(points)),
            hovertemplate="%{fullData.name}: %{customdata}<br>(%{x:.4g}, %{y:.4g})<extra></extra>",
        )
    return finished(chart, title)


def _inside(points: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """The points up to the first that has left for good what could be drawn."""
    far = np.zeros(len(points), bool)
    for column, (low, high) in enumerate((x, y)):
        values, room = points[:, column], high - low
        far |= ~np.isfinite(values) | (values < low - 3 * room) | (values > high + 3 * room)
    return points[: int(np.argmax(far))] if far.any() else points


def steps(
    f: Height,
    x: tuple[float, float],
    y: tuple[float, float],
    panels: Mapping[str, Mapping[str, ArrayLike]],
    *,
    title: str = "",
    step: str = "",
    begin: int = 0,
) -> go.Figure | None:
    """How a step is put together, as arrows on contour lines; a slider moves the point along its path.

    Args:
      f: takes arrays.
      x, y: the ends of the axes.
      panels: by name, arrows by name: arrays [steps, 2, 2] of (tail, tip) at every position of the slider.
      title: of the figure.
      step: what the slider counts.
      begin: where the slider stands at first.
    """
    if not panels:
        return None
    chart = figure(
        [text(name) for name in panels],
        [{"range": list(x)}] * len(panels),
        [{"range": list(y)}] * len(panels),
        height=300,
        columns=(len(panels), 1),
        margin={"t": 76, "b": 110},
    )
    across, up = np.linspace(*x, FINE // 2), np.linspace(*y, FINE // 2)
    heights = np.log10(np.asarray(f(*np.meshgrid(across, up)), float) + 1e-3)
    for panel in range(1, len(panels) + 1):
        where = {"xaxis": axis("x", panel), "yaxis": axis("y", panel)}
        chart.add_contour(x=across, y=up, z=heights, **GROUND, **where)
    names = list(dict.fromkeys(name for arrows in panels.values() for name in arrows))
    every, places = [], []
    for panel, arrows in enumerate(panels.values(), start=1):
        for name, ends in arrows.items():
            every.append(np.asarray(ends, float))
            places.append(len(chart.data))
            chart.add_scatter(
                name=text(name),
                legendgroup=name,
                showlegend=name not in [each.legendgroup for each in chart.data],
                mode="lines+markers",
                line={"color": colour(names.index(name)), "width": 3},
                marker={"symbol": ["circle", "arrow"], "size": [5, 15], "angleref": "previous", "opacity": 1},
                xaxis=axis("x", panel),
                yaxis=axis("y", panel),
                **_ends(every[-1][begin]),
            )
    positions = [
        # Not frames: plotly's contour lines vanish when other traces are animated.
        {
            "label": str(t),
            "method": "restyle",
            "args": [{letter: [_ends(ends[t])[letter] for ends in every] for letter in "xy"}, places],
        }
        for t in range(len(every[0]))
    ]
    chart.update_layout(
        sliders=[
            {
                "steps": positions,
                "active": begin,
                "currentvalue": {"prefix": f"{text(step)} "},
                "pad": {"t": 46},
            }
        ]
    )
    return finished(chart, title)


def _ends(arrow: np.ndarray) -> dict[str, list[float | None]]:
    """The two ends of an arrow [2, 2] as plotly takes them."""
    return {"x": listed(arrow[:, 0]), "y": listed(arrow[:, 1])}


def regions(
    maps: Mapping[str, ArrayLike],
    x: tuple[float, float],
    y: tuple[float, float],
    names: Sequence[str],
    *,
    title: str = "",
) -> go.Figure | None:
    """Maps side by side: the colour of a point says where it leads, such as to which local minimum.

    Args:
      maps: by name, arrays [up, across] of whole numbers, which count `names` from 0; -1 leads nowhere.
      x, y: the ends of the axes.
      names: of the places that points lead to, at most as many as there are colours.
      title: of the figure.
    """
    if not maps:
        return None
    count = len(maps)
    chart = figure(
        [text(name) for name in maps],
        [{"range": list(x), "showgrid": False}] * count,
        [{"range": list(y), "showgrid": False}] * count,
        height=270,
        columns=(min(count, 3), 1),
        margin={"t": 76},
    )
    steps = [(i + end) / len(names) for i in range(len(names)) for end in (0, 1)]
    scale = [[step, translucent(colour(i // 2), 0.75)] for i, step in enumerate(steps)]
    for panel, numbers in enumerate(maps.values(), start=1):
        places = np.asarray(numbers, float)
        up, across = places.shape
        chart.add_heatmap(
            x=np.linspace(*x, across),
            y=np.linspace(*y, up),
            z=[listed(row) for row in np.where(places < 0, np.nan, places)],
            zmin=-0.5,
            zmax=len(names) - 0.5,
            colorscale=scale,
            showscale=False,
            hoverinfo="skip",
            xaxis=axis("x", panel),
            yaxis=axis("y", panel),
        )
    for i, name in enumerate(names):  # a heatmap has no entries in a legend
        mark = {"size": 11, "symbol": "square", "color": translucent(colour(i), 0.75)}
        chart.add_scatter(name=text(name), x=[None], y=[None], mode="markers", marker=mark)
    return finished(chart, title)
