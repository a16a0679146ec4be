"""The notebooks of one or many learners, each executed in a process of its own with limits, and judged.

How the pieces combine: `reading` reads all notebooks, `state` notes what must stay as it is; then `watch`
takes one after another step by step through a process of its own (`runner`, `reports`), and `marks` says what
each answer earned, here, where no learner's code runs. `table` shows it; `points`, `alike` and `overview`
make of it what a class is told, in a `sheet` and in `pages`. Whatever goes wrong (an endless loop, all the
memory, the end of the process, a file that is no notebook) is a line of the table, and stops nothing else.
"""

import dataclasses
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kobai.course.grading.marks import BEST_FIRST, Mark, clean, marks_of, steps_of
from kobai.course.grading.reading import Submission, Unreadable, notebooks_of
from kobai.course.grading.reports import CellEnd
from kobai.course.grading.state import Files, import_first
from kobai.course.grading.watch import Ends, Limits, walk

SECONDS, GIGABYTES = 120.0, 4.0
"""Limits of a notebook. JAX alone maps more than 1 GB of addresses, of which it uses little."""
CELL = 0.25
"""The share of a notebook's time that one cell may take: a single endless loop leaves time for the others."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What one notebook earned."""

    submission: Submission
    marks: tuple[Mark, ...]
    """For each exercise of the lesson in order."""

    @property
    def learner(self) -> str:
        """The folder it stands in, as it was given."""
        return clean(str(self.submission.folder))

    @property
    def notebook(self) -> str:
        """Its file; empty where there is no notebook in the folder."""
        return clean(self.submission.path.name) if self.submission.path else ""

    @property
    def lesson(self) -> str:
        """Empty where nobody can tell."""
        return self.submission.lesson

    @property
    def problem(self) -> str:
        """Why the notebook, or the folder, could not be graded."""
        return clean(str(self.submission.problem)) if self.submission.problem else ""

    @property
    def counting(self) -> list[Mark]:
        """The marks that count."""
        return [mark for mark in self.marks if mark.counts]


def grade(
    folders: Iterable[Path],
    seconds: float = SECONDS,
    gigabytes: float = GIGABYTES,
    *,
    cell: float | None = None,
    threads: int | None = None,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Execute and judge every notebook of the course in these folders, two or more at a time.

    Where a learner has several notebooks of one lesson, each exercise counts once, where it is best.

    Args:
      folders: one for each learner; notebooks that are not the course's are left out.
      seconds: for a notebook.
      gigabytes: of memory, for a notebook, where the system can bound it (POSIX).
      cell: seconds for one cell or answer; default: a quarter of the notebook's.
      threads: notebooks at a time; default: one a core.
      seed: of the numbers on which answers are tried; default: a new one, so that they stand in no message.
      progress: called first and after each notebook, with the number of those done and of all.

    Raises:
      UsageError: where the one folder that was given does not exist or has no notebook of the course. Among
        several such a folder is a line of the table.
    """
    work = _work(list(dict.fromkeys(map(Path, folders))))
    limits = Limits(
        CELL * seconds if cell is None else cell,
        seconds,
        gigabytes,
        1 + secrets.randbelow(2**31) if seed is None else seed,
    )
    halt = threading.Event()
    results: list[Result] = []
    if progress:
        progress(0, len(work))
    import_first()
    files = Files(submission.folder for submission in work)
    pool = ThreadPoolExecutor(threads or os.cpu_count() or 1)
    try:
        runs = pool.map(lambda submission: _executed(submission, limits, halt, files), work)
        for submission, ends in zip(work, runs, strict=True):
            results.append(Result(submission, marks_of(submission, ends, limits)))
            if progress:
                progress(len(results), len(work))
    finally:  # also on Ctrl-C: no process stays behind
        halt.set()
        pool.shutdown(cancel_futures=True)
    return counted(results)


def _work(folders: list[Path]) -> list[Submission]:
    work = []
    for folder in folders:
        try:
            work += notebooks_of(folder)
        except Unreadable as problem:
            if len(folders) == 1:
                raise
            work.append(Submission(folder, None, "", problem=problem))
    return work


def _executed(submission: Submission, limits: Limits, halt: threading.Event, files: Files) -> Ends:
    """How the steps of a notebook ended."""
    if submission.problem or halt.is_set():
        return {}
    steps = steps_of(submission)
    try:
        changed = files.changed(submission.folder)
        if not changed:
            ends = walk(submission.lesson, steps, limits, halt, files.beside[submission.folder])
            changed = files.changed(submission.folder)
    except OSError as problem:  # of this machine, which has no room or no more processes: no other is stopped
        return dict.fromkeys(range(len(steps)), CellEnd("lost", how=str(problem)))
    return dict.fromkeys(range(len(steps)), CellEnd("changed", how=changed)) if changed else ends


def counted(results: list[Result]) -> list[Result]:
    """The same, with each exercise of a learner counting once: where it is best, the first of equals."""
    best: dict[tuple[str, str], int] = {}
    for result in results:
        for mark in result.marks:
            key, rank = (result.learner, mark.exercise), BEST_FIRST.index(mark.status)
            best[key] = min(rank, best.get(key, rank))
    return [dataclasses.replace(result, marks=tuple(_counted(result, best))) for result in results]


def _counted(result: Result, best: dict[tuple[str, str], int]) -> Iterable[Mark]:
    for mark in result.marks:
        key = (result.learner, mark.exercise)
        counts = best.get(key) == BEST_FIRST.index(mark.status)
        if counts:
            del best[key]
        yield dataclasses.replace(mark, counts=counts)


def by_learner(results: list[Result]) -> Mapping[str, list[Result]]:
    """The results of each learner, in the order in which the folders were given."""
    learners: dict[str, list[Result]] = {}
    for result in results:
        learners.setdefault(result.learner, []).append(result)
    return learners


def names_of(learners: Iterable[str]) -> dict[str, str]:
    """Each learner's folder as briefly as it can be told from the others."""
    last = {learner: Path(os.path.abspath(learner)).name for learner in learners}
    return last if len(set(last.values())) == len(last) else {learner: learner for learner in last}


def total(results: Iterable[Result]) -> tuple[int, int]:
    """(right, all) of the exercises that count."""
    marks = [mark for result in results for mark in result.counting]
    return sum(mark.status == "passed" for mark in marks), len(marks)
