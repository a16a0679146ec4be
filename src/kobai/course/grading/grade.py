"""The notebooks of one or many learners, each executed in a process of its own with limits, and judged.

How the pieces combine: `reading` reads all notebooks, `state` notes what must stay as it is; then `watch`
takes one after another step by step through a process of its own (`runner`, `reports`), and `marks` says what
each answer earned, here, where no learner's code runs. `table` shows it; `points`, `alike` and `overview`
make of it what a class is told, in a `sheet` and in `pages`. Whatever goes wrong (an endless loop, all the
memory, the end of the process, a file that is no notebook) is a line of the table, and stops nothing else.
"""

import dataclasses
import math
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kobai.basics.checks import Rule, check_arguments, check_count, check_number, check_seed
from kobai.course.grading.marks import BEST_FIRST, Mark, clean, marks_of, steps_of
from kobai.course.grading.reading import Submission, Unreadable, notebooks_of
from kobai.course.grading.reports import CellEnd
from kobai.course.grading.state import Files, import_first
from kobai.course.grading.watch import Ends, Limits, walk

SECONDS, GIGABYTES = 120.0, 4.0
"""Limits of a notebook. JAX alone maps more than 1 GB of addresses, of which it uses little."""
CELL = 0.25
"""The share of a notebook's time that one cell may take: a single endless loop leaves time for the others."""


def _is_name(value: object) -> bool:
    """Whether a file system can have this name, which need be no text: learners' machines write all kinds."""
    if not isinstance(value, str | os.PathLike):
        return False
    try:
        name = os.fsencode(value)
    except ValueError:
        return False
    return name != b"" and b"\0" not in name


FOLDERS: Rule = ("rule.folders", lambda value: isinstance(value, list | tuple) and all(map(_is_name, value)))


@dataclasses.dataclass(frozen=True)
class NotebookMarks:
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
    folders: Sequence[Path],
    seconds: float = SECONDS,
    gigabytes: float = GIGABYTES,
    *,
    cell: float | None = None,
    threads: int | None = None,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[NotebookMarks]:
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
    check_arguments("grade", {"folders": folders}, {"folders": FOLDERS})
    for name, number in {"seconds": seconds, "gigabytes": gigabytes, "cell": cell or CELL}.items():
        check_number("grade", name, number, "rule.positive", lambda value: 0 < value < math.inf)
    if threads is not None:
        check_count("threads", threads)
    if seed is not None:
        check_seed("seed", seed)
    work = _work(list(dict.fromkeys(map(Path, folders))))
    limits = Limits(
        CELL * seconds if cell is None else cell,
        seconds,
        gigabytes,
        1 + secrets.randbelow(2**31) if seed is None else seed,
    )
    halt = threading.Event()
    results: list[NotebookMarks] = []
    if progress:
        progress(0, len(work))
    import_first()
    files = Files(submission.folder for submission in work)
    pool = ThreadPoolExecutor(threads or os.cpu_count() or 1)
    try:
        runs = pool.map(lambda submission: _executed(submission, limits, halt, files), work)
        for submission, ends in zip(work, runs, strict=True):
            results.append(NotebookMarks(submission, marks_of(submission, ends, limits)))
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
            nothing = problem.key == "error.course.no_notebooks"
            told = Unreadable("course.unreadable.nothing", path=folder) if nothing else problem
            work.append(Submission(folder, None, "", problem=told))
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


def counted(results: list[NotebookMarks]) -> list[NotebookMarks]:
    """The same, with each exercise of a learner counting once: where it is best, the first of equals."""
    best: dict[tuple[str, str], int] = {}
    for result in results:
        for mark in result.marks:
            key, rank = (result.learner, mark.exercise), BEST_FIRST.index(mark.status)
            best[key] = min(rank, best.get(key, rank))
    return [dataclasses.replace(result, marks=tuple(_counted(result, best))) for result in results]


def _counted(result: NotebookMarks, best: dict[tuple[str, str], int]) -> Iterable[Mark]:
    for mark in result.marks:
        key = (result.learner, mark.exercise)
        counts = best.get(key) == BEST_FIRST.index(mark.status)
        if counts:
            del best[key]
        yield dataclasses.replace(mark, counts=counts)


def by_learner(results: list[NotebookMarks]) -> Mapping[str, list[NotebookMarks]]:
    """The results of each learner, in the order in which the folders were given."""
    learners: dict[str, list[NotebookMarks]] = {}
    for result in results:
        learners.setdefault(result.learner, []).append(result)
    return learners


def names_of(learners: Iterable[str]) -> dict[str, str]:
    """Each learner's folder as briefly as it can be told from the others."""
    last = {learner: Path(os.path.abspath(learner)).name for learner in learners}
    return last if len(set(last.values())) == len(last) else {learner: learner for learner in last}


def total(results: Iterable[NotebookMarks]) -> tuple[int, int]:
    """(right, all) of the exercises that count."""
    marks = [mark for result in results for mark in result.counting]
    return sum(mark.status == "passed" for mark in marks), len(marks)
