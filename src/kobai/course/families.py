"""Mistakes that several wrong answers make: one slip here or there, an ε that was added, of whatever size."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from kobai.course.exercise import Case, Exercise, Mistake, Recognition, Trace
from kobai.course.mutants import does
from kobai.course.traces import close, same_form

SMALLEST, LARGEST = 1e-16, 10.0
"""Between these the number is sought."""


def family(mistake: str, *members: Callable[[float], object]) -> Recognition:
    """Recognises any member of a family, whatever its number; for `Exercise.recognise`.

    The number is found where the answer first differs from the right one, and must explain all the rest.

    Args:
      mistake: the name of the mistake.
      members: each makes the wrong answer that belongs to a number.
    """

    def recognise(exercise: Exercise, trace: Trace, expected: Trace, seed: int) -> Mistake | None:
        for member in members:
            if _fits(exercise, member, trace, expected, seed):
                return Mistake(mistake)
        return None

    return recognise


def one_of(
    mistakes: Mapping[str, Iterable[Callable[..., object]]],
) -> Recognition:
    """Recognises further ways to write a named mistake; for `Exercise.recognise`.

    Args:
      mistakes: the answers that make it, by its name.
    """

    def recognise(exercise: Exercise, trace: Trace, expected: Trace, seed: int) -> Mistake | None:  # noqa: ARG001
        for name, answers in mistakes.items():
            if any(does(exercise, answer, trace, seed) for answer in answers):
                return Mistake(name)
        return None

    return recognise


def _fits(
    exercise: Exercise, member: Callable[[float], object], trace: Trace, expected: Trace, seed: int
) -> bool:
    """Whether an answer does what the member does that belongs to some number."""
    places = (
        (i, ~close(one.value, two.value)) for i, (one, two) in enumerate(zip(trace, expected, strict=True))
    )
    i, index = next((i, tuple(np.argwhere(apart)[0])) for i, apart in places if apart.any())

    def values(size: float) -> Trace:
        steps = exercise.observe(member(size), seed)
        return [step for step in steps if not isinstance(step, Case)]

    def excess(logarithm: float) -> float:
        return float(values(np.exp(logarithm))[i].value[index] - trace[i].value[index])

    low, high = np.log(SMALLEST), np.log(LARGEST)
    with np.errstate(all="ignore"):
        if not excess(low) * excess(high) < 0:
            return False
        from scipy.optimize import brentq  # a third of a second, so only where there is a number to find

        own = values(float(np.exp(brentq(excess, low, high, xtol=1e-9))))
    return same_form(own, trace) and all(
        np.allclose(one.value, two.value, rtol=1e-6, atol=1e-9) for one, two in zip(own, trace, strict=True)
    )
