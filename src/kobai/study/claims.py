"""Claims: which of several processes on one folder computes what, so that none computes what another does.

A process has a file of its own in `files.CLAIMS`, and touches it every few seconds. A claim is one more name
of that file, a hard link: the file system gives a name to one process alone, and one touch keeps all its
claims fresh. A process that is killed or stalls touches nothing, and its claims grow stale. Whoever wants
what a stale one claims moves the name away, which again succeeds for one alone, and claims it anew.

All ages are differences of times which the file server has stamped: no clock of a machine is read. A claim
stays when its work is done, until nobody is left; whoever finds it stale looks at what is stored first.

Nothing is wrong where claims fail, but that something is computed twice, with the same result.
"""

import contextlib
import errno
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from kobai.basics import files
from kobai.basics.machine import thread

STALE = 60.0
"""Seconds without a touch after which a process counts as gone."""

BEATS = 6
"""A process touches its file so many times in `STALE`."""

PROCESS = "process-"
"""How the name of a process's own file begins."""


def touch(path: Path) -> float:
    """Touch a file; the time that it then bears, which is that of the server."""
    os.utime(path)
    return path.stat().st_mtime


class Claims:
    """The claims of one process.

    Args:
      folder: of the study.
      stale: seconds after which a claim that nobody has touched may be taken over.
      touch: touches a file and tells its time.
    """

    def __init__(
        self, folder: Path, stale: float | None = None, touch: Callable[[Path], float] = touch
    ) -> None:
        self.folder = folder / files.CLAIMS
        self.stale, self.touch = STALE if stale is None else stale, touch
        self.token = secrets.token_hex(8)
        self.held: set[str] = set()
        self._files: dict[Path, os.stat_result] = {}
        self._open()

    def _open(self) -> None:
        """Begin a file of one's own: the first, or another where one has as many names as there may be."""
        path = self.folder / f"{PROCESS}{self.token}-{len(self._files)}"
        with files.naming(path):
            self.folder.mkdir(exist_ok=True)
            path.write_text(f"{os.getpid()} ({socket.gethostname()})")
            self.touch(path)
            self._files[path] = path.stat()

    def take(self, name: str) -> bool:
        """Whether this process has claimed `name`, which nobody has claimed before."""
        try:
            os.link(list(self._files)[-1], self.folder / name)
        except FileExistsError:
            if name in self.held or not self.is_own(name):  # a server may have linked, and its word got lost
                return False
        except OSError as problem:
            if problem.errno == errno.EMLINK:
                self._open()
                return self.take(name)
            with files.naming(self.folder / name):
                raise
        self.held.add(name)
        return True

    def is_claimed(self, name: str) -> bool:
        """Whether anybody has claimed `name`."""
        return self._status(name) is not None

    def is_stale(self, name: str) -> bool:
        """Whether who has claimed `name` gave no sign of life for long."""
        status = self._status(name)
        return status is not None and self._age(status) > self.stale

    def take_over(self, name: str) -> bool:
        """Whether this process has now claimed what was stale; one of several that try has."""
        status = self._status(name)
        if status is not None:
            if self._age(status) <= self.stale:
                return False
            aside = self.folder / f".{name}-{self.token}"
            try:
                os.rename(self.folder / name, aside)
            except FileNotFoundError:  # another was first
                return False
            if not os.path.samestat(status, os.stat(aside)):  # another was first and has claimed it anew
                with contextlib.suppress(FileExistsError):
                    os.link(aside, self.folder / name)
                aside.unlink()
                return False
            aside.unlink()
        return self.take(name)

    def is_own(self, name: str) -> bool:
        """Whether this process has claimed `name`, and nobody has taken it over."""
        status = self._status(name)
        return status is not None and any(os.path.samestat(status, own) for own in self._files.values())

    def done(self, name: str) -> None:
        """What was claimed is stored. The claim stays, for whoever has not seen that yet."""
        self.held.discard(name)

    def release(self) -> None:
        """Give up what is claimed and not done."""
        for name in list(self.held):
            if self.is_own(name):
                (self.folder / name).unlink(missing_ok=True)
            self.held.discard(name)

    def beat(self) -> None:
        """Give a sign of life: all claims of this process are fresh."""
        for path in self._files:
            with contextlib.suppress(OSError):  # somebody has removed the folder: there is nothing to claim
                self.touch(path)

    def close(self) -> None:
        """Give up what is not done, and be no process of this folder any more."""
        self.release()
        for path in self._files:
            path.unlink(missing_ok=True)

    def others(self) -> list[str]:
        """The other processes that are at work here."""
        every = processes(self.folder.parent, self._now(), self.stale)
        return [who for path, who in every if path not in self._files]

    def _now(self) -> float:
        return self.touch(next(iter(self._files)))

    def _age(self, status: os.stat_result) -> float:
        return self._now() - status.st_mtime

    def _status(self, name: str) -> os.stat_result | None:
        """Of the file that is claimed with; it is opened, for then a server is asked how old it is."""
        try:
            handle = os.open(self.folder / name, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return os.fstat(handle)
        finally:
            os.close(handle)


def processes(folder: Path, now: float, stale: float) -> list[tuple[Path, str]]:
    """The processes that are at work in the folder of a study at a time: their files, and who they are."""
    there = []
    for path in sorted((folder / files.CLAIMS).glob(f"{PROCESS}*")):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime <= stale:
                there.append((path, path.read_text(errors="replace")))
    return there


def clear(folder: Path) -> None:
    """Remove all claims, where nobody is at work."""
    shutil.rmtree(folder / files.CLAIMS, ignore_errors=True)


@contextlib.contextmanager
def beating(claims: Claims) -> Iterator[Claims]:
    """Signs of life, until the end of this."""
    end = threading.Event()

    def work() -> None:
        while not end.wait(claims.stale / BEATS):
            claims.beat()

    heart = thread(work)
    heart.start()
    try:
        yield claims
    finally:
        end.set()
        heart.join()
        claims.close()
