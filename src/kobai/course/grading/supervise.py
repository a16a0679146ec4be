"""Whatever a learner's code starts ends with it.

On Linux the code runs in a child of a small process that does nothing but wait. Every process that loses its
parent below it becomes its own child (PR_SET_CHILD_SUBREAPER), also one that put itself into a session of its
own, so that at the end all of them are found and killed. Elsewhere `watch` ends the process group (macOS) or
the tree (Windows), which a process that leaves the group or whose parent has ended escapes.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36  # <linux/prctl.h>
PATIENCE = 5.0
"""Seconds for the killed to be gone. A process that runs as another user cannot be killed at all."""


def supervised(work: Callable[[], object]) -> NoReturn:
    """Do `work`, end all that it started, and end this process as `work` ended: 128 + n after signal n.

    SIGTERM ends it earlier, and so does the end of whoever started this process.
    """
    if not (sys.platform == "linux" and _prctl(SET_CHILD_SUBREAPER, 1)):
        work()
        _leave(0)
    signal.signal(signal.SIGTERM, _stop)
    _prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    code = 128 + signal.SIGTERM
    with contextlib.suppress(_Stop):
        child = os.fork()  # before anything has started a thread
        if not child:
            _in_child(work)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_all()
    _leave(code)


class _Stop(BaseException):
    pass


def _stop(*_: object) -> None:
    raise _Stop


def _in_child(work: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        work()
        code = 0
    finally:
        _leave(code)


def _leave(code: int) -> NoReturn:
    """End at once: no thread and no ``atexit`` of a learner's holds the process up."""
    os._exit(code)


def _prctl(option: int, value: int) -> bool:
    try:
        return ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


def _end_all() -> None:
    """Kill every child, and those that become children by that, until there are none."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for process in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return


def _children() -> Iterator[int]:
    """The processes whose parent is this one."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            # "pid (name) state parent …", and the name may hold anything, a ")" too
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    yield int(name)
