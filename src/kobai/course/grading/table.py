"""What `grade` found, as it is shown: one learner exercise by exercise, many in one table; and as JSON."""

import dataclasses
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kobai.course import judge
from kobai.course.grading.grade import CRASHED, FAILED, UNREADABLE, Result, Verdict
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN
from kobai.course.source import lesson_names, load
from kobai.report.letters import Paragraph
from kobai.words import say

MARKS = {**judge.MARKS, FAILED: "⊘", CRASHED: "!", UNREADABLE: "?"}
COLOURS = {PASSED: "green", UNWRITTEN: "dim"}
TROUBLES = (UNREADABLE, CRASHED, STOPPED, FAILED)
"""What a teacher looks at first. Of several the first is marked beside the number."""
MISSING = "·"


def table(results: list[Result]) -> RenderableType:
    """One learner: a line for each exercise with its sentence. Several: a line for each learner."""
    names = _names(list(dict.fromkeys(result.learner for result in results)))
    if len(names) == 1:
        return Group(_details(results), *_twice(results, dict.fromkeys(names, "")))
    return Group(
        _overview(results, names), _legend(results), _look_at(results, names), *_twice(results, names)
    )


def total(results: list[Result]) -> tuple[int, int]:
    """(right, all) of the exercises that count."""
    counted = [verdict for result in results for verdict in result.verdicts if verdict["counts"]]
    return sum(verdict["status"] == PASSED for verdict in counted), len(counted)


def as_json(results: list[Result]) -> str:
    """All results: a list with an object for each notebook, and for each folder without one."""
    entries = []
    for result in results:
        right, counted = total([result])
        entries.append({**dataclasses.asdict(result), "passed": right, "counted": counted})
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


# One learner


def _details(results: list[Result]) -> Table:
    made = _grid()
    made.add_column(say("course.table.exercise"), no_wrap=True)
    made.add_column(say("course.table.result"), overflow="fold")
    for result in results:
        if result.problem:
            made.add_row(*_line(UNREADABLE, result.notebook, result.problem))
        for verdict in result.verdicts:
            if verdict["counts"] and not result.problem:
                made.add_row(*_line(verdict["status"], verdict["exercise"], verdict["message"]))
    return made


def _line(status: str, name: str, sentence: str) -> tuple[Text, RenderableType]:
    """Of what is not written nothing more is said: a notebook is full of it on the first day."""
    sentence = say("course.mark.unwritten") if status == UNWRITTEN else sentence
    lines = Group(*map(Paragraph, sentence.split("\n")))
    return Text(f"{MARKS[status]} {name}", COLOURS.get(status, "red")), lines


def _grid() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))


# Many


def _names(learners: list[str]) -> dict[str, str]:
    """Each learner's folder as briefly as it can be told from the others."""
    last = {learner: Path(os.path.abspath(learner)).name for learner in learners}
    return last if len(set(last.values())) == len(last) else {learner: learner for learner in learners}


def _overview(results: list[Result], names: dict[str, str]) -> Table:
    lessons = [load(name) for name in lesson_names() if any(result.lesson == name for result in results)]
    every = sum(len(lesson.exercises) for lesson in lessons)
    made = _grid()
    made.add_column(say("course.table.learner"), overflow="fold")
    for lesson in lessons:
        made.add_column(lesson.number, justify="right", no_wrap=True)
    made.add_column(say("course.table.total"), justify="right", no_wrap=True)
    counts = [str(len(lesson.exercises)) for lesson in lessons]
    made.add_row(say("course.table.all"), *counts, str(every), style="dim")
    for learner, name in names.items():
        own = [result for result in results if result.learner == learner]
        cells = [_points([result for result in own if result.lesson == lesson.name]) for lesson in lessons]
        made.add_row(Text(name), *cells, str(total(own)[0]))
    return made


def _points(results: list[Result]) -> str:
    if not results:
        return MISSING
    troubles = [status for result in results for status in _troubles(result)]
    return f"{total(results)[0]}{MARKS[min(troubles, key=TROUBLES.index)] if troubles else ''}"


def _troubles(result: Result) -> dict[str, list[Verdict]]:
    """The verdicts of a notebook that are more than a wrong answer, by status."""
    found = defaultdict(list)
    for verdict in result.verdicts:
        if verdict["counts"] and verdict["status"] in TROUBLES:
            found[verdict["status"]].append(verdict)
    return found


def _legend(results: list[Result]) -> Text:
    found = {status for result in results for status in _troubles(result)}
    found |= {UNREADABLE for result in results if result.problem}
    marks = [f"{MARKS[status]} {say(f'course.mark.{status}')}" for status in TROUBLES if status in found]
    return Text("   ".join([f"{MISSING} {say('course.mark.missing')}", *marks]), "dim")


def _look_at(results: list[Result], names: dict[str, str]) -> Table:
    """A line for each folder, notebook or exercise that a teacher will want to look at."""
    made = _grid()
    made.add_column(overflow="fold", max_width=20)
    made.add_column(overflow="fold", max_width=30)
    made.add_column(overflow="fold")
    made.show_header = False
    for result in results:
        lines = [(UNREADABLE, result.notebook, result.problem)] if result.problem else _grouped(result)
        for line in lines:
            made.add_row(Text(names[result.learner]), *_line(*line))
    return made


def _grouped(result: Result) -> Iterator[tuple[str, str, str]]:
    """(status, exercises, sentence): several with one sentence are one line."""
    for status, verdicts in _troubles(result).items():
        for message in dict.fromkeys(verdict["message"] for verdict in verdicts):
            same = [verdict["exercise"] for verdict in verdicts if verdict["message"] == message]
            yield status, same[0] + (f" +{len(same) - 1}" if len(same) > 1 else ""), message


def _twice(results: list[Result], names: dict[str, str]) -> Iterator[Paragraph]:
    """Where a learner has several notebooks of one lesson, how they count."""
    for learner, name in names.items():
        by_lesson = defaultdict(list)
        for result in results:
            if result.learner == learner and result.lesson:
                by_lesson[result.lesson].append(result.notebook)
        for notebooks in by_lesson.values():
            if len(notebooks) > 1:
                sentence = say("course.twice", notebooks=", ".join(notebooks))
                yield Paragraph(f"{name}: {sentence}" if name else sentence)
