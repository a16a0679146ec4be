"""A comparison from its folder: the result that its run gave, without a training; and what is kept there."""

import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl

from kobai.basics.errors import UsageError
from kobai.basics.guard import guard
from kobai.basics.notices import notice
from kobai.engine.identity import versions, versions_named
from kobai.questions.comparison.otherwise import found, judged
from kobai.questions.comparison.over_tasks.result import OverTasksResult
from kobai.questions.comparison.result import ComparisonResult
from kobai.questions.why.ask import read
from kobai.report.result import Result
from kobai.study import store
from kobai.study.asked import Asked, in_order, names_in, questions
from kobai.study.claims import STALE, processes
from kobai.study.outcome import Outcome
from kobai.study.store import Store
from kobai.words import language as speaking


@guard
def open(
    folder: str | Path, *, by: str | Sequence[str] | None = None, language: str | None = None
) -> ComparisonResult:
    """The result of the latest question that was answered in a folder, as its run gave it.

    Of a folder that keeps several tasks (`kobai.compare` with ``also``) it is the `OverTasksResult` of the
    latest question to each of them.

    Nothing is trained, and the task is not needed: answer, table, frames, figures and code are read from what
    the folder keeps. What needs the task (`ComparisonResult.extend`) says so.

    Args:
      folder: the ``output`` of `kobai.compare`, or the folder of ``kobai compare --output``.
      by: what decides, "steps", "final" or "seconds", or several, as `kobai.compare` takes it. Default: what
        decided. What is not kept, such as trainings whose rate falls to 0 for "final", is told with the
        command that trains it.
      language: "en" or "ja", which the result speaks. Default: the language in use.

    Returns:
      A `ComparisonResult`, or an `OverTasksResult`.

    Raises:
      UsageError: for a folder that holds no study, none that is finished, or one of another version; and
        where trainings that another criterion needs are missing.
    """
    with speaking(language):
        path = checked(Path(folder))
        kept = Store(path, reading=True)
        asked = questions(kept)
        of_tasks = _of_tasks(asked)
        answered = {name: own for name, own in of_tasks.items() if any(each.finished for each in own)}
        if not answered:
            there, all_cells = _count(kept, asked[-1]) if asked else (0, 0)
            raise UsageError("error.store.unfinished", path=path, kept=there, cells=all_cells)
        if unanswered := ", ".join(name for name in of_tasks if name not in answered):
            notice("store.unanswered", path=path, names=unanswered)
        results = [_opened(path, kept, own, by) for own in answered.values()]
        return results[0] if len(results) == 1 else cast(ComparisonResult, OverTasksResult.of(results))


def whole(folder: Path, result: ComparisonResult | OverTasksResult) -> Result:
    """What the files of a folder tell: a result, and what is kept there of other tasks."""
    names = names_in(folder)
    if all(name in result.tasks for name in names):
        return result
    kept = Store(folder, reading=True)
    results = dict(result.tasks)
    for name, own in _of_tasks(questions(kept)).items():
        if name not in results and any(each.finished for each in own):
            results[name] = _opened(folder, kept, own)
    others = [name for name in results if name not in result.tasks]
    if not others:
        return result
    notice("store.also", path=folder, names=", ".join(others))
    return OverTasksResult.of([results[name] for name in names if name in results])


