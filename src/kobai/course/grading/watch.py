"""The steps through one notebook, taken in a process of its own (`runner`) under watch.

A step that ends the process, or does not end in its time, is noted and left out, and the notebook is run
again without it: so one endless loop or one crash costs its own exercise and no other, on every system.
"""

import contextlib
import dataclasses
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from kobai import words
from kobai.course.cases import AUTHORS
from kobai.course.exercises import of_lesson
from kobai.course.grading.reports import AnswerEnd, CellEnd, accepted
from kobai.course.grading.supervise import PATIENCE
from kobai.course.judge import Verdict
from kobai.words import say

GRACE = 5.0
"""Seconds beyond its limit that a step may take to stop by itself, which costs no second run."""
MOST = 2**26
"""Bytes of a learner's own files that a notebook finds beside it."""
LONGEST = 2**18
"""Bytes in a line from the learner's process, of which no honest one has a tenth. What is longer is cut."""

Step: TypeAlias = tuple[Literal["run", "judge"], str]
"""("run", the code of a cell) or ("judge", the name of an exercise)."""
Ends: TypeAlias = dict[int, AnswerEnd]
"""How steps ended, by number."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one notebook may take."""

    cell: float
    """Seconds for one cell or one answer."""
    total: float
    """Seconds for all of it."""
    gigabytes: float
    """Of memory, on POSIX."""
    seed: int = AUTHORS
    """Of the numbers on which its answers are tried: see `kobai.course.cases`."""


def walk(
    lesson: str, steps: Sequence[Step], limits: Limits, halt: threading.Event, beside: Iterable[Path] = ()
) -> Ends:
    """Take the steps; how each ended. `halt` ends it early; a notebook finds copies of the files `beside`."""
    ends: Ends = {}
    until = time.monotonic() + limits.total
    lost: set[int] = set()
    with tempfile.TemporaryDirectory(prefix="kobai-course-", ignore_cleanup_errors=True) as scratch:
        while True:
            # What was judged is not judged again; a cell is run again for its variables, if it ends.
            again = [
                ("skip", "") if number in lost or (kind == "judge" and number in ends) else (kind, text)
                for number, (kind, text) in enumerate(steps)
            ]
            task = {"lesson": lesson, "steps": again, "seconds": limits.cell, "total": limits.total}
            task |= {"gigabytes": limits.gigabytes, "language": words.current(), "seed": limits.seed}
            place = Path(tempfile.mkdtemp(dir=scratch))
            copy_files(beside, place)
            at, end = _Run(task, place, limits.cell, until, halt).end(ends)
            if at is None or at in lost or end.status == "late":
                break
            ends[at] = end
            lost |= {
                number
                for number, each in ends.items()
                if isinstance(each, CellEnd | Verdict) and each.status in ("stopped", "crashed")
            }
    rest = end if end.status == "late" else dataclasses.replace(end, status="lost")
    return {number: ends.get(number, rest) for number in range(len(steps))}


def copy_files(files: Iterable[Path], place: Path) -> None:
    """Copies of a learner's own files, data say, so that nothing that a notebook writes meets them.

    In all `MOST` bytes, in the order given.
    """
    left = MOST
    for path in files:
        with contextlib.suppress(OSError):
            left -= path.stat().st_size
            if left >= 0:
                shutil.copyfile(path, place / path.name)


class _Run:
    """One run of the process."""

    def __init__(
        self, task: dict[str, Any], place: Path, cell: float, until: float, halt: threading.Event
    ) -> None:
        self.cell, self.until, self.halt = cell, until, halt
        self.exercises = of_lesson(task["lesson"])
        self.steps = [
            (number, text if kind == "judge" else "")
            for number, (kind, text) in enumerate(task["steps"])
            if kind != "skip"
        ]
        self.process = subprocess.Popen(
            RUNNER,
            cwd=place,
            env={**os.environ, **QUIET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.lines: queue.Queue[bytes | None] = queue.Queue(maxsize=4)
        self.over = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(json.dumps(task).encode(),), daemon=True)
        self.reader.start()

    def end(self, ends: Ends) -> tuple[int | None, CellEnd]:
        """Note in `ends` how steps ended; (the step at which the process was lost, if any, and how)."""
        at: int | None = None
        limit = self.until
        try:
            for number, name in self.steps:
                next(line for line in self._lines(limit) if line == {"begin": number})
                at, limit = number, time.monotonic() + self.cell + GRACE
                lines = (line for line in self._lines(limit) if line.get("end") == number)
                all_ends = (accepted(line, name, self.exercises.get(name)) for line in lines)
                ends[number] = next(end for end in all_ends if end is not None)
            next(line for line in self._lines(limit) if line == {"done": True})
        except TimeoutError:
            late = time.monotonic() >= self.until or self.halt.is_set()
            return at, CellEnd("late" if late else "stopped")
        except EOFError:
            return at, CellEnd("crashed", how=how(self._code()))
        finally:
            self._close()
        return None, CellEnd("crashed")

    def _lines(self, limit: float) -> Iterator[dict[str, Any]]:
        """The lines to come. Whoever asks takes the one that is due; all others are forged, and forgotten.

        Raises `TimeoutError`, and `EOFError` after the last line.
        """
        while not self.halt.is_set():
            left = min(limit, self.until) - time.monotonic()
            if left <= 0:
                break
            with contextlib.suppress(queue.Empty, ValueError, RecursionError):
                text = self.lines.get(timeout=min(left, 0.5))
                if text is None:
                    raise EOFError
                line = json.loads(text)
                if isinstance(line, dict):
                    yield line
        raise TimeoutError

    def _read(self, task: bytes) -> None:
        """Pass the task on, then its lines, in a thread: pipes have no time limit on every system."""
        to, of = self.process.stdin, self.process.stdout
        assert to is not None
        assert of is not None
        with contextlib.suppress(OSError, ValueError):
            with to:
                to.write(task)
            for line in iter(lambda: of.readline(LONGEST), b""):
                self._pass_on(line)
        self._pass_on(None)

    def _pass_on(self, line: bytes | None) -> None:
        waiting = True
        while waiting and not self.over.is_set():
            with contextlib.suppress(queue.Full):
                self.lines.put(line, timeout=0.5)
                waiting = False

    def _code(self) -> int | None:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # it has closed its output and goes on
            return None

    def _close(self) -> None:
        self.over.set()
        end_tree(self.process)
        self.reader.join(PATIENCE)
        if not self.reader.is_alive() and self.process.stdout is not None:
            self.process.stdout.close()


RUNNER = [sys.executable, "-P", "-m", "kobai.course.grading.runner"]
"""-P: nothing of its own comes from the files beside the notebook, whatever they are called."""
QUIET = {
    "OPENBLAS_NUM_THREADS": "1",  # as many notebooks run as there are cores
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",  # no windows
    "PYTHONIOENCODING": "utf-8",
}


def end_tree(process: "subprocess.Popen[bytes]") -> None:
    """End a process of ours with all that it started, as far as the system lets it be found."""
    if sys.platform == "linux":
        process.terminate()  # upon which it ends the others: see `supervise`
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE + 1)
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        with contextlib.suppress(OSError):
            subprocess.run(command, capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def how(code: int | None) -> str:
    """How a process ended: by which signal, or with which exit code."""
    if code is None:
        return say("course.how.code", code="?")
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code if code < 0 else code - 128).name
        return say("course.how.killed") if name == "SIGKILL" else name
    return say("course.how.code", code=code)
