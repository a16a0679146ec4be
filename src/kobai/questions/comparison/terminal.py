"""A comparison in the terminal: the answer, the table, where the files are. Fits 80 columns."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.comparison import effects, sentences, table
from kobai.report.letters import Paragraph
from kobai.study.answer import Answer
from kobai.words import say

LEFT = ("optimizer", "initializer", "loss")

NO_ROOM = ("initializer", "skipped", "diverged")
"""What a table of effects does not show in a terminal. Cautions tell of the runs that went wrong."""


def view(answer: Answer, wide: bool = False) -> RenderableType:
    """The answer, the table and the cautions, to be printed by rich."""
    return Group(*_parts(answer, wide))


def text(answer: Answer, wide: bool = False, width: int = 80) -> str:
    """The same as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(view(answer, wide))
    return capture.get().rstrip("\n")


def _parts(answer: Answer, wide: bool) -> Iterator[RenderableType]:
    yield Paragraph(Text(sentences.headline(answer), style="dim"))
    yield Text()
    for line in sentences.lines(answer):
        first, join, rest = line.partition(say("answer.join"))
        yield Paragraph(Text.assemble((first, "bold green"), join, rest))
    yield Text()
    yield _table(answer, [name for name in table.columns(answer) if name not in answer.axes])
    if answer.axes:
        yield Text()
        yield _table(answer, ("optimizer", *answer.axes))
    if wide:  # below and not beside, where it would not fit
        yield Text()
        yield _table(answer, ("optimizer", *table.WIDE))
        yield from _effects(answer)
    if answer.notes:
        yield Text()
    for note in sentences.notes(answer):
        yield Paragraph(Text(f"! {note}", style="yellow"))


def _table(answer: Answer, columns: Sequence[str]) -> Table:
    places = [table.columns(answer, wide=True).index(name) for name in columns]
    heads = table.headers(answer, wide=True)
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name, place in zip(columns, places, strict=True):
        left = name in LEFT or name in answer.axes
        folds = left and name != "optimizer"  # its name is broken where it may be, below
        grid.add_column(heads[place], justify="left" if left else "right", no_wrap=not folds, overflow="fold")
    for row, cells in zip(answer.rows, table.rows(answer, wide=True), strict=True):
        chosen = row.optimizer == answer.optimizer.choice
        # In a table with one more column the numbers of trials have no room; the caution tells them too.
        cells[0] = _broken(cells[0], 16) if answer.epoch is None else _broken(row.optimizer, 10)
        grid.add_row(*(cells[place] for place in places), style="bold" if chosen else None)
    return grid


def _effects(answer: Answer) -> Iterator[RenderableType]:
    """The effect of each axis, under one sentence that says how its values are compared."""
    if answer.effects:
        yield Text()
        yield Paragraph(Text(effects.caption(answer), style="dim"))
    for axis, values in answer.effects.items():
        yield Text()
        names = effects.columns(values)
        places = [i for i, name in enumerate(names) if name not in NO_ROOM]
        heads = effects.headers(answer, axis)
        grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        for i in places:
            left = names[i] == "value"
            grid.add_column(heads[i], justify="left" if left else "right", no_wrap=not left, overflow="fold")
        for cells in effects.rows(answer, axis):
            chosen = cells[0] == answer.axes[axis].choice
            grid.add_row(*(cells[i] for i in places), style="bold" if chosen else None)
        yield grid


def _broken(name: str, most: int) -> str:
    """The name of an optimizer, on two lines where it is longer than that: conjugate, _gradient."""
    return name.replace("_", "\n_", 1) if len(name) > most else name
