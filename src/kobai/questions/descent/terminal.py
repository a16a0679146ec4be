"""A descent in the terminal: what was asked, the table, the notes. Fits 80 columns, and stacks in fewer."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.descent import table
from kobai.questions.descent.outcome import DescentOutcome
from kobai.report.letters import Stack

FOLDING = ("hyperparameters", "status")
"""What is broken into lines where a row would be too wide."""


def view(outcome: DescentOutcome) -> RenderableType:
    """What rich prints of a descent."""
    return Group(*_parts(outcome.shown()))


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


def _table(outcome: DescentOutcome) -> Stack:
    best = outcome.rows[0] if outcome.rows[0].stays is not None else None
    return Stack(
        table.headers(),
        table.rows(outcome),
        left=[table.COLUMNS.index(name) for name in table.LEFT],
        folding=[table.COLUMNS.index(name) for name in FOLDING],
        styles=["bold green" if row is best else None for row in outcome.rows],
    )
