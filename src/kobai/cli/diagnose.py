"""The command `kobai diagnose`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from kobai.basics.console import Console
from kobai.basics.errors import UsageError
from kobai.cli import files
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Deed, Option, add_command, reproducing
from kobai.cli.values import number, path, steps, whole, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.questions.diagnosis.result import DiagnosisResult
    from kobai.study.setting import Setting

ARGUMENTS = (Argument("TASK", "help.diagnose.task"),)
OPTIONS = (
    Option("optimizer", "NAME", word),
    Option("learning-rate", "X", number),
    Option("initializer", "NAME", word),
    Option("clip", "NAME", word),
    Option("l1", "X", number),
    Option("l2", "X", number),
    Option("weight-decay", "X", number),
    Option("schedule", "NAME", word),
    Option("from", "DIR", path, keyword="setting"),
    Option("steps", "N", steps),
    Option("seeds", "N", whole),
    Option("cure"),
    Option("cure-seeds", "N", whole),
    *files.OPTIONS,
)


def add(app: typer.Typer, line: list[str]) -> None:
    """Give the application the command; `line` is the whole command line."""

    def deed(task: str, **ask: object) -> Deed:
        destination = Destination.of(ask, f"diagnosis-{task.partition(':')[0]}")
        return functools.partial(_diagnose, task, ask, destination, reproducing(line))

    meaning = say("help.diagnose")
    add_command(app, "diagnose", deed, ARGUMENTS, OPTIONS, meaning=meaning, subject="help.diagnose")


def _diagnose(task: str, ask: dict[str, object], destination: Destination, command: str) -> None:
    def compute() -> "DiagnosisResult":
        from kobai.questions.diagnosis.ask import diagnose

        if "setting" in ask:
            ask["setting"] = _recommended(str(ask["setting"]), task)
        question: Callable[..., DiagnosisResult] = diagnose  # whose arguments `OPTIONS` names
        return question(task, command=command, **ask)

    def show(console: Console, result: "DiagnosisResult") -> None:
        from kobai.questions.diagnosis import terminal

        console.print(terminal.view(result.diagnosis))

    destination.keep(compute, show)


def _recommended(folder: str, task: str) -> "Setting":
    """What the study of a folder recommends; of several tasks, for the one of this name."""
    from kobai.questions.comparison.opening import open as opened

    results = opened(folder).tasks
    if len(results) > 1 and task not in results:
        raise UsageError("error.diagnose.from", path=folder, known=", ".join(results), task=task)
    return results[task if len(results) > 1 else next(iter(results))].best
