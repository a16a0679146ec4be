"""What all figures of the lessons share: the letters, and the place of the title."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import plotly.graph_objects as go

from kobai.report.panels import text

FONT = "Noto Sans, Noto Sans CJK JP, Noto Sans JP, Hiragino Sans, Yu Gothic, Meiryo, IPAexGothic, sans-serif"

Numbers: TypeAlias = Sequence[float] | np.ndarray
"""Numbers in a row, as a learner has them: a list or an array."""


def finished(chart: go.Figure, title: str) -> go.Figure:
    """The figure with its title above it."""
    chart.update_layout(
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
    return chart
