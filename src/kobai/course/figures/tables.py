"""Figures of many numbers: histograms side by side, and a table that is coloured."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from kobai.course.figures.look import finished
from kobai.report.panels import axis, colour, figure, listed, text


def histograms(
    values: Mapping[str, ArrayLike],
    *,
    title: str = "",
    columns: int = 5,
    bins: int = 40,
    x: str = "",
    within: tuple[float, float] | None = None,
) -> go.Figure | None:
    """A histogram beside the other for each array: the share of its entries in each bin.

    Args:
      values: arrays of any shape, by name.
      title: of the figure.
      columns: histograms in a row.
      bins: in each.
      x: what the horizontal axes are called.
      within: the ends of all horizontal axes, so that spreads can be compared; default: each array's own.
    """
    if not values:
        return None
    count = len(values)
    across = {
        "title_text": x,
        "nticks": 4,
        "exponentformat": "power",
        **({"range": within} if within else {}),
    }
    chart = figure(
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
        chart.add_bar(
            name=text(name),
            x=(edges[1:] + edges[:-1]) / 2,
            y=shares / max(entries.size, 1),
            width=np.diff(edges),
            marker={"color": colour(0), "line": {"width": 0}},
            xaxis=axis("x", panel),
            yaxis=axis("y", panel),
            showlegend=False,
        )
    return finished(chart, title)


def heat(
    table: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str], *, title: str = ""
) -> go.Figure | None:
    """A table of numbers with the numbers written in: the larger, the stronger the colour."""
    if not len(table):
        return None
    chart = figure(
        [""],
        [{"type": "category", "side": "top", "showgrid": False}],
        [{"type": "category", "autorange": "reversed", "showgrid": False}],
        height=46 * len(rows) + 20,
        margin={"t": 84, "b": 8},
    )
    chart.add_heatmap(
        x=list(columns),
        y=list(rows),
        z=[listed(row) for row in table],
        texttemplate="%{z:.3g}",
        colorscale=[[0, "rgba(40,166,122,0.05)"], [1, "rgba(40,166,122,0.75)"]],
        showscale=False,
        xgap=3,
        ygap=3,
    )
    return finished(chart, title)
