"""The command `kobai confirm`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from kobai.cli import files
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import whole, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.questions.judgement.confirm import ConfirmationResult

ARGUMENTS = (Argument("STORAGE", "help.confirm.storage"), Argument("OBJECTIVE", "help.confirm.objective"))
OPTIONS = (
    Option("study", "NAME", word),
    Option("top", "N", whole),
    Option("seeds", "N", whole),
    *files.OPTIONS,
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the command; `line` is the whole command line."""

    def deed(storage: str, objective: str, **ask: object) -> Deed:
        destination = Destination.named(ask)
        return functools.partial(_confirm, storage, objective, ask, destination, reproducing(line))

    meaning = say("help.confirm")
    group.add("confirm", deed, ARGUMENTS, OPTIONS, meaning=meaning, subject="help.confirm")


def _confirm(
    storage: str, objective: str, ask: dict[str, object], destination: Destination, command: str
) -> None:
    def compute() -> "ConfirmationResult":
        from kobai.questions.judgement.confirm import confirm
        from kobai.tasks.load import from_file

        question: Callable[..., ConfirmationResult] = confirm  # whose arguments `OPTIONS` names
        function = cast(Callable[..., object], from_file(objective, "objective"))
        return question(storage, function, command=command, **ask)

    destination.keep(compute, lambda console, result: console.print(str(result), soft_wrap=True))
