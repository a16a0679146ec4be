"""The results as they are shown: one learner exercise by exercise, many in one table; and as JSON."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kobai.course import judge
from kobai.course.grading.grade import NotebookMarks, by_learner, names_of, total
from kobai.course.grading.marks import CRASHED, FAILED, UNREADABLE, Mark
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN
from kobai.course.source import lesson_names, load
from kobai.report.letters import Paragraph
from kobai.words import say

MARKS = {**judge.MARKS, FAILED: "⊘", CRASHED: "!", UNREADABLE: "?"}
COLOURS = {PASSED: "green", UNWRITTEN: "dim"}
TROUBLES = (UNREADABLE, CRASHED, STOPPED, FAILED)
"""What a teacher looks at first. Of several the first is marked beside the number."""
MISSING = "·"
OF_A_MARK = ("exercise", "status", "mistake", "message", "counts")


def table(results: list[NotebookMarks]) -> RenderableType:
    """One learner: a line for each exercise with its sentence. Several: a line for each learner."""
    learners = by_learner(results)
    names = names_of(learners)
    if len(names) == 1:
        return Group(_details(results), *_twice(learners, dict.fromkeys(names, "")))
    return Group(
        _overview(learners, names), _legend(results), _look_at(results, names), *_twice(learners, names)
    )


def as_json(results: list[NotebookMarks]) -> str:
    """All results: a list with an object for each notebook, and for each folder without one."""
    entries = []
    for result in results:
        right, of = total([result])
        entry = {name: getattr(result, name) for name in ("learner", "notebook", "lesson", "problem")}
        verdicts = [{name: getattr(mark, name) for name in OF_A_MARK} for mark in result.marks]
        entries.append({**entry, "passed": right, "counted": of, "verdicts": verdicts})
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


# One learner


def _details(results: list[NotebookMarks]) -> Table:
    rows = _grid()
    rows.add_column(say("course.table.exercise"), no_wrap=True)
    rows.add_column(say("course.table.result"), overflow="fold")
    for result in results:
        if result.problem:
            rows.add_row(*_line(UNREADABLE, result.notebook, result.problem))
        for mark in result.counting:
            if not result.problem:
                rows.add_row(*_line(mark.status, mark.exercise, mark.message))
    return rows


def _line(status: str, name: str, sentence: str) -> tuple[Text, RenderableType]:
    """Of what is not written nothing more is said: a notebook is full of it on the first day."""
    sentence = say("course.mark.unwritten") if status == UNWRITTEN else sentence
    lines = Group(*map(Paragraph, sentence.split("\n")))
    return Text(f"{MARKS[status]} {name}", COLOURS.get(status, "red")), lines


def _grid() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))


# Many


def _overview(learners: Mapping[str, list[NotebookMarks]], names: Mapping[str, str]) -> Table:
    handed_in = {result.lesson for results in learners.values() for result in results}
    lessons = [load(name) for name in lesson_names() if name in handed_in]
    every = sum(len(lesson.exercises) for lesson in lessons)
    rows = _grid()
    rows.add_column(say("course.table.learner"), overflow="fold")
    for lesson in lessons:
        rows.add_column(lesson.number, justify="right", no_wrap=True)
    rows.add_column(say("course.table.total"), justify="right", no_wrap=True)
    counts = [str(len(lesson.exercises)) for lesson in lessons]
    rows.add_row(say("course.table.all"), *counts, str(every), style="dim")
    for learner, own in learners.items():
        cells = [_points([result for result in own if result.lesson == lesson.name]) for lesson in lessons]
        rows.add_row(Text(names[learner]), *cells, str(total(own)[0]))
    return rows


def _points(results: list[NotebookMarks]) -> str:
    if not results:
        return MISSING
    troubles = [status for result in results for status in _troubles(result)]
    return f"{total(results)[0]}{MARKS[min(troubles, key=TROUBLES.index)] if troubles else ''}"


def _troubles(result: NotebookMarks) -> dict[str, list[Mark]]:
    """The marks of a notebook that are more than a wrong answer, by status."""
    troubles = defaultdict(list)
    for mark in result.counting:
        if mark.status in TROUBLES:
            troubles[mark.status].append(mark)
    return troubles


def _legend(results: list[NotebookMarks]) -> Text:
    shown = {status for result in results for status in _troubles(result)}
    shown |= {UNREADABLE for result in results if result.problem}
    marks = [f"{MARKS[status]} {say(f'course.mark.{status}')}" for status in TROUBLES if status in shown]
    return Text("   ".join([f"{MISSING} {say('course.mark.missing')}", *marks]), "dim")


def _look_at(results: list[NotebookMarks], names: Mapping[str, str]) -> Table:
    """A line for each folder, notebook or exercise that a teacher will want to look at."""
    rows = _grid()
    rows.add_column(overflow="fold", max_width=20)
    rows.add_column(overflow="fold", max_width=30)
    rows.add_column(overflow="fold")
    rows.show_header = False
    for result in results:
        for line in looked_at(result):
            rows.add_row(Text(names[result.learner]), *_line(*line))
    return rows


def looked_at(result: NotebookMarks) -> Iterator[tuple[str, str, str]]:
    """(status, notebook or exercises, sentence) of what a teacher will want to look at.

    Several exercises with one sentence are one line.
    """
    if result.problem:
        yield UNREADABLE, result.notebook, result.problem
        return
    for status, marks in _troubles(result).items():
        for message in dict.fromkeys(mark.message for mark in marks):
            same = [mark.exercise for mark in marks if mark.message == message]
            yield status, same[0] + (f" +{len(same) - 1}" if len(same) > 1 else ""), message
    for mark in result.counting:
        if mark.below:
            yield mark.status, mark.exercise, mark.message


def _twice(learners: Mapping[str, list[NotebookMarks]], names: Mapping[str, str]) -> Iterator[Paragraph]:
    """Where a learner has several notebooks of one lesson, how they count."""
    for learner, name in names.items():
        for notebooks in twice(learners[learner]):
            sentence = say("course.twice", notebooks=", ".join(notebooks))
            yield Paragraph(f"{name}: {sentence}" if name else sentence)


def twice(results: list[NotebookMarks]) -> list[list[str]]:
    """The notebooks of one learner that are of one lesson."""
    by_lesson = defaultdict(list)
    for result in results:
        if result.lesson:
            by_lesson[result.lesson].append(result.notebook)
    return [notebooks for notebooks in by_lesson.values() if len(notebooks) > 1]
