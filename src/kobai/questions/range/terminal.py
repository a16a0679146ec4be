"""Learning rates in a terminal: the answer and the table. Fits 80 columns, and stacks in fewer."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.range import table
from kobai.questions.range.outcome import RangeOutcome
from kobai.report.letters import Paragraph, Stack
from kobai.words import say


def view(outcome: RangeOutcome) -> RenderableType:
    """What rich prints of the learning rates of a rule."""
    return Group(*_parts(outcome))


def text(outcome: RangeOutcome, width: int = 80) -> str:
    """What it prints, as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(view(outcome))
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").splitlines())


def _parts(outcome: RangeOutcome) -> Iterator[RenderableType]:
    yield Paragraph(Text(table.title(outcome), style="bold"))
    yield Paragraph(Text(table.headline(outcome), style="dim"))
    yield Text()
    for i, (head, rest) in enumerate(table.answers(outcome)):
        words = Text.assemble((head, "bold green" if i == 0 else "bold"), say("range.join"), rest)
        yield Paragraph(words)
    yield Text()
    best = outcome.race.suggestion
    heads = table.headers(outcome)
    yield Stack(
        heads,
        table.cells(outcome),
        left=[len(heads) - 1],
        styles=["bold green" if each is best else None for each in outcome.race.reached],
    )
