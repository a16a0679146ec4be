"""The rank form: against scipy, against its own interval, and against simulated truth."""

import json
import math

import numpy as np
import pytest
from scipy import stats

import kobai
from judged import ALLOWED, SETS, table
from kobai import UsageError
from kobai.questions.judgement import looks
from kobai.questions.judgement.procedures import RANKS, SIGNED, UNPAIRED, contrast_of, least_p, p_values
from kobai.questions.judgement.ranks import (
    EFFICIENCY,
    law_of_deals,
    law_of_signs,
    rank_contrast,
    rank_p_values,
)
from terminal import says_in_each_language


def arms(n, m, seed=0, shift=0.6):
    rng = np.random.default_rng([n, m, seed])
    return rng.normal(size=n), rng.normal(size=m) + shift


@pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 7), (30, 5), (21, 26)])
def test_ranks_are_scipys(n, m):
    x, y = arms(n, m)
    theirs = stats.mannwhitneyu(x, y, method="exact").pvalue
    assert rank_p_values(RANKS, x, y) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("n", [6, 9, 31])
def test_signed_ranks_are_scipys(n):
    x, y = arms(n, n)
    theirs = stats.wilcoxon(x, y, method="exact").pvalue
    assert rank_p_values(SIGNED, x, y) == pytest.approx(theirs, abs=1e-12)


def test_what_differs_by_rounding_is_tied():
    dust = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    for procedure in (SIGNED, RANKS):
        assert rank_p_values(procedure, dust * (1 + 2e-16), dust) == 1
    assert rank_p_values(RANKS, np.full(4, 0.1 + 0.2), np.full(4, 0.3)) == 1
    assert rank_p_values(SIGNED, dust + 1e-6, dust) == 2 / 2**6
    contrast = rank_contrast(SIGNED, dust * (1 + 2e-16), dust)
    assert (contrast.difference, contrast.worse, contrast.tied) == (0, False, True)


def test_ties_share_their_ranks():
    x, y = np.array([0.9, 0.9, 0.8, 1.0]), np.array([0.8, 0.7, 0.9, 0.8])

    def rank_sum(a, b):
        return stats.rankdata(np.concatenate([a, b]))[: len(a)].sum()

    theirs = stats.permutation_test((x, y), rank_sum, n_resamples=np.inf).pvalue
    assert rank_p_values(RANKS, x, y) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    ("procedure", "n", "m"), [(SIGNED, 9, 9), (SIGNED, 20, 20), (RANKS, 5, 7), (RANKS, 11, 9)]
)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_holds_the_shifts_that_are_not_rejected(procedure, n, m, level):
    x, y = arms(n, m)
    contrast = rank_contrast(procedure, x, y)
    for end, inwards in zip(contrast.interval(level), (1, -1), strict=True):
        inside, outside = (
            float(rank_p_values(procedure, x - (end + step), y)) for step in (1e-9 * inwards, -1e-9 * inwards)
        )
        assert outside <= 1 - level < inside
    shifts = (
        np.subtract.outer(x, y) if procedure == RANKS else np.add.outer(x - y, x - y)[np.triu_indices(n)] / 2
    )
    assert contrast.difference == pytest.approx(np.median(shifts))


@pytest.mark.parametrize(("procedure", "n", "m"), [(SIGNED, 9, 9), (RANKS, 6, 8)])
def test_equivalence_is_the_interval_at_90_percent_inside_the_margin(procedure, n, m):
    contrast = rank_contrast(procedure, *arms(n, m))
    low, high = contrast.interval(0.9)
    edge = max(-low, high)
    assert contrast.equivalence_p(edge * (1 + 1e-9)) <= 0.05 < contrast.equivalence_p(edge * (1 - 1e-9))
    assert contrast.equivalence_p(None) == 1


def test_the_laws_are_laws():
    for law in (law_of_signs(60), law_of_deals(40, 55), law_of_deals(1, 1)):
        assert law.sum() == pytest.approx(1, abs=1e-12)
        assert law.min() > 0
        np.testing.assert_allclose(law, law[::-1], rtol=1e-9)
    assert law_of_signs(60)[0] == 2.0**-60
    assert law_of_deals(40, 55)[0] == pytest.approx(1 / math.comb(95, 40))
    assert least_p(SIGNED, 20, 20) == 2 * law_of_signs(20)[0]


def test_so_few_runs_bound_no_shift():
    assert rank_contrast(RANKS, *arms(3, 3)).interval(0.95) is None


def test_the_side_is_that_of_the_ranks_where_the_median_shift_is_none():
    x = np.repeat([1.0, 0.9], [11, 9])
    y = np.repeat([1.0, 0.9], [20, 0])
    contrast = rank_contrast(RANKS, x, y)
    assert contrast.difference == 0
    assert contrast.p < 0.01
    assert not contrast.worse
    assert (contrast.tied, contrast.least) == (True, 1 / 4096)
    said = kobai.judge({"main": [0.95, *y[1:]], "new": list(x)}, maximize=False, ranks=True)
    assert "Some runs are equal" in " ".join(str(said).split())


