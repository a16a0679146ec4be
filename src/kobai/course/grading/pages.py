"""The pages that a teacher shows and hands out: what the class did, and what each learner is told.

Each is one file that asks the network for nothing.
"""

import datetime
import html
import re
from collections.abc import Iterator

import plotly.graph_objects as go

from kobai.course.grading.marks import BEST_FIRST, CRASHED, FAILED, UNREADABLE, Mark
from kobai.course.grading.overview import Learner, Overview, heading_of, title_of
from kobai.course.grading.sheet import local
from kobai.course.grading.table import MARKS, MISSING, looked_at, twice
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN, WRONG
from kobai.course.source import Lesson
from kobai.report import document, panels
from kobai.report.colours import PALETTE
from kobai.words import say

SLIPS, AGAIN = 12, 8
"""Rows at most: what nobody can talk about in one morning is left out."""


# The class


def class_page(overview: Overview, files: dict[str, str]) -> str:
    """The page of the class.

    Args:
      overview: what the class did.
      files: for each learner's folder the name of the feedback, beside which the page is going to stand.
    """
    figures = {"class_exercises": _figure(overview)} if overview.exercises else {}
    parts = [
        _section("again", _again(overview)),
        _section("slips", _slips(overview)),
        _section("grid", _grid(overview, files)),
        _section(
            "exercises", document.figure("class_exercises", [say("course.class.figure")]), bool(figures)
        ),
        _section("look", _look(overview)),
        _section("alike", _alike(overview)),
    ]
    right = sum(learner.right for learner in overview.learners)
    values = {"learners": len(overview.learners), "right": right, "lessons": len(overview.lessons)}
    return document.page(
        title=say("course.class.title"),
        headline=say("course.class.headline", **values, all=len(overview.exercises) * len(overview.learners)),
        main="".join(parts),
        data=document.data(figures),
        style=document.read("kobai.course.grading", "pages.css"),
    )


def _section(name: str, content: str, shown: bool = True) -> str:
    """A section with its heading and what it tells; nothing where there is nothing to tell."""
    if not (content and shown):
        return ""
    heading, use = html.escape(say(f"course.class.{name}")), html.escape(say(f"course.class.{name}.use"))
    return f'<section><h2>{heading}</h2><p class="use">{use}</p>{content}</section>'


def _again(overview: Overview) -> str:
    rows = [
        [
            html.escape(each.exercise),
            html.escape(each.heading),
            html.escape(say("course.class.of", part=each.right, all=each.tried)),
            str(each.hints or ""),
        ]
        for each in overview.again[:AGAIN]
    ]
    heads = [say(f"course.class.column.{name}") for name in ("exercise", "section", "right", "hints")]
    return document.scrolling(heads, rows, say("course.class.again"), left=(0, 1)) if rows else ""


def _slips(overview: Overview) -> str:
    rows = []
    for slip in overview.slips[:SLIPS]:
        share = say(
            "course.class.share", percent=f"{100 * slip.share:.0f}", count=len(slip.marks), all=slip.tried
        )
        example = slip.marks[0].message
        rows.append([html.escape(slip.exercise), html.escape(share), _lines(example)])
    heads = [say(f"course.class.column.{name}") for name in ("exercise", "share", "mistake")]
    table = document.scrolling(heads, rows, say("course.class.slips"), left=(0, 2)) if rows else ""
    return table + _unlike(overview.unlike)


def _unlike(counts: dict[str, int]) -> str:
    """How many answers are wrong in a way of their own."""
    names = say("answer.comma").join(
        say("course.class.unlike.count", exercise=exercise, count=count) for exercise, count in counts.items()
    )
    sentence = say("course.class.unlike", count=sum(counts.values()), names=names)
    return f'<p class="use">{html.escape(sentence)}</p>' if counts else ""


