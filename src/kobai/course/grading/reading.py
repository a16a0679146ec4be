"""A learner's notebooks as they lie in a folder: of which lessons they are, and their code.

A notebook is known by what the course noted in it, or else by its name. What cannot be read (damaged JSON, a
folder of that name, a cell without text), or is not to be graded (the course's own answers), is `Unreadable`
with a sentence, and so a line of the table.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kobai.basics.errors import UsageError
from kobai.course.source import lesson_names, load
from kobai.words import TABLES

MOST = 2**27
"""Bytes: no notebook of the course is near that, with all its figures."""
DEPTH = 3
"""Folders below the one that was given in which a learner's notebooks are looked for."""


class Unreadable(UsageError):
    """Why a folder or a file is nothing that can be graded."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A code cell."""

    id: str
    """Empty where the notebook notes none, as older formats do."""
    source: str


@dataclasses.dataclass(frozen=True)
class Submission:
    """One notebook in a learner's folder."""

    folder: Path
    path: Path | None
    """None stands for a folder without notebooks."""
    lesson: str
    """3_1_SGD; empty where that cannot be told."""
    cells: tuple[Cell, ...] = ()
    problem: Unreadable | None = None
    """Why it cannot be graded."""
    language: str = ""
    """Of the notebook; empty where it does not say."""
    time: float | None = None
    """When the file was last written, in seconds since 1970."""
    hints: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """For each exercise the strongest hint that stands in the saved outputs."""


def learners_in(folder: Path) -> list[Path]:
    """The learners' folders in a folder: itself, or in a folder of folders those that hold notebooks."""
    return list(_with_notebooks(folder, DEPTH)) or [folder]


def _with_notebooks(folder: Path, depth: int) -> Iterator[Path]:
    try:
        if any(not path.name.startswith(".") for path in folder.glob("*.ipynb")):
            yield folder
            return
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except (OSError, ValueError):  # told by `notebooks_of`
        return
    for path in inner:
        if depth and not path.name.startswith((".", "__")):
            yield from _with_notebooks(path, depth - 1)


def notebooks_of(folder: Path) -> list[Submission]:
    """The notebooks of the course in a folder in the order of its lessons, and whatever cannot be read.

    Notebooks that are none of the course's are left out, and so are its answers beside a learner's own
    notebook of that lesson; without one they are told as what they are. Raises `Unreadable` for the folder.
    """
    try:
        exists = folder.is_dir()
        paths = [path for path in folder.glob("*.ipynb") if not path.name.startswith(".")]
    except (OSError, ValueError) as problem:  # ValueError: a zero in the path
        raise Unreadable("course.unreadable.folder", path=folder, problem=_reason(problem)) from None
    if not exists:
        raise Unreadable("error.course.no_folder", path=folder)
    known = [name for name in lesson_names() if load(name).exercises]
    # What the course wrote beside a notebook (….2.ipynb) comes after it, and 3_10 after 3_9.
    paths.sort(key=lambda path: (len(path.name), path.name))
    pairs = [pair for path in paths for pair in _read(folder, path, known)]
    own = {submission.lesson for submission, is_answer in pairs if not is_answer}
    kept = [each for each, is_answer in pairs if not (is_answer and each.lesson in own)]
    if not kept:
        inner = [path for path in learners_in(folder) if path != folder]
        if inner:
            names = ", ".join(str(path.relative_to(folder)) for path in inner[:3])
            more = ", …" if len(inner) > 3 else ""
            raise Unreadable("error.course.folders", path=folder, names=names + more, first=inner[0])
        raise Unreadable("error.course.no_notebooks", path=folder)
    return sorted(kept, key=lambda each: (*known, "").index(each.lesson))


def _read(folder: Path, path: Path, known: list[str]) -> Iterator[tuple[Submission, bool]]:
    """The notebook, if it is one of the course's, and whether it is one with the answers."""
    lesson = next((name for name in known if path.name.startswith((f"{name}_", f"{name}."))), "")
    is_answer = path.stem.split(".")[0].endswith("_answer")
    try:
        content = read(path)
        about = _about(content)
        is_answer = about.get("kind") == "answer" or ("kind" not in about and is_answer)
        if about.get("lesson") in known:
            lesson = about["lesson"]
        if not lesson:
            return
        if is_answer:
            raise Unreadable("course.unreadable.answers")
        cells, hints = tuple(cells_of(content)), hints_of(content, lesson)
        language = about["language"] if about.get("language") in tuple(TABLES) else ""
        time = path.stat().st_mtime
        yield Submission(folder, path, lesson, cells, language=language, time=time, hints=hints), False
    except (Unreadable, OSError) as problem:
        known_problem = problem if isinstance(problem, Unreadable) else _closed(problem)
        if lesson or not is_answer:
            yield Submission(folder, path, lesson, problem=known_problem), is_answer


def read(path: Path) -> dict[str, Any]:
    """The JSON of a notebook. Raises `Unreadable`."""
    if not path.is_file():  # a folder, a link to nowhere, a pipe that nobody ever writes to
        raise Unreadable("course.unreadable.no_file")
    try:
        large = path.stat().st_size > MOST
        content = {} if large else json.loads(path.read_text("utf-8-sig"))
    except OSError as problem:
        raise _closed(problem) from None
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
        source, identity = _joined(cell.get("source")), cell.get("id")
        if source is None:
            raise Unreadable("course.unreadable.cell", number=number)
        yield Cell(identity if isinstance(identity, str) else "", source)


def hints_of(content: dict[str, Any], lesson: str) -> dict[str, int]:
    """For each exercise the strongest hint that its learner has asked for, as the saved outputs show it."""
    printed = "".join(_printed(content))
    hints: dict[str, int] = {}
    for exercise in load(lesson).exercises:
        for words in TABLES.values():
            for level in range(1, 4):
                if words.get(f"course.hint.{exercise}.{level}", "\0") in printed:
                    hints[exercise] = max(level, hints.get(exercise, 0))
    return hints


def _printed(content: dict[str, Any]) -> Iterator[str]:
    """What the cells of a notebook have printed."""
    for cell in content["cells"]:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict) and output.get("output_type") == "stream":
                yield _joined(output.get("text")) or ""


def _joined(text: object) -> str | None:
    """A text as a notebook keeps it, whole or line by line; None for what is no text."""
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        return "".join(text)
    return text if isinstance(text, str) else None


def _about(content: dict[str, Any]) -> dict[str, Any]:
    """What the course noted in a notebook."""
    metadata = content.get("metadata")
    about = metadata.get("kobai") if isinstance(metadata, dict) else None
    return about if isinstance(about, dict) else {}


def _closed(problem: OSError) -> Unreadable:
    return Unreadable("course.unreadable.closed", problem=_reason(problem))


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem)
