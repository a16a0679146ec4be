"""The figures of the lessons, in the look of kobai's reports: contour maps with paths, curves, histograms.

Each takes plain arrays by name and gives a plotly figure, so that a learner can draw whatever they made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from kobai.report.panels import axis, colour, figure, listed, stroke, text, translucent

FONT = "Noto Sans, Noto Sans CJK JP, Noto Sans JP, Hiragino Sans, Yu Gothic, Meiryo, IPAexGothic, sans-serif"
FINE = 160


def contour(
    f: Callable[[Any, Any], Any],
    x: tuple[float, float],
    y: tuple[float, float],
    paths: Mapping[str, Any] | None = None,
    *,
    title: str = "",
    logarithmic: bool = True,
) -> go.Figure:
    """Contour lines of f(x, y), and paths of points [steps, 2] drawn on them.

    Args:
      f: takes arrays.
      x, y: the ends of the axes; what of a path lies far outside is cut off.
      paths: by name.
      title: of the figure.
      logarithmic: whether the lines stand at powers instead of at equal differences of f.
    """
    across, up = np.linspace(*x, FINE), np.linspace(*y, FINE)
    heights = np.asarray(f(*np.meshgrid(across, up)), float)
    shown = np.log10(heights - np.nanmin(heights) + 1e-3) if logarithmic else heights
    made = figure([""], [{"range": list(x)}], [{"range": list(y)}], height=420, margin={"t": 48})
    made.add_contour(
        x=across,
        y=up,
        z=shown,
        contours={"coloring": "none"},
        showscale=False,
        showlegend=False,
        ncontours=18,
        line={"width": 1, "color": "rgba(128,128,128,0.6)"},
        hoverinfo="skip",
    )
    for i, (name, path) in enumerate((paths or {}).items()):
        points = _inside(np.asarray(path, float), x, y)
        made.add_scatter(
            name=text(name),
            x=listed(points[:, 0]),
            y=listed(points[:, 1]),
            mode="lines+markers",
            line={**stroke(i), "width": 2},
            marker={"size": 4},
            customdata=np.arange(len(points)),
            hovertemplate="%{fullData.name}: %{customdata}<br>(%{x:.4g}, %{y:.4g})<extra></extra>",
        )
    return _finished(made, title)


def _inside(points: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """The points up to the first that has left for good what could be drawn."""
    far = np.zeros(len(points), bool)
    for column, (low, high) in enumerate((x, y)):
        values, room = points[:, column], high - low
        far |= ~np.isfinite(values) | (values < low - 3 * room) | (values > high + 3 * room)
    return points[: int(np.argmax(far))] if far.any() else points


def curves(
    series: Mapping[str, Any], *, x: str = "", y: str = "", title: str = "", log: bool = False, every: int = 1
) -> go.Figure:
    """A line for each sequence of numbers; its first number belongs to step 1.

    Args:
      series: sequences by name.
      x, y: what the axes are called.
      title: of the figure.
      log: whether the vertical axis is logarithmic.
      every: steps between two numbers.
    """
    up = _logarithmic(series.values()) if log else {}
    made = figure([""], [{"title_text": x}], [{"title_text": y, **up}], height=320, margin={"t": 48})
    for i, (name, values) in enumerate(series.items()):
        made.add_scatter(
            name=text(name),
            x=every * np.arange(1, len(values) + 1),
            y=listed(values),
            mode="lines",
            line={**stroke(i), "width": 2},
        )
    return _finished(made, title)


def _logarithmic(series: Iterable[Any]) -> dict[str, Any]:
    """A logarithmic axis; where it spans more than a decade and a half only powers of ten have a label."""
    shown = np.concatenate([np.empty(0), *(np.asarray(values, float) for values in series)])
    shown = shown[np.isfinite(shown) & (shown > 0)]
    wide = bool(shown.size) and shown.max() > 30 * shown.min()
    decades = {"nticks": 8} if wide and shown.max() > 1e8 * shown.min() else {"dtick": 1} if wide else {}
    return {"type": "log", "exponentformat": "power", **decades}


def scatter(
    x: Any, t: Any, lines: Mapping[str, Any], *, title: str = "", across: str = "", up: str = ""
) -> go.Figure:
    """Points (x, t), and the values of some functions at the same x as lines, by name."""
    made = figure([""], [{"title_text": across}], [{"title_text": up}], height=340, margin={"t": 48})
    made.add_scatter(
        x=listed(np.ravel(x)),
        y=listed(np.ravel(t)),
        mode="markers",
        marker={"size": 5, "color": "rgba(128,128,128,0.6)"},
        showlegend=False,
    )
    for i, (name, values) in enumerate(lines.items()):
        made.add_scatter(
            name=text(name),
            x=listed(np.ravel(x)),
            y=listed(np.ravel(values)),
            mode="lines",
            line={**stroke(i), "width": 2},
        )
    return _finished(made, title)


def histograms(
    values: Mapping[str, Any],
    *,
    title: str = "",
    columns: int = 5,
    bins: int = 40,
    x: str = "",
    within: tuple[float, float] | None = None,
) -> go.Figure:
    """A histogram beside the other for each array: the share of its entries in each bin.

    Args:
      values: arrays of any shape, by name.
      title: of the figure.
      columns: histograms in a row.
      bins: in each.
      x: what the horizontal axes are called.
      within: the ends of all horizontal axes, so that spreads can be compared; default: each array's own.
    """
    count = len(values)
    across = {
        "title_text": x,
        "nticks": 4,
        "exponentformat": "power",
        **({"range": within} if within else {}),
    }
    made = figure(
        [text(name) for name in values],
        [across] * count,
        [{"tickformat": ".0%", "rangemode": "tozero"}] * count,
        height=190,
        columns=(min(columns, count), 2),
        margin={"t": 76},
    )
    for panel, (name, array) in enumerate(values.items(), start=1):
        entries = np.ravel(np.asarray(array, float))
        shares, edges = np.histogram(entries[np.isfinite(entries)], bins, within)
        made.add_bar(
            name=text(name),
            x=(edges[1:] + edges[:-1]) / 2,
            y=shares / max(entries.size, 1),
            width=np.diff(edges),
            marker={"color": colour(0), "line": {"width": 0}},
            xaxis=axis("x", panel),
            yaxis=axis("y", panel),
            showlegend=False,
        )
    return _finished(made, title)


def heat(
    table: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str], *, title: str = ""
) -> go.Figure:
    """A table of numbers with the numbers written in: the larger, the stronger the colour."""
    made = figure(
        [""],
        [{"type": "category", "side": "top", "showgrid": False}],
        [{"type": "category", "autorange": "reversed", "showgrid": False}],
        height=46 * len(rows) + 20,
        margin={"t": 84, "b": 8},
    )
    made.add_heatmap(
        x=list(columns),
        y=list(rows),
        z=[listed(row) for row in table],
        texttemplate="%{z:.3g}",
        colorscale=[[0, "rgba(40,166,122,0.05)"], [1, "rgba(40,166,122,0.75)"]],
        showscale=False,
        xgap=3,
        ygap=3,
    )
    return _finished(made, title)


def against(
    x: Any, series: Mapping[str, Any], *, across: str = "", up: str = "", title: str = "", points: Any = None
) -> go.Figure:
    """Lines with marks over positive numbers x, on a logarithmic axis.

    Args:
      x: [n] positive numbers, ascending.
      series: [n] numbers each, by name.
      across, up: what the axes are called.
      title: of the figure.
      points: [n, k] single measurements behind the lines, k for each x; their mean, say, is a line.
    """
    x = np.asarray(x, float)
    labels = [f"{each:g}" for each in x]
    made = figure(
        [""],
        [{"title_text": across, "type": "log", "tickvals": listed(x), "ticktext": labels}],
        [{"title_text": up, "rangemode": "tozero"}],
        height=320,
        margin={"t": 48},
    )
    if points is not None:
        points = np.asarray(points, float)
        made.add_scatter(
            x=listed(np.repeat(x, points.shape[1])),
            y=listed(points.ravel()),
            mode="markers",
            marker={"size": 6, "color": "rgba(128,128,128,0.6)"},
            showlegend=False,
        )
    for i, (name, values) in enumerate(series.items()):
        made.add_scatter(
            name=text(name),
            x=listed(x),
            y=listed(np.asarray(values, float)),
            mode="lines+markers",
            line={"color": colour(i), "width": 2},
            showlegend=True,
        )
    return _finished(made, title)


def regions(
    maps: Mapping[str, Any],
    x: tuple[float, float],
    y: tuple[float, float],
    names: Sequence[str],
    *,
    title: str = "",
) -> go.Figure:
    """Maps side by side: the colour of a point says where it leads, such as to which local minimum.

    Args:
      maps: by name, arrays [up, across] of whole numbers, which count `names` from 0; -1 leads nowhere.
      x, y: the ends of the axes.
      names: of the places that points lead to, at most as many as there are colours.
      title: of the figure.
    """
    count = len(maps)
    made = figure(
        [text(name) for name in maps],
        [{"range": list(x), "showgrid": False}] * count,
        [{"range": list(y), "showgrid": False}] * count,
        height=270,
        columns=(min(count, 3), 1),
        margin={"t": 76},
    )
    steps = [(i + end) / len(names) for i in range(len(names)) for end in (0, 1)]
    scale = [[step, translucent(colour(i // 2), 0.75)] for i, step in enumerate(steps)]
    for panel, found in enumerate(maps.values(), start=1):
        places = np.asarray(found, float)
        up, across = places.shape
        made.add_heatmap(
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
        made.add_scatter(name=text(name), x=[None], y=[None], mode="markers", marker=mark)
    return _finished(made, title)


def _finished(made: go.Figure, title: str) -> go.Figure:
    made.update_layout(
        title={
            "text": f"<b>{text(title)}</b>",
            "x": 0.01,
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 8},
            "font": {"size": 15},
        },
        font={"family": FONT, "size": 13},
        legend={"traceorder": "normal"},
    )
    return made
