"""A descent in the terminal: what was asked, the table, the notes. Fits 80 columns."""

from collections.abc import Iterator
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.descent import table
from kobai.questions.descent.outcome import DescentOutcome

FOLDING = ("hyperparameters", "status")
"""What is broken into lines where a row would be too wide."""


def view(outcome: DescentOutcome) -> RenderableType:
    """What rich prints of a descent."""
    return Group(*_parts(outcome))


def text(outcome: DescentOutcome, width: int = 80) -> str:
    """What it prints, as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(view(outcome))
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").splitlines())


def _parts(outcome: DescentOutcome) -> Iterator[RenderableType]:
    yield Text(table.title(outcome), style="bold")
    yield Text(table.headline(outcome), style="dim")
    yield Text()
    yield _table(outcome)
    notes = table.notes(outcome)
    if notes:
        yield Text()
    for note in notes:
        yield Text(note, style="dim")


def _table(outcome: DescentOutcome) -> Table:
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head, name in zip(table.headers(), table.COLUMNS, strict=True):
        justify: Literal["left", "right"] = "left" if name in table.LEFT else "right"
        grid.add_column(head, justify=justify, no_wrap=name not in FOLDING, overflow="fold")
    for row, cells in zip(outcome.rows, table.rows(outcome), strict=True):
        first = row is outcome.rows[0] and row.stays is not None
        grid.add_row(*cells, style="bold green" if first else None)
    return grid
