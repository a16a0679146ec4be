"""The command `kobai compare`. Nothing heavy is imported before it is needed."""

import functools
from typing import TYPE_CHECKING, Any

import typer

from kobai.cli import files
from kobai.cli.files import Files
from kobai.cli.options import Argument, Deed, Option, add_command, reproducing
from kobai.cli.values import names, numbers, settings, sizes, target, whole, wholes
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.comparison.result import ComparisonResult

OPTIONS = (
    Option("optimizers", "A,B,…", names),
    Option("initializers", "A,B,…", names),
    Option("learning-rates", "X,Y,…", numbers),
    Option("set", "A.B=X,Y,…", settings, keyword="hyperparameters", repeatable=True),
    Option("activation", "A,B,…", names),
    Option("batch-norm", "A,B,…", names),
    Option("hidden", "N,M,…", wholes),
    Option("steps", "N", whole),
    Option("batch-size", "N,M,…", sizes),
    Option("sampling", "A,B", names),
    Option("clip", "A,B,…", names),
    Option("l1", "X,Y,…", numbers),
    Option("l2", "X,Y,…", numbers),
    Option("weight-decay", "X,Y,…", numbers),
    Option("schedule", "A,B,…", names),
    Option("average", "A,B,…", names),
    Option("early-stopping", "A,B,…", names),
    Option("evaluate-every", "N", whole),
    Option("target", "X,Y,…", target),
    Option("seeds", "N", whole),
    Option("tuning-seeds", "N", whole),
    Option("quick"),
    Option("wide"),
    *files.OPTIONS,
    Option("resume"),
    Option("threads", "N", whole),
)


def add(app: typer.Typer, line: list[str]) -> None:
    """Give the application the command; `line` is the whole command line."""

    def deed(task: str, **ask: Any) -> Deed:
        wide = ask.pop("wide", False)
        places = Files.of(ask, task, kept_by_study=True)
        return functools.partial(_compare, task, ask, places, wide, reproducing(line))

    meaning = f"{say('help.compare')}\n\n{say('help.axes')}"
    add_command(app, "compare", deed, [Argument("TASK", "help.task")], OPTIONS, meaning=meaning)


def _compare(task: str, ask: dict[str, Any], places: Files, wide: bool, command: str) -> None:
    def compute() -> "ComparisonResult":
        from kobai.questions.comparison.ask import compare

        return compare(task, output=places.folder, command=command, **ask)

    def show(console: "Console", result: "ComparisonResult") -> None:
        from kobai.questions.comparison import terminal

        console.print(terminal.view(result.answer, wide))

    places.keep(compute, show)
