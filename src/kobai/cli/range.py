"""The command `kobai range`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from kobai.cli import files, tables, values
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import nodes, numbers, steps, whole, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.range.result import RangeResult

OPTIONS = (
    Option("optimizer", "NAME", word),
    Option("initializer", "NAME", word),
    Option("learning-rates", "X,Y,…", numbers),
    Option("steps", "N", steps),
    Option("seeds", "N", whole),
    *tables.OPTIONS,
    Option("activation", "NAME", word),
    Option("batch-norm", "NAME", word),
    Option("hidden", "N,M,…", nodes),
    Option("batch-size", "N", word),
    *files.OPTIONS,
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the command; `line` is the whole command line."""

    def deed(task: str, **ask: object) -> Deed:
        destination = Destination.of(ask, task)
        return functools.partial(_range, task, ask, destination, reproducing(line))

    arguments = [Argument("TASK", "help.task", read=values.task)]
    meaning = say("help.range")
    group.add("range", deed, arguments, OPTIONS, meaning=meaning, subject="help.range")


def _range(task: str, ask: dict[str, object], destination: Destination, command: str) -> None:
    def compute() -> "RangeResult":
        from kobai.questions.range.ask import learning_rate_range

        question: Callable[..., RangeResult] = learning_rate_range  # whose arguments `OPTIONS` names
        return question(task, command=command, **ask)

    def show(console: "Console", result: "RangeResult") -> None:
        from kobai.questions.range import terminal

        console.print(terminal.view(result.outcome))

    destination.keep(compute, show)
