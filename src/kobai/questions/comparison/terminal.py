"""A comparison in the terminal: the answer, the table, the cautions. Fits 80 columns, and stacks in fewer."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from kobai.basics.console import Console
from kobai.questions.comparison import cut, effects, sentences, table
from kobai.report.letters import Paragraph, Stack
from kobai.study.answer import Answer
from kobai.words import say

LEFT = ("optimizer", "initializer", "loss")

NO_ROOM = ("initializer", "skipped", "diverged")
"""What a table of effects does not show in a terminal. Cautions tell of the runs that went wrong."""


def view(answer: Answer, wide: bool = False, why: Sequence[str] = ()) -> RenderableType:
    """The answer, why, the table and the cautions, to be printed by rich."""
    return Group(*_parts(cut.shown(answer), wide, why))


def brief(answer: Answer) -> RenderableType:
    """The answer and the cautions, without a table."""
    few = cut.shown(answer)
    return Group(*_said(few), *_cautions(few))


def text(answer: Answer, wide: bool = False, width: int = 80, why: Sequence[str] = ()) -> str:
    """The same as plain text."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(view(answer, wide, why))
    return capture.get().rstrip("\n")


def _said(answer: Answer) -> Iterator[RenderableType]:
    for sketch in sentences.sketch(answer):
        yield Paragraph(Text(f"! {sketch}", style="bold yellow"))
        yield Text()
    yield Paragraph(Text(sentences.headline(answer), style="dim"))
    yield Text()
    if stopping := sentences.stopping(answer):
        yield Paragraph(Text(stopping, style="dim"))
        yield Text()
    if preparation := sentences.preparation(answer):
        yield Paragraph(Text(preparation, style="dim"))
        yield Text()
    for warning in sentences.warnings(answer):
        yield Paragraph(Text(f"! {warning}", style="bold yellow"))
        yield Text()
    for line in sentences.lines(answer):
        first, join, rest = line.partition(say("answer.join"))
        yield Paragraph(Text.assemble((first, "bold green"), join, rest))


def _cautions(answer: Answer) -> Iterator[RenderableType]:
    if answer.notes:
        yield Text()
    for note in sentences.notes(answer):
        yield Paragraph(Text(f"! {note}", style="yellow"))


def _parts(answer: Answer, wide: bool, why: Sequence[str]) -> Iterator[RenderableType]:
    yield from _said(answer)
    for line in why:
        yield Paragraph(Text(line, style="dim"))
    yield Text()
    yield _table(answer, [name for name in table.columns(answer) if name not in answer.columns])
    for sentence in sentences.factors(answer):
        yield Paragraph(Text(sentence, style="dim"))
    if answer.columns:
        yield Text()
        yield _table(answer, ("optimizer", *answer.columns))
    if criteria := table.criterion_rows(answer):
        yield Text()
        yield Stack(table.criterion_headers(answer), criteria, left=(0,))
    if others := table.baseline_rows(answer):
        yield Text()
        words = (0, 3) if answer.meaning else (0,)
        yield Stack(table.baseline_headers(answer), others, left=words, folding=words)
    if wide:  # below and not beside, where it would not fit
        yield Text()
        yield _table(answer, ("optimizer", *table.WIDE))
        yield from _effects(answer)
    yield from _cautions(answer)


def _table(answer: Answer, columns: Sequence[str]) -> Stack:
    places = [table.columns(answer, wide=True).index(name) for name in columns]
    heads = table.headers(answer, wide=True)
    rows, styles = [], []
    for row, cells in zip(answer.rows, table.rows(answer, wide=True), strict=True):
        # In a table with one more column the numbers of trials have no room; the caution tells them too.
        cells[0] = _broken(cells[0], 16) if answer.epoch is None else _broken(row.optimizer, 10)
        rows.append([cells[place] for place in places])
        styles.append("bold" if row.optimizer == answer.optimizer.choice else None)
    left = [i for i, name in enumerate(columns) if name in LEFT or name in answer.columns]
    # An optimizer's name is broken where it may be, above; a curve is one line.
    folding = [i for i in left if columns[i] not in ("optimizer", "loss")]
    return Stack([heads[place] for place in places], rows, left=left, folding=folding, styles=styles)


def _effects(answer: Answer) -> Iterator[RenderableType]:
    """The effect of each axis, under one sentence that says how its values are compared."""
    if answer.effects:
        yield Text()
        yield Paragraph(Text(effects.caption(answer), style="dim"))
    for axis, values in answer.effects.items():
        yield Text()
        names = effects.columns(values)
        places = [i for i, name in enumerate(names) if name not in NO_ROOM]
        heads, cells = effects.headers(answer, axis), effects.rows(answer, axis)
        yield Stack(
            [heads[i] for i in places],
            [[row[i] for i in places] for row in cells],
            left=[0],
            folding=[0],
            styles=["bold" if row[0] == answer.axes[axis].choice else None for row in cells],
        )


def _broken(name: str, most: int) -> str:
    """The name of an optimizer, on two lines where it is longer than that: conjugate, _gradient."""
    return name.replace("_", "\n_", 1) if len(name) > most else name
