"""The command `kobai transfer`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from kobai.basics import registry
from kobai.basics.errors import UsageError, unknown
from kobai.cli import files
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.help import listed
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import names, number, numbers, steps, whole, wholes, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.questions.transfer.result import TransferResult

ARGUMENTS = (
    Argument("SOURCE", "help.transfer.source", required=False),
    Argument("[TARGET]", "help.transfer.target", required=False),
)
OPTIONS = (
    Option("protocol", "A,B,…", names),
    Option("amounts", "N,M,…", wholes),
    Option("optimizer", "NAME", word),
    Option("learning-rates", "X,Y,…", numbers),
    Option("source-learning-rate", "X", number),
    Option("initializer", "NAME", word),
    Option("steps", "N", steps),
    Option("source-steps", "N", steps),
    Option("slow", "X", number),
    Option("seeds", "N", whole),
    Option("tuning-seeds", "N", whole),
    *files.OPTIONS,
    Option("list"),
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the command; `line` is the whole command line."""

    def deed(source: str | None, target: str | None, **ask: object) -> Deed:
        if ask.pop("list", False):
            return _list
        pair = _pair(source, target)
        destination = Destination.of(ask, "transfer" if isinstance(pair, tuple) else pair)
        return functools.partial(_transfer, pair, ask, destination, reproducing(line))

    meaning = say("help.transfer")
    group.add("transfer", deed, ARGUMENTS, OPTIONS, meaning=meaning, subject="help.transfer")


def _pair(source: str | None, target: str | None) -> str | tuple[str, str]:
    """The name of a pair, or the names of two tasks."""
    if source is None:
        raise UsageError("error.option.missing", name="SOURCE", command="kobai transfer")
    if source in registry.PAIRS:
        if target is not None:
            raise UsageError("error.transfer.target", source=source, target=target)
        return source
    if target is None:
        problem = unknown("kind.pair", source, registry.PAIRS)
        if problem.key == "error.unknown":  # near no name: a task perhaps
            problem = UsageError("error.transfer.alone", source=source, known=", ".join(registry.PAIRS))
        raise problem
    return source, target


def _transfer(
    pair: str | tuple[str, str], ask: dict[str, object], destination: Destination, command: str
) -> None:
    def compute() -> "TransferResult":
        from kobai.questions.transfer.ask import transfer

        question: Callable[..., TransferResult] = transfer  # whose arguments `OPTIONS` names
        return question(pair, command=command, **ask)

    destination.keep(compute, lambda console, result: console.print(str(result), soft_wrap=True))


def _list() -> None:
    from kobai.basics.console import Console
    from kobai.report.letters import Paragraph

    listed({"pair": registry.PAIRS, "protocol": registry.PROTOCOLS})
    print()
    Console(highlight=False, markup=False).print(Paragraph(say("help.transfer.own")))
