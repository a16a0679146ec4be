"""What an exercise is worth: a small file that a teacher writes.

    deadline = 2026-12-01T18:00:00+09:00

    [points]              # of an exercise, or of each exercise of a lesson; 1 where nothing is said
    "3_1" = 2
    "3_1.adam" = 5

    [partial]             # the share for an answer that is not right: of an exercise, or with a known mistake
    "3_1.adam" = 0.2
    adam_no_correction = 0.5

The names of mistakes are those of ``--json``. A deadline without a time zone is one of this machine's.
"""

import dataclasses
import datetime
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kobai.basics.errors import UsageError, unknown
from kobai.course.exercises import of_lesson
from kobai.course.grading.marks import Mark
from kobai.course.judge import PASSED, WRONG
from kobai.course.source import lesson_names, load

MOST = 1e6
"""Points that an exercise may be worth."""


@dataclasses.dataclass(frozen=True)
class Points:
    """The points of exercises, and the shares of wrong answers; without a file one for each right answer."""

    full: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """By exercise (3_1.adam) or lesson (3_1)."""
    partial: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """By mistake or exercise, between 0 and 1."""
    deadline: datetime.datetime | None = None

    def of(self, exercise: str) -> float:
        """The points of an exercise."""
        return self.full.get(exercise, self.full.get(exercise.partition(".")[0], 1.0))

    def earned(self, mark: Mark) -> float:
        """What an answer earned."""
        if mark.status == PASSED:
            return self.of(mark.exercise)
        if mark.status != WRONG:
            return 0.0
        share = self.partial.get(mark.mistake, self.partial.get(mark.exercise, 0.0))
        return share * self.of(mark.exercise)

    def is_late(self, time: float | None) -> bool:
        """Whether a file that was last written at this time, in seconds since 1970, is late."""
        return self.deadline is not None and time is not None and time > self.deadline.timestamp()


def read(path: Path) -> Points:
    """The points in a file. Raises `UsageError` that names the file, and what in it is wrong."""
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as problem:
        raise UsageError("error.points.closed", path=path, problem=problem.strerror or problem) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UsageError("error.points.form", path=path, problem=problem) from None
    for name in content:
        if name not in ("deadline", "points", "partial"):
            raise unknown("kind.points", name, ("deadline", "points", "partial"))
    deadline = content.get("deadline")
    if type(deadline) is datetime.date:  # the day itself is still in time
        deadline = datetime.datetime.combine(deadline, datetime.time.max)
    if deadline is not None and not isinstance(deadline, datetime.datetime):
        raise UsageError("error.points.deadline", path=path, value=deadline)
    exercises = _exercises()
    lessons = {load(name).number for name in lesson_names() if load(name).exercises}
    mistakes = {mistake for each in lesson_names() for e in of_lesson(each).values() for mistake in e.wrong}
    return Points(
        _numbers(path, content, "points", set(exercises) | lessons, MOST),
        _numbers(path, content, "partial", set(exercises) | mistakes, 1.0),
        deadline.astimezone() if deadline else None,
    )


def _numbers(
    path: Path, content: dict[str, Any], table: str, known: set[str], most: float
) -> dict[str, float]:
    numbers = {}
    for name, value in _flat(content.get(table, {})):
        if name not in known:
            raise unknown("kind.points.entry", name, known)
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if not 0 <= number <= most:
            rule = "error.points.share" if most == 1 else "error.points.number"
            raise UsageError(rule, path=path, name=name, value=value)
        numbers[name] = number
    return numbers


def _flat(table: object, above: str = "") -> Iterator[tuple[str, object]]:
    """The entries of a table; 3_1.adam = 2 without quotation marks is one of a table in it."""
    if not isinstance(table, dict):
        yield above, table
        return
    for name, value in table.items():
        yield from _flat(value, f"{above}.{name}" if above else name)


def _exercises() -> list[str]:
    return [exercise for name in lesson_names() for exercise in load(name).exercises]
