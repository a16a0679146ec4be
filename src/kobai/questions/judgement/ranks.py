"""The rank form of a contrast: what is compared is not the mean but a shift of the whole distribution.

It is for those who declare it beforehand. Where spreads or shapes differ, a rank test is no test of means
(its level of 5 % becomes up to 31 %), so it is never chosen by what the runs say.

- `SIGNED`: the same seeds on both sides. d_s = x_s − y_s; the ranks of |d_s| carry the sign of d_s, and signs
  are flipped (Wilcoxon 1945, Biometrics Bull. 1, 80–83). The shift is the median of all averages
  (d_s + d_t) / 2, s ≤ t.
- `RANKS`: the ranks of all runs together; those of the arm are added up, and runs are dealt out again (Mann
  & Whitney 1947, Ann. Math. Statist. 18, 50–60). The shift is the median of all differences x_i − y_j.

Either statistic, centred, is K − N/2, where K of the N averages or differences are above 0. Its law is known
where no two values are equal; else the ranks that they share are flipped or dealt. The interval holds every
shift that the test does not reject (Hodges & Lehmann 1963, Ann. Math. Statist. 34, 598–611); where values are
equal it is that of the law without ties, and approximate.
"""

import dataclasses
import functools
import math

import numpy as np

from kobai.questions.judgement.procedures import (
    ROUNDING,
    SIGNED,
    Contrast,
    contrast_of,
    deals,
    least_p,
    plain,
)
from kobai.questions.judgement.runs import Array
from kobai.study.statistics import flips

EFFICIENCY = 3 / math.pi
"""Of normal runs a test of ranks sees with n what one of means sees with so large a part of n."""


@dataclasses.dataclass(frozen=True)
class RankContrast(Contrast):
    """One arm against another by ranks; `difference` is the shift, `error` that of normal runs.

    Fields:
      shifts: all averages of two differences, or all differences of two runs, ascending [N].
      law: the probability that K of them are above 0, were both sides alike [N + 1].
      tied: whether some values are equal.
    """

    shifts: Array = dataclasses.field(kw_only=True, compare=False, repr=False)
    law: Array = dataclasses.field(kw_only=True, compare=False, repr=False)
    tied: bool = dataclasses.field(kw_only=True)

    @property
    def worse(self) -> bool:
        """By the statistic: where many runs are equal, the median of the shifts may be 0."""
        return float(np.sign(self.shifts).sum()) > 0

    def interval(self, level: float) -> tuple[float, float] | None:
        """The shifts that are not rejected at 1 − level; None where so few runs can reject none."""
        kept = two_sided(self.law) > 1 - level
        first = int(np.argmax(kept))
        return None if first == 0 else (float(self.shifts[first - 1]), float(self.shifts[-first]))

    def equivalence_p(self, margin: float | None) -> float:
        """p of "the shift is as large as the margin": the larger of both sides; 1 without a margin."""
        if margin is None:
            return 1.0
        beyond = max(int(np.sum(self.shifts >= margin)), int(np.sum(self.shifts <= -margin)))
        return float(self.law[: beyond + 1].sum())


def rank_contrast(procedure: str, x: Array, y: Array) -> RankContrast:
    """One arm against another; x and y are pairs where it is `SIGNED`."""
    n, m = len(x), len(y)
    means = contrast_of(plain(procedure), x, y)
    values = {field.name: getattr(means, field.name) for field in dataclasses.fields(Contrast)}
    if procedure == SIGNED:
        shifts = _averages(differences(x, y))
    else:
        runs = merged(np.concatenate([x, y]))
        shifts = np.subtract.outer(runs[:n], runs[n:]).ravel()
    tied = bool(are_tied(procedure, x, y))
    own = {
        "procedure": procedure,
        "difference": float(np.median(shifts)),
        "error": means.error / math.sqrt(EFFICIENCY),
        "spread": means.spread / math.sqrt(EFFICIENCY),
        "p": float(rank_p_values(procedure, x, y)),
        "least": max(least_p(procedure, n, m), 1 / flips.FLIPS if tied else 0.0),
    }
    law = _law(procedure, n, m)
    return RankContrast(**values | own, shifts=np.sort(shifts), law=law, tied=tied)


