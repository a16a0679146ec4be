"""The best set against its definition, counted flip by flip; what it does at the edges."""

from itertools import product

import numpy as np
import pytest

from kobai.basics.errors import UsageError
from kobai.study import statistics as s
from kobai.study.statistics.best import step_down


def largest(x, i, flip, others):
    """T1 and T2 of candidate i under one flip, pair by pair."""
    t1, t2 = [0.0], [0.0]
    for j in others:
        d = [a[i] - a[j] for a in x]
        mean, size = sum(d) / len(d), sum(each**2 for each in d) ** 0.5
        t1.append(sum(e * each for e, each in zip(flip, d, strict=True)) / size if size else 0.0)
        lead = 0 if all(e == 1 for e in flip) else min(mean, 0)
        t2.append(sum(e * (each - lead) for e, each in zip(flip, d, strict=True)))
    return max(t1), max(t2)


def p_by_counting(x, i):
    others = [j for j in range(len(x[0])) if j != i]
    statistics = [largest(x, i, flip, others) for flip in product([1, -1], repeat=len(x))]
    return max(np.mean([each[k] >= statistics[0][k] - 1e-9 for each in statistics]) for k in (0, 1))


def corrected_by_counting(x):
    """Step down: leave out the worst of those that remain, one after the other."""
    remaining, corrected, p = list(range(len(x[0]))), {}, 0.0
    while remaining:
        by_flip = [
            [largest(x, i, flip, [j for j in remaining if j != i])[0] for i in remaining]
            for flip in product([1, -1], repeat=len(x))
        ]
        worst = int(np.argmax(by_flip[0]))
        p = max(p, np.mean([max(each) >= by_flip[0][worst] - 1e-9 for each in by_flip]))
        corrected[remaining.pop(worst)] = p
    return [corrected[i] for i in range(len(x[0]))]


def drawn(seeds, candidates, seed=0):
    """One clear leader, one far behind, the others between; coarse, so that ties occur."""
    x = np.random.default_rng(seed).normal(size=(seeds, candidates)) + np.linspace(0, 2, candidates)
    return np.round(x, 1)


@pytest.mark.parametrize(("seeds", "candidates"), [(6, 2), (6, 4), (8, 3), (7, 5)])
def test_against_the_definition(seeds, candidates):
    for seed in range(5):
        x = drawn(seeds, candidates, seed)
        best = s.best_set(x)
        np.testing.assert_allclose(best.p, [p_by_counting(x, i) for i in range(candidates)], atol=1e-12)
        np.testing.assert_allclose(best.corrected_p, corrected_by_counting(x), atol=1e-12)
        np.testing.assert_array_equal(best.members, best.p > 0.05)
        np.testing.assert_array_equal(best.not_best, (best.p <= 0.05) & (best.corrected_p <= 0.05))


def test_one_that_is_always_slower_is_not_the_best():
    """By hand: of 64 flips the identity alone reaches the T1 and T2 of the second; with the candidates in the
    step-down, the opposite too: there the first trails the second as far."""
    best = s.best_set(np.log([[10, 20]] * 6))
    np.testing.assert_allclose(best.p, [1, 1 / 64])
    np.testing.assert_allclose(best.corrected_p, [1, 2 / 64])
    assert best.members.tolist() == [True, False]
    assert best.not_best.tolist() == [False, True]


@pytest.mark.parametrize(
    ("seeds", "alpha", "excluded"), [(5, 0.05, 0), (6, 0.05, 2), (7, 0.01, 0), (8, 0.01, 2)]
)
def test_few_seeds_exclude_nothing(seeds, alpha, excluded):
    x = np.tile(np.log([10, 200, 300]), (seeds, 1)) + np.random.default_rng(0).normal(0, 0.01, (seeds, 3))
    best = s.best_set(x, alpha)
    assert (~best.members).sum() == best.not_best.sum() == excluded


