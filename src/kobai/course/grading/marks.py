"""What became of each exercise in a notebook: how its answer's use ended, and else what became of its cell.

An answer that is not there, or does not run, is told as what it is: a cell that fails, an answer that stands
below its check, an earlier cell without which nothing runs.
"""

import dataclasses
import re
from collections.abc import Mapping

from kobai.course.evidence import Sentence
from kobai.course.exercise import Exercise
from kobai.course.exercises import of_lesson
from kobai.course.grading.reading import CodeCell, Submission
from kobai.course.grading.reports import AnswerEnd, CellEnd
from kobai.course.grading.watch import Ends, Limits, Step
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN, WRONG, Verdict, compared
from kobai.course.source import cell_id, load
from kobai.words import say

FAILED, CRASHED, UNREADABLE = "failed", "crashed", "unreadable"
"""Beside those of `judge`: its cell does not run; its code ended the process; the file is no notebook."""
BEST_FIRST = (PASSED, WRONG, FAILED, STOPPED, CRASHED, UNWRITTEN, UNREADABLE)

LONGEST = 600
"""Letters of a sentence: an exception's own text can be endless."""


@dataclasses.dataclass(frozen=True)
class Mark:
    """What an answer earned; its sentence speaks the language in use."""

    exercise: str
    status: str
    key: str
    """The key of its sentence."""
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)
    mistake: str = ""
    """The name of the wrong answer that was recognised."""
    counts: bool = True
    """Whether it is the best of the learner's for this exercise: one counts."""
    below: str = ""
    """How the cell begins, below the check, in which the answer stands."""
    evidence: tuple[Sentence, ...] = ()
    """Where the answer differs, and what it was used on."""

    @property
    def message(self) -> str:
        """The sentence and its evidence, as a terminal and a file can take them."""
        sentence = "\n".join([say(self.key, **self.values), *map(str, self.evidence)])
        return clean(
            say("course.verdict.below", line=self.below, sentence=sentence) if self.below else sentence
        )


def steps_of(submission: Submission) -> list[Step]:
    """The cells in order, in place of each check cell its exercise; last the exercises without one, and those
    that are defined below their check.

    A check cell is known by its id, so that editing it earns nothing.
    """
    names = load(submission.lesson).exercises
    checks = {f"{cell_id(name)}-check": name for name in names}
    steps: list[Step] = []
    for cell in submission.cells:
        name = checks.get(cell.id)
        steps.append(("run", cell.source) if name is None else ("judge", name))
    asked = {text for kind, text in steps if kind == "judge"}
    steps += [("judge", name) for name in names if name not in asked]
    return steps + [("judge", name) for name in names if _below(submission, name)]


def marks_of(submission: Submission, ends: Ends, limits: Limits) -> tuple[Mark, ...]:
    """A mark for each exercise of the lesson in order."""
    exercises = of_lesson(submission.lesson) if submission.lesson else {}
    problem = submission.problem
    if problem is not None:
        return tuple(Mark(name, UNREADABLE, problem.key, problem.values) for name in exercises)
    reader = _Reader(submission, ends, limits)
    return tuple(reader.mark(name, exercise) for name, exercise in exercises.items())


