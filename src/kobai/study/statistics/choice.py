"""Whom to choose: the leader, the set of those that may be the best, and what choosing each costs."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kobai.basics.errors import UsageError
from kobai.study.statistics.best import ALPHA, BestSet, best_set, table
from kobai.study.statistics.cost import cost_bounds
from kobai.study.statistics.estimates import Array
from kobai.study.statistics.flips import FLIPS

REACH = 0.8
"""Where the leader arrives on a smaller part of the seeds, the budget has cut off too much to tell a cost."""


@dataclass(frozen=True)
class Choice:
    """What so many seeds say of whom to choose. Arrays are [candidates]."""

    seeds: int
    leader: int
    """The candidate of those that may be the best whose mean is the smallest."""
    reach: float
    """The part of the seeds on which the leader arrived."""
    best: BestSet
    bounds: Array
    """By how much each mean may be larger than the smallest of all, on the scale of x (`cost_bounds`)."""

    @property
    def cost(self) -> Array | None:
        """Of logarithms of steps: the part of steps that each needs more than the best, at most.

        None where the leader's reach is below .8: two runs that the budget cuts off are equal there, however
        much they would have differed, and costs look smaller than they are.
        """
        return np.expm1(self.bounds) if self.reach >= REACH else None

    def is_clear(self, within: float) -> bool:
        """Whether one alone may be the best, or the leader is worse by less than `within`, as x is."""
        alone = self.best.members.sum() == 1
        return bool(alone or (self.reach >= REACH and self.bounds[self.leader] < within))


def choose(
    x: npt.ArrayLike,
    arrived: npt.ArrayLike | None = None,
    alpha: float = ALPHA,
    most: int = FLIPS,
    fixed: npt.ArrayLike | None = None,
) -> Choice:
    """Who leads, who may be the best, and what choosing each of them costs.

    Args:
      x: as `best_set` takes it [seeds, candidates].
      arrived: whether each run met the target [seeds, candidates]; None where there is none to meet.
      alpha: the part of studies in which some statement may be wrong.
      most: how many flips are looked at.
      fixed: those whose runs the seed does not change, as `best_set` takes them.

    Raises `UsageError` where x is no such table, or holds what is not finite.
    """
    x = table(x)
    arrivals = np.ones(x.shape) if arrived is None else np.asarray(arrived, float)
    if arrivals.shape != x.shape:
        raise UsageError("error.measured.arrived", shape=arrivals.shape, expected=x.shape)
    best = best_set(x, alpha, most, fixed)
    leader = int(np.where(best.members, x.mean(axis=0), np.inf).argmin())
    bounds = cost_bounds(x, best.members, alpha, most, fixed)
    return Choice(len(x), leader, float(arrivals[:, leader].mean()), best, bounds)


def choose_again(
    before: Choice,
    x: npt.ArrayLike,
    arrived: npt.ArrayLike | None,
    alpha: float,
    most: int = FLIPS,
    fixed: npt.ArrayLike | None = None,
) -> Choice:
    """The same with more seeds: those that were excluded before stay so, with what was said of them.

    They are not read, and need no further runs. Arguments are those of `choose`.
    """
    still = before.best.members
    x, arrivals = np.asarray(x, float)[:, still], None if arrived is None else np.asarray(arrived)[:, still]
    now = choose(x, arrivals, alpha, most, None if fixed is None else np.asarray(fixed)[still])

    def updated(old: Array, new: Array) -> Array:
        values = old.copy()
        values[still] = new
        return values

    best = BestSet(*(updated(old, getattr(now.best, name)) for name, old in vars(before.best).items()))
    leader = int(np.flatnonzero(still)[now.leader])
    return replace(now, leader=leader, best=best, bounds=updated(before.bounds, now.bounds))
