"""The commands `kobai descend` and `kobai landscapes`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from kobai.basics import registry
from kobai.cli import files
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.help import described
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import grids, names, number, numbers, whole, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.descent.result import DescentResult

OPTIONS = (
    Option("methods", "A,B,…", names),
    Option("start", "X,Y,…", numbers),
    Option("learning-rates", "X,Y,…", numbers),
    Option("set", "A.B=X,Y,…", grids, keyword="hyperparameters", repeatable=True),
    Option("steps", "N", whole),
    Option("tolerance", "X", number),
    Option("dimension", "N", whole),
    Option("sort", "COLUMN", word),
    *files.OPTIONS,
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the two commands; `line` is the whole command line."""

    def deed(landscape: str, **ask: object) -> Deed:
        destination = Destination.of(ask, landscape)
        return functools.partial(_descend, landscape, ask, destination, reproducing(line))

    arguments = [Argument("LANDSCAPE", "help.landscape")]
    meaning = say("help.descend")
    group.add("descend", deed, arguments, OPTIONS, meaning=meaning, subject="help.descend")
    group.add("landscapes", lambda: _landscapes, meaning=say("help.landscapes"))


def _descend(landscape: str, ask: dict[str, object], destination: Destination, command: str) -> None:
    def compute() -> "DescentResult":
        from kobai.questions.descent.ask import descend

        question: Callable[..., DescentResult] = descend  # whose arguments `OPTIONS` names
        return question(landscape, command=command, **ask)

    def show(console: "Console", result: "DescentResult") -> None:
        from kobai.questions.descent import terminal

        console.print(terminal.view(result.outcome))

    destination.keep(compute, show)


def _landscapes() -> None:
    from kobai.basics.console import Console

    console = Console(highlight=False)
    console.print(described((entry.name, say(entry.key)) for entry in registry.LANDSCAPES.values()))
    print()
    print(say("help.own_landscape"))
