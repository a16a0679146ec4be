"""The page of a transfer: answer, table, figure, settings in one HTML file."""

import html
from collections.abc import Iterator

from kobai.questions.transfer import table
from kobai.questions.transfer.figures import figures, lines
from kobai.questions.transfer.rows import TransferOutcome
from kobai.report import cut, document, panels
from kobai.report.document import definitions, escaped, scrolling
from kobai.words import say


def page(outcome: TransferOutcome, command: str) -> str:
    """The whole page; `command` is the shell command or the Python call that makes it again."""
    drawings = figures(outcome)
    for each in drawings.values():
        each.update_layout(showlegend=False)  # the buttons of the page are the legend
    caption = [say("report.reuse.caption")]
    parts = {
        "answer": "".join(_answer(outcome)),
        "notes": document.notes(table.notes(outcome)),
        "table": _table(outcome),
        "evidence": document.evidence(
            "transfer",
            chips=[(say(key), _mark(i, column)) for i, (key, column, _) in enumerate(lines(outcome.frame))],
            figures=document.figure("reuse", caption),
            setup=_setup(outcome),
            command=command,
        ),
    }
    return document.page(
        title=table.title(outcome),
        headline=table.headline(outcome),
        main=document.fill(document.read("kobai.questions.transfer", "transfer.html"), parts),
        data=document.data(drawings),
    )


def summary(outcome: TransferOutcome) -> str:
    """Answer, table and notes alone, without style or script: for a notebook."""
    items = "".join(f"<li>{html.escape(table.sentence(*each))}</li>" for each in table.answers(outcome))
    return f"<ul>{items}</ul>{_scrolling(outcome)}{document.notes(table.notes(outcome))}"


# The parts of the page


def _answer(outcome: TransferOutcome) -> Iterator[str]:
    for protocol, parts in table.answers(outcome):
        sentences = html.escape(say("transfer.and").join(parts))
        yield f"<li><strong>{html.escape(protocol)}</strong><span>{sentences}</span></li>"


def _scrolling(outcome: TransferOutcome) -> str:
    caption = f"{table.title(outcome)} {table.headline(outcome)}"
    return scrolling(table.headers(), escaped(table.cells(outcome)), caption)


def _table(outcome: TransferOutcome) -> str:
    meanings = [
        (head, say(f"transfer.meaning.{name}"))
        for head, name in zip(table.headers(), table.COLUMNS, strict=True)
    ]
    return _scrolling(outcome) + document.folded(say("report.columns"), meanings)


def _mark(i: int, column: str) -> str:
    """CSS of the mark of a line: the colours of the figure, grey for training from scratch."""
    return f"background:{panels.colour(i) if column == 'metric' else panels.INK}"


def _setup(outcome: TransferOutcome) -> str:
    setup = outcome.setup
    values: dict[str, object] = {
        "source": outcome.source,
        "target": outcome.target,
        "optimizer": setup.optimizer,
        "learning_rates": cut.listed(", ".join(f"{rate:g}" for rate in setup.learning_rates)),
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
    return document.sections({"transfer.settings": rows, "report.settings.versions": versions})
