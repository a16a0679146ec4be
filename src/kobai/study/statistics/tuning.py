"""The cost of tuning, and a target where a task states none."""

import numpy as np
import numpy.typing as npt

from kobai.basics.errors import UsageError
from kobai.study.statistics.estimates import Array


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
