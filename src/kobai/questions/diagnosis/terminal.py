"""A diagnosis in the terminal: the answer, each trouble with evidence, remedy and cures, the measurements."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.diagnosis import table
from kobai.questions.diagnosis.outcome import Diagnosis
from kobai.report.letters import Paragraph, Stack
from kobai.words import say


def view(diagnosis: Diagnosis) -> RenderableType:
    """What rich prints of a diagnosis."""
    return Group(*_parts(diagnosis))


def text(diagnosis: Diagnosis, width: int = 80) -> str:
    """What it prints, as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(view(diagnosis))
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").splitlines())


def _parts(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    yield Paragraph(Text(table.title(diagnosis), style="bold"))
    yield Paragraph(Text(table.headline(diagnosis), style="dim"))
    yield Text()
    style = "bold red" if diagnosis.troubles else "bold green"
    yield Paragraph(Text(table.answer(diagnosis), style=style))
    for number, said in enumerate(table.said(diagnosis), start=1):
        yield Text()
        yield Paragraph(Text(f"{number}. {said.name} ({said.place})", style="bold"))
        yield Padding(Paragraph(said.evidence), (0, 0, 0, 3))
        yield Padding(Paragraph(said.remedy), (0, 0, 0, 3))
        for cure in said.cures:
            yield Padding(Paragraph(f"• {cure}"), (0, 0, 0, 3))
    yield Text()
    rows = [list(row) for row in table.measured(diagnosis)]
    yield Stack([say("diagnose.measured"), say("diagnose.value")], rows, left=[0])
    for note in filter(None, [*table.notes(diagnosis), table.hint(diagnosis)]):
        yield Text()
        yield Paragraph(Text(note, style="dim"))
