"""The contrasts of one arm against another, and the interval of their difference.

All of them speak of d = mean of the arm − mean of the baseline, on a scale on which smaller is better.

- `paired`: the same seeds on both sides. The signs of the differences are flipped, as in `compare`; Student's
  interval.
- `unpaired`: Welch's t *and* a permutation of the runs by Welch's t must reject, so p is the larger of the
  two. Each alone is wrong where numbers of runs and spreads differ: Welch at 2 runs against 10, the
  permutation at 3 against 20 with a threefold spread. Welch's interval.
- `sigma`: the spread σ of a run is known beforehand: z = d / (σ √(1/n₁ + 1/n₂)).
- `borrowed`: too few runs for a spread of their own, so that of the other side, s with n₂ − 1 degrees of
  freedom, stands for both: t = d / (s √(1/n₁ + 1/n₂)).
"""

import dataclasses
import functools
import itertools
import math

import numpy as np

from kobai.questions.judgement.runs import Array
from kobai.study.statistics import BATCH, FLIPS, sign_flip_p_values

PAIRED, UNPAIRED, SIGMA, BORROWED = "paired", "unpaired", "sigma", "borrowed"
SIGNED, RANKS = "signed ranks", "ranks"
"""The rank forms of the first two, which ranks.py has."""
FEWEST = 4
"""Arms with fewer runs than this have no spread that a test could stand on."""
ROUNDING, TINY = 1e-13, np.finfo(float).tiny
"""Of numbers so much is rounding; and the smallest that one divides by."""
LARGEST = 1e12
"""A t that divides by no spread at all."""


@dataclasses.dataclass(frozen=True)
class Contrast:
    """One arm against another.

    Fields:
      procedure: which of the four it is, or a rank form.
      runs: of the arm and of the other; of a pair the number of pairs, twice.
      difference: d.
      error: its standard error.
      spread: the standard deviation of a run, or of a difference where runs are paired.
      freedom: degrees of freedom of the error; infinite where σ is known.
      p: two-sided.
      least: the smallest p that so many runs can give.
    """

    procedure: str
    runs: tuple[int, int]
    difference: float
    error: float
    spread: float
    freedom: float
    p: float
    least: float = 0.0

    @property
    def worse(self) -> bool:
        """On which side of the other it is."""
        return self.difference > 0

    def turned(self) -> "Contrast":
        """The other against this one."""
        return dataclasses.replace(self, runs=self.runs[::-1], difference=-self.difference)

    def interval(self, level: float) -> tuple[float, float] | None:
        """d ± t · error, which holds d in so large a part of all studies; None where there is no error."""
        if not math.isfinite(self.error):
            return None
        half = quantile(0.5 + level / 2, self.freedom) * self.error
        return self.difference - half, self.difference + half

    def equivalence_p(self, margin: float | None) -> float:
        """p of "the difference is as large as the margin": the larger of both sides; 1 without a margin.

        At most α where the interval at 1 − 2α lies within ± margin.
        """
        if margin is None or not math.isfinite(self.error):
            return 1.0
        room = margin - abs(self.difference)
        if self.error == 0:
            return 0.0 if room > 0 else 1.0
        return tail(room / self.error, self.freedom)


def quantile(probability: float, freedom: float) -> float:
    """Of Student's distribution; of the normal one where the degrees of freedom are infinite."""
    from scipy import special

    if math.isinf(freedom):
        return float(special.ndtri(probability))
    return float(special.stdtrit(freedom, probability))


def tail(t: float, freedom: float) -> float:
    """The probability to lie above t."""
    from scipy import special

    return float(special.ndtr(-t) if math.isinf(freedom) else special.stdtr(freedom, -t))


# Two-sided p-values of many sets at once: x [..., n₁] against y [..., n₂]


