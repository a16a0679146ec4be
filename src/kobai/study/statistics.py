"""What a study's runs say, and how surely: pure functions from arrays of numbers to estimates.

A run becomes one number, its *steps to target* (`steps_to_target`), which is infinite where the target was
never met. `restricted` counts such a run as the whole budget. From there:

- one candidate: `mean_steps`, `wilson` (reach rate), `kaplan_meier`, `steps_with_restarts`;
- a candidate against the reference, paired by seed: `paired_ratio`, `sign_flip_p`, and for a whole family
  `compare`, corrected by `holm`; `smallest_p` and `seeds_needed` say what so many seeds can show at best;
- the cost of tuning: `best_after_k`, `working_range`; and `auto_target` where a task states none.

Intervals are 95 %, two-sided. scipy.stats takes a second to import, so each function imports it when called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from kobai.errors import UsageError, unknown

LEVEL = 0.95
"""Confidence of every interval."""
BOOTSTRAP_FROM = 20
"""Runs from which a mean gets a bootstrap interval instead of Student's."""
FLIPS = 2**13
"""Sign flips of the permutation test: all of them up to 13 seeds, so many random ones beyond."""
BATCH = 2**22
"""Numbers the permutation test holds at once (32 MB)."""

Array = np.ndarray


@dataclass(frozen=True)
class Interval:
    """Two ends of a 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    `value` None means "not estimable"; `low` and `high` alone None means that one run tells no spread.
    """

    value: float | None
    low: float | None
    high: float | None


NOT_ESTIMABLE = Estimate(None, None, None)


@dataclass(frozen=True)
class Comparison:
    """One candidate against the reference.

    `ratio` is in steps (below 1: the candidate is faster), `p` the two-sided p-value of its paired test,
    `corrected_p` the same after Holm's correction for every comparison of the family.
    """

    name: str
    ratio: Estimate
    p: float
    corrected_p: float
    bound: str = ""
    """"≥" where no run of the candidate arrived, so that the ratio is at least this; "≤" where none of the
    reference did; else ""."""


# From curves to times


def steps_to_target(steps: npt.ArrayLike, curves: npt.ArrayLike, target: float, maximize: bool) -> Array:
    """The first step at which each run's metric meets the target; inf where it never does.

    Args:
        steps: the steps at which the metric was evaluated, ascending, [evaluations].
        curves: the metric of each run at those steps, NaN after divergence, [..., evaluations].
        target: met by a metric >= target if `maximize`, <= target otherwise.

    Returns:
        Steps, [...]. "Reached" means the first time: a run that meets the target and diverges, or falls back,
        later has reached it (`protocol.times` sets a diverged run to inf). A NaN or infinite metric never
        meets a target (a loss of -inf is no success).
    """
    curves = np.asarray(curves, float)
    meets = np.isfinite(curves) & (curves >= target if maximize else curves <= target)
    return np.where(meets.any(axis=-1), np.asarray(steps, float)[meets.argmax(axis=-1)], np.inf)


def restricted(times: npt.ArrayLike, budget: float) -> Array:
    """Times with every run that did not arrive within the budget counted as the budget.

    A run that never arrives, or diverges, is a finished result: dropped it would flatter the rules that
    fail, and censored at its crash it would look faster the sooner it crashed. A time of NaN is such a run.
    """
    return np.fmin(np.asarray(times, float), budget)


# One candidate


def mean_steps(restricted_times: npt.ArrayLike, budget: float) -> Estimate:
    """The restricted mean of the steps to target, with its interval inside [0, budget].

    Student's interval below 20 runs, a bootstrap from there on; runs that are all equal give an interval of
    no width, one run gives none. Neither method can know of a failure that it has not seen: where one run in
    20 would not arrive and all 10 did, the interval is too low. The reach rate's interval (`wilson`) says how
    much room there is for such failures; show it beside.

    Args:
        restricted_times: steps, [runs]; times not yet restricted are, here.
        budget: steps.
    """
    times = restricted(restricted_times, budget)
    if times.size == 0:
        return NOT_ESTIMABLE
    mean = float(times.mean())
    if times.size == 1:
        return Estimate(mean, None, None)
    if np.ptp(times) == 0:
        return Estimate(mean, mean, mean)
    interval = _bootstrap_interval(times) if times.size >= BOOTSTRAP_FROM else _t_interval(times)
    return Estimate(mean, max(interval.low, 0.0), min(interval.high, float(budget)))


