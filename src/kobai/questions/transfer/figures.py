"""The figure of a transfer: by the amount of target data, how good each protocol is and how much better."""

import plotly.graph_objects as go
import polars as pl

from kobai.questions.transfer.rows import AGAINST, SCRATCH, TransferOutcome
from kobai.report import panels
from kobai.report.panels import Attributes
from kobai.words import metric, say


def lines(frame: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    """(key of its name, column of the metric, rows) of every line: the protocols, then from scratch."""
    every = [
        (f"transfer.protocol.{name}", "metric", frame.filter(protocol=name))
        for name in frame["protocol"].unique(maintain_order=True)
    ]
    for against in dict.fromkeys(AGAINST[name] for name in frame["protocol"]):
        own = [name for name, other in AGAINST.items() if other == against]
        rows = frame.filter(pl.col("protocol").is_in(own)).unique("amount", keep="first", maintain_order=True)
        every.append((f"transfer.{'scratch' if against == SCRATCH else 'longer'}", "metric_scratch", rows))
    return every


def figures(outcome: TransferOutcome) -> dict[str, go.Figure]:
    """The figures by name: reuse."""
    return {"reuse": _reuse(outcome)}


def _reuse(outcome: TransferOutcome) -> go.Figure:
    """The metric of every line by the amount of target data, and how much better each protocol is."""
    frame = outcome.shown()
    amounts = frame["amount"].unique().sort().to_list()
    across = {
        "type": "log",
        "title_text": say("transfer.axis.amount"),
        "tickvals": amounts,
        "ticktext": [str(amount) for amount in amounts],
    }
    titles = (panels.text(metric(outcome.metric)), say("transfer.column.difference"))
    up = [{"title_text": title} for title in titles]
    figure = panels.figure(["", ""], [across, across], up, height=320, columns=(2, 1), margin={"t": 12})
    for i, (key, column, rows) in enumerate(lines(frame)):
        of_protocol, name = column == "metric", say(key)
        line = (
            {"color": panels.colour(i)}
            if of_protocol
            else {"color": panels.INK, "dash": "dash" if key.endswith("longer") else "dot"}
        )
        look: Attributes = {
            "name": name,
            "meta": name,
            "legendgroup": name,
            "mode": "lines+markers",
            "line": {"width": 2, **line},
        }
        figure.add_scatter(x=rows["amount"].to_list(), y=panels.listed(rows[column]), **look)
        if of_protocol:
            half = (rows["difference_high"] - rows["difference"]).to_list()
            figure.add_scatter(
                x=rows["amount"].to_list(),
                y=panels.listed(rows["difference"]),
                error_y={"array": half, "thickness": 1.5, "width": 4},
                xaxis="x2",
                yaxis="y2",
                showlegend=False,
                **look,
            )
    ends = {"x0": 0, "x1": 1, "y0": 0, "y1": 0, "xref": "x2 domain", "yref": "y2"}
    return figure.add_shape(type="line", line={"color": panels.INK, "width": 1, "dash": "dot"}, **ends)
