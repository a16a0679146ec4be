"""Schedules: the learning rate of each step, as a factor of the one that is tuned.

A schedule is one function of the step (from 0) and the number of steps, on arrays; two multiply::

    warm_up(50) * cosine()          on the command line: warm-up:50+cosine

The engine makes the factors of a run outside the compiled program, so that any function will do, and none
compiles anything.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from kobai.basics import notation, registry
from kobai.basics.checks import COUNT, check_number
from kobai.basics.errors import UsageError
from kobai.basics.notation import written
from kobai.basics.own_code import described


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A factor of the learning rate for every step.

    Fields:
      name: how tables and the command line call it.
      factor: ``factor(step, steps)``: the factors, at least 0, for a NumPy array of steps counted from 0, in
        a run of `steps`.
      shortest: the steps of the shortest run in which it does what it says; in a shorter one it is refused.
    """

    name: str
    factor: Callable[[np.ndarray, int], np.ndarray] = dataclasses.field(repr=False, compare=False)
    shortest: int = dataclasses.field(default=1, repr=False, compare=False)

    def factors(self, start: int, stop: int, steps: int) -> np.ndarray:
        """[stop − start] float64: the factors of these steps of a run.

        Raises `UsageError` where the function gives something else.
        """
        try:
            factors = np.asarray(self.factor(np.arange(start, stop), steps), float)
        except Exception as problem:  # of the user's own function
            raise UsageError("error.schedule", name=self.name, outcome=described(problem)) from problem
        if factors.shape != (stop - start,) or not np.all((factors >= 0) & (factors < np.inf)):
            raise UsageError("error.schedule", name=self.name, outcome=factors)
        return factors

    def __mul__(self, other: "Schedule") -> "Schedule":
        return Schedule(
            f"{self.name}+{other.name}",
            lambda step, steps: self.factor(step, steps) * other.factor(step, steps),
            max(self.shortest, other.shortest),
        )


def constant() -> Schedule:
    """The same rate throughout."""
    return Schedule("constant", lambda step, steps: np.ones(len(step)))  # noqa: ARG005


def step(every: int, factor: float = 0.1) -> Schedule:
    """A fall by `factor` every so many steps: γ^⌊t/n⌋. He and others (2016), arXiv 1512.03385, 4.2."""
    check_number("step", "every", every, *COUNT)
    check_number("step", "factor", factor, "rule.fraction", lambda γ: 0 < γ <= 1)
    n, γ = int(every), float(factor)
    name = written("step", n, *([] if γ == 0.1 else [γ]))
    return Schedule(name, lambda t, steps: γ ** (t // n), shortest=n + 1)  # noqa: ARG005


def cosine(final: float = 0.0) -> Schedule:
    """Half a cosine from 1 towards `final`: f + (1−f)(1 + cos(πt/T))/2.

    Loshchilov and Hutter (2017), arXiv 1608.03983, equation 5, without restarts.
    """
    check_number("cosine", "final", final, "rule.fraction", lambda f: 0 <= f <= 1)
    f = float(final)
    name = written("cosine", *([f] if f else []))
    return Schedule(name, lambda t, steps: f + (1 - f) * (1 + np.cos(np.pi * t / steps)) / 2)


def warm_up(length: int) -> Schedule:
    """Up in a straight line over the first `length` steps: (t+1)/n, then 1.

    Goyal and others (2017), arXiv 1706.02677, section 2.2.
    """
    check_number("warm_up", "length", length, *COUNT)
    n = int(length)
    return Schedule(written("warm-up", n), lambda t, steps: np.minimum((t + 1) / n, 1), n)  # noqa: ARG005


def one_cycle(peak: float = 0.3) -> Schedule:
    """Up from 1/25 until the fraction `peak` of the run, and down to 1/250,000, along two half cosines.

    Smith and Topin (2017), arXiv 1708.07120, in the form that fastai and PyTorch made of it; the momentum,
    which they move the other way, stays.
    """
    check_number("one_cycle", "peak", peak, "rule.inside", lambda p: 0 < p < 1)
    first, last = 1 / 25, 1 / 25e4

    def factor(t: np.ndarray, steps: int) -> np.ndarray:
        top = max(peak * steps - 1, 1e-9)
        up = _half_cosine(first, 1.0, np.clip(t / top, 0, 1))
        down = _half_cosine(1.0, last, np.clip((t - top) / max(steps - 1 - top, 1e-9), 0, 1))
        return np.where(t <= top, up, down)

    return Schedule(written("one-cycle", *([] if peak == 0.3 else [peak])), factor)


def wsd(decay: float = 0.2) -> Schedule:
    """Stable at 1, and down in a straight line to 0 over the last part `decay` of the run: (T−t)/(dT).

    With a warm-up before it (``warm-up:50+wsd``) warm-up, stable, decay: Hu and others (2024), arXiv
    2404.06395, with the straight line of Hägele and others (2024), arXiv 2405.18392. Until the decay begins,
    the rate does not depend on how long the run will be.
    """
    check_number("wsd", "decay", decay, "rule.fraction", lambda d: 0 < d <= 1)
    d = float(decay)
    name = written("wsd", *([] if d == 0.2 else [d]))
    return Schedule(name, lambda t, steps: np.minimum((steps - t) / (d * steps), 1))


def _half_cosine(start: float, end: float, part: np.ndarray) -> np.ndarray:
    return end + (start - end) * (1 + np.cos(np.pi * part)) / 2


def schedule(text: str | Schedule) -> Schedule:
    """The schedule written as "cosine", "step:100:0.5", "warm-up:50+cosine", …; a `Schedule` passes."""
    if isinstance(text, Schedule):
        return text
    parts = str(text).split("+")
    names = [part.partition(":")[0].strip().lower().replace("_", "-") for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise UsageError("error.schedule.twice", value=text, name=name)
    first, *others = (notation.parse("kind.schedule", part, spellings()) for part in parts)
    for other in others:
        first = first * other
    return first


def spellings() -> dict[str, Callable[..., Schedule]]:
    """Every schedule as `parse` reads it: with dashes, and "none" for one that changes nothing."""
    return {"none": constant} | {
        name.replace("_", "-"): entry.load() for name, entry in registry.SCHEDULES.items()
    }
