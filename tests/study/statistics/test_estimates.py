"""Estimates of one candidate against hand values, formulas and simulated truth."""

import numpy as np
import pytest
import scipy.stats
from scipy import stats

from kobai.study import statistics as s
from kobai.study.statistics import estimates
from simulated import BUDGET, covered, least, most


def test_steps_to_target_is_the_first_time():
    nan, inf = np.nan, np.inf
    steps = [0, 10, 20, 30]
    curves = [
        [0.1, 0.9, 0.5, 0.9],  # falls back, stays reached
        [0.1, 0.2, 0.3, 0.4],  # never
        [0.1, 0.9, nan, nan],  # diverges afterwards
        [0.1, nan, nan, nan],  # diverges before
        [0.8, 0.8, 0.8, 0.8],  # met at the start, exactly
        [0.1, inf, nan, nan],  # an infinite metric is no success
    ]
    np.testing.assert_array_equal(s.steps_to_target(steps, curves, 0.8, True), [10, inf, 10, inf, 0, inf])
    falling = -np.array(curves)
    np.testing.assert_array_equal(s.steps_to_target(steps, falling, -0.8, False), [10, inf, 10, inf, 0, inf])


def test_restricted_counts_every_failure_as_the_budget():
    times = s.restricted([30, np.inf, 501, 500, np.nan], BUDGET)
    np.testing.assert_array_equal(times, [30, 500, 500, 500, 500])


def test_logarithms_of_steps_begin_at_one_step_and_end_at_the_budget():
    logs = s.log_steps([0, 1, 50, 500, 501, np.inf, np.nan], BUDGET)
    np.testing.assert_allclose(np.exp(logs), [1, 1, 50, 500, 500, 500, 500])


# One candidate


def test_mean_of_few_runs_is_students_interval():
    # By hand: mean 20, s = 10, t(.975, 2) = 4.302653 from tables, so 20 ± 4.302653·10/√3.
    estimate = s.mean_steps([10, 20, 30], 1000)
    assert estimate.value == 20
    assert estimate.high == pytest.approx(20 + 24.8414, abs=1e-3)
    assert estimate.low == 0  # −4.84, clipped


def test_mean_counts_failures_and_stays_within_the_budget():
    estimate = s.mean_steps([100, np.inf, np.inf], BUDGET)
    assert estimate.value == pytest.approx(1100 / 3)
    assert estimate.high == BUDGET


@pytest.mark.parametrize("runs", [2, 10, 40])
def test_equal_runs_give_an_interval_of_no_width(runs):
    assert s.mean_steps([70] * runs, BUDGET) == s.Estimate(70, 70, 70)


@pytest.mark.parametrize("runs", [2, 10, 40])
def test_runs_that_all_miss_still_leave_room_for_one_that_would_arrive(runs):
    """The chance to arrive is below Wilson's upper end, z² / (n + z²), and an arrival is worth the budget."""
    z = scipy.stats.norm.ppf(0.98)
    mean = s.mean_steps([np.inf] * runs, BUDGET)
    assert (mean.value, mean.high) == (BUDGET, BUDGET)
    assert mean.low == pytest.approx(BUDGET * (1 - z**2 / (runs + z**2)))


def test_too_few_runs_claim_no_interval():
    assert s.mean_steps([70], BUDGET) == s.Estimate(70, None, None)
    assert s.paired_ratio([70], [35], BUDGET) == s.Estimate(pytest.approx(2), None, None)
    assert s.mean_steps([], BUDGET) == s.wilson(0, 0) == s.Estimate(None, None, None)


# Normal times: Student's interval is exact. From 20 runs the bootstrap, expanded to match it.
@pytest.mark.parametrize(("runs", "studies"), [(2, 1000), (5, 1000), (10, 1000), (20, 400), (40, 200)])
def test_mean_covers_as_promised(runs, studies):
    samples = np.random.default_rng(runs).normal(200, 20, (studies, runs))
    rate = covered([s.mean_steps(x, 10_000) for x in samples], 200)
    # Clipping at 0 and the budget never cuts the truth off. The bootstrap is allowed one point: its own
    # random resampling and the normal approximation of its tail.
    slack = 0.01 if runs >= 20 else 0
    assert least(studies, 0.95 - slack) <= rate <= most(studies, 0.95 + slack)


