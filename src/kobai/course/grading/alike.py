"""Answers that are letter for letter the same: as another learner's, or as the course's own.

Only what a learner wrote is compared, without the lines of the notebook itself, empty lines, and spaces at
the end of a line; comments count. What is short is left out: a right answer of one line looks like any other.
It says that texts are equal, and nothing about how that came about.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from itertools import combinations

from kobai.course.exercises import of_lesson
from kobai.course.grading.grade import NotebookMarks
from kobai.course.grading.marks import is_home
from kobai.course.judge import UNWRITTEN
from kobai.course.notebooks import rendered
from kobai.course.source import LANGUAGES, lesson_names, load

SHORTEST = 80
"""Letters, without spaces, of an answer that is compared."""
FEWEST = 2
"""Equal answers of two learners that are worth a line: one alone may be chance."""


@dataclasses.dataclass(frozen=True)
class Alike:
    """Answers of two learners, or of one and the course, that are the same."""

    learner: str
    other: str
    """Empty for the course's own answers."""
    exercises: tuple[str, ...]
    of: int
    """How many answers the two could have in common."""


def alike(results: Iterable[NotebookMarks]) -> list[Alike]:
    """Pairs of learners with the same answers, most first; and learners with the course's own."""
    texts: dict[str, dict[str, str]] = {}
    for result in results:
        if not result.problem:
            texts.setdefault(result.learner, {}).update(dict(_texts(result)))
    pairs = []
    own = {exercise: text for text_of in texts.values() for exercise, text in text_of.items()}
    answers = {exercise: _answers(exercise) for exercise in own}
    copied = {
        learner: {exercise for exercise in written if written[exercise] in answers[exercise]}
        for learner, written in texts.items()
    }
    for learner, written in texts.items():
        if len(copied[learner]) >= FEWEST:
            pairs.append(Alike(learner, "", tuple(e for e in written if e in copied[learner]), len(written)))
    for one, other in combinations(texts, 2):
        shared = [exercise for exercise in texts[one] if exercise in texts[other]]
        same = [e for e in shared if texts[one][e] == texts[other][e] and e not in copied[one]]
        if len(same) >= FEWEST:
            pairs.append(Alike(one, other, tuple(same), len(shared)))
    return sorted(pairs, key=lambda pair: -len(pair.exercises))


def _texts(result: NotebookMarks) -> Iterator[tuple[str, str]]:
    """Each exercise with what the learner wrote, where that is long enough."""
    exercises = of_lesson(result.lesson) if result.lesson else {}
    for name in (mark.exercise for mark in result.counting if mark.status != UNWRITTEN):
        cells = [each for each in result.submission.cells if is_home(each, name, exercises[name])]
        text = _text("\n".join(cell.source for cell in cells), _template(name))
        if len("".join(text.split())) >= SHORTEST:
            yield name, text


def _text(source: str, template: frozenset[str]) -> str:
    lines = (line.rstrip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and line not in template)


@functools.cache
def _template(exercise: str) -> frozenset[str]:
    """The lines that stand in the cell of an exercise before anybody has written in it, in any language."""
    sources = [source for language in LANGUAGES for source in _sources(exercise, language, "trainee")]
    return frozenset(line.rstrip() for source in sources for line in source.splitlines())


def _answers(exercise: str) -> set[str]:
    """What the course itself answers."""
    sources = [source for language in LANGUAGES for source in _sources(exercise, language, "answer")]
    return {_text(source, _template(exercise)) for source in sources}


def _sources(exercise: str, language: str, kind: str) -> Iterator[str]:
    number, _, name = exercise.partition(".")
    lesson = next(load(each) for each in lesson_names() if load(each).number == number)
    for cell in lesson.cells:
        if "exercise" in cell.tags and cell.name == name and cell.is_in(language):
            yield rendered(cell, language, kind)
