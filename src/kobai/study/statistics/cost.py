"""What choosing a candidate costs: by how much it is worse than the best of all, at most."""

import math

import numpy as np
import numpy.typing as npt

from kobai.study.statistics.best import ALPHA, table
from kobai.study.statistics.estimates import Array
from kobai.study.statistics.flips import FLIPS, signs


def cost_bounds(
    x: npt.ArrayLike,
    members: npt.ArrayLike,
    alpha: float = ALPHA,
    most: int = FLIPS,
    fixed: npt.ArrayLike | None = None,
) -> Array:
    """Upper bounds U [candidates] of how much larger the mean of each candidate is than the smallest of all.

    Against each b that may be the best, candidate i has d = x_i − x_b with the mean d̄. That δ is the true
    difference is possible while chance alone makes d̄ so small, that is, while p(δ) > α:

        r(δ) = Σ(δ − d) / √Σ(δ − d)²
        M(ε) = max_j Σ ε e_j / √Σ e_j²    of the other candidates j, with e_j = x_b − x_j less its mean
        p(δ) = the share of flips ε at which Σ ε(δ − d) / √Σ(δ − d)² or M(ε) is at least r(δ)

    M is there for the bounds of all candidates to hold together. The first is at least r(δ) while δ is at
    most the mean of d over the seeds that ε flips; the second while δ − d̄ is at most the deviation at which
    r(δ) = M:

        δ(ε) = max(mean of d over the flipped,  d̄ + M √(Σ(d − d̄)² / (n (n − M²))))

    so p falls with δ, and the largest δ that is possible, U_ib, is an order statistic of δ(ε). U_i is the
    largest U_ib, or 0; it is infinite where there are too few seeds for any bound. Bounds on all distances
    from the best are Hsu's idea (1984, Ann. Stat. 12, 1136–1144).

    Args:
      x: as `best_set` takes it [seeds, candidates].
      members: which may be the best [candidates], at least one.
      alpha: the part of studies in which some bound may be too low.
      most: how many flips are looked at.
      fixed: whether the seed changes nothing in the runs of a candidate [candidates]. Two such candidates
        are one pair of runs, from which no bound comes: it is infinite.

    Returns:
      U on the scale of x; 0 for the only one that may be the best. With logarithms of steps, i needs at most
      the part e^U − 1 more steps than the best, as geometric means.

    Raises `UsageError` where x is no such table, or holds what is not finite.
    """
    x = table(x)
    flips = signs(len(x), most)
    sums, kept = x.T @ flips.T, flips.sum(axis=1)
    best = np.flatnonzero(members)
    bounds = np.stack([_bounds_against(b, x.T, sums, kept, alpha) for b in best.tolist()])
    if fixed is not None:
        one_pair = np.logical_and.outer(np.asarray(fixed)[best], fixed)
        bounds[one_pair & (best[:, None] != np.arange(bounds.shape[1]))] = np.inf
    return np.maximum(bounds.max(axis=0), 0)


def _bounds_against(b: int, x: Array, sums: Array, kept: Array, alpha: float) -> Array:
    """U_ib for every i [candidates], 0 for b itself.

    `sums` are Σ εx [candidates, flips]; `kept` says how many more seeds ε keeps than it flips [flips].
    """
    n, d, flipped = x.shape[1], x - x[b], sums - sums[b]
    mean = d.mean(axis=1, keepdims=True)
    squares = np.square(d - mean).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_flipped = np.where(kept < n, (n * mean - flipped) / (n - kept), np.inf)
        t = np.where(squares > 0, (kept * mean - flipped) / np.sqrt(squares), 0)
        m = np.minimum(largest_of_others(t), math.sqrt(n))
        of_others = mean + m * np.sqrt(squares / (n * (n - m**2)))
    possible = np.fmax(of_flipped, of_others)  # NaN: nothing varies, and any other δ is impossible
    rank = math.floor(alpha * len(kept) + 1e-9)  # so many flips may lie above
    u = -np.partition(-possible, rank, axis=1)[:, rank]
    u[b] = 0
    return u


def largest_of_others(t: Array) -> Array:
    """For each row of t the largest of the other rows and 0, in each column; the same shape."""
    first, columns = t.argmax(axis=0), np.arange(t.shape[1])
    without = t.copy()
    without[first, columns] = 0
    largest = np.tile(np.maximum(t.max(axis=0), 0), (len(t), 1))
    largest[first, columns] = np.maximum(without.max(axis=0), 0)
    return largest