def _averages(d: Array) -> Array:
    """(d_s + d_t) / 2 for all s ≤ t, [n (n + 1) / 2]."""
    first, second = np.triu_indices(len(d))
    return (d[first] + d[second]) / 2


# What is equal but for rounding


def merged(values: Array, size: Array | None = None) -> Array:
    """Values [..., n] of which neighbours that differ by rounding alone are one.

    Rounding is a part of their `size` [..., 1]. Default: of the largest.
    """
    size = np.abs(values).max(axis=-1, keepdims=True) if size is None else size
    order = np.argsort(values, axis=-1)
    ascending = np.take_along_axis(values, order, axis=-1)
    apart = np.diff(ascending, axis=-1, prepend=-np.inf) > ROUNDING * size
    equal = np.empty_like(ascending)
    np.put_along_axis(
        equal, order, np.maximum.accumulate(np.where(apart, ascending, -np.inf), axis=-1), axis=-1
    )
    return equal


def differences(x: Array, y: Array) -> Array:
    """x − y of pairs [..., n]; 0 where they are equal but for rounding, and alike where their sizes are."""
    size = np.maximum(np.abs(x), np.abs(y)).max(axis=-1, keepdims=True)
    d = x - y
    return np.sign(d) * np.where(np.abs(d) > ROUNDING * size, merged(np.abs(d), size), 0)


def are_tied(procedure: str, x: Array, y: Array) -> Array:
    """Whether any two share a rank, or a pair is equal, [...]."""
    if procedure == SIGNED:
        sizes = np.sort(np.abs(differences(x, y)), axis=-1)
        return np.asarray((sizes[..., 0] == 0) | (np.diff(sizes) == 0).any(axis=-1))
    return np.asarray((np.diff(np.sort(merged(np.concatenate([x, y], axis=-1)))) == 0).any(axis=-1))


# The law of K


def _law(procedure: str, n: int, m: int) -> Array:
    return law_of_signs(n) if procedure == SIGNED else law_of_deals(n, m)


@functools.lru_cache(maxsize=16)
def law_of_signs(n: int) -> Array:
    """Of the sum of those of 1 … n whose coin shows heads: Π (1 + zʳ) / 2, [n (n + 1) / 2 + 1]."""
    law = np.zeros(n * (n + 1) // 2 + 1)
    law[0] = 1
    for rank in range(1, n + 1):
        law[rank:] += law[:-rank].copy()
        law /= 2
    return law


@functools.lru_cache(maxsize=16)
def law_of_deals(n: int, m: int) -> Array:
    """Of the pairs in which one of n is above one of m, however all are dealt: [n m + 1].

    Π (1 − z^{m+i}) / (1 − z^i), i = 1 … n, divided by the number of deals. It is symmetric.
    """
    law = np.zeros(n * m + 1)
    law[0] = 1
    for i in range(1, n + 1):
        law[m + i :] -= law[: -(m + i)].copy()
        for start in range(i):
            law[start::i] = np.cumsum(law[start::i])
        law *= i / (m + i)
    half = (n * m) // 2 + 1
    law[-half:] = law[:half][::-1]
    return law


def two_sided(law: Array) -> Array:
    """The probability to be as far from the middle as K or further, for each K."""
    lower = np.minimum(2 * np.cumsum(law), 1)
    return np.minimum(lower, lower[::-1])


# p-values


def rank_p_values(procedure: str, x: Array, y: Array) -> Array:
    """Two-sided p-values of many sets, x [..., n] against y [..., m]; equal values share their ranks."""
    from scipy.stats import rankdata

    n, m = x.shape[-1], y.shape[-1]
    law, tied = two_sided(_law(procedure, n, m)), are_tied(procedure, x, y)
    if procedure == SIGNED:
        d = differences(x, y)
        ranks = np.sign(d) * rankdata(np.abs(d), axis=-1)
        centred = ranks.sum(axis=-1) / 2
    else:
        ranks = rankdata(merged(np.concatenate([x, y], axis=-1)), axis=-1) - (n + m + 1) / 2
        centred = ranks[..., :n].sum(axis=-1)
    p = np.array(law[np.rint(np.where(tied, 0, centred) + (len(law) - 1) / 2).astype(int)])
    if tied.any():
        p[tied] = flips.p_values(ranks[tied], flips.signs(n) if procedure == SIGNED else deals(n, m))
    return p
