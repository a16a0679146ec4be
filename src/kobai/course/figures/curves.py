"""Figures of one number over another: sequences, functions, points with fits, measurements."""

from collections.abc import Iterable, Mapping

import numpy as np
import plotly.graph_objects as go

from kobai.course.figures.look import Numbers, finished
from kobai.report.panels import INK, colour, figure, listed, stroke, text


def curves(
    series: Mapping[str, Numbers],
    *,
    x: str = "",
    y: str = "",
    title: str = "",
    log: bool = False,
    log_x: bool = False,
    every: int = 1,
    marks: Mapping[str, int] | None = None,
) -> go.Figure | None:
    """A line for each sequence of numbers; its first number belongs to step 1.

    Args:
      series: sequences by name.
      x, y: what the axes are called.
      title: of the figure.
      log: whether the vertical axis is logarithmic.
      log_x: whether the horizontal axis is, so that the first steps can be seen beside thousands.
      every: steps between two numbers.
      marks: steps that get a vertical line, by name.
    """
    if not series:
        return None
    up = _logarithmic(series.values()) if log else {}
    across = {"type": "log", "dtick": 1} if log_x else {}
    chart = figure(
        [""], [{"title_text": x, **across}], [{"title_text": y, **up}], height=320, margin={"t": 48}
    )
    for i, (name, values) in enumerate(series.items()):
        chart.add_scatter(
            name=text(name),
            x=every * np.arange(1, len(values) + 1),
            y=listed(values),
            mode="lines",
            line={**stroke(i), "width": 2},
        )
    for name, step in (marks or {}).items():
        chart.add_vline(x=step, line={"color": INK, "width": 1, "dash": "dot"})
        chart.add_annotation(  # plotly counts a logarithmic axis in powers of ten
            x=np.log10(step) if log_x else step,
            y=1,
            yref="paper",
            yanchor="bottom",
            text=text(name),
            showarrow=False,
        )
    return finished(chart, title)


def _logarithmic(series: Iterable[Numbers]) -> dict[str, object]:
    """A logarithmic axis with a label at each power of ten; within a decade and a half also at 2 and 5."""
    shown = np.concatenate([np.empty(0), *(np.asarray(values, float) for values in series)])
    shown = shown[np.isfinite(shown) & (shown > 0)]
    wide = bool(shown.size) and shown.max() > 30 * shown.min()
    if not wide:
        return {"type": "log", "dtick": "D2", "tickformat": "~g"}
    ticks = {"nticks": 8} if shown.max() > 1e8 * shown.min() else {"dtick": 1}
    return {"type": "log", "exponentformat": "power", **ticks}


def lines(
    x: Numbers,
    series: Mapping[str, Numbers],
    *,
    stems: Mapping[str, tuple[Numbers, Numbers]] | None = None,
    points: Numbers | None = None,
    across: str = "",
    up: str = "",
    title: str = "",
) -> go.Figure | None:
    """Functions of one number as lines: densities, a loss along one parameter.

    Args:
      x: [n] numbers, ascending.
      series: [n] values each, by name.
      stems: positions [k] and heights [k] of vertical lines from 0, in the colour of the line of that name.
      points: positions [k] that are marked on the horizontal axis, such as data.
      across, up: what the axes are called.
      title: of the figure.
    """
    if not series:
        return None
    chart = figure([""], [{"title_text": across}], [{"title_text": up}], height=320, margin={"t": 48})
    for i, (name, values) in enumerate(series.items()):
        chart.add_scatter(
            name=text(name), x=listed(x), y=listed(values), mode="lines", line={**stroke(i), "width": 2}
        )
    for name, (at, heights) in (stems or {}).items():
        chart.add_scatter(
            x=[each for place in listed(at) for each in (place, place, None)],
            y=[each for height in listed(heights) for each in (0.0, height, None)],
            mode="lines+markers",
            line={"color": colour(list(series).index(name)), "width": 1},
            marker={"size": 5},
            showlegend=False,
        )
    if points is not None:
        marks = {"symbol": "line-ns-open", "size": 14, "color": INK, "line": {"width": 2}}
        chart.add_scatter(
            x=listed(points), y=[0.0] * len(points), mode="markers", marker=marks, showlegend=False
        )
    return finished(chart, title)


def scatter(
    x: Numbers, t: Numbers, lines: Mapping[str, Numbers], *, title: str = "", across: str = "", up: str = ""
) -> go.Figure:
    """Points (x, t), and the values of some functions at the same x as lines, by name."""
    chart = figure([""], [{"title_text": across}], [{"title_text": up}], height=340, margin={"t": 48})
    chart.add_scatter(
        x=listed(np.ravel(x)),
        y=listed(np.ravel(t)),
        mode="markers",
        marker={"size": 5, "color": "rgba(128,128,128,0.6)"},
        showlegend=False,
    )
    for i, (name, values) in enumerate(lines.items()):
        chart.add_scatter(
            name=text(name),
            x=listed(np.ravel(x)),
            y=listed(np.ravel(values)),
            mode="lines",
            line={**stroke(i), "width": 2},
        )
    return finished(chart, title)


def against(
    x: Numbers,
    series: Mapping[str, Numbers],
    *,
    across: str = "",
    up: str = "",
    title: str = "",
    points: Numbers | None = None,
    log: bool = False,
) -> go.Figure | None:
    """Lines with marks over positive numbers x, on a logarithmic axis.

    Args:
      x: [n] positive numbers, ascending.
      series: [n] numbers each, by name.
      across, up: what the axes are called.
      title: of the figure.
      points: [n, k] single measurements behind the lines, k for each x; their mean, say, is a line.
      log: whether the vertical axis is logarithmic, too.
    """
    if not series:
        return None
    x = np.asarray(x, float)
    labels = [f"{each:g}" for each in x]
    measured = series.values() if points is None else np.asarray(points, float)
    rising = _logarithmic(measured) if log else {"rangemode": "tozero"}
    chart = figure(
        [""],
        [{"title_text": across, "type": "log", "tickvals": listed(x), "ticktext": labels}],
        [{"title_text": up, **rising}],
        height=320,
        margin={"t": 48},
    )
    if points is not None:
        points = np.asarray(points, float)
        chart.add_scatter(
            x=listed(np.repeat(x, points.shape[1])),
            y=listed(points.ravel()),
            mode="markers",
            marker={"size": 6, "color": "rgba(128,128,128,0.6)"},
            showlegend=False,
        )
    for i, (name, values) in enumerate(series.items()):
        chart.add_scatter(
            name=text(name),
            x=listed(x),
            y=listed(np.asarray(values, float)),
            mode="lines+markers",
            line={"color": colour(i), "width": 2},
            showlegend=True,
        )
    return finished(chart, title)
