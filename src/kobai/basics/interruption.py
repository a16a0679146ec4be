"""Ctrl-C and SIGTERM on the command line: a flag that loops ask for, and a watchdog behind it.

An exception raised by a signal comes up wherever Python happens to be: in a callback of the runtime, which
swallows it, or half-way through an import, which cannot bear it. So on the command line a signal raises
nothing. A thread hears of it, even while the main thread is inside a compiled call, and

- ends the process at once, while there is nothing to keep;
- sets a flag, while a study runs. Its loop asks `check`, keeps what is finished, and ends. Where it does not
  come to that within `PATIENCE` (one compilation may take longer), the process ends with what is stored;
- sets another flag for the first Ctrl-C, where the study `can_answer` with what it has. Its loop begins
  nothing else (`is_winding_up`), finishes what is in hand, and answers; the second Ctrl-C is as above;
- leaves it to the main thread, where a command has an end of its own (`raised`).

In a program that imports kobai nothing listens: there Ctrl-C is Python's KeyboardInterrupt, as ever.
"""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PATIENCE = 1.5
"""Seconds from the signal to the end of the process: with what else an end takes, less than two."""

AT_ONCE, ASKED, RAISED = "at once", "asked", "raised"

_mode = AT_ONCE
_signal = 0
_can_answer = _winding_up = False
_ending = threading.Lock()


class _Kept(NamedTuple):
    """What an interruption leaves: trainings in a folder, and so many more as soon as a file is there. One
    value, for another thread reads it at any moment."""

    trainings: int = 0
    folder: Path | None = None
    words: str = ""
    coming: int = 0
    file: Path | None = None


_kept = _Kept()


def listen() -> None:
    """Hear signals from here on: the first deed of the command line. One that is ignored stays ignored."""
    heard, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(heard,), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _hear)


def asked() -> int:
    """The signal that asks to stop; 0: none does."""
    return _signal


def check() -> None:
    """Raise KeyboardInterrupt, here and nowhere else, if a signal asks to stop."""
    if _signal:
        raise KeyboardInterrupt


def can_answer(yes: bool) -> None:
    """From here on the first Ctrl-C asks for an answer with what there is, or no longer does."""
    global _can_answer
    _can_answer = yes


def wind_up() -> None:
    """Begin nothing else: the time that was given is over."""
    global _winding_up
    _winding_up = True


def is_winding_up() -> bool:
    """Whether nothing else is to be begun: somebody wants the answer with what there is."""
    return _winding_up


def keeps(trainings: int, folder: Path | None, words: str = "interrupted.kept") -> None:
    """From here on an interruption leaves so many trainings in `folder` (None: nowhere), and says `words`."""
    global _kept
    _kept = _Kept(trainings, folder, words)


def coming(trainings: int, path: Path | None) -> None:
    """So many more are kept as soon as the file `path` is there, until `keeps` says how many are."""
    global _kept
    _kept = _kept._replace(coming=trainings, file=path)


@contextlib.contextmanager
def checked() -> Iterator[None]:
    """Here a loop asks `check`, and keeps what is finished."""
    global _winding_up
    _winding_up = False
    try:
        with _as(ASKED):
            yield
    finally:
        can_answer(False)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Here Ctrl-C raises KeyboardInterrupt in the main thread; SIGTERM ends the process."""
    with _as(RAISED):
        yield


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Whatever is begun here may answer signals in its own way: afterwards they are answered as before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def end(words: str) -> None:
    """Say the last words and end at once: a compiled call in another thread need not be waited for."""
    with _ending:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # whoever could read it is gone
            sys.stdout.flush()
            print(f"\n{words}", file=sys.stderr, flush=True)
        os._exit(_code())


def leave(code: int) -> None:
    """End the process, which has done everything, with this code.

    The end of the interpreter is not waited for: it takes as long as an import, and hears no signal.
    """
    if _signal:  # nobody asked in time
        end(last_words())
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def sentence(kept: int, folder: Path | None, words: str = "interrupted.kept") -> str:
    """What is said of an interruption that leaves `kept` trainings in `folder` (None: nowhere)."""
    from kobai.words import say  # not at the head: the first line of kobai's imports this module

    return f"kobai: {say(words, kept=kept, path=folder) if kept and folder else say('interrupted')}"


def last_words() -> str:
    """What is said of an interruption now, also between the end of a file and the word that it is there."""
    kept = _kept
    more = kept.coming if kept.file is not None and kept.file.exists() else 0
    return sentence(kept.trainings + more, kept.folder, kept.words)


@contextlib.contextmanager
def _as(mode: str) -> Iterator[None]:
    global _mode
    before, _mode = _mode, mode
    try:
        yield
    finally:
        _mode = before


def _hear(number: int, _: object) -> None:
    """In the main thread, when Python comes to it; `_watch` has heard of it long before."""
    if _mode == RAISED and number == signal.SIGINT:
        raise KeyboardInterrupt


def _watch(heard: int) -> None:
    """What the listening thread does: of each signal comes one byte, its number."""
    global _signal, _winding_up
    while True:
        [number] = os.read(heard, 1)
        if number not in (signal.SIGINT, signal.SIGTERM) or (_mode == RAISED and number == signal.SIGINT):
            continue
        if _mode == ASKED and _can_answer and number == signal.SIGINT and not _winding_up and not _signal:
            _winding_up = True
            _say(_line("interrupted.once"))
            continue
        if _mode != ASKED or _signal:  # nothing to keep, or whoever asks again does not care to wait
            _signal = number
            _cut()
        _signal = number
        timer = threading.Timer(PATIENCE, _cut)
        timer.daemon = True
        timer.start()


def _cut() -> None:
    """End the process beside the main thread, which may hold whatever Python's own outputs need."""
    if _ending.acquire(timeout=0.2):  # else the main thread is at it, and somehow held up
        words = f"\n{last_words()}\n".encode(errors="replace")
        if sys.__stderr__ is not None and sys.__stderr__.isatty():
            words += b"\x1b[?25h"  # a progress bar has hidden the cursor
        _say(words)
    os._exit(_code())


def _say(words: bytes) -> None:
    """Write to the terminal, if it takes it at once."""
    if select.select([], [2], [], 0.1)[1]:
        with contextlib.suppress(OSError):
            os.write(2, words)


def _line(key: str) -> bytes:
    from kobai.words import say  # as in `sentence`

    return f"\nkobai: {say(key)}\n".encode(errors="replace")


def _code() -> int:
    return 128 + (_signal or signal.SIGINT)
