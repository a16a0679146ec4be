"""A learner's notebook as it lies in a folder: whose lesson it is, and its code, whatever state it is in.

A notebook is known by what the course noted in it, or else by its name. What cannot be read (damaged JSON, a
folder of that name, a cell without text) is an `Unreadable` with a sentence, and so a line of the table.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kobai.basics.errors import UsageError
from kobai.course.source import lesson_names, load

MOST = 2**27
"""Bytes: no notebook of the course is near that, with all its figures."""


class Unreadable(UsageError):
    """Why a folder or a file is nothing that can be graded."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A code cell."""

    id: str
    """Empty where the notebook notes none, as older formats do."""
    source: str


@dataclasses.dataclass(frozen=True)
class Found:
    """One notebook in a learner's folder."""

    folder: Path
    path: Path | None
    """None stands for a folder without notebooks."""
    lesson: str
    """3_1_SGD; empty where that cannot be told."""
    cells: tuple[Cell, ...] = ()
    problem: str = ""
    """Why it cannot be read."""


def notebooks_of(folder: Path) -> list[Found]:
    """The notebooks of the course in a folder in the order of its lessons, and whatever cannot be read.

    Answers, and notebooks that are none of the course's, are left out. Raises `Unreadable` for the folder.
    """
    try:
        there = folder.is_dir()
        paths = [path for path in folder.glob("*.ipynb") if not path.name.startswith(".")]
    except (OSError, ValueError) as problem:  # ValueError: a zero in the path
        raise Unreadable("course.unreadable.folder", path=folder, problem=_said(problem)) from None
    if not there:
        raise Unreadable("error.course.no_folder", path=folder)
    known = [name for name in lesson_names() if load(name).exercises]
    # What the course wrote beside a notebook (….2.ipynb) comes after it, and 3_10 after 3_9.
    paths.sort(key=lambda path: (len(path.name), path.name))
    found = [each for path in paths for each in _found(folder, path, known)]
    if not found:
        raise Unreadable("error.course.no_notebooks", path=folder)
    return sorted(found, key=lambda each: (*known, "").index(each.lesson))


def _found(folder: Path, path: Path, known: list[str]) -> Iterator[Found]:
    named = next((name for name in known if path.name.startswith((f"{name}_", f"{name}."))), "")
    is_answer = path.stem.split(".")[0].endswith("_answer")
    try:
        content = read(path)
        about = _about(content)
        lesson, is_answer = named, about.get("kind") == "answer" or ("kind" not in about and is_answer)
        if about.get("lesson") in known:
            lesson = about["lesson"]
        if lesson and not is_answer:
            yield Found(folder, path, lesson, tuple(cells_of(content)))
    except Unreadable as problem:
        if not is_answer:
            yield Found(folder, path, named, problem=str(problem))


def read(path: Path) -> dict[str, Any]:
    """The JSON of a notebook. Raises `Unreadable`."""
    if not path.is_file():  # a folder, a link to nowhere, a pipe that nobody ever writes to
        raise Unreadable("course.unreadable.no_file")
    try:
        large = path.stat().st_size > MOST
        content = {} if large else json.loads(path.read_text("utf-8-sig"))
    except OSError as problem:
        raise Unreadable("course.unreadable.closed", problem=_said(problem)) from None
    except UnicodeDecodeError:
        raise Unreadable("course.unreadable.encoding") from None
    except json.JSONDecodeError as problem:
        raise Unreadable("course.unreadable.json", line=problem.lineno) from None
    except (ValueError, RecursionError):
        raise Unreadable("course.unreadable.json", line=1) from None
    if large:
        raise Unreadable("course.unreadable.large", most=MOST // 2**20)
    if not isinstance(content, dict):
        raise Unreadable("course.unreadable.form")
    return content


def cells_of(content: dict[str, Any]) -> Iterator[Cell]:
    """The code cells of a notebook in order. Raises `Unreadable`."""
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("course.unreadable.form")
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, dict):
            raise Unreadable("course.unreadable.cell", number=number)
        if cell.get("cell_type") != "code":
            continue
        source, identity = cell.get("source"), cell.get("id")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise Unreadable("course.unreadable.cell", number=number)
        yield Cell(identity if isinstance(identity, str) else "", source)


def _about(content: dict[str, Any]) -> dict[str, Any]:
    """What the course noted in a notebook."""
    metadata = content.get("metadata")
    about = metadata.get("kobai") if isinstance(metadata, dict) else None
    return about if isinstance(about, dict) else {}


def _said(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem)
