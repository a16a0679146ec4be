"""Who may work in the folder of a study: one process alone, or any number that have joined.

The lock is the system's, and ends with its process: what a killed one left behind locks nobody out. Those
that have joined share it; who is alone has it whole.
"""

import contextlib
import dataclasses
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from kobai.basics import files, interruption
from kobai.basics.errors import UsageError
from kobai.study import claims
from kobai.study.claims import Claims

JOINED = " --join"
"""What stands behind the process in the lock of those that have joined."""

POLL = 0.1
"""Seconds between two looks whether the last of those that have joined has put its things in order."""


@dataclasses.dataclass(frozen=True)
class Share:
    """The share in a folder of a process that has joined: what it claims, and its part of the lock."""

    folder: Path
    claims: Claims
    handle: int

    @contextlib.contextmanager
    def last(self) -> Iterator[bool]:
        """Whether nobody else is at work in the folder; nobody begins, while this lasts."""
        try:
            yield files.lock(self.handle) and not self.claims.others()
        finally:
            files.lock(self.handle, shared=True)


@contextlib.contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """Work in the folder of a study as the only process.

    Raises `UsageError` that names the process which is at work there.
    """
    if folder is None:
        yield
        return
    path = folder / files.LOCK
    with _locked(path, shared=False):
        claims.clear(folder)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def joined(folder: Path) -> Iterator[Share]:
    """Work in the folder of a study beside others that do the same.

    Raises `UsageError` that names the process which is at work there alone.
    """
    path = folder / files.LOCK
    with _locked(path, shared=True) as handle, claims.beating(Claims(folder)) as own:
        share = Share(folder, own, handle)
        try:
            yield share
        finally:
            with share.last() as is_last:
                if is_last:
                    claims.clear(folder)
                    path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path, *, shared: bool) -> Iterator[int]:
    """The open lock of a folder, held until the end of this."""
    handle = _taken(path, shared)
    try:
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()} ({socket.gethostname()}){JOINED * shared}".encode(), 0)
        yield handle
    finally:
        os.close(handle)


def _taken(path: Path, shared: bool) -> int:
    while True:
        with files.naming(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
        is_held = files.lock(handle, shared)
        if is_held and _is(path, handle):
            return handle
        holder = os.pread(handle, 1000, 0).decode(errors="replace").strip()
        os.close(handle)
        if is_held:
            continue
        if not holder.endswith(JOINED):
            raise UsageError("error.output.busy", path=path.parent, process=holder or "?")
        if not shared:
            raise UsageError("error.output.joined", path=path.parent, process=holder.removesuffix(JOINED))
        interruption.check()
        time.sleep(POLL)  # the last of them is leaving


def _is(path: Path, handle: int) -> bool:
    """Whether this open file still stands at its place: its last holder may have removed it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
