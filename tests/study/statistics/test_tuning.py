"""What tuning cost, against every subset."""

from itertools import combinations

import numpy as np
import pytest

from kobai.basics.errors import UsageError
from kobai.study import statistics as s


@pytest.mark.parametrize("smaller", [True, False])
def test_best_after_k_against_every_subset(smaller):
    values = np.random.default_rng(11).normal(size=7).round(1)  # ties included
    best = min if smaller else max
    expected = [np.mean([best(subset) for subset in combinations(values, k)]) for k in range(1, 8)]
    np.testing.assert_allclose(s.best_after_k(values, smaller), expected, atol=1e-12)


def test_best_after_k_counts_failures_as_the_worst():
    expected = s.best_after_k([3, 1, 2, 3, 3])
    np.testing.assert_allclose(s.best_after_k([3, 1, 2, np.nan, np.inf]), expected)
    np.testing.assert_allclose(s.best_after_k([3, 1, 2, np.nan], False), s.best_after_k([3, 1, 2, 1], False))
    assert np.isnan(s.best_after_k([np.nan, np.inf])).all()
    assert s.best_after_k([]).shape == (0,)


def test_best_after_k_of_many_trials():
    """600 trials: C(600, 300) has 179 digits, near the end of float64."""
    curve = s.best_after_k(np.arange(600.0))
    assert curve[0] == pytest.approx(299.5)
    assert curve[-1] == 0
    assert np.all(np.diff(curve) <= 0)
    k = np.arange(1, 601)  # E[min of k out of 0 … n−1] = (n + 1)/(k + 1) − 1
    np.testing.assert_allclose(curve, 601 / (k + 1) - 1, atol=1e-9)


@pytest.mark.parametrize(
    ("reach", "decades"),
    [
        ([0, 0.5, 1, 0.6, 0], 1.0),
        ([0, 0, 1, 0, 0], 0.0),
        ([0, 0.4, np.nan, 0.1, 0], None),
        ([1, 1, 0.4, 1, 0.9], 0.5),  # a hole: two runs of half a decade, not two decades
        ([1, 1, 0, 1, 0], 0.5),
        ([1, 1, 1, 1, 1], 2.0),
    ],
)
def test_working_range(reach, decades):
    rates = 10 ** np.array([-3, -2.5, -2, -1.5, -1])
    shuffle = [3, 0, 4, 1, 2]
    for order in (slice(None), shuffle):
        got = s.working_range(rates[order], np.array(reach)[order])
        assert got is None if decades is None else got == pytest.approx(decades)


def test_auto_target():
    assert s.auto_target(0.1, 0.9, True) == pytest.approx(0.82)
    assert s.auto_target(2.0, 1.0, False) == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("start", "best", "maximize"), [(0.5, 0.5, True), (1, 2, False), (0.1, np.nan, True), (np.inf, 1, False)]
)
def test_auto_target_needs_an_improvement(start, best, maximize):
    with pytest.raises(UsageError, match="target"):
        s.auto_target(start, best, maximize)
