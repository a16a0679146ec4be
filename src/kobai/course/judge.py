"""What is right or wrong with an answer, as a `Verdict`: never an exception, whatever the answer does.

`judge` is two steps: `observed` uses the answer and notes what it did, `compared` holds that against the
reference and the named wrong answers. A notebook takes both at once; when notebooks are graded the first is
taken in the learner's process and the second outside it.
"""

import contextlib
import dataclasses
import functools
import html
import io
import linecache
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kobai.basics.errors import said
from kobai.course.exercise import Exercise, Mistake, Seen, Unwritten
from kobai.words import say

PASSED, WRONG, UNWRITTEN = "passed", "wrong", "unwritten"
STOPPED = "stopped"
"""It ran out of time."""
MARKS = {PASSED: "✓", WRONG: "✗", UNWRITTEN: "–", STOPPED: "⧖"}
COLOURS = {PASSED: "#28a67a", WRONG: "#cc4221", UNWRITTEN: "#808080", STOPPED: "#cc4221"}
SECONDS = 10.0
"""An answer that has not come back after this is taken for an endless loop."""

RELATIVE, ABSOLUTE = 1e-7, 1e-10
"""Two right ways to write a formula differ by rounding, about 1e-15; the named wrong answers by far more."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is to be said about an answer, in the language in use when it is shown."""

    exercise: str
    status: str
    """passed, wrong, unwritten, stopped."""
    key: str
    """Of its sentence."""
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    mistake: str = ""
    """The name of the wrong answer that was recognised."""

    @property
    def message(self) -> str:
        """The sentence."""
        return say(self.key, **self.values)

    def __repr__(self) -> str:
        return f"{MARKS[self.status]} {self.exercise}: {self.message}"

    def _repr_html_(self) -> str:
        style = f"border-left:4px solid {COLOURS[self.status]};padding:.4em .8em;white-space:pre-wrap"
        return f'<div style="{style}">{html.escape(repr(self), quote=False)}</div>'


class OutOfTime(BaseException):
    """The time is up; no `Exception`, so that an answer's own ``except Exception`` does not swallow it."""


def judge(name: str, exercise: Exercise, namespace: Mapping[str, Any], seconds: float = SECONDS) -> Verdict:
    """What is right or wrong with the answer to `exercise` among a learner's variables."""
    found = observed(name, exercise, namespace, seconds)
    return found if isinstance(found, Verdict) else compared(name, exercise, found)


def observed(
    name: str, exercise: Exercise, namespace: Mapping[str, Any], seconds: float = SECONDS
) -> Verdict | list[Seen]:
    """All that the answer to `exercise` did; a verdict, never "passed", where it could not be used."""
    if exercise.defines not in namespace:
        return Verdict(name, UNWRITTEN, "course.verdict.unwritten", {"name": exercise.defines})
    began = time.perf_counter()
    try:
        with _quiet(), limited(seconds):
            return list(exercise.observe(namespace[exercise.defines]))
    except Unwritten:
        return Verdict(name, UNWRITTEN, "course.verdict.unanswered", {"name": exercise.defines})
    except NotImplementedError:
        return Verdict(name, UNWRITTEN, "course.verdict.unwritten", {"name": exercise.defines})
    except Mistake as mistake:
        return _wrong(name, mistake)
    except OutOfTime:
        spent = round(time.perf_counter() - began)
        return Verdict(name, STOPPED, "course.verdict.endless", {"name": exercise.defines, "seconds": spent})
    except (Exception, SystemExit) as problem:
        return Verdict(name, WRONG, "course.verdict.raises", raised(problem, namespace))


def compared(name: str, exercise: Exercise, seen: list[Seen]) -> Verdict:
    """What is right or wrong with what an answer did."""
    expected = _of_reference(exercise)
    if _same(seen, expected):
        return Verdict(name, PASSED, "course.verdict.passed")
    for mistake in exercise.wrong:
        known = _of_wrong(exercise, mistake)
        if known is not None and _same(seen, known):
            return _wrong(name, Mistake(mistake))
    return Verdict(name, WRONG, *_first_difference(seen, expected))


