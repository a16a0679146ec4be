"""A question of a study: what was chosen, who may be the best, and what each choice costs."""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from kobai.study import statistics
from kobai.study.criterion import FINAL, STEPS, Measures, of_steps
from kobai.study.statistics import Comparison

LEAST = 6
"""With fewer seeds nobody can be excluded: the study is a sketch, which ranks and claims nothing."""

ENTRIES = 2**25
"""Numbers that the flips of all pairs may take (256 MB): among very many candidates fewer flips are made."""

FEWEST_FLIPS = 2**7

ROUNDING = 1e-9
"""A bound below that is 0, with what rounding leaves of sums."""

EQUAL, FIXED, REACH, SKETCH = "equal", "fixed", "reach", "sketch"
"""Why no cost is told: nothing differs, no seed changes anything, few runs arrive, there are few seeds."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What choosing one candidate costs: by steps or seconds in parts of those of the best, .35 is 35 % more;
    by the final metric as a difference."""

    name: str
    estimate: float
    """By how much it is worse than the leader, of whom it is 0; of steps and seconds as geometric means."""
    high: float | None
    """At most so many more than the best of all needs, at 95 % for all candidates together; None: no bound
    is told (`Question.untold`)."""
    member: bool
    """Whether it may be the best."""
    not_best: bool
    """Whether it is shown not to be, corrected for saying so of several."""
    p: float
    """The corrected p of "this is one of the best"."""


@dataclasses.dataclass(frozen=True)
class Question:
    """One of the answers: what was chosen, and what there is to say of it and its alternatives."""

    choice: str
    costs: tuple[Cost, ...]
    """Of the choice and all alternatives, those that need the fewest steps first."""
    leader: str
    """The one of those that may be the best which needs the fewest steps on the fresh seeds."""
    reach: float
    """The part of the leader's runs that arrived."""
    untold: str | None
    """Why no cost is told, if none is: "equal", "fixed", "reach" or "sketch"."""
    by: str
    """By what: one of `CRITERIA`."""
    alternatives: tuple[Comparison, ...]
    """Pair by pair the ratio of steps to the target, alternative ÷ choice: above 1 it is slower."""

    @property
    def best_set(self) -> tuple[str, ...]:
        """Those that may be the best."""
        return tuple(cost.name for cost in self.costs if cost.member)

    @property
    def not_best(self) -> tuple[str, ...]:
        """Those that are shown not to be the best."""
        return tuple(cost.name for cost in self.costs if cost.not_best)

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Those that are outside the set, which the correction for saying so of several does not confirm."""
        return tuple(cost.name for cost in self.costs if not (cost.member or cost.not_best))

    @property
    def equal(self) -> tuple[str, ...]:
        """The alternatives that arrive at the same step as the choice on every seed."""
        return tuple(c.name for c in self.alternatives if c.bound == "=")

    @property
    def cost(self) -> Cost:
        """What the choice itself costs."""
        return self.of(self.choice)

    def of(self, name: str) -> Cost:
        """What one candidate costs."""
        return next(cost for cost in self.costs if cost.name == name)


def question(
    choice: str,
    times: Mapping[str, np.ndarray],
    budget: int,
    fixed: Collection[str] = (),
    measured: Mapping[str, Measures] | None = None,
    by: str = STEPS,
    looks: Sequence[int] = (),
) -> Question:
    """The question, from the runs of each candidate.

    Args:
      choice: what is recommended.
      times: steps of each candidate [seeds], inf where never, the same seeds in the same order; of equal
        ones the first leads, or one with more arrivals.
      budget: steps.
      fixed: those that no seed changes.
      measured: what is compared of each, in the same order. Default: its steps.
      by: what that is.
      looks: of a growing study the numbers of seeds at which it was looked at (`Study.looks`).
    """
    measured = measured or {name: of_steps(each, budget) for name, each in times.items()}
    names, runs, found = judged(measured, fixed, looks)
    means, untold = runs["x"].mean(axis=0), _untold(found, runs["x"], runs["fixed"])
    told = np.isfinite(found.bounds) & (untold is None)
    bounds = np.where(found.bounds < ROUNDING, 0.0, found.bounds)
    scale = (lambda difference: difference) if by == FINAL else np.expm1
    costs = [
        Cost(
            name=name,
            estimate=float(scale(max(means[i] - means[found.leader], 0))),
            high=float(scale(bounds[i])) if told[i] else None,
            member=bool(found.best.members[i]),
            not_best=bool(found.best.not_best[i]),
            p=float(found.best.corrected_p[i]),
        )
        for i, name in enumerate(names)
    ]
    compared = statistics.compare(times, choice, budget, fixed)
    return Question(
        choice=choice,
        costs=tuple(costs[i] for i in np.argsort(means, kind="stable")),
        leader=names[found.leader],
        reach=found.reach,
        untold=untold,
        by=by,
        alternatives=tuple(sorted(compared.values(), key=lambda c: c.ratio.value or math.inf)),
    )


def judged(
    measured: Mapping[str, Measures], fixed: Collection[str] = (), looks: Sequence[int] = ()
) -> tuple[list[str], dict[str, Any], statistics.Choice]:
    """The names of the candidates, their runs (`tabled`), and whom to choose; arguments as in `question`."""
    names, runs = tabled(measured, fixed)
    return names, runs, statistics.choose_at(looks, **runs) if looks else statistics.choose(**runs)


def tabled(measured: Mapping[str, Measures], fixed: Collection[str] = ()) -> tuple[list[str], dict[str, Any]]:
    """The names of the candidates, and what `statistics.choose` takes of their runs."""
    # At the budget whoever has just arrived is equal to whoever has not, and yet leads.
    names = sorted(measured, key=lambda name: -int(measured[name].arrived.sum()))
    return names, {
        "x": np.stack([measured[name].x for name in names], axis=1),
        "arrived": np.stack([measured[name].arrived for name in names], axis=1),
        "most": _flips(len(names)),
        "fixed": np.array([name in fixed for name in names]),
    }


def _untold(found: statistics.Choice, x: np.ndarray, fixed: np.ndarray) -> str | None:
    if found.seeds < LEAST:
        return SKETCH
    if found.reach < statistics.REACH:
        return REACH
    others = found.best.members.sum() > 1
    if others and fixed[found.leader] and not np.isfinite(found.bounds[found.leader]):
        return FIXED
    if others and np.ptp(x[:, found.best.members], axis=1).max() == 0:
        return EQUAL
    return None


def _flips(candidates: int) -> int:
    """So many flips as there is room for."""
    return int(np.clip(ENTRIES // candidates**2, FEWEST_FLIPS, statistics.FLIPS))
