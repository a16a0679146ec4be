"""What the command line says of itself: the help of a command, lists of names.

The help needs nothing of rich but the columns that a letter takes, so that it is there at once.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len

from kobai.basics import registry
from kobai.basics.signs import written
from kobai.cli.commands import Command, Group
from kobai.report.line_ends import ends
from kobai.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

LEAST, USUAL = 40, 80
"""Columns: a narrower terminal breaks the lines itself; where nobody knows, it has the usual number."""


def written_help(entry: Command | Group) -> str:
    """The help of a command, wrapped by the columns that a terminal needs for it."""
    width = max(LEAST, shutil.get_terminal_size((USUAL, 24)).columns)
    parts = [*(argument.metavar for argument in entry.arguments), say("help.usage.options")]
    if isinstance(entry, Group):
        parts.insert(0, say("help.usage.command"))
    lines = [say("help.usage", words=" ".join([entry.path, *parts])), ""]
    lines += ["  " + line for line in _wrapped(entry.meaning, width - 4)]
    for heading, rows in _sections(entry):
        lines += ["", say(f"help.{heading}"), *_two_columns(rows, width)]
    return "\n".join(line.rstrip() for line in lines)


def _sections(entry: Command | Group) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(heading, names with what they mean) of each part of the help."""
    if isinstance(entry, Group):
        yield "commands", [(name, each.meaning) for name, each in entry.commands.items()]
    if entry.arguments:
        yield "arguments", [(argument.metavar, say(argument.words)) for argument in entry.arguments]
    options = ((f"--{each.name} {each.metavar or ''}", each) for each in entry.options)
    yield "options", [(name, each.meaning(entry.subject)) for name, each in options]


def _two_columns(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    """Names, and beside them what they mean."""
    column = max(cell_len(name.rstrip()) for name, _ in rows) + 4
    for name, meaning in rows:
        first, *others = _wrapped(meaning, max(width - column, LEAST // 2))
        yield f"  {name.rstrip()}".ljust(column) + first
        yield from (" " * column + line for line in others)


def _wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, with the signs that standard output has."""
    lines: list[str] = []
    for paragraph in written(text, sys.stdout.encoding or "utf-8").split("\n"):
        cuts = ends(paragraph, width)
        for start, end in zip([0, *cuts], [*cuts, len(paragraph)], strict=True):
            lines += _folded(paragraph[start:end].strip(), width)
    return lines


def _folded(line: str, width: int) -> Iterator[str]:
    """A line with a word that is too long for it, in several: after its commas, if it has any."""
    while cell_len(line) > width:
        cut = line.rfind(",", 0, width) + 1 or width
        yield line[:cut]
        line = line[cut:]
    yield line


def described(rows: Iterable[tuple[str, "str | Text"]]) -> "RenderableType":
    """Names with what they mean, in two columns, for rich."""
    from rich.padding import Padding
    from rich.table import Table

    from kobai.report.letters import Paragraph

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, meaning in rows:
        table.add_row(name, Paragraph(meaning))
    return Padding(table, (0, 0, 0, 2))


def listed(tables: Mapping[str, Mapping[str, registry.Entry]]) -> None:
    """Print the names of each kind: how the kind is used, then each with what it is and who found it."""
    from kobai.basics.console import Console

    console = Console(highlight=False, markup=False)
    for kind, table in tables.items():
        console.print(say(f"kind.{kind}"), style="bold")
        if kind in registry.USES:
            console.print(f"  {registry.USES[kind]}", style="dim")
        console.print(described((entry.name, _with_source(entry)) for entry in table.values()))


def _with_source(entry: registry.Entry) -> "Text":
    """What something is, and who found it."""
    from rich.text import Text

    return Text.assemble(say(entry.key), (f" · {entry.source}", "dim") if entry.source else "")
