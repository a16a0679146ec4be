"""A judgement in the terminal: the question, the verdicts, the table, the notes. Narrow, it stacks."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.judgement import table
from kobai.questions.judgement.outcome import Judgement
from kobai.questions.judgement.verdicts import BETTER, WORSE
from kobai.report.letters import Paragraph, Stack
from kobai.words import say

STYLES = {BETTER: "bold green", WORSE: "red"}


def view(judgement: Judgement) -> RenderableType:
    """What rich prints of a judgement."""
    return Group(*_parts(judgement))


def text(judgement: Judgement, width: int = 80) -> str:
    """What it prints, as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(view(judgement))
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").splitlines())


def _parts(judgement: Judgement) -> Iterator[RenderableType]:
    yield Paragraph(Text(table.title(judgement), style="bold"))
    yield Paragraph(Text(table.headline(judgement), style="dim"))
    yield Text()
    for verdict, sentence in table.answers(judgement):
        yield Paragraph(Text(sentence, style=STYLES.get(verdict.verdict, "")))
    if len(judgement.arms) > 2:
        yield Paragraph(table.together(judgement))
    yield Text()
    yield _table(judgement)
    notes = table.warnings(judgement)
    if notes:
        yield Text()
        yield Text(say("report.notes"), style="bold yellow")
    for note in notes:
        yield Padding(Paragraph(note), (0, 0, 0, 2))


def _table(judgement: Judgement) -> Stack:
    return Stack(
        table.headers(judgement),
        table.cells(judgement),
        left=[table.COLUMNS.index(name) for name in table.LEFT],
    )