def wilson(successes: int, trials: int) -> Estimate:
    """A rate of success with Wilson's score interval, which stays inside [0, 1] and open at 0 and n."""
    if trials == 0:
        return NOT_ESTIMABLE
    from scipy import stats

    interval = stats.binomtest(int(successes), int(trials)).proportion_ci(LEVEL, method="wilson")
    return Estimate(successes / trials, float(interval.low), float(interval.high))


def kaplan_meier(times: npt.ArrayLike, budget: float) -> tuple[Array, Array]:
    """The fraction of runs that have reached the target by each step (one minus Kaplan–Meier's survival).

    Runs are right-censored at the budget only; a diverged run never arrives, so it too stands there.

    Args:
        times: steps, [runs], inf or NaN where never.
        budget: steps.

    Returns:
        Steps and fractions, both [points], from (0, 0) to the budget: corners of a line that is held until
        the next step and then jumps (plotly's `line.shape="hv"`).
    """
    from scipy import stats

    times = np.asarray(times, float)
    arrives = times <= budget
    cdf = stats.ecdf(stats.CensoredData.right_censored(restricted(times, budget), ~arrives)).cdf
    steps, fraction = np.r_[0.0, cdf.quantiles], np.r_[0.0, cdf.probabilities]
    if steps[-1] == budget:
        return steps, fraction
    return np.r_[steps, budget], np.r_[fraction, fraction[-1]]


def steps_with_restarts(restricted_times: npt.ArrayLike, reached: npt.ArrayLike) -> float:
    """Expected steps until one run arrives, restarting with a new seed after each failure; inf if none does.

    All steps spent, failures included, per success: Σ times / successes. (A geometric number of failures at
    the budget each, then one success: for a reach rate r that is B (1 − r)/r + mean steps of a success.)

    Args:
        restricted_times: steps, [runs].
        reached: whether each run arrived, [runs], or how many did.
    """
    successes = int(np.sum(reached))
    return float(np.sum(restricted_times)) / successes if successes else float("inf")


# A candidate against the reference, paired by seed


def paired_ratio(times: npt.ArrayLike, reference_times: npt.ArrayLike, budget: float) -> Estimate:
    """The geometric mean over seeds of steps / reference's steps, with Student's interval on the logs.

    Not estimable where neither side ever arrives, or where every pair is equal. Where only one side fails the
    pair says "at least" the ratio to the budget, so with failures the ratio is drawn towards 1.

    Student's interval at every number of seeds: simulated on normal, log-normal and bimodal times with 5, 20,
    50 and 80 % of failures it covers 92–96 % from 5 seeds up (a percentile bootstrap of 20 seeds 91–93 %,
    and no better than Student's once expanded), because the difference of two logs is nearly symmetric.

    Args:
        times, reference_times: steps of the same seeds in the same order, [seeds], inf where never.
        budget: steps.

    Raises:
        UsageError: the two have different numbers of seeds.
    """
    ratios = _log_ratios(restricted(times, budget), restricted(reference_times, budget))
    if not ratios.any():
        return NOT_ESTIMABLE
    value = float(np.exp(ratios.mean()))
    if ratios.size == 1:
        return Estimate(value, None, None)
    if np.ptp(ratios) == 0:
        return Estimate(value, value, value)
    interval = _t_interval(ratios)
    return Estimate(value, float(np.exp(interval.low)), float(np.exp(interval.high)))


def sign_flip_p(times: npt.ArrayLike, reference_times: npt.ArrayLike) -> float:
    """Two-sided p-value of the paired sign-flip test on the mean log ratio; 1 where all pairs are equal.

    If rule and reference are alike, swapping the two of a pair changes nothing, so each log ratio is as
    likely with the other sign (Fisher 1935; Pitman 1937). Exact over all 2ⁿ flips up to 13 seeds; beyond,
    8,192 random ones, always the same, and p is at least 2/8193.

    Args:
        times, reference_times: restricted steps of the same seeds in the same order, [seeds].

    Raises:
        UsageError: different numbers of seeds, or times that are not restricted.
    """
    return float(sign_flip_p_values(_log_ratios(times, reference_times)))


