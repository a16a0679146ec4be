"""The notebooks of one or many learners, each executed in a process of its own with limits, and their table.

A notebook is known by what the course noted in it, or else by its name. Whatever a learner's code does (an
endless loop, all the memory, the end of its process) is a line of the table, and stops nothing else.
"""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from kobai import words
from kobai.course.judge import CRASHED, MARKS, PASSED, STOPPED, UNWRITTEN, WRONG
from kobai.course.source import lesson_names, load
from kobai.errors import UsageError
from kobai.words import say

SECONDS, GIGABYTES = 120.0, 4.0
"""Limits of a notebook. JAX alone maps more than 1 GB of addresses, of which it uses little."""
CELL = 0.25
"""The share of a notebook's time that one cell may take: a single endless loop leaves time for the others."""

COLOURS = {PASSED: "green", WRONG: "red", UNWRITTEN: "dim", STOPPED: "red", CRASHED: "red"}


@dataclasses.dataclass(frozen=True)
class Result:
    """What one notebook earned."""

    learner: str
    """The folder it stands in, as it was given."""
    notebook: str
    lesson: str
    verdicts: tuple[dict[str, Any], ...]
    """For each exercise of the lesson in order: exercise, status, mistake, message."""

    @property
    def passed(self) -> int:
        """How many exercises are right."""
        return sum(verdict["status"] == PASSED for verdict in self.verdicts)


def grade(
    folders: Iterable[Path],
    seconds: float = SECONDS,
    gigabytes: float = GIGABYTES,
    *,
    cell: float | None = None,
    threads: int | None = None,
) -> list[Result]:
    """Execute and judge every notebook of the course in these folders, two or more at a time.

    Args:
      folders: one for each learner; notebooks that are not the course's, and its answers, are left out.
      seconds: for a notebook.
      gigabytes: of memory, for a notebook.
      cell: seconds for one cell or answer; default: a quarter of the notebook's.
      threads: notebooks at a time; default: one a core.

    Raises:
      UsageError: where a folder does not exist or has no notebook of the course.
    """
    work = [(Path(folder), *found) for folder in folders for found in _found(Path(folder))]
    limits = {"seconds": CELL * seconds if cell is None else cell, "total": seconds, "gigabytes": gigabytes}
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        return list(pool.map(lambda one: _graded(one[0], one[1], one[2], limits), work))


def _found(folder: Path) -> Iterator[tuple[Path, str]]:
    """(notebook, its lesson) of each notebook in a folder that has exercises."""
    if not folder.is_dir():
        raise UsageError("error.course.no_folder", path=folder)
    known = [name for name in lesson_names() if load(name).exercises]
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        lesson, kind = _lesson(path, known)
        if lesson and kind != "answer":
            found.append((path, lesson))
    if not found:
        raise UsageError("error.course.no_notebooks", path=folder)
    # In the order of the lessons, of which 3_10 comes after 3_9.
    yield from sorted(found, key=lambda each: (known.index(each[1]), each[0]))


def _lesson(path: Path, known: list[str]) -> tuple[str | None, str]:
    """(lesson, kind) of a notebook: as the course noted in it, or by its name; None for what is not ours."""
    named = next((name for name in known if path.name.startswith(f"{name}_")), None)
    kind = "answer" if path.stem.endswith("_answer") else "trainee"
    about = _read(path).get("metadata", {}).get("kobai", {})
    if about.get("lesson") in known:
        return about["lesson"], about.get("kind", kind)
    return named, kind


def _read(path: Path) -> dict[str, Any]:
    """The notebook, or nothing where the file is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _graded(folder: Path, path: Path, lesson: str, limits: dict[str, float]) -> Result:
    with tempfile.TemporaryDirectory(prefix="kobai-course-") as scratch:
        verdicts = Path(scratch) / "verdicts.jsonl"
        settings = {
            "notebook": str(path.resolve()),
            "lesson": lesson,
            "language": words.current(),
            "verdicts": str(verdicts),
            **limits,
        }
        place = Path(scratch) / "work"  # files that a notebook writes do not meet the learner's own
        place.mkdir()
        end = _run(
            [sys.executable, "-m", "kobai.course.runner", json.dumps(settings)], place, limits["total"]
        )
        lines = verdicts.read_text("utf-8").splitlines() if verdicts.exists() else []
    found = {verdict["exercise"]: verdict for verdict in map(json.loads, lines)}
    rest = {
        "status": end,
        "mistake": "",
        "message": say(f"course.verdict.{end}", seconds=f"{limits['total']:g}"),
    }
    exercises = load(lesson).exercises
    everything = tuple(found.get(name, {"exercise": name, **rest}) for name in exercises)
    return Result(str(folder), path.name, lesson, everything)


def _run(command: list[str], place: Path, seconds: float) -> str:
    """Run a command with everything it starts, at most `seconds`; how it ended: stopped or crashed."""
    # A group of its own, so that nothing that a learner's code started outlives it.
    process = subprocess.Popen(
        command,
        cwd=place,
        env={
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        },  # as many run as there are cores
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
        return CRASHED
    except subprocess.TimeoutExpired:
        return STOPPED
    finally:
        with contextlib.suppress(AttributeError, ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


# What is shown


def table(results: list[Result]) -> RenderableType:
    """One learner: a line for each exercise with its message. Several: a line for each, a column a lesson."""
    learners = list(dict.fromkeys(result.learner for result in results))
    return _details(results) if len(learners) == 1 else _overview(results, learners)


def _details(results: list[Result]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column(say("course.table.exercise"), no_wrap=True)
    made.add_column(say("course.table.result"), overflow="fold")
    for result in results:
        for verdict in result.verdicts:
            status = verdict["status"]
            made.add_row(
                f"[{COLOURS[status]}]{MARKS[status]}[/] {verdict['exercise']}", _plain(verdict["message"])
            )
    return made


def _overview(results: list[Result], learners: list[str]) -> Table:
    lessons = [name for name in lesson_names() if any(result.lesson == name for result in results)]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column(say("course.table.learner"), overflow="fold")
    for name in lessons:
        made.add_column(load(name).number, justify="right")
    made.add_column(say("course.table.total"), justify="right")
    for learner in learners:
        own = [result for result in results if result.learner == learner]
        cells = [_points([result for result in own if result.lesson == name]) for name in lessons]
        made.add_row(_plain(learner), *cells, _points(own))
    return made


def _points(results: list[Result]) -> str:
    if not results:
        return "–"
    statuses = {verdict["status"] for result in results for verdict in result.verdicts}
    marks = "".join(MARKS[status] for status in (STOPPED, CRASHED) if status in statuses)
    return f"{sum(r.passed for r in results)}/{sum(len(r.verdicts) for r in results)}{marks}"


def _plain(text: str) -> str:
    """Letters only: rich reads [bold] in any text."""
    return text.replace("[", r"\[")


def as_json(results: list[Result]) -> str:
    """All results: a list with an object for each notebook."""
    return json.dumps([dataclasses.asdict(result) for result in results], ensure_ascii=False, indent=1) + "\n"
