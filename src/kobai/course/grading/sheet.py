"""``grades.csv``: a row for each learner, for a spreadsheet or a learning platform."""

import csv
import datetime
import io
from collections.abc import Iterator

from kobai.course.grading.overview import Learner, Overview

FORMULA = ("=", "+", "-", "@")
"""With these a spreadsheet takes a text for a formula, which a learner's folder may be called."""


def as_csv(overview: Overview) -> str:
    """The table; columns in English whatever the language, so that a program can count on them.

    ``learner``, a column for each exercise with its points (empty where no notebook was handed in),
    ``points``, ``total``, ``right``, ``submitted`` (when the last notebook was last written) and ``late``.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["learner", *overview.exercises, "points", "total", "right", "submitted", "late"])
    for learner in overview.learners:
        table.writerow(_row(learner, overview))
    return text.getvalue()


def _row(learner: Learner, overview: Overview) -> Iterator[str]:
    yield f"'{learner.name}" if learner.name.startswith(FORMULA) else learner.name
    for exercise in overview.exercises:
        mark = learner.marks.get(exercise)
        yield "" if mark is None else f"{overview.points.earned(mark):g}"
    yield f"{learner.earned:g}"
    yield f"{overview.total:g}"
    yield str(learner.right)
    yield "" if learner.time is None else local(learner.time).isoformat(" ", "seconds")
    yield "" if overview.points.deadline is None else "yes" if learner.is_late else "no"


def local(time: float) -> datetime.datetime:
    """A time in seconds since 1970 as a clock on the wall shows it here, without its zone."""
    return datetime.datetime.fromtimestamp(time)
