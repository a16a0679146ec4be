"""What a class did, in numbers: each learner's points, the most frequent mistakes, what to explain again."""

import dataclasses
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property

from kobai.course.grading.alike import Alike, alike
from kobai.course.grading.grade import NotebookMarks, by_learner, names_of
from kobai.course.grading.marks import UNREADABLE, Mark
from kobai.course.grading.points import Points
from kobai.course.judge import PASSED, UNWRITTEN
from kobai.course.source import Lesson, lesson_names, load
from kobai.words import current

UNDERSTOOD = 2 / 3
"""Where fewer of those who tried are right, an exercise is worth another explanation."""


@dataclasses.dataclass(frozen=True)
class Learner:
    """What one learner earned."""

    folder: str
    name: str
    """The folder, as briefly as it can be told from the others."""
    results: Sequence[NotebookMarks]
    points: Points

    @cached_property
    def marks(self) -> dict[str, Mark]:
        """By exercise, those that count."""
        return {mark.exercise: mark for result in self.results for mark in result.counting}

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.status == PASSED for mark in self.marks.values())

    @property
    def earned(self) -> float:
        """The points of all answers."""
        return sum(self.points.earned(mark) for mark in self.marks.values())

    @property
    def time(self) -> float | None:
        """When the last of the notebooks was last written, in seconds since 1970."""
        times = [each.submission.time for each in self.results if each.submission.time is not None]
        return max(times, default=None)

    @property
    def is_late(self) -> bool:
        """Whether that was after the deadline."""
        return self.points.is_late(self.time)

    @property
    def language(self) -> str:
        """That of most of the notebooks; where they do not say, the one in use."""
        languages = Counter(each.submission.language for each in self.results if each.submission.language)
        return languages.most_common(1)[0][0] if languages else current()

    @cached_property
    def hints(self) -> dict[str, int]:
        """For each exercise the strongest hint that stands in the saved notebooks."""
        hints: dict[str, int] = {}
        for exercise, level in (pair for each in self.results for pair in each.submission.hints.items()):
            hints[exercise] = max(level, hints.get(exercise, 0))
        return hints


@dataclasses.dataclass(frozen=True)
class Slip:
    """A mistake that learners made in an exercise."""

    exercise: str
    marks: Sequence[Mark]
    """Those of the learners who made it."""
    tried: int
    """Learners who wrote an answer to the exercise."""

    @property
    def is_unlike(self) -> bool:
        """Whether nothing is known of it but where it differs, and one learner alone made it."""
        return len(self.marks) == 1 and self.marks[0].key == "course.verdict.differs"

    @property
    def share(self) -> float:
        """Of those who wrote an answer."""
        return len(self.marks) / self.tried


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a class did in an exercise."""

    exercise: str
    heading: str
    """Of the section in which it stands, in the language in use."""
    right: int
    tried: int
    """Learners who wrote an answer."""
    all: int
    """Learners with a notebook of that lesson."""
    hints: int
    """Learners who asked for one."""


@dataclasses.dataclass(frozen=True)
class Overview:
    """What a class did."""

    learners: Sequence[Learner]
    lessons: Sequence[Lesson]
    """Those of which somebody handed in a notebook, in order."""
    alike: Sequence[Alike]
    points: Points

    @property
    def exercises(self) -> list[str]:
        """Of those lessons, in order."""
        return [exercise for lesson in self.lessons for exercise in lesson.exercises]

    @property
    def total(self) -> float:
        """The points of all exercises."""
        return sum(map(self.points.of, self.exercises))

    @property
    def standings(self) -> list[Standing]:
        """For each exercise in order."""
        return [self._standing(exercise, lesson) for lesson in self.lessons for exercise in lesson.exercises]

    def _standing(self, exercise: str, lesson: Lesson) -> Standing:
        marks = [each.marks[exercise] for each in self.learners if exercise in each.marks]
        tried = [mark for mark in marks if mark.status not in (UNWRITTEN, UNREADABLE)]
        right = sum(mark.status == PASSED for mark in tried)
        hints = sum(exercise in learner.hints for learner in self.learners)
        return Standing(exercise, heading_of(lesson, exercise), right, len(tried), len(marks), hints)

    @property
    def again(self) -> list[Standing]:
        """What to explain again: most wrong answers first."""
        poor = [each for each in self.standings if each.right < UNDERSTOOD * each.tried]
        return sorted(poor, key=lambda each: each.right - each.tried)

    @property
    def slips(self) -> list[Slip]:
        """The mistakes that were made, the most frequent first, without those of `unlike`."""
        told = [slip for slip in self._every_slip if not slip.is_unlike]
        return sorted(told, key=lambda slip: (-len(slip.marks), -slip.share))

    @property
    def unlike(self) -> dict[str, int]:
        """For each exercise how many wrong answers differ in a way of their own, with no known mistake."""
        return dict(Counter(slip.exercise for slip in self._every_slip if slip.is_unlike))

    @cached_property
    def _every_slip(self) -> list[Slip]:
        tried = {each.exercise: each.tried for each in self.standings}
        slips: dict[tuple[str, Hashable], list[Mark]] = {}
        for mark in (mark for learner in self.learners for mark in learner.marks.values()):
            if mark.status not in (PASSED, UNWRITTEN, UNREADABLE):
                slips.setdefault((mark.exercise, _mistake_of(mark)), []).append(mark)
        return [Slip(exercise, marks, tried[exercise]) for (exercise, _), marks in slips.items()]


OWN = ("line", "cell")
"""What belongs to one learner's code alone, among the values of a sentence."""


def _mistake_of(mark: Mark) -> Hashable:
    """What two wrong answers have in common that make the same mistake.

    Its name; where there is none but a general one, also what the sentence tells: which argument is ignored,
    by what factor it is wrong, what was raised, where it differs first and what stands there.
    """
    if mark.mistake and not mark.mistake.startswith("any."):
        return mark.mistake
    values = {name: str(value) for name, value in mark.values.items() if name not in OWN}
    return mark.mistake or mark.key, frozenset(values.items())


def overview(results: Sequence[NotebookMarks], points: Points) -> Overview:
    """What a class did."""
    folders = by_learner(list(results))
    names = names_of(folders)
    learners = [Learner(folder, names[folder], own, points) for folder, own in folders.items()]
    lessons = {result.lesson for result in results}
    return Overview(
        learners, [load(name) for name in lesson_names() if name in lessons], alike(results), points
    )


def heading_of(lesson: Lesson, exercise: str) -> str:
    """The heading nearest above an exercise, without its minutes, in the language in use."""
    heading = ""
    for cell in lesson.cells:
        if "exercise" in cell.tags and f"{lesson.number}.{cell.name}" == exercise:
            break
        if cell.kind == "markdown" and cell.is_in(current()):
            heading = next(_headings(cell.text), heading)
    return heading


def title_of(lesson: Lesson) -> str:
    """The title of a lesson in the language in use."""
    texts = (cell.text for cell in lesson.cells if cell.kind == "markdown" and cell.is_in(current()))
    return next((heading for text in texts for heading in _headings(text)), lesson.name)


MINUTES = re.compile(r"\s*[(（][^()（）]*(?:\d+\s*(?:min|分))[^()（）]*[)）]\s*$")


def _headings(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("#"):
            yield MINUTES.sub("", line.lstrip("# "))