def _of_tasks(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    """The questions to each task, by its name, the latest last."""
    return {name: [each for each in asked if each.task == name] for name in in_order(asked)}


def _opened(path: Path, kept: Store, asked: Sequence[Asked], by: object = None) -> ComparisonResult:
    """The answer to the latest of these questions, to one task, that has one."""
    answered = [each for each in asked if each.finished]
    if not asked[-1].finished:
        notice("store.unfinished", path=path)
    latest = answered[-1]
    there, all_cells = _count(kept, latest)
    if there < all_cells:
        missing = all_cells - there
        raise UsageError("error.store.missing", path=path, missing=missing, command=latest.command)
    if latest.versions == versions():
        return _result(path, kept, answered, by)
    theirs = ", ".join(f"{name} {version}" for name, version in latest.versions.items())
    try:
        result = _result(path, kept, answered, by)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        names = {"path": path, "versions": theirs, "command": latest.command}
        raise UsageError("error.store.question", **names) from problem
    notice("store.versions", path=path, versions=theirs)
    return result


def _result(path: Path, kept: Store, answered: Sequence[Asked], by: object) -> ComparisonResult:
    """The answer to the latest question, all of whose cells are kept; judged by what decided, or by `by`."""
    latest = answered[-1]
    there, _ = _count(kept, latest)
    command = latest.command
    if by is None:
        first, others = found(kept, latest), _others(kept, answered)
    else:
        (first, *others), command = judged(kept, answered, by, path)
    outcome = dataclasses.replace(first, reused=there)
    return ComparisonResult.of(outcome, command, others=others, measured=read(outcome, path))


def _others(kept: Store, answered: Sequence[Asked]) -> list[Outcome]:
    """What the same command has found that was judged otherwise."""
    latest, by = answered[-1], {answered[-1].study.get("by")}
    outcomes: list[Outcome] = []
    for asked in answered[-2::-1]:
        if asked.command != latest.command or asked.study.get("by") in by:
            break
        by.add(asked.study.get("by"))
        outcomes.append(found(kept, asked))
    return outcomes


def checked(folder: Path) -> Path:
    """The folder, if a study is kept there. Raises `UsageError`."""
    if not folder.is_dir():
        raise UsageError("error.code.folder", path=folder)
    if not store.is_store(folder):
        raise UsageError("error.store.nothing", path=folder)
    return folder


def _count(kept: Store, asked: Asked) -> tuple[int, int]:
    """How many cells of a question are kept, of how many that its phases have named so far."""
    every = {cell for phase in asked.phases.values() for cell in phase.every}
    return sum(cell in kept.places for cell in every), len(every)


def status(folder: Path) -> dict[str, Any]:
    """What is kept in the folder of a study: its cells by task, optimizer and version, and its questions."""
    path = checked(folder)
    kept = Store(path, reading=True)
    cells = kept.every()
    return {
        "folder": str(path),
        "format": store.FORMAT,
        "bytes": sum(each.stat().st_size for each in path.rglob("*") if each.is_file()),
        "cells": len(cells),
        "tasks": _counted(cells["task"]),
        "optimizers": _counted(cells["method"].str.split(" ").list.first()),
        "initializers": _counted(cells["start"]),
        "steps": _counted(cells["steps"]),
        "seeds": sorted(cells["seed"].unique()),
        "versions": _counted(cells["versions"]),
        "unused": int((cells["versions"] != versions_named()).sum()),
        "damaged": len(list((path / store.DAMAGED).glob("*"))),
        "questions": [_question(kept, asked) for asked in questions(kept)],
        "processes": [who for _, who in processes(path, time.time(), STALE)],
    }


def _counted(names: pl.Series) -> dict[str, int]:
    return dict(sorted(Counter(map(str, names.to_list())).items()))


def _question(kept: Store, asked: Asked) -> dict[str, Any]:
    study = asked.study
    return {
        "task": asked.task,
        "command": asked.command,
        "finished": asked.finished,
        "planned": asked.planned,
        "optimizers": [each["name"] for each in study.get("candidates", ())],
        "initializers": [each["name"] for each in study.get("initializers", ())],
        "axes": {axis["name"]: [value["name"] for value in axis["values"]] for axis in study.get("axes", ())},
        **{name: study.get(name) for name in ("steps", "evaluate_every", "seeds", "tuning_seeds")},
        "phases": {
            name: {"cells": len(phase.every), "kept": sum(cell in kept.places for cell in phase.every)}
            for name, phase in asked.phases.items()
        },
        "versions": asked.versions,
    }