def test_what_is_computed_here_is_what_scipy_has():
    """Without its module of statistics, which takes longer to import than the answer to compute."""
    rng = np.random.default_rng(1)
    for n in (2, 5, 19, 20, 40):
        values = rng.lognormal(4, 0.5, n)
        own = estimates.t_interval(values)
        student = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
        np.testing.assert_allclose([own.low, own.high], student, rtol=1e-12)
        tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1))
        level, random = 1 - 2 * tail, np.random.default_rng(0)
        given = {"confidence_level": level, "method": "percentile", "rng": random}
        own, ends = estimates.bootstrap_interval(values), stats.bootstrap((values,), np.mean, **given)
        np.testing.assert_allclose([own.low, own.high], ends.confidence_interval, rtol=1e-12)
        times = np.where(rng.random(n) < 0.3, np.inf, rng.integers(1, 12, n)).astype(float)
        seen = stats.CensoredData.right_censored(np.fmin(times, 10), times > 10)
        cdf = stats.ecdf(seen).cdf
        steps, fraction = s.kaplan_meier(times, 10)
        np.testing.assert_array_equal(steps[1 : 1 + len(cdf.quantiles)], cdf.quantiles)
        np.testing.assert_allclose(fraction[1 : 1 + len(cdf.quantiles)], cdf.probabilities, atol=1e-12)
        for k in range(n + 1):
            own, ends = s.wilson(k, n, 0.96), stats.binomtest(k, n).proportion_ci(0.96, "wilson")
            np.testing.assert_allclose([own.low, own.high], [ends.low, ends.high], atol=1e-12)


def test_bootstrap_is_as_wide_as_students_interval_for_normal_runs():
    """And the planted plain percentile interval is not: 95 % of it would be 92.8 %."""
    runs = stats.norm.ppf(np.arange(0.5, 20) / 20) * 20 + 200
    estimate = s.mean_steps(runs, 10_000)
    student = 2 * stats.t.ppf(0.975, 19) * stats.sem(runs)
    assert estimate.high - estimate.low == pytest.approx(student, rel=0.03)
    plain = stats.bootstrap((runs,), np.mean, method="percentile", rng=np.random.default_rng(0))
    low, high = plain.confidence_interval
    assert high - low < 0.93 * student


def half_fail(rng, shape):
    """Fast where it arrives (about 50 steps), and in half the runs it never does: truly 275."""
    return np.where(rng.random(shape) < 0.5, np.inf, rng.normal(50, 5, shape))


def test_mean_with_failures_covers_and_dropping_them_does_not():
    samples = half_fail(np.random.default_rng(2), (1000, 12))
    truth = 0.5 * BUDGET + 0.5 * 50
    kept = covered([s.mean_steps(x, BUDGET) for x in samples], truth)
    assert kept >= least(1000, 0.95)
    dropped = [s.mean_steps(x[np.isfinite(x)], BUDGET) for x in samples if np.isfinite(x).sum() > 1]
    assert covered(dropped, truth) == 0  # the planted mistake, blind to every failure


def lognormal_half_fail(rng, shape):
    return np.where(rng.random(shape) < 0.5, np.inf, np.exp(rng.normal(np.log(50), 0.3, shape)))


@pytest.mark.parametrize("failures", [False, True])
def test_the_geometric_mean_covers_as_promised(failures):
    rng = np.random.default_rng(4)
    if failures:
        samples, truth = lognormal_half_fail(rng, (1000, 12)), (50 * BUDGET) ** 0.5
    else:
        samples, truth = np.exp(rng.normal(np.log(50), 0.3, (1000, 10))), 50
    rate = covered([s.geometric_steps(x, BUDGET) for x in samples], truth)
    assert rate >= least(1000, 0.95)
    arithmetic = covered([s.mean_steps(x, BUDGET) for x in samples], truth)
    if failures:  # the planted mistake: the mean of the steps is another number
        assert arithmetic < least(1000, 0.95)
    else:
        assert rate <= most(1000, 0.95)


def test_the_geometric_mean_by_hand():
    estimate = s.geometric_steps([10, 1000, 10_000], 1000)
    assert estimate.value == pytest.approx((10 * 1000 * 1000) ** (1 / 3))
    assert 1 <= estimate.low < estimate.value < estimate.high <= 1000
    assert s.geometric_steps([50] * 7, BUDGET) == s.Estimate(50, pytest.approx(50), pytest.approx(50))
    assert s.geometric_steps([0, 0], BUDGET).value == 1
    assert s.geometric_mean([np.inf, np.inf], BUDGET) == BUDGET
    assert s.geometric_steps([70], BUDGET) == s.Estimate(70, None, None)


