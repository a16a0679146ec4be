"""The command `kobai compare`. Nothing heavy is imported before it is needed."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kobai.basics.errors import UsageError
from kobai.cli import files, tables, values
from kobai.cli.commands import Deed, Group
from kobai.cli.files import Destination
from kobai.cli.options import Argument, Option, reproducing
from kobai.cli.values import each, grids, names, nodes, numbers, part, sizes, steps, target, whole, wholes
from kobai.words import say

if TYPE_CHECKING:
    from kobai.basics.console import Console
    from kobai.questions.comparison.over_tasks.result import OverTasksResult
    from kobai.questions.comparison.result import ComparisonResult

OPTIONS = (
    Option("also", "TASK", each, repeatable=True),
    Option("optimizers", "A,B,…", names),
    Option("initializers", "A,B,…", names),
    Option("learning-rates", "X,Y,…", numbers),
    Option("set", "A.B=X,Y,…", grids, keyword="hyperparameters", repeatable=True),
    *tables.OPTIONS,
    Option("activation", "A,B,…", names),
    Option("batch-norm", "A,B,…", names),
    Option("hidden", "N,M,…", nodes),
    Option("steps", "N", steps),
    Option("batch-size", "N,M,…", sizes),
    Option("accumulate", "N,M,…", wholes),
    Option("parametrization", "A,B,…", names),
    Option("sampling", "A,B", names),
    Option("clip", "A,B,…", names),
    Option("l1", "X,Y,…", numbers),
    Option("l2", "X,Y,…", numbers),
    Option("mask", "A,B", names),
    Option("weight-decay", "X,Y,…", numbers),
    Option("schedule", "A,B,…", names),
    Option("average", "A,B,…", names),
    Option("early-stopping", "A,B,…", names),
    Option("evaluate-every", "N", steps),
    Option("target", "X,Y,…", target),
    Option("seeds", "N", whole),
    Option("tuning-seeds", "N", whole),
    Option("by", "A,B,…", names),
    Option("until-clear"),
    Option("within", "X%", part),
    Option("budget", "TIME"),
    Option("quick"),
    Option("wide"),
    *files.OPTIONS,
    Option("resume"),
    Option("join"),
    Option("on", "WHERE", keyword="backend"),
    Option("threads", "N", whole),
    Option("plan"),
)


def add(group: Group, line: list[str]) -> None:
    """Give the group the command; `line` is the whole command line."""

    def deed(task: str, **ask: object) -> Deed:
        if ask.pop("plan", False):
            return functools.partial(_plan, task, ask)
        wide = bool(ask.pop("wide", False))
        destination = Destination.of(ask, task, kept_by_study=True)
        return functools.partial(_compare, task, ask, destination, wide, reproducing(line))

    meaning = f"{say('help.compare')}\n\n{say('help.axes')}"
    group.add("compare", deed, [Argument("TASK", "help.task", read=values.task)], OPTIONS, meaning=meaning)


def _compare(task: str, ask: dict[str, object], destination: Destination, wide: bool, command: str) -> None:
    def compute() -> "ComparisonResult | OverTasksResult":
        from kobai.questions.comparison.ask import compare

        question: Callable[..., ComparisonResult | OverTasksResult] = compare  # as `OPTIONS` ask it
        return question(task, output=destination.folder, command=command, **ask)

    def show(console: "Console", result: "ComparisonResult | OverTasksResult") -> None:
        console.print(result.view(wide))
        if result.reused or any(each.outcome.kept for each in result.tasks.values()):
            console.print()
            console.print(say("study.reused", reused=result.reused, trained=result.trained))

    destination.keep(compute, show)


def _plan(task: str, ask: dict[str, object]) -> None:
    """Say what the study would take; no folder is made, nothing is kept."""
    from kobai.basics.files import check_writable, json_text, write_text
    from kobai.questions.comparison.planned import lines, planned

    if ask.pop("html", None) is not None:
        raise UsageError("error.option.alone", command="kobai compare --plan", value="--html")
    file = cast(Path | None, ask.pop("json", None))
    files.check_file("--json", file)
    if file is not None:
        check_writable(file)
    ask.pop("wide", None)
    plan = planned(task, **ask)
    for line in lines(plan):
        print(line)
    if file is not None:
        write_text(file, json_text(plan.content()))
