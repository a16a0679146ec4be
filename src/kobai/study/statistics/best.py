"""Which candidates may be the best: the set of those that the seeds do not exclude.

A candidate is compared with all others at once, on the same seeds: of its differences to them the largest
statistic counts, and the flips of their signs say how large that becomes by chance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kobai.basics.errors import UsageError
from kobai.study.statistics.estimates import LEVEL, Array
from kobai.study.statistics.flips import FLIPS, share, signs

ALPHA = 1 - LEVEL
"""The part of studies in which a statement may be wrong."""


@dataclass(frozen=True)
class BestSet:
    """What so many seeds say of who is the best. Everything is [candidates]."""

    p: Array
    """The p-value of "this one is the best", each for itself."""
    corrected_p: Array
    """The same, corrected for all of them: in 1 − α of all studies that of each of the best is above α."""
    members: Array
    """Whether it may be the best."""
    not_best: Array
    """Whether it is shown not to be: it is no member, and the corrected p says so too."""


def best_set(
    x: npt.ArrayLike, alpha: float = ALPHA, most: int = FLIPS, fixed: npt.ArrayLike | None = None
) -> BestSet:
    """The candidates that may be the best, that is, may have the smallest mean.

    For a candidate i with differences D_sj = x_si − x_sj, their means m_j, and flips ε:

        T1(ε) = max_j Σ_s ε_s D_sj / √Σ_s D_sj²                         (0 / 0 = 0)
        T2(ε) = max_j Σ_s ε_s (D_sj − min(m_j, 0))        T2(identity) = max_j Σ_s D_sj
        p     = the larger of the two shares of ε at which T(ε) ≥ T(identity)

    i is a member while p > α. T1 weighs all differences alike. T2 has those count most that vary most, such
    as those with failures, and takes out of the flips by how much others are worse (Hansen 2005, J. Bus.
    Econ. Stat. 23, 365–380). j = i is there with 0, so that whoever leads is a member.

    That one is *not* the best is said of several at once, and corrected for that by `step_down`. Where there
    are so few flips that this could not say it of any, with fewer than 6 seeds, nothing is excluded at all.

    Each of the best is a member in 1 − α of all studies where differences are jointly symmetric. Where their
    shapes differ it is one in fewer: if one of three candidates fails in a tenth of its runs, in 91 % where
    that costs 4.5 times the steps, and in 75 % where it costs 20 times (docs/explanation/statistics.md has
    what was simulated). Tell the part that arrived beside it.

    Args:
      x: what is to be small, of each candidate on the same seeds [seeds, candidates]: logarithms of
        restricted steps (`log_steps`) or of seconds, or a metric with its sign.
      alpha: the part of studies in which a statement may be wrong.
      most: how many flips are looked at.
      fixed: whether the seed changes nothing in the runs of a candidate [candidates]. Two such candidates
        are one pair of runs, however many seeds repeat it, and one pair excludes nobody.

    Raises `UsageError` where x is no such table, or holds what is not finite.
    """
    x = table(x)
    flips = signs(len(x), most)
    sums = x.T @ flips.T
    flipped = sums[:, None] - sums[None]  # Σ ε D, [i, j, flips]
    differences = x.T[:, None] - x.T[None]
    if fixed is not None:
        one_pair = np.logical_and.outer(fixed, fixed)
        flipped[one_pair] = differences[one_pair] = 0
    lead = np.minimum(differences.mean(axis=-1), 0)
    size = np.sqrt(np.square(differences).sum(axis=-1))
    t = flipped / np.where(size > 0, size, np.inf)[..., None]
    t1 = t.max(axis=1)
    t2 = (flipped - lead[..., None] * flips.sum(axis=1)).max(axis=1)
    t2[:, 0] = flipped[:, :, 0].max(axis=1)
    p, corrected = np.maximum(share(t1, t1[:, 0]), share(t2, t2[:, 0])), step_down(t)
    members = (p > alpha) | (2 / len(flips) > alpha)
    return BestSet(p, corrected, members, ~members & (corrected <= alpha))


def step_down(t: Array) -> Array:
    """Corrected p-values [candidates] of statistics t of all pairs [i, j, flips], the observed ones first.

    Of all that remain the one with the largest statistic against another of them is worst. Its p-value is
    the share of flips at which the largest statistic of any that remain against another of them is at least
    as large, and not below that of the one before; then it is left out (Westfall and Young 1993; Romano and
    Wolf 2005, J. Am. Stat. Assoc. 100, 94–108).
    """
    largest, live = t.max(axis=1), np.ones(len(t), bool)
    corrected, p = np.ones(len(t)), 0.0
    for _ in range(len(t) - 1):
        worst = np.where(live, largest[:, 0], -np.inf).argmax()
        p = max(p, float(share(largest[live].max(axis=0), largest[worst, 0])))
        corrected[worst] = p
        live[worst] = False
        i, flip = np.nonzero(live[:, None] & (t[:, worst] == largest))  # theirs was against the one left out
        largest[i, flip] = np.where(live, t[i, :, flip], -np.inf).max(axis=1)
    return corrected


def table(x: npt.ArrayLike) -> Array:
    """x as numbers [seeds, candidates], at least one of each and all finite."""
    numbers = np.asarray(x, float)
    if numbers.ndim != 2 or not numbers.size:
        raise UsageError("error.measured", shape=numbers.shape)
    if not np.isfinite(numbers).all():
        seed, candidate = np.argwhere(~np.isfinite(numbers))[0]
        raise UsageError(
            "error.measured.finite", value=numbers[seed, candidate], seed=seed, candidate=candidate
        )
    return numbers
