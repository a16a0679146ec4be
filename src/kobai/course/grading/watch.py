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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from kobai import words
from kobai.course.grading.supervise import PATIENCE
from kobai.words import say

GRACE = 5.0
"""Seconds beyond its limit that a step may take to stop by itself, which costs no second run."""
MOST = 2**26
"""Bytes of a learner's own files that a notebook finds beside it."""
LONGEST = 2**24
"""Bytes in a line from the learner's process. More are none of ours."""

Step = tuple[Literal["run", "judge"], str]
"""("run", the code of a cell) or ("judge", the name of an exercise)."""
Ends = dict[int, dict[str, Any]]
"""How steps ended, by number: a `status` with what belongs to it.

Of "run": ran, failed (kind, problem, line). Of "judge": as in `reports`. Of both: stopped; crashed (how: the
exit code or signal); never reached, for want of time (late) or of a process (lost: how)."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one notebook may take."""

    cell: float
    """Seconds for one cell or one answer."""
    total: float
    """Seconds for all of it."""
    gigabytes: float
    """Of memory, on POSIX."""


def walk(
    lesson: str, steps: Sequence[Step], limits: Limits, halt: threading.Event, beside: Path | None = None
) -> Ends:
    """Take the steps; how each ended. `halt` ends it early; of the files in `beside` it finds copies."""
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
            task |= {"gigabytes": limits.gigabytes, "language": words.current()}
            place = Path(tempfile.mkdtemp(dir=scratch))
            copy_files(beside, place)
            at, end = _Run(task, place, limits.cell, until, halt).end(ends)
            if at is None or at not in range(len(steps)) or at in lost or end["status"] == "late":
                break
            ends[at] = end
            lost |= {number for number, each in ends.items() if each.get("status") in ("stopped", "crashed")}
    rest = end if end["status"] == "late" else {**end, "status": "lost"}
    return {number: ends.get(number, rest) for number in range(len(steps))}


def copy_files(folder: Path | None, place: Path) -> None:
    """Copies of a learner's own files, data say, so that nothing that a notebook writes meets them.

    Neither notebooks nor what stands in further folders; in all `MOST` bytes, the smallest files first.
    """
    with contextlib.suppress(OSError):
        files = [path for path in folder.iterdir() if path.is_file()] if folder else []
        left = MOST
        for path in sorted(files, key=lambda path: path.stat().st_size):
            left -= path.stat().st_size
            if left >= 0 and path.suffix != ".ipynb":
                shutil.copyfile(path, place / path.name)


class _Run:
    """One run of the process."""

    def __init__(
        self, task: dict[str, Any], place: Path, cell: float, until: float, halt: threading.Event
    ) -> None:
        self.cell, self.until, self.halt = cell, until, halt
        self.process = subprocess.Popen(
            RUNNER,
            cwd=place,
            env={**os.environ, **QUIET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.lines: queue.Queue[bytes | None] = queue.Queue(maxsize=100)
        self.over = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(json.dumps(task).encode(),), daemon=True)
        self.reader.start()

    def end(self, ends: Ends) -> tuple[int | None, dict[str, Any]]:
        """Note in `ends` how steps ended; (the step at which the process was lost, if any, and how)."""
        at: int | None = None
        limit = self.until
        try:
            while (line := self._next(limit)) is not None:
                match line:
                    case {"begin": int(at)}:
                        limit = time.monotonic() + self.cell + GRACE
                    case {"end": int(number), **end} if number == at:
                        ends[number] = end
                    case {"done": True}:
                        return None, {"status": "crashed", "how": "?"}
            return at, {"status": "crashed", "how": how(self._code())}
        except TimeoutError:
            late = time.monotonic() >= self.until or self.halt.is_set()
            return at, {"status": "late" if late else "stopped"}
        finally:
            self._close()

    def _next(self, limit: float) -> dict[str, Any] | None:
        """The next line of ours; None after the last. Raises `TimeoutError`."""
        while not self.halt.is_set():
            left = min(limit, self.until) - time.monotonic()
            if left <= 0:
                break
            with contextlib.suppress(queue.Empty, ValueError, RecursionError):
                line = self.lines.get(timeout=min(left, 0.5))
                if line is None:
                    return None
                found = json.loads(line)
                if isinstance(found, dict):
                    return found
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