def welch(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Difference of the means, its standard error, and Welch's degrees of freedom, each [...]."""
    d = x.mean(axis=-1) - y.mean(axis=-1)
    a, b = x.var(axis=-1, ddof=1) / x.shape[-1], y.var(axis=-1, ddof=1) / y.shape[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = (a + b) ** 2 / (a**2 / (x.shape[-1] - 1) + b**2 / (y.shape[-1] - 1))
    return d, np.sqrt(a + b), np.where(a + b > 0, freedom, x.shape[-1] + y.shape[-1] - 2.0)


def welch_p_values(x: Array, y: Array) -> Array:
    """Welch's test."""
    from scipy import special

    d, error, freedom = welch(x, y)
    return np.asarray(2 * special.stdtr(freedom, -np.abs(_ratio(d, error))))


def permutation_p_values(x: Array, y: Array) -> Array:
    """The share of all ways to deal the runs out again at which |Welch's t| is at least the observed one.

    All ways, where there are at most 4,096; else the observed one and 4,095 random ones, always the same. It
    is exact where both arms have one distribution, and nearly right where only their means are the same
    (Janssen 1997, Stat. Probab. Lett. 36, 9–21).
    """
    n, m = x.shape[-1], y.shape[-1]
    dealt = deals(n, m)
    *shape, _ = np.broadcast_shapes(x.shape[:-1] + (1,), y.shape[:-1] + (1,))
    z = np.concatenate([np.broadcast_to(x, (*shape, n)), np.broadcast_to(y, (*shape, m))], axis=-1)
    z = z.reshape(-1, n + m)
    z = z - z.mean(axis=1, keepdims=True)
    z = z / np.maximum(np.abs(z).max(axis=1, keepdims=True), TINY)
    p, batch = np.ones(len(z)), max(BATCH // len(dealt), 1)
    for start in range(0, len(z), batch):
        t = _dealt_t(z[start : start + batch], dealt, n, m)
        p[start : start + batch] = np.mean(t >= t[:, :1] - 1e-9 * (1 + t[:, :1]), axis=1)
    return p.reshape(shape)


def _dealt_t(z: Array, dealt: Array, n: int, m: int) -> Array:
    """|Welch's t| of every deal, [sets, deals]."""
    total, squares = z.sum(axis=1, keepdims=True), np.square(z).sum(axis=1, keepdims=True)
    first, first_squares = z @ dealt.T, np.square(z) @ dealt.T
    a, b = first / n, (total - first) / m
    within_a = np.maximum(first_squares - n * a**2, 0) / (n - 1)
    within_b = np.maximum(squares - first_squares - m * b**2, 0) / (m - 1)
    error = np.sqrt(within_a / n + within_b / m)
    return np.abs(_ratio(a - b, np.where(error > 1e-9, error, 0)))


def _ratio(d: Array, error: Array) -> Array:
    """d / error, with 0 / 0 = 0, and never infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(np.abs(d) > 1e-12 * np.abs(error), d / error, 0), -LARGEST, LARGEST)


@functools.lru_cache(maxsize=16)
def deals(n: int, m: int, most: int = FLIPS) -> Array:
    """Which of n + m runs are the first n, 1 or 0 [deals, n + m]; the runs as they are come first."""
    if math.comb(n + m, n) <= most:
        chosen = list(itertools.combinations(range(n + m), n))
        dealt = np.zeros((len(chosen), n + m))
        dealt[np.arange(len(chosen))[:, None], chosen] = 1
    else:
        order = np.random.default_rng(0).random((most, n + m)).argsort(axis=1)
        order[0] = np.arange(n + m)
        dealt = (order < n).astype(float)
    dealt.flags.writeable = False
    return dealt


def least_p(procedure: str, n: int, m: int) -> float:
    """The smallest p that so many runs, or pairs, can give."""
    if procedure in (SIGNED, RANKS):  # whose laws are known
        return 2 / (2**n if procedure == SIGNED else math.comb(n + m, n))
    if procedure == PAIRED:
        return max(2 / 2**n, 1 / FLIPS)
    if procedure == UNPAIRED:
        ways = math.comb(n + m, n)
        return max((2 if n == m else 1) / ways, 1 / FLIPS)
    return 0.0


def plain(procedure: str) -> str:
    """The procedure of means that one of ranks stands in for; any other itself."""
    return {SIGNED: PAIRED, RANKS: UNPAIRED}.get(procedure, procedure)


def centred(x: Array, y: Array) -> tuple[Array, Array]:
    """Both without their common mean; what differs from it by no more than rounding does not differ."""
    n, m = x.shape[-1], y.shape[-1]
    total = x.sum(axis=-1, keepdims=True) + y.sum(axis=-1, keepdims=True)
    size = np.maximum(np.abs(x).max(axis=-1, keepdims=True), np.abs(y).max(axis=-1, keepdims=True))
    x, y = x - total / (n + m), y - total / (n + m)
    return np.where(np.abs(x) > ROUNDING * size, x, 0), np.where(np.abs(y) > ROUNDING * size, y, 0)


def p_values(procedure: str, x: Array, y: Array, sigma: float | None = None) -> Array:
    """The p-values of a procedure, [...]."""
    from scipy import special

    x, y = centred(x, y)
    if procedure == PAIRED:
        d = x - y
        return sign_flip_p_values(d / np.maximum(np.abs(d).max(axis=-1, keepdims=True), TINY))
    if procedure == UNPAIRED:
        return np.maximum(welch_p_values(x, y), permutation_p_values(x, y))
    d = x.mean(axis=-1) - y.mean(axis=-1)
    scale = math.sqrt(1 / x.shape[-1] + 1 / y.shape[-1])
    if procedure == SIGMA:
        assert sigma is not None
        return np.asarray(2 * special.ndtr(-np.abs(_ratio(d, np.asarray(sigma * scale)))))
    t = _ratio(d, y.std(axis=-1, ddof=1) * scale)
    return np.asarray(2 * special.stdtr(y.shape[-1] - 1, -np.abs(t)))


def contrast_of(procedure: str, x: Array, y: Array, sigma: float | None = None) -> Contrast:
    """One arm against another by a procedure; x and y are pairs where it is `PAIRED`."""
    n, m = len(x), len(y)
    p, least = float(p_values(procedure, x, y, sigma)), least_p(procedure, n, m)
    if procedure == PAIRED:
        d = x - y
        spread = float(d.std(ddof=1))
        return Contrast(procedure, (n, m), float(d.mean()), spread / math.sqrt(n), spread, n - 1, p, least)
    if procedure == UNPAIRED:
        difference, error, freedom = (float(each) for each in welch(x, y))
        return Contrast(
            procedure, (n, m), difference, error, error / math.sqrt(1 / n + 1 / m), freedom, p, least
        )
    spread = float(y.std(ddof=1)) if sigma is None else sigma
    error = spread * math.sqrt(1 / n + 1 / m)
    freedom = math.inf if procedure == SIGMA else m - 1
    return Contrast(procedure, (n, m), float(x.mean() - y.mean()), error, spread, freedom, p, least)