def _grid(overview: Overview, files: dict[str, str]) -> str:
    heads = [say("course.table.learner")]
    heads += [exercise.replace(".", "\n", 1) for exercise in overview.exercises]
    heads += [say("course.class.column.points"), say("course.class.column.submitted")]
    rows = []
    for learner in overview.learners:
        file = files.get(learner.folder)
        name = html.escape(learner.name)
        link = f'<a href="{html.escape(file)}">{name}</a>' if file else name
        cells = [_cell(learner.marks.get(exercise)) for exercise in overview.exercises]
        rows.append([link, *cells, f"{learner.earned:g}", _submitted(learner)])
    of = [html.escape(f"{overview.points.of(exercise):g}") for exercise in overview.exercises]
    rows.append([html.escape(say("course.class.worth")), *of, f"{overview.total:g}", _deadline(overview)])
    table = document.scrolling(heads, rows, say("course.class.grid"))
    shown = {mark.status for learner in overview.learners for mark in learner.marks.values()}
    legend = [f"{MARKS[status]} {say(f'course.mark.{status}')}" for status in BEST_FIRST if status in shown]
    legend.append(f"{MISSING} {say('course.mark.missing')}")
    return f'<div class="grid">{table}</div><p class="use">{html.escape("   ".join(legend))}</p>'


def _cell(mark: Mark | None) -> str:
    if mark is None:
        return f'<span class="missing">{MISSING}</span>'
    label = html.escape(say(f"course.mark.{mark.status}"))
    message = label if mark.status == PASSED and not mark.below else html.escape(mark.message)
    about = f'class="{mark.status}" title="{message}" role="img" aria-label="{label}"'
    return f"<span {about}>{MARKS[mark.status]}</span>"


def _submitted(learner: Learner) -> str:
    if learner.time is None:
        return ""
    text = html.escape(_clock(local(learner.time)))
    return (
        f'<span class="late">{text} · {html.escape(say("course.class.late"))}</span>'
        if learner.is_late
        else text
    )


def _deadline(overview: Overview) -> str:
    deadline = overview.points.deadline
    if deadline is None:
        return ""
    return html.escape(say("course.class.deadline", time=_clock(local(deadline.timestamp()))))


