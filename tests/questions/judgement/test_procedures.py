"""The procedures: against scipy, and against simulated truth."""

import math

import numpy as np
import pytest
from scipy import stats

from judged import ALLOWED, SETS
from kobai.questions.judgement import looks
from kobai.questions.judgement.procedures import (
    BORROWED,
    PAIRED,
    SIGMA,
    UNPAIRED,
    contrast_of,
    deals,
    least_p,
    p_values,
    permutation_p_values,
    welch_p_values,
)
from kobai.study import statistics

SHAPES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "log-normal": lambda rng, shape: np.exp(rng.normal(size=shape)),
    "accuracies": lambda rng, shape: rng.binomial(10, 0.9, size=shape) / 10,  # many ties
}


def rejected(procedure, x, y, level=0.05, sigma=None):
    return np.mean(decided(procedure, x, y, level, sigma))


def decided(procedure, x, y, level, sigma=None):
    """Whether each set rejects. Where Welch does not, the permutation need not be made."""
    if procedure != UNPAIRED:
        return p_values(procedure, x, y, sigma) <= level
    welch = welch_p_values(x, y) <= level
    if welch.any():
        welch[welch] = p_values(UNPAIRED, x[welch], y[welch]) <= level
    return welch


# Against scipy


@pytest.mark.parametrize(("n", "m"), [(4, 4), (5, 9), (12, 3), (50, 7)])
def test_welch_is_scipys(n, m):
    x, y = np.random.default_rng(n).normal(size=(3, n)), np.random.default_rng(m).normal(size=(3, m)) + 0.4
    theirs = stats.ttest_ind(x, y, axis=1, equal_var=False)
    np.testing.assert_allclose(welch_p_values(x, y), theirs.pvalue, rtol=1e-9)
    ours = contrast_of(UNPAIRED, x[0], y[0]).interval(0.95)
    ends = stats.ttest_ind(x[0], y[0], equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(ours, (ends.low, ends.high), rtol=1e-9)


def _absolute_t(a, b, axis):
    return np.abs(stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 7), (6, 5)])
def test_the_permutation_is_scipys_over_all_deals(n, m):
    x, y = np.random.default_rng(n).normal(size=n), np.random.default_rng(m).normal(size=m) + 1
    every = {"n_resamples": np.inf, "alternative": "greater", "vectorized": True}
    theirs = stats.permutation_test((x, y), _absolute_t, **every)
    assert permutation_p_values(x, y) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_the_pairs_are_those_of_compare():
    x, y = np.random.default_rng(1).lognormal(4, 0.3, size=(2, 11))
    contrast = contrast_of(PAIRED, np.log(x), np.log(y))
    theirs = statistics.compare({"new": x, "main": y}, "main", 1e9)["new"]
    assert contrast.p == theirs.p
    np.testing.assert_allclose(np.exp(contrast.interval(0.95)), (theirs.ratio.low, theirs.ratio.high))


def test_a_known_sigma_is_a_z_test():
    x, y = np.array([1.0]), np.array([0.0, 0.2])
    z = 0.9 / (0.5 * math.sqrt(1.5))
    assert contrast_of(SIGMA, x, y, 0.5).p == pytest.approx(2 * stats.norm.sf(z))


def test_a_borrowed_spread_is_a_prediction_by_the_others():
    y = np.random.default_rng(3).normal(size=9)
    t = (2.5 - y.mean()) / (y.std(ddof=1) * math.sqrt(1 + 1 / 9))
    contrast = contrast_of(BORROWED, np.array([2.5]), y)
    assert contrast.p == pytest.approx(2 * stats.t.sf(abs(t), 8))
    assert contrast.turned().difference == -contrast.difference


# What is odd


def test_equal_runs_differ_in_nothing():
    same = np.full((1, 5), 0.25)
    for procedure in (PAIRED, UNPAIRED, BORROWED):
        assert p_values(procedure, same, same) == 1
    for a, b in ((0.1 + 0.2, 0.3), (1e-300, 1e-300), (1e9, 1e9)):  # but for rounding
        assert p_values(UNPAIRED, np.full(5, a), np.full(5, b)) == 1
    assert p_values(UNPAIRED, same, same + 1) == pytest.approx(2 / math.comb(10, 5))  # a spread of 0


@pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 5), (9, 2)])
def test_the_least_p_is_met_by_arms_that_are_far_apart(n, m):
    x, y = np.arange(n) / 100, 1000 + np.arange(m) / 100
    assert permutation_p_values(x, y) == pytest.approx(least_p(UNPAIRED, n, m))
    assert p_values(PAIRED, x[:2], y[:2]) == least_p(PAIRED, 2, 2) == 0.5


def test_shift_and_scale_change_nothing():
    x, y = np.random.default_rng(5).normal(size=(2, 40, 6))
    for procedure in (PAIRED, UNPAIRED, BORROWED):
        once = p_values(procedure, x, y)
        np.testing.assert_allclose(p_values(procedure, 1e-8 * x - 3e-6, 1e-8 * y - 3e-6), once, rtol=1e-5)


