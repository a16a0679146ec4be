"""A lesson's source: one file, read as cells, from which all its notebooks come.

The file is Python with cell markers, the small part of jupytext's py:percent that lessons need: a header
between ``# ---`` lines, then cells that begin with ``# %%`` (code) or ``# %% [markdown]`` (text, every line a
comment), each with its metadata in one line: ``# %% tags=["exercise"] name="adam"``. So any editor with
jupytext opens a lesson as a notebook. It is read here, and not by jupytext, so that a learner needs nothing
but kobai; a test holds both readings equal.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files

from kobai.basics.errors import unknown

MARKER = re.compile(r"^# %%(?: \[(?P<kind>markdown)\])?(?P<metadata>.*)$")
SETTING = re.compile(r'(\w+)=(\[[^\]]*\]|"[^"]*")')
LANGUAGES = ("ja", "en")


@dataclasses.dataclass(frozen=True)
class LessonCell:
    """One cell of a lesson's source."""

    kind: str
    """It is markdown or code."""
    text: str
    tags: tuple[str, ...] = ()
    """What the cell is: of ja or en it stands in that language's notebooks only; exercise; check."""
    name: str = ""
    """The name of the exercise that it holds or checks: adam."""

    def is_in(self, language: str) -> bool:
        """Whether the cell stands in the notebooks of a language."""
        return language in self.tags or not set(LANGUAGES) & set(self.tags)


@dataclasses.dataclass(frozen=True)
class Lesson:
    """One lesson: the name of its notebooks, and its cells in the order of the source."""

    name: str
    """The name of its notebooks: 3_1_SGD."""
    cells: tuple[LessonCell, ...]

    @property
    def number(self) -> str:
        """3_1: what the names of its exercises begin with."""
        return "_".join(self.name.split("_")[:2])

    @property
    def exercises(self) -> tuple[str, ...]:
        """The names of its exercises in order: 3_1.sgd, …"""
        return tuple(f"{self.number}.{cell.name}" for cell in self.cells if "check" in cell.tags)

    def numbered(self) -> Iterator[tuple[str, list[LessonCell]]]:
        """(cell id, the cells of the source that share it): a text in two languages is one cell.

        An exercise or a check is called after its name, so that a learner's notebook still fits a lesson that
        gained a cell elsewhere; the others are numbered.
        """
        groups: list[list[LessonCell]] = []
        for cell in self.cells:
            partner = groups[-1][-1] if groups else cell
            if "en" in cell.tags and "ja" in partner.tags and len(groups[-1]) == 1:
                groups[-1].append(cell)
            else:
                groups.append([cell])
        count = 0
        for group in groups:
            if group[0].name:
                end = "-check" if "check" in group[0].tags else ""
                yield cell_id(f"{self.number}.{group[0].name}") + end, group
            else:
                count += 1
                yield f"{self.number}-{count:02}", group


def cell_id(exercise: str) -> str:
    """The id of the cell of an exercise: 3_1.adam -> 3_1-adam. Its check has ``-check`` after it."""
    return exercise.replace(".", "-")


def lesson_names() -> list[str]:
    """The names of all lessons in the order of the course."""
    paths = [path.name for path in files("kobai.course").joinpath("lessons").iterdir()]
    names = [path.removesuffix(".py") for path in paths if re.fullmatch(r"\d+_\d+_\w+\.py", path)]
    return sorted(names, key=lambda name: [int(part) for part in name.split("_")[:2]])


def load(name: str) -> Lesson:
    """The lesson of that name."""
    text = files("kobai.course").joinpath("lessons", f"{name}.py").read_text("utf-8")
    return Lesson(name, tuple(read(text)))


def lessons_of(numbers: Iterable[str] | None = None) -> list[Lesson]:
    """The lessons of these numbers ("3_1") in the order of the course; all of them by default.

    Raises `UsageError` for a number that none has.
    """
    lessons = [load(name) for name in lesson_names()]
    if numbers is None:
        return lessons
    wanted, known = set(numbers), {lesson.number for lesson in lessons}
    for number in sorted(wanted - known):
        raise unknown("kind.lesson", number, known)
    return [lesson for lesson in lessons if lesson.number in wanted]


def read(text: str) -> Iterator[LessonCell]:
    """The cells of a source in order."""
    lines = text.splitlines()
    if lines[:1] == ["# ---"]:
        lines = lines[lines.index("# ---", 1) + 1 :]
    marks = [(i, mark) for i, line in enumerate(lines) if (mark := MARKER.match(line))]
    ends = [i for i, _ in marks[1:]] + [len(lines)]
    for (start, mark), end in zip(marks, ends, strict=True):
        settings: dict[str, str] = dict(SETTING.findall(mark["metadata"]))
        body = lines[start + 1 : end]
        if mark["kind"]:
            body = [line.removeprefix("#").removeprefix(" ") for line in body if line.startswith("#")]
        yield LessonCell(
            kind=mark["kind"] or "code",
            text="\n".join(body).strip("\n"),
            tags=tuple(json.loads(settings.get("tags", "[]"))),
            name=json.loads(settings.get("name", '""')),
        )


def answer_code(exercise: str) -> tuple[str, str]:
    """(the code of the answer in the lesson, the name that it defines) of an exercise: "3_1.adam", Adam.

    Both empty for an exercise of no lesson.
    """
    number, _, name = exercise.partition(".")
    for lesson in lesson_names():
        if lesson.startswith(f"{number}_"):
            for cell in load(lesson).cells:
                if "exercise" in cell.tags and cell.name == name:
                    names = re.findall(r"^(?:def|class) (\w+)", cell.text, re.MULTILINE)
                    return (cell.text, names[-1]) if names else ("", "")
    return "", ""
