"""The command `kobai diagnose`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from kobai.basics.errors import UsageError
from kobai.cli import files, tables
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import nodes, number, path, steps, whole, word
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.comparison.result import ComparisonResult
    from kobai.questions.diagnosis.result import DiagnosisResult

ARGUMENTS = (Argument("TASK", "help.task"),)
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
    *tables.OPTIONS,
    Option("activation", "NAME", word),
    Option("batch-norm", "NAME", word),
    Option("hidden", "N,M,…", nodes),
    Option("batch-size", "N", word),
    Option("steps", "N", steps),
    Option("seeds", "N", whole),
    Option("cure"),
    Option("cure-seeds", "N", whole),
    *files.OPTIONS,
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the command; `line` is the whole command line."""

    def deed(task: str, **ask: object) -> Deed:
        destination = Destination.of(ask, f"diagnosis-{task.partition(':')[0]}")
        return functools.partial(_diagnose, task, ask, destination, reproducing(line))

    meaning = say("help.diagnose")
    group.add("diagnose", deed, ARGUMENTS, OPTIONS, meaning=meaning, subject="help.diagnose")


def _diagnose(task: str, said: dict[str, object], destination: Destination, command: str) -> None:
    def compute() -> "DiagnosisResult":
        from kobai.questions.diagnosis.ask import diagnose

        ask = said
        if "setting" in ask:
            result, ask = _study(str(ask["setting"]), task, ask)
            ask = {"steps": result.outcome.study.steps} | ask | {"setting": result.best}
        question: Callable[..., DiagnosisResult] = diagnose  # whose arguments `OPTIONS` names
        return question(task, command=command, **ask)

    def show(console: "Console", result: "DiagnosisResult") -> None:
        from kobai.questions.diagnosis import terminal

        console.print(terminal.view(result.diagnosis))

    destination.keep(compute, show)


def _study(folder: str, task: str, said: dict[str, object]) -> tuple["ComparisonResult", dict[str, object]]:
    """The study of this task that a folder keeps, and what is said, where it is not said here, as there."""
    from kobai.cli.made import of_task
    from kobai.questions.comparison.opening import open as opened
    from kobai.questions.subject import subject

    kept = opened(folder)
    results, there = kept.tasks, of_task(kept.command)
    other = UsageError("error.diagnose.from", path=folder, known=", ".join(results), task=task)
    try:
        name = task if task in results else subject(there | said | {"task": task}).name
    except UsageError:
        # A table bears its file's name. What that study said of its own, nobody has said of another one.
        if PurePath(task).stem in results or there.keys() <= said.keys():
            raise
        raise other from None
    if name not in results:
        raise other
    return results[name], there | said
