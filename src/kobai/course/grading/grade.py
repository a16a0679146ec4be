"""The notebooks of one or many learners, each executed in a process of its own with limits, and judged.

How the pieces combine: `reading` finds a learner's notebooks, `watch` takes each step by step through a
process of its own (`runner`), `judge` compares what the answers did, here, where no learner's code runs;
`table` shows it. Whatever goes wrong (an endless loop, all the memory, the end of the process, a file that is
no notebook) is a line of the table, and stops nothing else.
"""

import dataclasses
import os
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kobai.course.exercise import Exercise
from kobai.course.exercises import of_lesson
from kobai.course.grading.reading import Cell, Found, Unreadable, notebooks_of
from kobai.course.grading.reports import from_report
from kobai.course.grading.watch import Ends, Limits, Step, walk
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN, WRONG, compared
from kobai.course.source import cell_id, load
from kobai.words import say

SECONDS, GIGABYTES = 120.0, 4.0
"""Limits of a notebook. JAX alone maps more than 1 GB of addresses, of which it uses little."""
CELL = 0.25
"""The share of a notebook's time that one cell may take: a single endless loop leaves time for the others."""

FAILED, CRASHED, UNREADABLE = "failed", "crashed", "unreadable"
"""Beside those of `judge`: its cell does not run; its code ended the process; the file is no notebook."""
BEST_FIRST = (PASSED, WRONG, FAILED, STOPPED, CRASHED, UNWRITTEN, UNREADABLE)

LONGEST = 600
"""Characters of a sentence: an exception's own text can be endless."""

Verdict = dict[str, Any]
"""exercise, status, mistake, message, and whether it counts: one of each exercise does."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What one notebook earned."""

    learner: str
    """The folder it stands in, as it was given."""
    notebook: str
    """Its file; empty where there is no notebook in the folder."""
    lesson: str
    """Empty where nobody can tell."""
    verdicts: tuple[Verdict, ...]
    """For each exercise of the lesson in order."""
    problem: str = ""
    """Why the notebook, or the folder, could not be read."""


