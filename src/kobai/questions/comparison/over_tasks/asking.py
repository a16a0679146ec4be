"""Asking the same of several tasks: the question to each of them, and what they are called."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.basics.notices import notice
from kobai.basics.progress import Progress
from kobai.questions.comparison.extension import extended
from kobai.questions.comparison.over_tasks.result import OverTasksResult
from kobai.questions.comparison.result import ComparisonResult
from kobai.report.result import Name
from kobai.study.outcome import Outcome
from kobai.study.runner import kept_of
from kobai.study.store import Store
from kobai.study.study import Study
from kobai.words import say

OF_ONE = ("data", "loss", "metric", "roles")
"""Arguments of `compare` that say what the first task is; each of the others says it itself."""


def each(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The arguments of `compare` for each task alone.

    Raises `UsageError` where `also` names none, or a task is named twice.
    """
    also = arguments["also"]
    others = list(also) if isinstance(also, list | tuple) else [also]
    if not others:
        raise UsageError("error.empty", name="also")
    said: list[object] = []
    for task in (arguments["task"], *others):
        spelling = _spelling(task)
        if any(task is before or (spelling and spelling == _spelling(before)) for before in said):
            raise UsageError("error.also.twice", value=spelling or type(task).__name__)
        said.append(task)
    alone = dict.fromkeys(OF_ONE) | {"also": None}
    return [{**arguments, "also": None}, *({**arguments, **alone, "task": task} for task in others)]


def shown(also: object) -> list[object]:
    """The further tasks as the call is written: what has no short spelling, by a name."""
    others = also if isinstance(also, list | tuple) else [also]
    return [
        str(task) if isinstance(task, str | Path) else Name(f"task_{i}")
        for i, task in enumerate(others, start=2)
    ]


def named(
    questions: Sequence[list[Study]], tasks: Sequence[object], known: Collection[str] = ()
) -> list[list[Study]]:
    """The studies of each task, with names that tell the tasks apart.

    A task has its own name. Of several with one name (digits, digits:hidden=50) each is called as it was
    said; so is one whose folder knows it as that.

    Args:
      questions: the studies of each task.
      tasks: as the caller has said them.
      known: the names of the tasks that a folder keeps.

    Raises `UsageError` where two have one name all the same.
    """
    names = [studies[0].facts.name for studies in questions]
    for i, task in enumerate(tasks):
        spelling = _spelling(task)
        if spelling and (names.count(names[i]) > 1 or spelling in known):
            names[i] = spelling
    for name in names:
        if names.count(name) > 1:
            raise UsageError("error.also.same", name=name)
    among = names if len(names) > 1 else []
    return [
        [_renamed(study, name, among) for study in studies]
        for studies, name in zip(questions, names, strict=True)
    ]


Found: TypeAlias = tuple[Outcome, list[Outcome]]
"""What a task has found by what decides, and what it has found by other criteria."""


def run_each(
    questions: Sequence[Sequence[Study]], bar: Progress, run: Callable[[Sequence[Study]], Found]
) -> Iterator[Found]:
    """What `run` finds for each task; of those alone that are begun, where the answer is wanted at once."""
    for i, studies in enumerate(questions):
        if interruption.is_winding_up():
            notice("over.left", names=", ".join(each[0].facts.name for each in questions[i:]))
            return
        bar.tell(say("progress.task", name=studies[0].facts.name, number=i + 1, count=len(questions)))
        yield run(studies)


def together(
    ask: Callable[[dict[str, Any], Store | None], ComparisonResult],
    arguments: Mapping[str, Any],
    results: Sequence[ComparisonResult],
) -> OverTasksResult:
    """What the results of several tasks say together; `ask` asks the same with more in it."""

    def more(more: Mapping[str, Any]) -> ComparisonResult:
        kept = None
        if arguments["output"] is None:
            kept = Store(cells=pl.concat(kept_of(result.outcome).cells for result in results))
        return ask(extended(arguments, results[0].outcome, more), kept)

    return OverTasksResult.of(results, more)


def _spelling(task: object) -> str:
    """How a task was said by a name or a file; nothing where it was said by itself."""
    if not isinstance(task, str | Path):
        return ""
    name, colon, rest = str(task).partition(":")
    return str(task) if "." in name else f"{name.replace('_', '-')}{colon}{rest}"


def _renamed(study: Study, name: str, among: Sequence[str]) -> Study:
    """The study, its task called so, which is asked among others."""
    if study.task is None or study.facts.name == name:
        return dataclasses.replace(study, among=among)
    tasks = {values: dataclasses.replace(task, name=name) for values, task in study.tasks.items()}
    task = dataclasses.replace(study.task, name=name)
    return dataclasses.replace(study, task=task, tasks=tasks, among=among)
