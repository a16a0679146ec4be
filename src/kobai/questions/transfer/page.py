"""The figure of a transfer, and its page: answer, table, figure, settings in one HTML file."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import polars as pl

from kobai.questions.transfer import table
from kobai.questions.transfer.rows import AGAINST, SCRATCH
from kobai.report import document, panels
from kobai.report.document import definitions, escaped, scrolling
from kobai.words import metric as called
from kobai.words import say

if TYPE_CHECKING:
    from kobai.questions.transfer.result import Transfer


def page(found: "Transfer") -> str:
    """The whole page."""
    drawn = figure(found).update_layout(showlegend=False)  # the buttons of the page are the legend
    caption = [say("report.reuse.caption")]
    parts = {
        "answer": "".join(_answer(found)),
        "notes": _notes(found),
        "table": _table(found),
        "evidence": document.evidence(
            "transfer",
            chips="".join(_chips(found)),
            figures=document.figure("reuse", caption),
            settings=_settings(found),
            command=found.command,
        ),
    }
    return document.page(
        title=table.title(found),
        headline=table.headline(found),
        main=document.fill(document.read("kobai.questions.transfer", "transfer.html"), parts),
        data=document.data({"reuse": drawn}),
    )


def summary(found: "Transfer") -> str:
    """Answer, table and notes alone, without style or script: for a notebook."""
    lines = "".join(f"<li>{html.escape(table.sentence(*each))}</li>" for each in table.answers(found))
    return f"<ul>{lines}</ul>{_scrolling(found)}{_notes(found)}"


# The figure


def lines(frame: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    """(key of its name, column of the metric, rows) of every line: the protocols, then from scratch."""
    found = [
        (f"transfer.protocol.{name}", "metric", frame.filter(protocol=name))
        for name in frame["protocol"].unique(maintain_order=True)
    ]
    for against in dict.fromkeys(AGAINST[name] for name in frame["protocol"]):
        own = [name for name, other in AGAINST.items() if other == against]
        rows = frame.filter(pl.col("protocol").is_in(own)).unique("amount", keep="first", maintain_order=True)
        found.append((f"transfer.{'scratch' if against == SCRATCH else 'longer'}", "metric_scratch", rows))
    return found


def figure(found: "Transfer") -> go.Figure:
    """By the amount of target data: the metric of every line; and by how much each protocol is better."""
    amounts = found.frame["amount"].unique().sort().to_list()
    across = {
        "type": "log",
        "title_text": say("transfer.axis.amount"),
        "tickvals": amounts,
        "ticktext": [str(amount) for amount in amounts],
    }
    titles = (panels.text(called(found.metric)), say("transfer.column.difference"))
    up = [{"title_text": title} for title in titles]
    made = panels.figure(["", ""], [across, across], up, height=320, columns=(2, 1), margin={"t": 12})
    for i, (key, column, rows) in enumerate(lines(found.frame)):
        reused, name = column == "metric", say(key)
        line = (
            {"color": panels.colour(i)}
            if reused
            else {"color": panels.INK, "dash": "dash" if key.endswith("longer") else "dot"}
        )
        look: dict[str, Any] = {
            "name": name,
            "meta": name,
            "legendgroup": name,
            "mode": "lines+markers",
            "line": {"width": 2, **line},
        }
        made.add_scatter(x=rows["amount"].to_list(), y=panels.listed(rows[column]), **look)
        if reused:
            half = (rows["difference_high"] - rows["difference"]).to_list()
            made.add_scatter(
                x=rows["amount"].to_list(),
                y=panels.listed(rows["difference"]),
                error_y={"array": half, "thickness": 1.5, "width": 4},
                xaxis="x2",
                yaxis="y2",
                showlegend=False,
                **look,
            )
    ends = {"x0": 0, "x1": 1, "y0": 0, "y1": 0, "xref": "x2 domain", "yref": "y2"}
    return made.add_shape(type="line", line={"color": panels.INK, "width": 1, "dash": "dot"}, **ends)


# The parts of the page


def _answer(found: "Transfer") -> Iterator[str]:
    for protocol, parts in table.answers(found):
        said = html.escape(say("transfer.and").join(parts))
        yield f"<li><strong>{html.escape(protocol)}</strong><span>{said}</span></li>"


def _notes(found: "Transfer") -> str:
    items = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes(found))
    return f'<aside class="notes"><h3>{html.escape(say("report.notes"))}</h3><ul>{items}</ul></aside>'


def _scrolling(found: "Transfer") -> str:
    caption = f"{table.title(found)} {table.headline(found)}"
    return scrolling(table.headers(), escaped(table.cells(found)), caption)


def _table(found: "Transfer") -> str:
    meanings = [
        (head, say(f"transfer.meaning.{name}"))
        for head, name in zip(table.headers(), table.COLUMNS, strict=True)
    ]
    return _scrolling(found) + document.folded(say("report.columns"), meanings)


def _chips(found: "Transfer") -> Iterator[str]:
    """A button for each line: the legend of the figure."""
    for i, (key, column, _) in enumerate(lines(found.frame)):
        name = html.escape(say(key))
        colour = panels.colour(i) if column == "metric" else panels.INK
        yield (
            f'<button type="button" aria-pressed="true" data-name="{name}">'
            f'<i style="background:{colour}"></i>{name}</button>'
        )


def _settings(found: "Transfer") -> str:
    setup = found.setup
    values: dict[str, Any] = {
        "source": found.source,
        "target": found.target,
        "optimizer": setup.optimizer,
        "learning_rates": ", ".join(f"{rate:g}" for rate in setup.learning_rates),
        "source_learning_rate": f"{setup.source_learning_rate:g}",
        "initializer": setup.initializer,
        "steps": setup.steps,
        "source_steps": setup.source_steps,
        "slow": f"{setup.slow:g}",
        "tuning_seeds": setup.tuning_seeds,
        "seeds": setup.seeds,
    }
    rows = definitions((say(f"transfer.setting.{name}"), str(value)) for name, value in values.items())
    versions = definitions(document.versions())
    parts = {"transfer.settings": rows, "report.settings.versions": versions}
    return "".join(
        f"<section><h3>{html.escape(say(key))}</h3>{part}</section>" for key, part in parts.items()
    )