def grade(
    folders: Iterable[Path],
    seconds: float = SECONDS,
    gigabytes: float = GIGABYTES,
    *,
    cell: float | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Execute and judge every notebook of the course in these folders, two or more at a time.

    Where a learner has several notebooks of one lesson, each exercise counts once, where it is best.

    Args:
      folders: one for each learner; notebooks that are not the course's, and its answers, are left out.
      seconds: for a notebook.
      gigabytes: of memory, for a notebook, where the system can bound it (POSIX).
      cell: seconds for one cell or answer; default: a quarter of the notebook's.
      threads: notebooks at a time; default: one a core.
      progress: called first and after each notebook, with the number of those done and of all.

    Raises:
      UsageError: where the one folder that was given does not exist or has no notebook of the course. Among
        several such a folder is a line of the table.
    """
    work = _work(list(dict.fromkeys(map(Path, folders))))
    limits = Limits(CELL * seconds if cell is None else cell, seconds, gigabytes)
    halt = threading.Event()
    results: list[Result] = []
    if progress:
        progress(0, len(work))
    pool = ThreadPoolExecutor(threads or os.cpu_count() or 1)
    try:
        for found, ends in zip(work, pool.map(lambda one: _executed(one, limits, halt), work), strict=True):
            results.append(_judged(found, ends, limits))
            if progress:
                progress(len(results), len(work))
    finally:  # also on Ctrl-C: no process stays behind
        halt.set()
        pool.shutdown(cancel_futures=True)
    return _counted(results)


def _work(folders: list[Path]) -> list[Found]:
    work = []
    for folder in folders:
        try:
            work += notebooks_of(folder)
        except Unreadable as problem:
            if len(folders) == 1:
                raise
            work.append(Found(folder, None, "", problem=str(problem)))
    return work


# One notebook


def _executed(found: Found, limits: Limits, halt: threading.Event) -> Ends:
    if found.problem or halt.is_set():
        return {}
    steps = steps_of(found)
    try:
        return walk(found.lesson, steps, limits, halt, found.folder)
    except OSError as problem:  # of this machine, which has no room or no more processes: no other is stopped
        return dict.fromkeys(range(len(steps)), {"status": "lost", "how": str(problem)})


def steps_of(found: Found) -> list[Step]:
    """The cells in order, in place of each check cell its exercise, and last the exercises without one.

    A check cell is known by its id, so that editing it earns nothing.
    """
    names = load(found.lesson).exercises
    by_check = {f"{cell_id(name)}-check": name for name in names}
    steps: list[Step] = []
    for cell in found.cells:
        name = by_check.get(cell.id)
        steps.append(("run", cell.source) if name is None else ("judge", name))
    asked = {text for kind, text in steps if kind == "judge"}
    return steps + [("judge", name) for name in names if name not in asked]


def _judged(found: Found, ends: Ends, limits: Limits) -> Result:
    verdicts = []
    for name, exercise in of_lesson(found.lesson).items() if found.lesson else ():
        if found.problem:
            verdict = {"status": UNREADABLE, "mistake": "", "message": found.problem}
        else:
            verdict = _of_exercise(name, exercise, found, ends, limits)
        texts = {key: _clean(verdict[key]) for key in ("mistake", "message")}
        verdicts.append({"exercise": name, "status": verdict["status"], **texts, "counts": True})
    file = found.path.name if found.path else ""
    return Result(
        _clean(str(found.folder)), _clean(file), found.lesson, tuple(verdicts), _clean(found.problem)
    )


def _of_exercise(name: str, exercise: Exercise, found: Found, ends: Ends, limits: Limits) -> Verdict:
    """What an answer did decides; where there is none, what became of the cell it was to be in."""
    values = {"exercise": name, "name": exercise.defines}
    values |= {"seconds": f"{limits.cell:g}", "total": f"{limits.total:g}"}
    end = ends[steps_of(found).index(("judge", name))]
    told = from_report(end)
    if isinstance(told, list):
        verdict = compared(name, exercise, told)
        return {"status": verdict.status, "mistake": verdict.mistake, "message": verdict.message}
    if told is None:
        return _said(OF_ANSWERS.get(str(end.get("status")), LOST), end, values)
    if told["status"] == UNWRITTEN:
        for number, cell in enumerate(found.cells):
            sentence = OF_CELLS.get(str(ends[number].get("status")))
            if sentence and is_home(cell, name, exercise):
                return _said(sentence, ends[number], values)
    return told


LOST = (CRASHED, "course.verdict.lost")
OF_ANSWERS = {
    "stopped": (STOPPED, "course.verdict.endless"),
    "crashed": (CRASHED, "course.verdict.crashed"),
    "late": (STOPPED, "course.verdict.late"),
}
OF_CELLS = {
    "failed": (FAILED, "course.verdict.cell_failed"),
    "stopped": (STOPPED, "course.verdict.cell_stopped"),
    "crashed": (CRASHED, "course.verdict.cell_crashed"),
}


def _said(sentence: tuple[str, str], end: dict[str, Any], values: dict[str, str]) -> Verdict:
    told = {name: str(end.get(name, "?")) for name in ("kind", "problem", "line", "how")}
    return {"status": sentence[0], "mistake": "", "message": say(sentence[1], **values, **told)}


def is_home(cell: Cell, name: str, exercise: Exercise) -> bool:
    """Whether a cell is that of an exercise: by its id, or because it defines what the exercise asks for."""
    what = re.escape(exercise.defines)
    defines = rf"^(class|def) +{what}\b|^{what} *="
    return cell.id == cell_id(name) or re.search(defines, cell.source, re.MULTILINE) is not None


def _clean(text: str) -> str:
    """What a terminal and a file can take: an exception's text can hold anything, at any length."""
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"


# All of them


def _counted(results: list[Result]) -> list[Result]:
    """The same, with each exercise of a learner counting once: where it is best, the first of equals."""
    best: dict[tuple[str, str], int] = {}
    for result in results:
        for verdict in result.verdicts:
            key, rank = (result.learner, verdict["exercise"]), BEST_FIRST.index(verdict["status"])
            best[key] = min(rank, best.get(key, rank))
    counted = []
    for result in results:
        verdicts = []
        for verdict in result.verdicts:
            key = (result.learner, verdict["exercise"])
            counts = best.get(key) == BEST_FIRST.index(verdict["status"])
            if counts:
                del best[key]
            verdicts.append({**verdict, "counts": counts})
        counted.append(dataclasses.replace(result, verdicts=tuple(verdicts)))
    return counted