@functools.cache
def _of_reference(exercise: Exercise) -> list[Seen]:
    with _quiet():
        return list(exercise.observe(exercise.reference))


@functools.cache
def _of_wrong(exercise: Exercise, mistake: str) -> list[Seen] | None:
    with contextlib.suppress(Exception), _quiet():
        return list(exercise.observe(exercise.wrong[mistake]))
    return None  # it is told while it is observed, not by what it did


def _wrong(name: str, mistake: Mistake) -> Verdict:
    return Verdict(name, WRONG, f"course.wrong.{mistake.name}", mistake.values, mistake.name)


def _same(seen: list[Seen], expected: list[Seen]) -> bool:
    return len(seen) == len(expected) and all(map(_agree, seen, expected))


def _agree(seen: Seen, expected: Seen) -> bool:
    same_place = seen.where == expected.where and seen.value.shape == expected.value.shape
    return same_place and bool(np.all(_close(seen.value, expected.value)))


def _close(found: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.isclose(found, right, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)


def _first_difference(seen: list[Seen], expected: list[Seen]) -> tuple[str, dict[str, Any]]:
    """The key and values of the sentence about the first thing that an answer did otherwise."""
    for one, other in zip(seen, expected, strict=False):
        if one.where != other.where:
            return "course.verdict.form", {"where": _place(other)}
        if one.value.shape != other.value.shape:
            shapes = {"found": one.value.shape, "expected": other.value.shape}
            return "course.verdict.shape", {"where": _place(other), **shapes}
        if not _agree(one, other):
            apart = ~_close(one.value, other.value)
            index = tuple(int(i) for i in np.argwhere(apart)[0])
            at = f"[{', '.join(map(str, index))}]" if index else ""
            found, right = one.value[index], other.value[index]
            # As many digits as it takes to see the difference.
            digits = next(n for n in range(6, 18) if f"{found:.{n}g}" != f"{right:.{n}g}" or n == 17)
            shown = {"found": f"{found:.{digits}g}", "expected": f"{right:.{digits}g}"}
            values = {"where": _place(other), "at": at, **shown}
            return "course.verdict.differs", values
    return "course.verdict.form", {"where": _place(expected[min(len(seen), len(expected) - 1)])}


class _place:  # noqa: N801 - reads as a sentence, like `said`
    """Where something was seen, said only when the sentence around it is."""

    def __init__(self, seen: Seen) -> None:
        self.key, self.values = seen.where

    def __format__(self, specification: str) -> str:
        return say(f"course.where.{self.key}", **self.values)


def raised(problem: BaseException, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the sentence about an exception: what, and in which line of the learner's."""
    line: Any = said("course.verdict.no_line")
    for frame, number in traceback.walk_tb(problem.__traceback__):
        if frame.f_globals is namespace:
            text = linecache.getline(frame.f_code.co_filename, number).strip()
            line = text or f"{frame.f_code.co_name}, {number}"
    if isinstance(problem, SyntaxError) and problem.text and not isinstance(line, str):
        line = problem.text.strip()  # the code did not begin to run
    try:
        first = str(problem.msg if isinstance(problem, SyntaxError) else problem).partition("\n")[0]
    except Exception:  # an exception of the learner's own that cannot say what it is
        first = ""
    return {"kind": type(problem).__name__, "problem": first, "line": line}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No output and no warning of an answer: what it does wrong is said once, by the verdict."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        yield


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the block after `seconds`, where the system can (POSIX, in the main thread).

    Within a block that is limited already the earlier end counts, and the outer limit goes on afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise OutOfTime

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    if 0 < left < seconds:
        signal.setitimer(signal.ITIMER_REAL, left)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001))
