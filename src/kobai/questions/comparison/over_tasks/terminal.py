"""Several tasks in the terminal: what they say together, then the answer to each. Fits 80 columns."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.comparison import terminal
from kobai.questions.comparison.over_tasks import sentences, table
from kobai.report.letters import Paragraph, Stack
from kobai.study.answer import Answer
from kobai.study.over_tasks import OverTasks
from kobai.words import say


def view(over: OverTasks, answers: Mapping[str, Answer], wide: bool = False) -> RenderableType:
    """The answer and the table over all tasks; below, of each task the answer, `wide`: and its table."""
    return Group(*_parts(over, answers, wide))


def text(over: OverTasks, answers: Mapping[str, Answer], width: int = 80) -> str:
    """The same as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(view(over, answers))
    return capture.get().rstrip("\n")


def _parts(over: OverTasks, answers: Mapping[str, Answer], wide: bool) -> Iterator[RenderableType]:
    yield Paragraph(Text(sentences.headline(over, answers), style="dim"))
    yield Text()
    first, join, rest = sentences.answer(over, answers).partition(say("over.join"))
    yield Paragraph(Text.assemble((first, "bold green"), join, rest))
    yield Text()
    rows = table.rows(over, answers)
    styles = ["bold" if each is over.choice else None for each in over.candidates]
    yield Stack(table.headers(over), rows, left=[0], styles=styles)
    yield Paragraph(Text(sentences.key(over, answers), style="dim"))
    for note in sentences.notes(over):
        yield Paragraph(Text(f"! {note}", style="yellow"))
    for own in answers.values():
        yield Text()
        yield Text()
        yield terminal.view(own, wide) if wide else terminal.brief(own)
