"""Statistics against brute force, hand-computed values, and simulated studies whose truth is known.

Simulations are of numbers, not trainings, and seeded. A rate of errors that should be .05 is held against the
binomial 99.9 % bound for the number of simulated studies; a planted mistake must fall outside it.
"""

import subprocess
import sys
from itertools import combinations, product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from kobai import words
from kobai.basics.errors import UsageError
from kobai.study import statistics as s

BUDGET = 500
STUDIES, RULES, SEEDS = 2000, 7, 10

repeatable = settings(derandomize=True, deadline=None)


def most(trials, rate, confidence=0.999):
    """The most events of probability `rate` that so many trials show, as a rate (one-sided bound)."""
    return stats.binom.ppf(confidence, trials, rate) / trials


def least(trials, rate, confidence=0.999):
    return stats.binom.ppf(1 - confidence, trials, rate) / trials


def alike_studies(rng, studies=STUDIES, rules=RULES, seeds=SEEDS):
    """Restricted steps of rules that are all alike, [studies, rules, seeds].

    A seed's luck is common to the rules; 5 % never arrive; evaluated every 10 steps, so that ties occur.
    """
    luck = rng.normal(size=(studies, 1, seeds))
    own = rng.normal(size=(studies, rules, seeds))
    steps = np.ceil(15 * np.exp(0.4 * luck + 0.5 * own)) * 10
    never = rng.random(steps.shape) < 0.05
    return s.restricted(np.where(never, np.inf, steps), BUDGET)


def corrected_against(times, reference):
    """Corrected p-values of all studies at once, [studies, rules − 1], by the functions that `compare` uses.

    `reference` is the position of each study's reference, [studies].
    """
    studies, rules, _ = times.shape
    chosen = times[np.arange(studies), reference]
    others = np.arange(rules) != np.asarray(reference)[:, None]
    ratios = np.log(times) - np.log(chosen)[:, None]
    return s.holm(s.sign_flip_p_values(ratios[others].reshape(studies, rules - 1, -1)))


@pytest.fixture(scope="module")
def alike():
    return alike_studies(np.random.default_rng(1))


# From curves to times


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


def covered(intervals, truth):
    return np.mean([i.low <= truth <= i.high for i in intervals])


# Normal times: Student's interval is exact. From 20 runs the bootstrap, expanded to match it.
@pytest.mark.parametrize(("runs", "studies"), [(2, 1000), (5, 1000), (10, 1000), (20, 400), (40, 200)])
def test_mean_covers_as_promised(runs, studies):
    samples = np.random.default_rng(runs).normal(200, 20, (studies, runs))
    rate = covered([s.mean_steps(x, 10_000) for x in samples], 200)
    # Clipping at 0 and the budget never cuts the truth off. The bootstrap is allowed one point: its own
    # random resampling and the normal approximation of its tail.
    slack = 0.01 if runs >= 20 else 0
    assert least(studies, 0.95 - slack) <= rate <= most(studies, 0.95 + slack)


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


# A candidate against the reference


def test_ratio_against_hand_values():
    # Ratios 2, 2, 1/2, 2: mean log = ln(2)/2; s = ln 2, t(.975, 3) = 3.182446, half width 1.591223·ln 2.
    estimate = s.paired_ratio([20, 40, 10, 80], [10, 20, 20, 40], BUDGET)
    assert estimate.value == pytest.approx(2**0.5)
    assert estimate.low == pytest.approx(2 ** (0.5 - 1.591223), rel=1e-6)
    assert estimate.high == pytest.approx(2 ** (0.5 + 1.591223), rel=1e-6)


def test_ratio_counts_failures_as_the_budget():
    assert s.paired_ratio([np.inf, np.inf], [125, 125], BUDGET).value == pytest.approx(4)
    assert s.paired_ratio([0, 0], [1, 4], BUDGET).value == pytest.approx(0.5)  # met at the start: one step


@pytest.mark.parametrize("times", [[np.inf, np.inf, 700], [30, np.inf, 40]])
def test_ratio_is_not_estimable_where_nothing_differs(times):
    assert s.paired_ratio(times, times, BUDGET) == s.Estimate(None, None, None)


