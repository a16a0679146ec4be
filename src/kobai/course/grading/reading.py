"""A learner's notebooks as they lie in a folder: of which lessons they are, and their code.

A notebook is known by what the course noted in it, or else by its name. What cannot be read (damaged JSON, a
folder of that name, a cell without text), or is not to be graded (the course's own answers), is `Unreadable`
with a sentence, and so a line of the table.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

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
class CodeCell:
    """A code cell of a learner's notebook."""

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
    cells: tuple[CodeCell, ...] = ()
    problem: Unreadable | None = None
    """Why it cannot be graded."""
    language: str = ""
    """Of the notebook; empty where it does not say."""
    time: float | None = None
    """When the file was last written, in seconds since 1970."""
    hints: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """For each exercise the strongest hint that stands in the saved outputs."""


def learners_in(folder: Path) -> list[Path]:
    """The learners' folders in a folder: itself, or in a folder of folders those of a class.

    In a class a folder without notebooks is that of a learner who handed nothing in.
    """
    return list(_of_class(folder, DEPTH)) if _with_notebooks(folder, DEPTH) else [folder]


FEWEST = 2
"""Folders with notebooks side by side that are a class; one may be the only one that a learner has."""


def _of_class(folder: Path, depth: int) -> Iterator[Path]:
    """The folders with notebooks, and beside them those of a class without; of those given, every one."""
    if _holds_notebooks(folder):
        yield folder
        return
    parts = {path: _with_notebooks(path, depth - 1) for path in _folders_in(folder)}
    is_class = depth == DEPTH or sum(map(bool, parts.values())) >= FEWEST
    for path, inner in parts.items():
        if inner:
            yield from _of_class(path, depth - 1)
        elif is_class:
            yield path


def _with_notebooks(folder: Path, depth: int) -> list[Path]:
    """The folder itself if it holds notebooks, else those in it, so many levels down, that do."""
    if _holds_notebooks(folder):
        return [folder]
    inner = _folders_in(folder) if depth else []
    return [each for path in inner for each in _with_notebooks(path, depth - 1)]


def _holds_notebooks(folder: Path) -> bool:
    try:
        return any(not path.name.startswith(".") for path in folder.glob("*.ipynb"))
    except (OSError, ValueError):  # told by `notebooks_of`
        return False


def _folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, in order, but for hidden ones and those that archives leave behind."""
    try:
        paths = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except (OSError, ValueError):
        return []
    return sorted(path for path in paths if not path.name.startswith((".", "__")))


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
    submissions = [each for each, is_answer in pairs if not (is_answer and each.lesson in own)]
    if not submissions:
        inner = [path for path in _with_notebooks(folder, DEPTH) if path != folder]
        if inner:
            names = ", ".join(str(path.relative_to(folder)) for path in inner[:3])
            more = ", …" if len(inner) > 3 else ""
            raise Unreadable("error.course.folders", path=folder, names=names + more, first=inner[0])
        raise Unreadable("error.course.no_notebooks", path=folder)
    return sorted(submissions, key=lambda each: (*known, "").index(each.lesson))


def _read(folder: Path, path: Path, known: list[str]) -> Iterator[tuple[Submission, bool]]:
    """The notebook, if it is one of the course's, and whether it is one with the answers."""
    lesson = next((name for name in known if path.name.startswith((f"{name}_", f"{name}."))), "")
    is_answer = path.stem.split(".")[0].endswith("_answer")
    try:
        content = read(path)
        about = _about(content)
        is_answer = about.get("kind") == "answer" or ("kind" not in about and is_answer)
        lesson = _one_of(known, about.get("lesson")) or lesson
        if not lesson:
            return
        if is_answer:
            raise Unreadable("course.unreadable.answers")
        cells, hints = tuple(cells_of(content)), hints_of(content, lesson)
        language = _one_of(TABLES, about.get("language"))
        time = path.stat().st_mtime
        yield Submission(folder, path, lesson, cells, language=language, time=time, hints=hints), False
    except (Unreadable, OSError) as problem:
        known_problem = problem if isinstance(problem, Unreadable) else _closed(problem)
        if lesson or not is_answer:
            yield Submission(folder, path, lesson, problem=known_problem), is_answer


def read(path: Path) -> dict[str, object]:
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


def cells_of(content: dict[str, object]) -> Iterator[CodeCell]:
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
        yield CodeCell(identity if isinstance(identity, str) else "", source)


def hints_of(content: dict[str, object], lesson: str) -> dict[str, int]:
    """For each exercise the strongest hint that its learner has asked for, as the saved outputs show it."""
    printed = "".join(_printed(content))
    hints: dict[str, int] = {}
    for exercise in load(lesson).exercises:
        for words in TABLES.values():
            for level in range(1, 4):
                if words.get(f"course.hint.{exercise}.{level}", "\0") in printed:
                    hints[exercise] = max(level, hints.get(exercise, 0))
    return hints


def _printed(content: dict[str, object]) -> Iterator[str]:
    """What the cells of a notebook have printed."""
    cells = content["cells"]
    for cell in cells if isinstance(cells, list) else ():
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict) and output.get("output_type") == "stream":
                yield _joined(output.get("text")) or ""


def _joined(text: object) -> str | None:
    """A text as a notebook keeps it, whole or line by line; None for what is no text."""
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        return "".join(text)
    return text if isinstance(text, str) else None


def _about(content: dict[str, object]) -> dict[str, object]:
    """What the course noted in a notebook."""
    metadata = content.get("metadata")
    about = metadata.get("kobai") if isinstance(metadata, dict) else None
    return about if isinstance(about, dict) else {}


def _one_of(names: Iterable[str], value: object) -> str:
    """The name that `value` is; empty where it is none of them."""
    return next((name for name in names if name == value), "")


def _closed(problem: OSError) -> Unreadable:
    return Unreadable("course.unreadable.closed", problem=_reason(problem))


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem)