@pytest.mark.parametrize("seeds", [1, 2, 10, 20])
@pytest.mark.parametrize("candidates", [1, 2, 5])
def test_where_nothing_differs_all_may_be_the_best(seeds, candidates):
    """All arrive together on every seed, or all are cut off at the budget."""
    for x in (
        np.full((seeds, candidates), np.log(500.0)),
        np.ones((seeds, candidates)) * np.arange(seeds)[:, None],
    ):
        best = s.best_set(x)
        np.testing.assert_array_equal(best.p, 1)
        np.testing.assert_array_equal(best.corrected_p, 1)
        assert best.members.all()
        assert not best.not_best.any()


def test_the_leader_is_a_member_whatever_the_others_do():
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(8, 4)) + [0, 0, 3, 9]
        best = s.best_set(x)
        leader = x.mean(axis=0).argmin()
        assert best.members[leader]
        assert best.p[leader] == best.corrected_p[leader] == 1


def test_it_is_of_differences_alone_and_of_no_order():
    """The luck of a seed, a unit and the order of seeds (all flips are there) change nothing."""
    x = drawn(9, 4)
    best = s.best_set(x)
    luck, order = np.random.default_rng(1).normal(0, 2, (9, 1)), [2, 0, 3, 1]
    for other in (x + luck, 3 * x - 7, x[::-1]):
        np.testing.assert_allclose(s.best_set(other).p, best.p, atol=1e-12)
        np.testing.assert_allclose(s.best_set(other).corrected_p, best.corrected_p, atol=1e-12)
    np.testing.assert_allclose(s.best_set(x[:, order]).p, best.p[order])


def test_two_that_no_seed_changes_are_one_pair_of_runs():
    """However often it is repeated: without saying so, ten copies of one run would exclude the slower."""
    x = np.log(np.stack([np.full(10, 20.0), np.full(10, 60.0), 70 + np.arange(10.0)], axis=1))
    fixed = [True, True, False]
    assert s.best_set(x).members.tolist() == [True, False, False]
    found = s.best_set(x, fixed=fixed)
    assert found.members.tolist() == [True, True, False]
    assert found.not_best.tolist() == [False, False, True]
    assert np.isinf(s.cost_bounds(x, found.members, fixed=fixed)[:2]).all()
    assert np.isfinite(s.cost_bounds(x, [True, False, False], fixed=[True, False, False])).all()
    none = s.best_set(x, fixed=[True, False, False])  # one alone is compared with others as any is
    assert none.p.tolist() == s.best_set(x).p.tolist()


def test_a_tie_through_rounding_is_a_tie():
    """Ratios 3/2, 2, 2/3, 1/2 and two of 2 and 1/2: the mean is 1, and summed as floats it is not."""
    x = np.log([[120, 80], [120, 60], [40, 60], [10, 20], [20, 10], [10, 20]])
    assert s.best_set(x).p.tolist() == s.best_set(x[:, ::-1]).p.tolist() == [1, 1]


def test_a_step_leaves_the_others_more_to_show():
    """The worst is left out at the level of all pairs, the next at that of those that remain."""
    t = np.zeros((3, 3, 4))  # [i, j, flips]
    t[2, 0, 0], t[1, 0, 0] = 3.0, 2.0
    t[2, 1, 1], t[0, 1, 2], t[1, 0, 3] = 2.5, 1.0, 2.0
    np.testing.assert_array_equal(step_down(t), [1, 2 / 4, 1 / 4])
    single = [np.mean(t.max(axis=(0, 1)) >= each) for each in (0, 2, 3)]
    assert single == [1, 3 / 4, 1 / 4]  # planted: one step for all


@pytest.mark.parametrize("x", [[], [[]], 3.0, [1.0, 2.0], np.zeros((0, 2)), np.zeros((2, 2, 2))])
def test_what_is_no_table_is_refused(x):
    with pytest.raises(UsageError, match=r"\[seeds, candidates\].*row for each seed"):
        s.best_set(x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_with_its_place(value):
    x = np.zeros((4, 3))
    x[2, 1] = value
    for refused in (s.best_set, s.choose, lambda x: s.cost_bounds(x, np.ones(3, bool))):
        with pytest.raises(UsageError, match="row 2, column 1"):
            refused(x)