@pytest.mark.parametrize("seeds", [5, 10, 30])
def test_ratio_covers_as_promised(seeds):
    rng = np.random.default_rng(seeds)
    luck = rng.normal(4, 1, (1000, seeds))
    reference, times = np.exp(luck + 0.3 * rng.normal(size=(2, 1000, seeds)))
    ratios = [s.paired_ratio(1.3 * a, b, 1e9) for a, b in zip(times, reference, strict=True)]
    assert least(1000, 0.95) <= covered(ratios, 1.3) <= most(1000, 0.95)


@pytest.mark.parametrize("never", [0.2, 0.5])
def test_ratio_covers_where_runs_fail(never):
    """Bimodal logs: the truth is the ratio of geometric restricted means; within two points of 95 %."""
    rng = np.random.default_rng(5)

    def draw(shape):
        return np.where(rng.random(shape) < never, np.inf, np.exp(rng.normal(4, 0.3, shape)))

    reference = np.exp(rng.normal(4, 0.5, (1500, 10)))
    ratios = [s.paired_ratio(a, b, BUDGET) for a, b in zip(draw((1500, 10)), reference, strict=True)]
    truth = np.exp(never * np.log(BUDGET) + (1 - never) * 4 - 4)  # clipping at e^6.2 is 4 deviations off
    assert least(1500, 0.93) <= covered(ratios, truth) <= most(1500, 0.97)


def test_a_difference_is_paired_and_leaves_out_what_diverged():
    """By hand: .1, .3, .2 of the four pairs; the fourth has one run alone."""
    values, reference = [0.6, 0.8, 0.7, np.nan, 0.9], [0.5, 0.5, 0.5, 0.5, np.nan]
    found = s.paired_difference(values, reference)
    half = 4.302652729911275 * 0.1 / np.sqrt(3)  # the .975 quantile of Student's t with 2 degrees of freedom
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2 - half, 0.2 + half))
    swapped = s.paired_difference(reference, values)
    assert (swapped.value, swapped.low) == pytest.approx((-found.value, -found.high))
    assert s.paired_difference([1, 1], [1, 1]) == s.Estimate(0.0, 0.0, 0.0)
    assert s.paired_difference([1, np.nan], [0.5, 1]) == s.Estimate(0.5, None, None)
    assert s.paired_difference([np.nan], [1]) == s.NOT_ESTIMABLE
    with pytest.raises(UsageError, match="cannot be paired"):
        s.paired_difference([1, 2], [1])


