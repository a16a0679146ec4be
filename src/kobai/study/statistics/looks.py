"""When the seeds are enough: a growing study, looked at with declared numbers of seeds."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kobai.study.statistics.best import ALPHA
from kobai.study.statistics.choice import Choice, choose, choose_again
from kobai.study.statistics.estimates import Array
from kobai.study.statistics.flips import FLIPS

LOOKS = (8, 12, 18, 27, 40)
"""The numbers of seeds at which a growing study is looked at, unless a longer one is declared."""
WITHIN = math.log(1.1)
"""Who needs at most 10 % more steps is as good as the best."""
CLEAR, UNDECIDED, OPEN = "clear", "undecided", "open"
FUTURES, FLIPS_AHEAD = 100, 2**9
"""A forecast is made from so many simulated futures, and so many flips of each."""
LIKELY = 0.5
"""It names the first look at which the study is clear with at least this probability."""


@dataclass(frozen=True)
class Decision:
    """How a growing study stands."""

    verdict: str
    """"clear": it can end; "open": another look is to come; "undecided": none is left."""
    choice: Choice | None
    """What the latest look saw; None before the first."""


@dataclass(frozen=True)
class Forecast:
    """The next look at which an open study will more likely be clear than not."""

    seeds: int
    more: int
    """So many of them are still to be run."""
    probability: float


def looks_until(maximum: int) -> tuple[int, ...]:
    """The looks at a study of so many seeds at most: 8, half as many again each time, and the maximum."""
    ladder = [LOOKS[0]]
    while ladder[-1] < maximum:
        ladder.append(ladder[-1] * 3 // 2)
    return (*ladder[:-1], maximum) if len(ladder) > 1 else (maximum,)


def until_clear(
    x: npt.ArrayLike,
    arrived: npt.ArrayLike | None = None,
    within: float = WITHIN,
    looks: Sequence[int] = LOOKS,
    most: int = FLIPS,
    fixed: npt.ArrayLike | None = None,
) -> Decision:
    """How a study stands that is looked at with 8, 12, 18, 27 and 40 seeds, and ends as soon as it is clear.

    It is clear where one candidate alone may be the best, or where the leader is worse than the best by less
    than `within` and arrives on four fifths of the seeds. Looks are declared beforehand, and each has the
    level 5 % ÷ their number, so that in at most 5 % of studies anything wrong is said at any of them (the
    union bound). Who is excluded at one look is excluded at all that follow.

    Args:
      x: as `best_set` takes it [seeds, candidates], the seeds in the order in which they are run. Of a
        candidate that is excluded at one look nothing is read that comes after it.
      arrived: whether each run met the target [seeds, candidates]; None where there is none to meet.
      within: on the scale of x; by default the logarithm of 1.1.
      looks: numbers of seeds, ascending (`looks_until`).
      most: how many flips are looked at.
      fixed: those whose runs the seed does not change, as `best_set` takes them.

    Raises `UsageError` where x is no such table, or what is read of it is not finite.
    """
    x, choice = np.asarray(x, float), None
    for choice in _choices(x, arrived, [n for n in looks if n <= len(x)], ALPHA / len(looks), most, fixed):
        if choice.is_clear(within):
            return Decision(CLEAR, choice)
    return Decision(OPEN if looks[-1] > len(x) else UNDECIDED, choice)


def choose_at(
    looks: Sequence[int],
    x: npt.ArrayLike,
    arrived: npt.ArrayLike | None = None,
    alpha: float = ALPHA / len(LOOKS),
    most: int = FLIPS,
    fixed: npt.ArrayLike | None = None,
) -> Choice:
    """What the last of these looks has seen, whom an earlier one excluded among it.

    Args:
      looks: numbers of seeds, ascending, at least one and none above those of x.
      alpha: the part of studies in which one look may say anything wrong.

    The others are those of `until_clear`, and so is what is raised.
    """
    *_, choice = _choices(np.asarray(x, float), arrived, looks, alpha, most, fixed)
    return choice


def _choices(
    x: Array,
    arrived: npt.ArrayLike | None,
    looks: Sequence[int],
    alpha: float,
    most: int,
    fixed: npt.ArrayLike | None,
) -> Iterator[Choice]:
    """What each look sees, one after another."""
    choice = None
    for seeds in looks:
        so_far = x[:seeds], None if arrived is None else np.asarray(arrived)[:seeds], alpha, most, fixed
        choice = choose(*so_far) if choice is None else choose_again(choice, *so_far)
        yield choice


def forecast(
    x: npt.ArrayLike,
    arrived: npt.ArrayLike | None = None,
    within: float = WITHIN,
    looks: Sequence[int] = LOOKS,
    most: int = FLIPS,
    fixed: npt.ArrayLike | None = None,
) -> Forecast | None:
    """The look to come at which an open study will more likely be clear than not; None: not foreseeable.

    A seed to come is drawn from those that were run and those that were drawn before it, each as likely as
    the others (Pólya's urn, which is what the Bayesian bootstrap predicts; Rubin 1981, Ann. Stat. 9,
    130–134). The looks at 100 such futures are as they would be. Arguments are those of `until_clear`.
    """
    x = np.asarray(x, float)
    now = until_clear(x, arrived, within, looks, most, fixed)
    if now.verdict != OPEN or now.choice is None:
        return None
    arrivals = np.ones(x.shape) if arrived is None else np.asarray(arrived)
    ahead, alpha = [seeds for seeds in looks if seeds > len(x)], ALPHA / len(looks)
    futures, choices = _urns(len(x), ahead[-1]), [now.choice] * FUTURES
    few = min(most, FLIPS_AHEAD)
    for seeds in ahead:
        for k, rows in enumerate(futures[:, :seeds]):
            if not choices[k].is_clear(within):
                choices[k] = choose_again(choices[k], x[rows], arrivals[rows], alpha, few, fixed)
        probability = float(np.mean([choice.is_clear(within) for choice in choices]))
        if probability >= LIKELY:
            return Forecast(seeds, seeds - len(x), probability)
    return None


def _urns(run: int, seeds: int) -> Array:
    """Futures [futures, seeds]: which of the seeds that were run each seed is like, the first themselves."""
    rng = np.random.default_rng(0)
    rows = np.tile(np.arange(seeds), (FUTURES, 1))
    for drawn in range(run, seeds):
        rows[:, drawn] = rows[np.arange(FUTURES), rng.integers(drawn, size=FUTURES)]
    return rows
