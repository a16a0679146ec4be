"""What an answer is tried on: the author's cases, other numbers for them, one argument changed alone.

A notebook uses the numbers that stand in the table of exercises, and its messages print them. So a grade
takes others: every case is *refreshed* with a seed. Each number v becomes ±a·|v|ᵇ, with one a and one b for a
whole case: zeros, signs, order and ties stay what the author chose them for, and nothing else does. Whole
numbers (counts, labels, sizes) and functions stay, a generator gets another seed.

`alone` takes the first case and changes one argument at a time. An answer that ignores an argument gives
then what it gave before, whatever the other cases look like.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar, cast

import numpy as np

AUTHORS = 0
"""The seed of the numbers that an author wrote into the table; notebooks use them, grades use others."""

Arguments: TypeAlias = tuple[object, ...]
"""What an answer is called with."""
Numbers: TypeAlias = float | np.ndarray
"""One number, or an array of them."""
T = TypeVar("T")
Call = TypeVar("Call", bound=Arguments)


def refreshed(cases: Sequence[Call], seed: int) -> list[Call]:
    """The cases with other numbers; those of the author for the seed `AUTHORS`."""
    if seed == AUTHORS:
        return list(cases)
    return [_moved(case, np.random.default_rng([seed, number])) for number, case in enumerate(cases)]


def moved(value: T, seed: int) -> T:
    """A value, array, dict, list or tuple with other numbers; as it is for the seed `AUTHORS`."""
    return value if seed == AUTHORS else _moved(value, np.random.default_rng([seed, 0]))


def with_other_probabilities(
    cases: Sequence[tuple[Numbers, ...]], seed: int
) -> Sequence[tuple[Numbers, ...]]:
    """The cases with other numbers between 0 and 1, in the same order within each argument."""
    if seed == AUTHORS:
        return cases
    random = np.random.default_rng(seed)
    return [tuple(p ** random.uniform(0.7, 1.4) for p in case) for case in cases]


def _moved(value: T, random: np.random.Generator) -> T:
    scale, power = random.uniform(0.8, 1.25), random.uniform(0.9, 1.1)

    def number(v: Numbers) -> Numbers:
        return np.sign(v) * scale * np.abs(v) ** power

    return cast(T, _each(value, number, random))


def _each(value: object, number: Callable[[Numbers], Numbers], random: np.random.Generator) -> object:
    if isinstance(value, dict):
        return {key: _each(part, number, random) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_each(part, number, random) for part in value)
    if isinstance(value, np.random.Generator):
        return np.random.default_rng(int(random.integers(2**31)))
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return number(value)
    return float(number(value)) if isinstance(value, float) else value


def alone(
    cases: Sequence[Arguments], reference: Callable[..., object], numbers: Iterable[int]
) -> Iterator[tuple[int, Arguments]]:
    """(which of these arguments, the first case with another value of it), where that makes a difference.

    A number is moved; a whole number or a function is that of a later case; labels change places. What the
    reference cannot compute is left out.
    """
    base = cases[0]
    for i in numbers:
        for other in _others(base[i], [case[i] for case in cases[1:] if i < len(case)], i):
            case = (*base[:i], other, *base[i + 1 :])
            if _differs(reference, base, case):
                yield i, case
                break


def _others(value: object, later: Sequence[object], number: int) -> Iterator[object]:
    if isinstance(value, bool | int | np.integer) or callable(value):
        yield from later
    elif isinstance(value, np.ndarray) and value.dtype.kind != "f":
        yield np.roll(value, 1, axis=0)
    else:
        yield _moved(value, np.random.default_rng([17, number]))


def _differs(reference: Callable[..., object], base: Arguments, case: Arguments) -> bool:
    try:
        with np.errstate(all="ignore"):
            first, second = reference(*copy.deepcopy(base)), reference(*copy.deepcopy(case))
    except Exception:  # a whole number that fits only its own case, say
        return False
    return bool(_numbers(first) != _numbers(second))


def _numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _numbers(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_numbers(part) for part in value]
    return np.asarray(value).tolist()
