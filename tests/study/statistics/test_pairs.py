"""Candidates against a reference, paired by seed: hand values, enumeration, simulated truth."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from kobai.basics.errors import UsageError
from kobai.study import statistics as s
from simulated import BUDGET, covered, least, most

STUDIES, RULES, SEEDS = 2000, 7, 10


repeatable = settings(derandomize=True, deadline=None)


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


@pytest.mark.parametrize("seeds", [1, 2, 3, 8, 10, 12])
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


def test_sign_flips_beyond_twelve_seeds_are_close_and_repeatable():
    rng = np.random.default_rng(6)
    times, reference = np.exp(rng.normal([[5.0], [4.75]], 0.5, (2, 16)))
    p = s.sign_flip_p(times, reference)
    exact = by_enumeration(np.log(times) - np.log(reference))
    # Four standard deviations of a rate counted in 4,096 flips, of which all but one are random.
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / s.FLIPS))
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
