"""A candidate against the reference, paired by seed: ratio, difference, test, and correction for a family."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kobai.basics.errors import UsageError, unknown
from kobai.study.statistics.estimates import NOT_ESTIMABLE, Array, Estimate, log_steps, mean, restricted
from kobai.study.statistics.flips import FLIPS, p_values, signs


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
    """"≥" where no run of the candidate arrived, so that the ratio is at least the low end of its interval;
    "≤" where none of the reference did, so that it is at most the high end; "=" where both arrive at the same
    step on every seed; else ""."""


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
    logs = mean(ratios)
    value, low, high = (
        None if log is None else float(np.exp(log)) for log in (logs.value, logs.low, logs.high)
    )
    return Estimate(value, low, high)


def paired_difference(values: npt.ArrayLike, reference_values: npt.ArrayLike) -> Estimate:
    """The mean over seeds of value − reference's value, with Student's interval.

    For what every run has, such as a test metric. A pair of which one run has none (NaN: it diverged) says
    nothing and is left out, so a difference speaks of the runs that both end well; the reach rates tell of
    the others. Not estimable where no pair is left.

    Args:
        values, reference_values: of the same seeds in the same order, [seeds].

    Raises:
        UsageError: the two have different numbers of seeds.
    """
    values, reference_values = np.asarray(values, float), np.asarray(reference_values, float)
    if values.shape != reference_values.shape:
        raise UsageError("error.unpaired", count=values.shape[-1], expected=reference_values.shape[-1])
    both = np.isfinite(values) & np.isfinite(reference_values)
    return mean(values[both] - reference_values[both])


def sign_flip_p(times: npt.ArrayLike, reference_times: npt.ArrayLike) -> float:
    """Two-sided p-value of the paired sign-flip test on the mean log ratio; 1 where all pairs are equal.

    If rule and reference are alike, swapping the two of a pair changes nothing, so each log ratio is as
    likely with the other sign (Fisher 1935; Pitman 1937). Exact over all 2ⁿ flips up to 12 seeds; beyond,
    the identity and 4,095 random ones, always the same, and p is at least 1/4096.

    Args:
        times, reference_times: restricted steps of the same seeds in the same order, [seeds].

    Raises:
        UsageError: different numbers of seeds, or times that are not restricted.
    """
    return float(sign_flip_p_values(_log_ratios(times, reference_times)))


def sign_flip_p_values(log_ratios: npt.ArrayLike) -> Array:
    """`sign_flip_p` of many comparisons at once: log ratios [..., seeds] to p-values [...]."""
    log_ratios = np.asarray(log_ratios, float)
    *shape, seeds = log_ratios.shape
    return p_values(log_ratios.reshape(math.prod(shape), seeds), signs(seeds)).reshape(shape)


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
    """The smallest corrected p that so many seeds can give: m·2^(1−n), for one clear winner of the family.

    Beyond 12 seeds, where the flips are drawn at random, it is m/4096.
    """
    return min(1.0, comparisons * max(2 / 2**seeds, 1 / FLIPS))


def seeds_needed(comparisons: int, level: float = 0.05) -> int | None:
    """The fewest seeds whose `smallest_p` is at most `level`; None where no number of seeds is enough.

    Beyond 12 seeds more of them make the smallest p no smaller.
    """
    enough = (seeds for seeds in range(1, FLIPS.bit_length() + 1) if smallest_p(comparisons, seeds) <= level)
    return next(enough, None)


def compare(
    times: Mapping[str, npt.ArrayLike], reference: str, budget: float, fixed: Collection[str] = ()
) -> dict[str, Comparison]:
    """Every candidate against the reference: ratio, p, and p corrected by Holm within this family.

    The error control holds only if the reference was fixed before these seeds were run: chosen as the best
    of seven on the same seeds, it makes false claims in 8–10 % of studies instead of 5.

    Args:
        times: steps of each candidate, [seeds], inf where never, the same seeds in the same order.
        reference: its name in `times`.
        budget: steps.
        fixed: those whose runs the seed does not change: the same curve on every seed. Against such a
            reference theirs is one pair, however often it is repeated, and one pair shows nothing.

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
    one_pair = [reference in fixed and name in fixed for name in names]
    p_values = np.where(one_pair, 1.0, p_values)
    return {
        name: Comparison(
            name,
            _once(paired_ratio(times[name], at_reference, budget), alone),
            float(p),
            float(corrected),
            bound(times[name], times[reference], budget),
        )
        for name, p, corrected, alone in zip(names, p_values, holm(p_values), one_pair, strict=True)
    }


def limit(ratio: Estimate, bound: str) -> float | None:
    """What a ratio is at least ("≥") or at most ("≤"): an end of its interval; None where there is none.

    The ratio itself is no bound. With one side cut off at the budget it estimates a bound of the true ratio,
    and lies beyond that bound in half of all studies; the end of its interval does in one of forty.
    """
    return {"≥": ratio.low, "≤": ratio.high}.get(bound)


def _once(ratio: Estimate, alone: bool) -> Estimate:
    """The ratio, without its interval where it is of one pair alone."""
    return Estimate(ratio.value, None, None) if alone else ratio


def bound(times: npt.ArrayLike, reference_times: npt.ArrayLike, budget: float) -> str:
    """What a ratio is where no run of one side alone has arrived: at least "≥", at most "≤"; where all pairs
    are equal and some arrive: "="; else ""."""
    arrived, reference_arrived = (
        bool((np.asarray(side, float) <= budget).any()) for side in (times, reference_times)
    )
    one, other = (
        np.where(np.asarray(side, float) <= budget, side, np.inf) for side in (times, reference_times)
    )
    if arrived and np.array_equal(one, other):  # to arrive at the very end is not to arrive never
        return "="
    return {(False, True): "≥", (True, False): "≤"}.get((arrived, reference_arrived), "")


def _log_ratios(times: npt.ArrayLike, reference_times: npt.ArrayLike) -> Array:
    """log(times / reference_times), pair by pair; a target met at the start counts as one step."""
    times, reference_times = np.asarray(times, float), np.asarray(reference_times, float)
    if times.shape != reference_times.shape:  # would broadcast silently if one side had one seed
        raise UsageError("error.unpaired", count=times.shape[-1], expected=reference_times.shape[-1])
    if not (np.isfinite(times).all() and np.isfinite(reference_times).all()):
        raise UsageError("error.unrestricted")
    return log_steps(times, np.inf) - log_steps(reference_times, np.inf)