def test_the_interval_of_a_difference_covers_the_truth_and_one_without_pairs_is_wider():
    rng = np.random.default_rng(5)
    luck, noise = rng.normal(0, 3, (STUDIES // 4, SEEDS)), rng.normal(0, 1, (2, STUDIES // 4, SEEDS))
    found = [s.paired_difference(*pair) for pair in zip(luck + noise[0] + 0.5, luck + noise[1], strict=True)]
    covered = np.mean([each.low <= 0.5 <= each.high for each in found])
    assert least(len(found), 0.95) <= covered <= most(len(found), 0.95)
    unpaired = [
        s.paired_difference(a, rng.permutation(b))
        for a, b in zip(luck + noise[0], luck + noise[1], strict=True)
    ]
    width, wide = (np.mean([each.high - each.low for each in group]) for group in (found, unpaired))
    assert wide > 2 * width


def by_enumeration(differences):
    """Two-sided sign-flip p: how many of all sign patterns give a mean at least as far from zero."""
    means = [np.dot(signs, differences) for signs in product([1, -1], repeat=len(differences))]
    return np.mean(np.abs(means) >= abs(np.sum(differences)) - 1e-9)


@pytest.mark.parametrize("seeds", [2, 3, 8, 10, 13])
def test_sign_flips_against_enumeration(seeds):
    rng = np.random.default_rng(seeds)
    times, reference = np.exp(rng.normal([[5.0], [4.5]], 0.5, (2, seeds)))
    expected = by_enumeration(np.log(times) - np.log(reference))
    assert s.sign_flip_p(times, reference) == pytest.approx(expected, abs=1e-15)


@repeatable
@given(hnp.arrays(float, (2, 6), elements=st.sampled_from([10.0, 20.0, 40.0, 80.0, 160.0, 500.0])))
def test_sign_flips_count_ties_exactly(pairs):
    """Equal ratios, zeros and sums that cancel: the rule on a coarse grid of evaluations."""
    logs = np.log2(pairs[0] / pairs[1])
    assert s.sign_flip_p(*pairs) == pytest.approx(by_enumeration(logs), abs=1e-15)


def test_sign_flips_see_a_tie_through_rounding():
    """Ratios 3/2, 2, 2/3, 1/2 cancel exactly; summed as floats they leave 1e-16, and p would be .875."""
    times, reference = np.array([120, 120, 40, 10]), np.array([80, 60, 60, 20])
    assert s.sign_flip_p(times, reference) == 1
    differences = np.log(times) - np.log(reference)
    plain = stats.permutation_test((differences,), np.sum, permutation_type="samples", vectorized=True)
    assert plain.pvalue < 1


def test_sign_flips_beyond_thirteen_seeds_are_close_and_repeatable():
    rng = np.random.default_rng(6)
    times, reference = np.exp(rng.normal([[5.0], [4.75]], 0.5, (2, 16)))
    p = s.sign_flip_p(times, reference)
    exact = by_enumeration(np.log(times) - np.log(reference))
    # Four standard deviations of a rate counted in 8,192 random flips (both tails from one).
    assert p == pytest.approx(exact, abs=4 * np.sqrt(2 * exact / s.FLIPS))
    assert p == s.sign_flip_p(times, reference)


def test_sign_flips_without_evidence():
    assert s.sign_flip_p([30, 40, 500], [30, 40, 500]) == 1
    assert s.sign_flip_p([30], [500]) == 1  # one seed shows nothing
    assert s.sign_flip_p([10] * 10, [20] * 10) == 2 / 2**10  # all one way: the smallest there is


def test_pairing_gives_the_power():
    """With a strong common luck of the seed, shuffling the pairs hides a difference that pairing shows."""
    rng = np.random.default_rng(7)
    luck = rng.normal(5, 1, 10)
    reference, times = np.exp(luck), 1.2 * np.exp(luck + rng.normal(0, 0.05, 10))
    assert s.sign_flip_p(times, reference) < 0.01
    assert s.sign_flip_p(times, np.roll(reference, 1)) > 0.2


def test_holm_against_hand_values():
    # .01·4 = .04; .03·3 = .09; .04·2 = .08 raised to .09; .5·1.
    np.testing.assert_allclose(s.holm([0.04, 0.01, 0.5, 0.03]), [0.09, 0.04, 0.5, 0.09])
    np.testing.assert_allclose(s.holm([0.6, 0.7]), [1, 1])
    assert s.holm([]).shape == (0,)


def naive_holm(p):
    corrected, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, (len(p) - rank) * p[index])
        corrected[index] = min(1.0, highest)
    return corrected


@repeatable
@given(st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.02]), min_size=1, max_size=12))
def test_holm_against_a_loop(p):
    corrected = s.holm(p)
    np.testing.assert_array_equal(corrected, naive_holm(p))
    assert np.all(corrected >= p)
    np.testing.assert_array_equal(s.holm([p, p[::-1]]), [corrected, corrected[::-1]])


def test_smallest_p_and_seeds_needed():
    assert s.smallest_p(6, 8) == 6 / 128 < 0.05 < s.smallest_p(6, 7)
    assert (s.seeds_needed(6), s.seeds_needed(7), s.seeds_needed(1)) == (8, 9, 6)
    assert s.seeds_needed(6, 0.01) == 11
    assert s.smallest_p(6, 1) == 1


def test_smallest_p_is_what_compare_can_give():
    rng = np.random.default_rng(8)
    times = {name: np.exp(rng.normal(5, 0.3, 8)) for name in "abcdefg"}
    times["b"] = times["a"] * 2
    comparisons = s.compare(times, "a", 1e9)
    assert comparisons["b"].corrected_p == min(c.corrected_p for c in comparisons.values())
    assert comparisons["b"].corrected_p == s.smallest_p(6, 8)