class _Reader:
    """How the steps of one notebook ended, read exercise by exercise."""

    def __init__(self, submission: Submission, ends: Ends, limits: Limits) -> None:
        self.submission, self.limits = submission, limits
        self.cells = list(enumerate(submission.cells))
        self.cell_ends = {i: end for i, end in ends.items() if isinstance(end, CellEnd)}
        self.answers: dict[str, list[AnswerEnd]] = {}
        for number, (kind, name) in enumerate(steps_of(submission)):
            if kind == "judge":
                self.answers.setdefault(name, []).append(ends[number])

    def mark(self, name: str, exercise: Exercise) -> Mark:
        first, *again = (self._of_answer(name, exercise, end) for end in self.answers[name])
        for mark in again:  # at the end of the notebook, for an answer below its check
            if BEST_FIRST.index(mark.status) < BEST_FIRST.index(first.status):
                line = first_line(_below(self.submission, name)[-1].source)
                return dataclasses.replace(mark, below=line)
        return first

    def _of_answer(self, name: str, exercise: Exercise, end: AnswerEnd) -> Mark:
        values = {"exercise": name, "name": exercise.defines}
        values |= {"seconds": f"{self.limits.cell:g}", "total": f"{self.limits.total:g}"}
        if isinstance(end, CellEnd):
            return _mark(name, OF_ANSWERS.get(end.status, LOST), end, values)
        verdict = end if isinstance(end, Verdict) else compared(name, exercise, end, self.limits.seed)
        mark = Mark(
            name, verdict.status, verdict.key, verdict.values, verdict.mistake, evidence=verdict.evidence
        )
        if verdict.key == "course.verdict.raises" and verdict.values.get("kind") == "NameError":
            return self._without_setup(name, values) or mark
        if verdict.status != UNWRITTEN:
            return mark
        for number, cell in self.cells:
            cell_end = self.cell_ends.get(number)
            if cell_end and cell_end.status in OF_CELLS and is_home(cell, name, exercise):
                missing = self._without_setup(name, values) if cell_end.kind == "NameError" else None
                return missing or _mark(name, OF_CELLS[cell_end.status], cell_end, values)
        return mark

    def _without_setup(self, name: str, values: dict[str, str]) -> Mark | None:
        """The mark of an answer that lacks a name, where an earlier cell of no exercise does not run."""
        exercises = of_lesson(self.submission.lesson)
        for number, cell in self.cells:
            if any(is_home(cell, each, exercise) for each, exercise in exercises.items()):
                continue
            end = self.cell_ends.get(number)
            if end and end.status in OF_CELLS:
                sentence = (FAILED, f"course.verdict.setup_{end.status}")
                return _mark(name, sentence, end, {**values, "cell": first_line(cell.source)})
        return None


LOST = (CRASHED, "course.verdict.lost")
OF_ANSWERS = {
    "stopped": (STOPPED, "course.verdict.endless"),
    "crashed": (CRASHED, "course.verdict.crashed"),
    "late": (STOPPED, "course.verdict.late"),
    "changed": (CRASHED, "course.verdict.changed"),
}
OF_CELLS = {
    "failed": (FAILED, "course.verdict.cell_failed"),
    "stopped": (STOPPED, "course.verdict.cell_stopped"),
    "crashed": (CRASHED, "course.verdict.cell_crashed"),
}


def _mark(name: str, sentence: tuple[str, str], end: CellEnd, values: dict[str, str]) -> Mark:
    status, key = sentence
    return Mark(name, status, key, {**values, **dataclasses.asdict(end)})


def is_home(cell: CodeCell, name: str, exercise: Exercise) -> bool:
    """Whether a cell is that of an exercise: by its id, or because it defines what the exercise asks for."""
    return cell.id == cell_id(name) or defines(cell, exercise)


def defines(cell: CodeCell, exercise: Exercise) -> bool:
    """Whether a cell defines what an exercise asks for."""
    what = re.escape(exercise.defines)
    return re.search(rf"^(class|def) +{what}\b|^{what} *=", cell.source, re.MULTILINE) is not None


def _below(submission: Submission, name: str) -> list[CodeCell]:
    """The cells of the learner's own below the check of an exercise that define what it asks for."""
    ids = [cell.id for cell in submission.cells]
    check = f"{cell_id(name)}-check"
    if check not in ids:
        return []
    own = {identity for identity, _ in load(submission.lesson).numbered()}
    exercise = of_lesson(submission.lesson)[name]
    cells = submission.cells[ids.index(check) + 1 :]
    return [
        cell for cell in cells if (cell.id == cell_id(name) or cell.id not in own) and defines(cell, exercise)
    ]


def first_line(source: str) -> str:
    """How a cell begins."""
    return next((line.strip() for line in source.splitlines() if line.strip()), "")[:80]


def clean(text: str) -> str:
    """What a terminal and a file can take: an exception's text can hold anything, at any length."""
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"
