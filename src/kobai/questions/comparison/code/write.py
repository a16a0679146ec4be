"""The recommended training of a comparison as a program for each framework."""

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path

from kobai.basics.errors import UsageError, unknown
from kobai.basics.notices import Notice, notice
from kobai.questions.comparison.code import keras, kobai, optax, torch
from kobai.questions.comparison.code.plan import Plan, plan
from kobai.questions.comparison.code.program import Program, refusals
from kobai.study import store
from kobai.study.recommendation import Recommendation

FRAMEWORKS: dict[str, Callable[[Plan], Program]] = {
    "torch": torch.written,
    "optax": optax.written,
    "keras": keras.written,
    "kobai": kobai.written,
}
"""What a program can be written for, the one that most people use first."""

NAMES = {"torch": "PyTorch", "optax": "optax", "keras": "Keras", "kobai": "kobai"}
"""What the frameworks call themselves."""


def code(recommendation: Recommendation, framework: str) -> str:
    """The program. Raises `UsageError` for a framework that is not known."""
    return str(programmed(recommendation, framework))


def programmed(recommendation: Recommendation, framework: str) -> Program:
    """The program in its sections."""
    if framework not in FRAMEWORKS:
        raise unknown("kind.framework", framework, FRAMEWORKS)
    return FRAMEWORKS[framework](plan(recommendation))


def code_of(folder: Path, framework: str, task: str | None = None) -> str:
    """The program of the comparison that wrote this folder; of several tasks of the one named, or the first.

    What cannot be written is told, too. Raises `UsageError` for a framework or a task that is not known, and
    for a folder that holds no answer.
    """
    if framework not in FRAMEWORKS:
        raise unknown("kind.framework", framework, FRAMEWORKS)
    text = code(recommendation_of(folder, task), framework)
    for sentence in refusals(text):
        warnings.warn(sentence, Notice, stacklevel=2)
    return text


def recommendation_of(folder: Path, task: str | None = None) -> Recommendation:
    """What the answer in a folder recommends, of several tasks for the one named, or the first."""
    path = folder / "answer.json"
    if not os.path.isdir(folder):  # pathlib raises where the name is too long for a file
        raise UsageError("error.code.folder", path=folder)
    if not path.is_file():
        running = store.is_store(folder)
        raise UsageError("error.code.interrupted" if running else "error.code.answer", path=folder)
    try:
        content = json.loads(path.read_text("utf-8"))
        answers = {each["task"]: each for each in content.get("tasks", [content])}
        recommended = {name: Recommendation.read(each["recommendation"]) for name, each in answers.items()}
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as problem:
        raise UsageError(
            "error.code.other", path=path, problem=f"{type(problem).__name__}: {problem}"
        ) from problem
    first = next(iter(recommended))
    if task is None and len(recommended) > 1:
        notice("code.first", path=folder, names=", ".join(recommended), first=first)
    if task is not None and task not in recommended:
        raise unknown("kind.task.answered", task, recommended)
    return recommended[first if task is None else task]