@pytest.mark.parametrize("seeds", [10, 15])
def test_compare_is_its_parts(seeds):
    rng = np.random.default_rng(9)
    times = dict(zip("abcd", alike_studies(rng, 1, 4, seeds)[0], strict=True))
    times["d"] = np.full(seeds, np.inf)
    comparisons = s.compare(times, "b", BUDGET)
    assert list(comparisons) == ["a", "c", "d"]
    p = [s.sign_flip_p(s.restricted(times[name], BUDGET), times["b"]) for name in comparisons]
    assert [c.p for c in comparisons.values()] == p
    assert [c.corrected_p for c in comparisons.values()] == naive_holm(p)
    for name, comparison in comparisons.items():
        assert comparison.name == name
        assert comparison.ratio == s.paired_ratio(times[name], times["b"], BUDGET)
    assert comparisons["d"].ratio.low > 1
    assert comparisons["d"].corrected_p < 0.05


def test_compare_where_nobody_arrives_or_nobody_else_runs():
    never = s.compare({"a": [np.inf] * 10, "b": [np.inf] * 10}, "a", BUDGET)
    assert never == {"b": s.Comparison("b", s.NOT_ESTIMABLE, 1.0, 1.0)}
    assert s.compare({"a": [10, 20]}, "a", BUDGET) == {}


def test_family_wise_error_of_identical_rules(alike):
    """Seven rules alike, the reference fixed beforehand: a study with any false claim is an error."""
    false_claims = np.any(corrected_against(alike, np.zeros(STUDIES, int)) <= 0.05, axis=1)
    # Not vacuous either: Holm against a common reference loses some of the 5 %, not all of it.
    assert 0.02 < false_claims.mean() <= most(STUDIES, 0.05)
    for study in range(0, STUDIES, 100):  # the same, through the function that a study calls
        corrected = s.compare(dict(enumerate(alike[study])), 0, BUDGET)
        assert any(c.corrected_p <= 0.05 for c in corrected.values()) == false_claims[study]


def test_tuning_on_other_seeds_keeps_the_error(alike):
    """The reference is the winner of tuning, as in a real study: still within the bound."""
    tuning = alike_studies(np.random.default_rng(10), seeds=3)
    winner = tuning.mean(axis=2).argmin(axis=1)
    false_claims = np.any(corrected_against(alike, winner) <= 0.05, axis=1)
    assert false_claims.mean() <= most(STUDIES, 0.05)


def test_planted_reference_chosen_on_the_same_seeds_is_seen(alike):
    best = alike.mean(axis=2).argmin(axis=1)
    false_claims = np.any(corrected_against(alike, best) <= 0.05, axis=1)
    assert false_claims.mean() > most(STUDIES, 0.05)


def test_planted_lack_of_correction_is_seen(alike):
    ratios = np.log(alike[:, 1:]) - np.log(alike[:, :1])
    false_claims = np.any(s.sign_flip_p_values(ratios) <= 0.05, axis=1)
    assert false_claims.mean() > 3 * 0.05


# The cost of tuning


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


# Mistakes of a caller


@pytest.mark.parametrize("language", ["en", "ja"])
def test_mistakes_are_named(language):
    with words.language(language):
        with pytest.raises(UsageError, match="9.*10"):
            s.compare({"a": np.ones(10), "b": np.ones(9)}, "a", BUDGET)
        with pytest.raises(UsageError, match="1.*10"):
            s.paired_ratio([1], np.ones(10), BUDGET)  # would broadcast
        with pytest.raises(UsageError, match="restricted"):
            s.sign_flip_p([1, np.inf], [2, 2])
        with pytest.raises(UsageError, match="'adam'"):
            s.compare({"adam": [1, 2], "sgd": [1, 2]}, "adm", BUDGET)


def test_importing_statistics_does_not_import_scipy():
    code = "import sys, kobai.study.statistics; sys.exit('scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