def test_dropping_or_censoring_failures_turns_the_ranking_round():
    """A rule that fails half the time must not beat one that always needs 100 steps."""
    flaky = half_fail(np.random.default_rng(3), 200)
    crash_at = np.where(np.isfinite(flaky), flaky, 20)  # a crash after 20 steps taken as a time
    reliable = np.full(200, 100.0)
    assert s.mean_steps(flaky, BUDGET).low > s.mean_steps(reliable, BUDGET).value
    assert s.mean_steps(flaky[np.isfinite(flaky)], BUDGET).high < 100  # planted: dropped
    assert s.mean_steps(crash_at, BUDGET).high < 100  # planted: censored at its crash
    assert s.paired_ratio(flaky, reliable, BUDGET).low > 1


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("trials", [10, 50])
def test_wilson_against_its_formula_and_its_coverage(rate, trials):
    z = stats.norm.ppf(0.975)
    k = np.arange(trials + 1)
    p = k / trials
    centre = (p + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    estimates = [s.wilson(i, trials) for i in k]
    np.testing.assert_allclose([e.low for e in estimates], centre - half, atol=1e-12)
    np.testing.assert_allclose([e.high for e in estimates], centre + half, atol=1e-12)
    assert [e.value for e in estimates] == list(p)
    covers = np.array([e.low <= rate <= e.high for e in estimates])
    # Exact coverage of a discrete interval swings about .95; Wilson's stays above .92 at these points.
    assert 0.92 < stats.binom.pmf(k, trials, rate)[covers].sum() < 0.99


def test_kaplan_meier_against_hand_values():
    steps, fraction = s.kaplan_meier([30, 10, np.inf, 10, 600, np.nan, 40, np.inf], BUDGET)
    np.testing.assert_array_equal(steps, [0, 10, 30, 40, 500])
    np.testing.assert_allclose(fraction, [0, 2 / 8, 3 / 8, 4 / 8, 4 / 8])


@pytest.mark.parametrize(
    ("times", "steps", "fraction"),
    [
        ([np.inf, np.inf], [0, 500], [0, 0]),
        ([20, 20], [0, 20, 500], [0, 1, 1]),
        ([20, 500], [0, 20, 500], [0, 0.5, 1]),  # arrives with the last step: an event, not censored
        ([0, np.inf], [0, 0, 500], [0, 0.5, 0.5]),
    ],
)
def test_kaplan_meier_at_the_edges(times, steps, fraction):
    got = s.kaplan_meier(times, BUDGET)
    np.testing.assert_array_equal(got[0], steps)
    np.testing.assert_allclose(got[1], fraction)


def test_restarts_cost_what_they_spent():
    assert s.steps_with_restarts([100, np.inf, np.inf, 100], 500).value == 600
    assert s.steps_with_restarts([100, np.inf, np.inf, 500], 500).value == (100 + 500 + 500 + 500) / 2
    none = s.steps_with_restarts([np.inf, np.inf], 500)
    assert (none.value, none.high) == (None, None)
    assert none.low > 0  # from two failures a chance of .66 is still possible, and no chance of 1
    assert s.steps_with_restarts([], 500) == s.NOT_ESTIMABLE


def test_the_interval_of_restarts_by_hand():
    # Wilson's 96 % interval for 2 of 4, z = 2.053749: centre .5, half width z/(1 + z²/4)·√(1/16 + z²/64).
    z = 2.0537489
    half = z / (1 + z**2 / 4) * (1 / 16 + z**2 / 64) ** 0.5
    estimate = s.steps_with_restarts([100, np.inf, np.inf, 100], 500)  # equal arrivals tell nothing: 0 to 500
    assert estimate.low == pytest.approx(500 * (0.5 - half) / (0.5 + half), rel=1e-6)
    assert estimate.high == pytest.approx(500 * (0.5 + half) / (0.5 - half) + 500, rel=1e-6)


@pytest.mark.parametrize("chance", [0.1, 0.3, 0.6])
def test_the_interval_of_restarts_covers(chance):
    generator = np.random.default_rng(8)
    truth = BUDGET * (1 - chance) / chance + 200  # arrivals are uniform from 100 to 300
    covered = 0
    for _ in range(400):
        arrives = generator.random(10) < chance
        times = np.where(arrives, generator.uniform(100, 300, 10), np.inf)
        interval = s.steps_with_restarts(times, BUDGET)
        covered += interval.low <= truth and (interval.high is None or truth <= interval.high)
    assert covered >= 0.93 * 400


def test_restarts_agree_with_restarting():
    """Play it: run until one arrives, paying the budget for each failure."""
    pool, played = half_fail(np.random.default_rng(4), (2, 20_000))
    ends = np.flatnonzero(np.isfinite(played))
    costs = np.add.reduceat(s.restricted(played, BUDGET), np.r_[0, ends[:-1] + 1])
    # One failure of 500 steps expected, geometric: standard deviation √2·500, 7 steps in 10,000 plays.
    assert costs.mean() == pytest.approx(500 + 50, abs=30)
    expected = s.steps_with_restarts(pool, BUDGET).value
    assert expected == pytest.approx(500 + 50, abs=30)
