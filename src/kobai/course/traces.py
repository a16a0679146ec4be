"""How two traces are compared: whether an answer did what another did, and where it did not."""

import numpy as np

from kobai.course.exercise import Observation, Trace

RELATIVE, ABSOLUTE = 1e-7, 1e-10
"""Two right ways to write a formula differ by rounding, about 1e-15; the named wrong answers by far more."""
SINGLE = 2e-5
"""Two right ways differ by up to this much if one computes in float32, as JAX does by default."""
NOTE = "note."
"""What the places of notes begin with: they say how an answer came about, and are neither right nor wrong."""


def apart(trace: Trace) -> tuple[Trace, Trace]:
    """(what the answer did, notes on how)."""
    return (
        [each for each in trace if not each.where[0].startswith(NOTE)],
        [each for each in trace if each.where[0].startswith(NOTE)],
    )


def agree(trace: Trace, other: Trace) -> bool:
    """Whether two answers did the same, but for rounding."""
    return len(trace) == len(other) and all(map(same, trace, other))


def same_form(trace: Trace, other: Trace) -> bool:
    """Whether all that two answers did is alike in place and shape, whatever the values."""
    return len(trace) == len(other) and all(map(alike, trace, other))


def same(own: Observation, other: Observation) -> bool:
    """Whether two observations are equal, but for rounding."""
    return alike(own, other) and bool(np.all(close(own.value, other.value)))


def alike(own: Observation, other: Observation) -> bool:
    """Whether two observations are of one place and shape."""
    return own.where == other.where and own.value.shape == other.value.shape


def close(value: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which numbers are equal, but for rounding: to float32 where all numbers are such as float32 holds."""
    equal = np.isclose(value, right, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    if equal.all() or not _is_single(value):
        return equal
    largest = np.abs(right[np.isfinite(right)]).max(initial=0.0)
    return np.isclose(value, right, rtol=SINGLE, atol=0.1 * SINGLE * largest, equal_nan=True)


def _is_single(value: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        rounded = value.astype(np.float32)
    return np.array_equal(value, rounded, equal_nan=True) and not np.array_equal(value, np.round(value))


def nothing_but_nan(trace: Trace) -> bool:
    """Whether no number of a trace is finite, apart from the counts of parts."""
    values = [each.value for each in trace if each.where[0] != "length"]
    return bool(values) and not any(np.isfinite(value).any() for value in values)


def cases(trace: Trace) -> dict[int, Trace]:
    """The observations of each case; of an update rule, of each step."""
    numbers: dict[int, Trace] = {}
    for each in trace:
        values = each.where[1]
        number = values.get("case", values.get("step"))
        if isinstance(number, int):  # a report from another process may hold anything
            numbers.setdefault(number, []).append(each)
    return numbers