def sign_flip_p_values(log_ratios: npt.ArrayLike) -> Array:
    """`sign_flip_p` of many comparisons at once: log ratios [..., seeds] to p-values [...]."""
    log_ratios = np.asarray(log_ratios, float)
    if log_ratios.shape[-1] < 2 or log_ratios.size == 0:  # one seed has two flips of the same size
        return np.ones(log_ratios.shape[:-1])
    from scipy import stats

    return stats.permutation_test(
        (log_ratios,),
        lambda x, axis: np.round(np.sum(x, axis=axis), 9),  # so that ties stay ties: log 2 + log 2 = log 4
        permutation_type="samples",
        vectorized=True,
        axis=-1,
        n_resamples=FLIPS,
        batch=max(1, BATCH // log_ratios.size),
        rng=np.random.default_rng(0),
    ).pvalue


def holm(p_values: npt.ArrayLike) -> Array:
    """Holm's step-down correction of a family of p-values, [..., comparisons] to the same shape.

    The i-th smallest of m is multiplied by m − i + 1, none becomes smaller than the one before it, and none
    exceeds 1. Controls the family-wise error under any dependence (Holm 1979, Scand. J. Statist. 6, 65–70).
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, axis=-1)
    stepped = np.take_along_axis(p, order, axis=-1) * np.arange(p.shape[-1], 0, -1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.maximum.accumulate(stepped, axis=-1), axis=-1)
    return np.minimum(corrected, 1)


def smallest_p(comparisons: int, seeds: int) -> float:
    """The smallest corrected p that so many seeds can give: m·2^(1−n), for one clear winner of the family."""
    return min(1.0, comparisons * 2.0 ** (1 - seeds))


def seeds_needed(comparisons: int, level: float = 0.05) -> int:
    """The fewest seeds whose `smallest_p` is at most `level`."""
    return next(seeds for seeds in count(1) if smallest_p(comparisons, seeds) <= level)


def compare(times: Mapping[str, npt.ArrayLike], reference: str, budget: float) -> dict[str, Comparison]:
    """Every candidate against the reference: ratio, p, and p corrected by Holm within this family.

    The error control holds only if the reference was fixed before these seeds were run: chosen as the best
    of seven on the same seeds, it makes false claims in 8–10 % of studies instead of 5.

    Args:
        times: steps of each candidate, [seeds], inf where never, the same seeds in the same order.
        reference: its name in `times`.
        budget: steps.

    Returns:
        Comparisons by name, in the order of `times`, without the reference.

    Raises:
        UsageError: no such reference, or different numbers of seeds.
    """
    if reference not in times:
        raise unknown("kind.reference", reference, times)
    names = [name for name in times if name != reference]
    if not names:
        return {}
    at_reference = restricted(times[reference], budget)
    ratios = np.stack([_log_ratios(restricted(times[name], budget), at_reference) for name in names])
    p_values = sign_flip_p_values(ratios)
    return {
        name: Comparison(
            name,
            paired_ratio(times[name], at_reference, budget),
            float(p),
            float(corrected),
            bound(times[name], times[reference], budget),
        )
        for name, p, corrected in zip(names, p_values, holm(p_values), strict=True)
    }


def bound(times: npt.ArrayLike, reference_times: npt.ArrayLike, budget: float) -> str:
    """What a ratio is where no run of one side alone has arrived: at least "≥", at most "≤"; else ""."""
    arrived, reference_arrived = (
        bool((np.asarray(side, float) <= budget).any()) for side in (times, reference_times)
    )
    return {(False, True): "≥", (True, False): "≤"}.get((arrived, reference_arrived), "")


# The cost of tuning


def best_after_k(values: npt.ArrayLike, smaller_is_better: bool = True) -> Array:
    """The expected best of k = 1 … n trials drawn without replacement from these n, [n].

    With the values sorted best first, the best of k is worse than the i-th with probability
    C(n − i, k)/C(n, k), so E = x₁ + Σᵢ (xᵢ₊₁ − xᵢ) C(n − i, k)/C(n, k): exact, no resampling.

    A NaN or infinite value (a diverged trial) counts as the worst finite one of these trials; give steps
    restricted to the budget, so that a failure costs what it cost. All NaN if no value is finite.
    """
    values = np.asarray(values, float)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.full(values.shape, np.nan)
    sign = 1 if smaller_is_better else -1
    x = np.sort(np.where(np.isfinite(values), sign * values, (sign * finite).max()))
    n = x.size
    i, draw = np.arange(1, n), np.arange(n)[:, None]
    # C(n − i, k)/C(n, k) = Π (n − i − j)/(n − j) over draws j < k: each draw misses the i best.
    all_miss = np.cumprod(np.clip((n - i - draw) / (n - draw), 0, None), axis=0)
    return sign * (x[0] + all_miss @ np.diff(x))


def working_range(learning_rates: npt.ArrayLike, reach_rates: npt.ArrayLike) -> float | None:
    """Decades between the ends of the widest unbroken run of learning rates that work.

    A rate works if at least half of its runs reach the target. A tried rate that does not work ends a run,
    since a range with a hole is no range to rely on. Only what lies between tried rates is claimed: n
    neighbours half a decade apart span (n − 1)/2 decades, a single rate 0. A lower bound where the run
    touches the edge of the grid. None where no rate works.

    Args:
        learning_rates: one of each, positive, in any order, [rates].
        reach_rates: fraction of each rate's runs that reached the target, NaN where none was run, [rates].
    """
    rates = np.asarray(learning_rates, float)
    order = np.argsort(rates)
    widest, first = None, None
    for rate, works in zip(rates[order], np.asarray(reach_rates, float)[order] >= 0.5, strict=True):
        first = (rate if first is None else first) if works else None
        if first is not None:
            widest = max(widest or 0.0, float(np.log10(rate / first)))
    return widest


def auto_target(start: float, best_median: float, maximize: bool) -> float:
    """The metric 90 % of the way from its start to the best tuning median, for a task that states no target.

    Raises:
        UsageError: tuning has not improved the metric, so that there is no way to take a part of.
    """
    improved = best_median > start if maximize else best_median < start
    if not (improved and np.isfinite(best_median - start)):
        raise UsageError("error.auto_target", start=start, best=best_median)
    return start + 0.9 * (best_median - start)


def _log_ratios(times: npt.ArrayLike, reference_times: npt.ArrayLike) -> Array:
    """log(times / reference_times), pair by pair; a target met at the start counts as one step."""
    times, reference_times = np.asarray(times, float), np.asarray(reference_times, float)
    if times.shape != reference_times.shape:  # would broadcast silently if one side had one seed
        raise UsageError("error.unpaired", count=times.shape[-1], expected=reference_times.shape[-1])
    if not (np.isfinite(times).all() and np.isfinite(reference_times).all()):
        raise UsageError("error.unrestricted")
    return np.log(np.maximum(times, 1)) - np.log(np.maximum(reference_times, 1))


def _t_interval(values: Array) -> Interval:
    """Student's interval for the mean of values [n], n at least 2 and not all equal."""
    from scipy import stats

    low, high = stats.t.interval(LEVEL, values.size - 1, loc=values.mean(), scale=stats.sem(values))
    return Interval(float(low), float(high))


def _bootstrap_interval(values: Array) -> Interval:
    """Expanded percentile bootstrap interval for the mean of values [n], the same at every call.

    The plain percentile interval is as narrow as a normal one with n in the variance: 95 % becomes 92 % at
    n = 20. Its percentiles are moved out to where Student's interval would be for normal values (Hesterberg
    2015, The American Statistician 69(4), 371–386), which keeps its asymmetry and restores the coverage.
    """
    from scipy import stats

    n = values.size
    tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 - LEVEL) / 2, n - 1))
    interval = stats.bootstrap(
        (values,), np.mean, confidence_level=1 - 2 * tail, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return Interval(float(interval.low), float(interval.high))