def test_deals_hold_the_observed_one_first_and_each_as_many():
    for n, m in ((3, 4), (20, 9)):
        dealt = deals(n, m)
        assert dealt[0].tolist() == [1] * n + [0] * m
        assert (dealt.sum(axis=1) == n).all()
    assert len(np.unique(deals(3, 4), axis=0)) == math.comb(7, 3)


# Simulated truth: the same distribution on both sides


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("n", "m"), [(4, 4), (5, 9), (12, 7), (50, 50)])
def test_unpaired_arms_of_one_distribution(shape, n, m):
    rng = np.random.default_rng([n, m])
    x, y = SHAPES[shape](rng, (SETS, n)), SHAPES[shape](rng, (SETS, m))
    assert rejected(UNPAIRED, x, y) <= ALLOWED


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [2, 6, 10, 50])
def test_pairs_of_one_distribution(shape, n):
    rng = np.random.default_rng(n)
    x, y = SHAPES[shape](rng, (2, SETS, n))
    assert rejected(PAIRED, x, y) <= ALLOWED


@pytest.mark.parametrize("procedure", [PAIRED, UNPAIRED])
def test_steps_of_one_distribution_a_fifth_cut_off_at_the_budget(procedure):
    """As `--by steps` has them: logarithms of times, the budget where a run does not arrive."""
    rng = np.random.default_rng(21)
    times = rng.lognormal(5, 0.5, size=(2, SETS, 10))
    x, y = statistics.log_steps(times, np.quantile(times, 0.8))
    assert rejected(procedure, x, y) <= ALLOWED


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (3, 3)])
def test_a_known_sigma(n, m):
    rng = np.random.default_rng([n, m])
    assert rejected(SIGMA, rng.normal(size=(SETS, n)), rng.normal(size=(SETS, m)), sigma=1.0) <= ALLOWED


@pytest.mark.parametrize(("n", "m"), [(1, 5), (1, 20), (3, 8)])
def test_a_borrowed_spread(n, m):
    """Of normal runs; docs/how-to/judge.md says by how much it is wrong for others."""
    rng = np.random.default_rng([n, m])
    assert rejected(BORROWED, rng.normal(size=(SETS, n)), rng.normal(size=(SETS, m))) <= ALLOWED


@pytest.mark.parametrize("procedure", [PAIRED, UNPAIRED])
def test_a_growing_file_at_all_looks(procedure):
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, SETS, 64))
    wrong, often = np.zeros(SETS, bool), np.zeros(SETS, bool)
    for runs, level in looks.looks(64):
        now = procedure, x[:, :runs], y[:, :runs]
        wrong, often = wrong | decided(*now, level), often | decided(*now, 0.05)
    assert wrong.mean() <= ALLOWED
    assert often.mean() > 0.08  # what is avoided: five looks without correction


# Each of the two alone is wrong somewhere, which is why both must agree


def test_welch_alone_is_wrong_where_few_runs_meet_many():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(SETS, 2)), rng.normal(size=(SETS, 10))
    assert np.mean(welch_p_values(x, y) <= 0.05) > 0.08
    assert rejected(UNPAIRED, x, y) <= ALLOWED


def test_the_permutation_alone_is_wrong_where_few_vary_more():
    rng = np.random.default_rng(3)
    x, y = 3 * rng.normal(size=(SETS, 3)), rng.normal(size=(SETS, 20))
    assert np.mean(permutation_p_values(x, y) <= 0.05) > 0.08
    assert rejected(UNPAIRED, x, y) <= ALLOWED


# Power


@pytest.mark.parametrize("n", [8, 10, 20])
def test_power_is_within_three_points_of_theory(n):
    rng, shift = np.random.default_rng(n), 1.2
    x, y = rng.normal(size=(SETS, n)), rng.normal(size=(SETS, n)) + shift
    t = stats.t.isf(0.025, 2 * n - 2)
    theory = stats.nct.sf(t, 2 * n - 2, shift * math.sqrt(n / 2))
    assert rejected(UNPAIRED, x, y) == pytest.approx(theory, abs=0.03)
    theory = stats.nct.sf(stats.t.isf(0.025, n - 1), n - 1, 0.9 * math.sqrt(n / 2))
    assert rejected(PAIRED, x, y - shift + 0.9) == pytest.approx(theory, abs=0.03)


def test_equivalence_is_the_interval_at_90_percent_inside_the_margin():
    rng = np.random.default_rng(7)
    for procedure in (PAIRED, UNPAIRED):
        contrast = contrast_of(procedure, *rng.normal(size=(2, 9)))
        low, high = contrast.interval(0.9)
        edge = max(-low, high)
        assert contrast.equivalence_p(edge) == pytest.approx(0.05)
        assert contrast.equivalence_p(edge * 1.01) < 0.05 < contrast.equivalence_p(edge * 0.99)
    at_margin = zip(rng.normal(size=(400, 30)), rng.normal(size=(400, 30)) + 0.7, strict=True)
    said = [contrast_of(UNPAIRED, x, y).equivalence_p(0.7) <= 0.05 for x, y in at_margin]
    assert np.mean(said) <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / 400)
