"""How an answer came about: where a number first became NaN, which of a notebook's variables it used.

Both are `Observation`s whose place begins with "note."; see `traces`. They decide nothing. They are told
where an answer is wrong and nothing better is known about it.
"""

import contextlib
import dis
import linecache
import sys
import types
from collections.abc import Iterator, Mapping

import numpy as np

from kobai.course.exercise import Observation, Trace
from kobai.course.traces import NOTE

KINDS = {"divide by zero": "divide", "invalid value": "invalid", "overflow": "overflow"}
"""What NumPy calls its floating-point errors, and what the notes do."""
GLOBALS = f"{NOTE}globals"


@contextlib.contextmanager
def noted(trace: Trace, namespace: Mapping[str, object]) -> Iterator[None]:
    """Add to `trace` the first floating-point error of each kind in the block, with the line it came from."""
    notes: dict[str, Observation] = {}

    def note(problem: str, flag: int) -> None:  # noqa: ARG001
        kind = KINDS.get(problem)
        if kind and kind not in notes:
            notes[kind] = Observation((NOTE + kind, {"line": _line(namespace)}), np.asarray(0.0))

    with np.errstate(divide="call", invalid="call", over="call", under="ignore", call=note):
        yield
    trace.extend(notes.values())


def _line(namespace: Mapping[str, object]) -> str:
    """The line of the learner's code that is being run; empty where it cannot be told."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals is not namespace:
        frame = frame.f_back
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() if frame else ""


def of_globals(answer: object, namespace: Mapping[str, object]) -> Trace:
    """A note on the data among a notebook's variables that an answer uses beside its arguments, if any."""
    names = {name for code in _codes(answer) for name in _global_names(code)}
    data = sorted(
        name for name in names if isinstance(namespace.get(name), np.ndarray | dict | list | float | int)
    )
    return [Observation((GLOBALS, {"names": ", ".join(data)}), np.asarray(0.0))] if data else []


def _codes(answer: object) -> Iterator[types.CodeType]:
    """The code of a function, or of the functions of a class."""
    for each in vars(answer).values() if isinstance(answer, type) else [answer]:
        if isinstance(each, types.FunctionType):
            yield each.__code__


def _global_names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):  # a function or comprehension within
            yield from _global_names(constant)