def _clock(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def _figure(overview: Overview) -> go.Figure:
    """For each exercise how many learners are right, wrong, stuck and not there yet."""
    kinds = {
        "passed": (PASSED,),
        "wrong": (WRONG,),
        "stuck": (FAILED, STOPPED, CRASHED, UNREADABLE),
        "unwritten": (UNWRITTEN,),
    }
    colours = (PALETTE[0], PALETTE[1], PALETTE[3], panels.GRID)
    x = {"categoryorder": "array", "categoryarray": overview.exercises, "tickangle": -60}
    y = {
        "title": say("course.class.figure.y"),
        "rangemode": "tozero",
        "dtick": max(1, len(overview.learners) // 5),
    }
    figure = panels.figure([""], [x], [y], height=280, margin={"b": 110})
    for (name, statuses), colour in zip(kinds.items(), colours, strict=True):
        marks = [[each.marks.get(exercise) for each in overview.learners] for exercise in overview.exercises]
        counts = [sum(mark is not None and mark.status in statuses for mark in column) for column in marks]
        label = panels.text(say(f"course.class.figure.{name}"))
        figure.add_bar(x=overview.exercises, y=counts, name=label, marker_color=colour)
    return figure.update_layout(
        barmode="stack", legend={"orientation": "h", "y": 1.15, "traceorder": "normal"}
    )


def _look(overview: Overview) -> str:
    items = []
    for learner in overview.learners:
        for result in learner.results:
            for status, name, sentence in looked_at(result):
                items.append((learner.name, f"{MARKS[status]} {name}", sentence))
        for notebooks in twice(list(learner.results)):
            items.append((learner.name, "", say("course.twice", notebooks=", ".join(notebooks))))
    rows = [[html.escape(name), html.escape(what), _lines(sentence)] for name, what, sentence in items]
    heads = [say("course.table.learner"), say("course.table.exercise"), say("course.table.result")]
    return document.scrolling(heads, rows, say("course.class.look"), left=(0, 1, 2)) if rows else ""


def _alike(overview: Overview) -> str:
    names = {learner.folder: learner.name for learner in overview.learners}
    rows = []
    for pair in overview.alike:
        other = names[pair.other] if pair.other else say("course.class.alike.course")
        part = say("course.class.answers", part=len(pair.exercises), all=pair.of)
        rows.append([f"{names[pair.learner]} = {other}", part, ", ".join(pair.exercises)])
    heads = [say(f"course.class.column.{name}") for name in ("who", "answers", "exercises")]
    return (
        document.scrolling(heads, document.escaped(rows), say("course.class.alike"), left=(0, 2))
        if rows
        else ""
    )


def _lines(sentence: str) -> str:
    return f'<span class="told">{html.escape(sentence)}</span>'


# A learner


def feedback_page(learner: Learner, overview: Overview) -> str:
    """What one learner is told, in the language in use."""
    handed_in = {result.lesson for result in learner.results if not result.problem}
    lessons = [lesson for lesson in overview.lessons if lesson.name in handed_in]
    exercises = [exercise for lesson in lessons for exercise in lesson.exercises]
    values = {
        "right": learner.right,
        "all": len(exercises),
        "points": f"{learner.earned:g}",
        "total": f"{sum(map(overview.points.of, exercises)):g}",
    }
    headline = [say("course.feedback.headline", **values)]
    if learner.time is not None:
        headline.append(say("course.feedback.submitted", time=_clock(local(learner.time))))
    if learner.is_late:
        headline.append(say("course.class.late"))
    problems = [
        f'<div class="notes">{html.escape(f"{result.notebook}: {result.problem}".removeprefix(": "))}</div>'
        for result in learner.results
        if result.problem
    ]
    return document.page(
        title=say("course.feedback.title", name=learner.name),
        headline=" · ".join(headline),
        main="".join([*problems, *(_lesson(lesson, learner) for lesson in lessons)]),
        data=document.data({}),
        style=document.read("kobai.course.grading", "pages.css"),
    )


def _lesson(lesson: Lesson, learner: Learner) -> str:
    marks = [learner.marks[exercise] for exercise in lesson.exercises if exercise in learner.marks]
    articles = "".join(_exercise(mark, lesson, learner) for mark in marks)
    return f"<section><h2>{html.escape(title_of(lesson))}</h2>{articles}</section>"


def _exercise(mark: Mark, lesson: Lesson, learner: Learner) -> str:
    """What became of one exercise, and what to do next."""
    points = learner.points
    value = say(
        "course.feedback.points", points=f"{points.earned(mark):g}", all=f"{points.of(mark.exercise):g}"
    )
    hints = learner.hints.get(mark.exercise)
    next_step = {WRONG: "wrong", UNWRITTEN: "unwritten"}.get(mark.status)
    sentences = [
        mark.message,
        say("course.feedback.hints", level=hints) if hints else "",
        say(f"course.feedback.{next_step}", exercise=mark.exercise) if next_step else "",
    ]
    paragraphs = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences if sentence)
    name = f"{mark.exercise} · {heading_of(lesson, mark.exercise)}"
    return (
        f'<article class="{mark.status}"><h3><span>{MARKS[mark.status]}</span> {html.escape(name)}'
        f"<small>{html.escape(value)}</small></h3>{paragraphs}</article>"
    )


def file_names(learners: list[Learner]) -> dict[str, str]:
    """For each learner's folder the name of a file that every system allows, different for each."""
    names: dict[str, str] = {}
    for name, learner in _plain(learners):
        number = sum(other.casefold() == name.casefold() for other in names.values())
        free = (f"{name}-{n}" if n > 1 else name for n in range(1 + number, len(learners) + 2))
        taken = {other.casefold() for other in names.values()}
        names[learner.folder] = next(each for each in free if each.casefold() not in taken)
    return {folder: f"{name}.html" for folder, name in names.items()}


def _plain(learners: list[Learner]) -> Iterator[tuple[str, Learner]]:
    for learner in learners:
        yield re.sub(r"[^\w-]+", "-", learner.name).strip("-")[:80] or "learner", learner
