"""All arms together: which may be the best, and by how much each is worse than the best, at most."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kobai.questions.judgement.pairing import are_paired
from kobai.questions.judgement.procedures import Contrast
from kobai.questions.judgement.runs import Array
from kobai.questions.judgement.scale import Arm
from kobai.study.statistics import choose, holm


@dataclasses.dataclass(frozen=True)
class Best:
    """All arms together.

    Fields:
      members: those that may be the best.
      costs: of each arm, by how much it may be worse than the best of all, at most; None: there is no bound.
      paired: whether it was found as in `compare`, on the seeds that all arms have.
    """

    members: tuple[str, ...]
    costs: Mapping[str, float | None]
    paired: bool


def together(
    arms: Sequence[Arm],
    contrast: Callable[[Arm, Arm], Contrast],
    *,
    unpaired: bool,
    alpha: float,
    count: int | None,
) -> Best:
    """Who may be the best.

    Args:
      arms: two or more.
      contrast: that of one arm against another.
      unpaired: whether equal seeds are no pairs, σ is known, or ranks are compared.
      alpha: the part of studies in which something wrong may be said.
      count: the first so many runs alone.
    """
    if len(arms) == 2:  # the verdict itself, which has two sides
        alpha = alpha / 2
    rows = None if unpaired else _on_common_seeds(arms)
    return _unpaired(arms, contrast, alpha) if rows is None else _paired(arms, rows[:count], alpha)


def _on_common_seeds(arms: Sequence[Arm]) -> Array | None:
    """The runs on the seeds that all arms have, [seeds, arms]; None where some two are not paired."""
    first, *others = arms
    if not all(are_paired(one, other) for one, other in itertools.combinations(arms, 2)):
        return None
    seeds = [seed for seed in first.seeds if all(seed in arm.seeds for arm in others)]
    return np.array([[arm.x[arm.seeds.index(seed)] for arm in arms] for seed in seeds]) if seeds else None


def _paired(arms: Sequence[Arm], x: Array, alpha: float) -> Best:
    """As `compare` has it: the best set and the costs by sign flips of whole seeds."""
    chosen = choose(x, alpha=alpha)
    costs = {
        arm.name: float(bound) if math.isfinite(bound) and not arm.lost else None
        for arm, bound in zip(arms, chosen.bounds, strict=True)
    }
    members = tuple(arm.name for arm, own in zip(arms, chosen.best.members, strict=True) if own)
    return Best(members, costs, True)


def _unpaired(arms: Sequence[Arm], contrast: Callable[[Arm, Arm], Contrast], alpha: float) -> Best:
    """Of all pairs, corrected by Holm: who is shown to be worse than some other is not the best.

    The cost of choosing i is the largest upper end of its difference to any j that may be the best, with a
    one-sided level of α ÷ the number of ordered pairs, so that all bounds hold together (Bonferroni).
    """
    pairs = list(itertools.combinations(range(len(arms)), 2))
    contrasts = [contrast(arms[i], arms[j]) for i, j in pairs]
    worse = {
        i if each.worse else j
        for (i, j), each, p in zip(pairs, contrasts, holm([each.p for each in contrasts]), strict=True)
        if p <= alpha
    }
    members = [i for i in range(len(arms)) if i not in worse]
    bounds: dict[int, list[float]] = {i: [0.0] for i in range(len(arms))}
    for (i, j), each in zip(pairs, contrasts, strict=True):
        low, high = each.interval(1 - alpha / len(pairs)) or (-math.inf, math.inf)
        if j in members:
            bounds[i].append(high)
        if i in members:
            bounds[j].append(-low)
    costs = {arms[i].name: max(own) if math.isfinite(max(own)) else None for i, own in bounds.items()}
    return Best(tuple(arms[i].name for i in members), costs, False)