# Simulated truth


@pytest.mark.parametrize(
    ("procedure", "n", "m"),
    [(SIGNED, 2, 2), (SIGNED, 7, 7), (SIGNED, 50, 50), (RANKS, 4, 4), (RANKS, 5, 9), (RANKS, 50, 7)],
)
def test_one_distribution(procedure, n, m):
    rng = np.random.default_rng([n, m])
    for draw in (rng.normal, rng.exponential):
        p = rank_p_values(procedure, draw(size=(SETS, n)), draw(size=(SETS, m)))
        assert np.mean(p <= 0.05) <= ALLOWED


@pytest.mark.parametrize(("procedure", "n", "m"), [(SIGNED, 14, 14), (RANKS, 6, 9)])
def test_one_distribution_with_many_ties(procedure, n, m):
    rng = np.random.default_rng(n)
    x, y = (rng.binomial(10, 0.9, size=(SETS // 4, size)) / 10 for size in (n, m))
    assert np.mean(rank_p_values(procedure, x, y) <= 0.05) <= 0.05 + 2.6 * math.sqrt(4 * 0.05 * 0.95 / SETS)


@pytest.mark.parametrize("procedure", [SIGNED, RANKS])
def test_a_growing_file_at_all_looks(procedure):
    x, y = np.random.default_rng(11).normal(size=(2, SETS, 64))
    wrong = np.zeros(SETS, bool)
    for runs, level in looks.looks(64):
        wrong |= rank_p_values(procedure, x[:, :runs], y[:, :runs]) <= level
    assert wrong.mean() <= ALLOWED


@pytest.mark.parametrize("procedure", [SIGNED, RANKS])
def test_power_is_within_three_points_of_theory(procedure):
    """Of normal runs it is that of a test of means of 3/π as many (Hodges & Lehmann 1956)."""
    n, shift = 20, 0.9
    x, y = np.random.default_rng(4).normal(size=(2, SETS, n))
    as_many = EFFICIENCY * n / 2
    freedom = 2 * n - 2 if procedure == RANKS else n - 1
    theory = stats.nct.sf(stats.t.isf(0.025, freedom), freedom, shift * math.sqrt(as_many))
    assert np.mean(rank_p_values(procedure, x + shift, y) <= 0.05) == pytest.approx(theory, abs=0.03)


def test_ranks_are_no_test_of_means():
    """Why nobody else chooses them: equal means of unequal spread and shape are called different."""
    rng = np.random.default_rng(1)
    x, y = 3 * (rng.exponential(size=(SETS, 20)) - 1), rng.exponential(size=(SETS, 20)) - 1
    assert np.mean(rank_p_values(RANKS, x, y) <= 0.05) > 0.15


def test_an_outlier_hides_a_shift_from_means_and_not_from_ranks():
    x, y = arms(12, 12, shift=2.0)
    y[0] = 200
    assert p_values(UNPAIRED, x, y) > 0.05
    assert rank_p_values(RANKS, x, y) < 0.01
    assert abs(rank_contrast(RANKS, x, y).difference) < 4 < abs(contrast_of(UNPAIRED, x, y).difference)


# In a judgement

ARMS = table({"main": 0.31, "new": 0.28, "same": 0.31})


def test_a_judgement_by_ranks():
    paired = kobai.judge(ARMS, ranks=True, margin=0.03)
    assert paired.verdicts == {"new": "better", "same": "equivalent"}
    assert paired.best_set == ["new"]
    content = json.loads(paired.to_json())
    assert [each["procedure"] for each in content["verdicts"]] == ["signed ranks"] * 2
    apart = kobai.judge(ARMS, ranks=True, unpaired=True)
    own = apart.judgement.verdicts[0].contrast
    assert own.procedure == "ranks"
    values = {name: ARMS.filter(method=name)["val_loss"].to_numpy() for name in ("main", "new")}
    assert own.p == rank_p_values(RANKS, values["new"], values["main"])
    assert "Mann and Whitney" in " ".join(str(apart).split())
    turned = kobai.judge(ARMS.with_columns(val_loss=-ARMS["val_loss"]), ranks=True, maximize=True)
    assert turned.verdicts["new"] == "better"
    grows = kobai.judge(ARMS, ranks=True, watch=True)
    assert grows.judgement.next == 16


def test_a_forecast_by_ranks_asks_for_no_fewer_than_means():
    few = table({"main": 0.31, "new": 0.295}, seeds=6, start=3)
    means, ranks = (
        kobai.judge(few, ranks=each, unpaired=True).judgement.verdicts[0] for each in (False, True)
    )
    assert means.more is not None
    assert ranks.more >= means.more


def test_ranks_know_no_sigma():
    with pytest.raises(UsageError) as problem:
        kobai.judge(ARMS, ranks=True, sigma=0.1)
    assert says_in_each_language(problem.value, ["--ranks", "sigma"])
    alone = kobai.judge({"main": [0.3, 0.31, 0.32, 0.3, 0.31], "new": [0.2]}, maximize=False, ranks=True)
    assert alone.code == 3  # no spread is lent: there is none
