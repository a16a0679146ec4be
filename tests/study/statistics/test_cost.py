"""The bound of the cost against bisection, as its definition is written, and by hand."""

import numpy as np
import pytest

from kobai.study import statistics as s
from kobai.study.statistics.cost import largest_of_others
from kobai.study.statistics.flips import signs


def studentized(flips, y):
    size = np.sqrt(np.sum(y**2))
    return flips @ y / size if size > 0 else np.zeros(len(flips))


def by_bisection(x, members, alpha=0.05):
    """U = max over b of the largest δ with p(δ) > α, p counted over the flips; no more than e^20."""
    flips, candidates = signs(len(x)), x.shape[1]
    bounds = np.zeros(candidates)
    for i in range(candidates):
        for b in set(np.flatnonzero(members)) - {i}:
            d = x[:, i] - x[:, b]
            others = [x[:, b] - x[:, j] for j in range(candidates) if j not in (i, b)]
            rivals = np.max(
                [np.full(len(flips), -np.inf)] + [studentized(flips, e - e.mean()) for e in others], axis=0
            )

            def p(delta, d=d, rivals=rivals):
                t = studentized(flips, delta - d)
                return np.mean(np.maximum(t, rivals) >= max(t[0], 0) - 1e-11)

            low, high = d.mean(), d.mean() + 20
            for _ in range(50):
                middle = (low + high) / 2
                low, high = (middle, high) if p(middle) > alpha else (low, middle)
            bounds[i] = max(bounds[i], low)
    return bounds


@pytest.mark.parametrize(("seeds", "candidates"), [(8, 2), (8, 3), (9, 5), (14, 4)])
def test_against_bisection(seeds, candidates):
    for seed in range(2):
        x = np.random.default_rng(seed).normal(size=(seeds, candidates)) + np.linspace(0, 1, candidates)
        members = s.best_set(x).members
        np.testing.assert_allclose(s.cost_bounds(x, members), by_bisection(x, members), atol=1e-8)
        every = np.ones(candidates, bool)
        np.testing.assert_allclose(s.cost_bounds(x, every), by_bisection(x, every), atol=1e-8)


def test_with_ties_too():
    """Steps seen at every tenth only."""
    x = np.log(np.random.default_rng(3).integers(2, 6, (8, 3)) * 10.0)
    members = np.ones(3, bool)
    np.testing.assert_allclose(s.cost_bounds(x, members), by_bisection(x, members), atol=1e-8)


def test_two_candidates_by_hand():
    """d = 1 … 6: of the 64 flips three may lie above, at 5 %. The identity flips nothing and bounds nothing;
    then come the means of what is flipped: 6, of {5, 6} 5.5, of {5} and of {4, 6} 5."""
    x = np.stack([np.arange(1.0, 7.0), np.zeros(6)], axis=1)
    np.testing.assert_allclose(s.cost_bounds(x, [True, True]), [5, 0])
    np.testing.assert_allclose(s.cost_bounds(x, [True, True], 0.04), [5.5, 0])  # two may
    np.testing.assert_allclose(s.cost_bounds(x, [True, True], 0.02), [6, 0])
    assert s.cost_bounds(x, [True, True], 0.01)[0] == np.inf  # six seeds bound nothing there


def test_the_other_candidates_widen_the_bounds():
    """Planted: each pair for itself, whose bounds do not hold together."""
    x = np.random.default_rng(2).normal(size=(10, 5)) + [0, 1, 1, 1, 1]
    pairs = [s.cost_bounds(x[:, [i, 0]], [False, True])[0] for i in range(1, 5)]
    together = s.cost_bounds(x, [True, *[False] * 4])[1:]
    assert (together > np.array(pairs) + 0.05).all()


def test_one_that_alone_may_be_the_best_costs_nothing():
    x = np.random.default_rng(0).normal(size=(10, 3)) + [0, 5, 9]
    bounds = s.cost_bounds(x, [True, False, False])
    assert bounds[0] == 0
    assert (bounds[1:] > [5, 9] - np.float64(1.5)).all()
    assert s.cost_bounds(x[:, :1], [True]).tolist() == [0]
    assert s.cost_bounds(x[:1], [True, False, False])[0] == 0  # one seed


@pytest.mark.parametrize("candidates", [2, 4])
def test_where_nothing_varies_the_difference_is_the_bound(candidates):
    x = np.tile(np.log(10.0 * 2 ** np.arange(candidates)), (10, 1))
    np.testing.assert_allclose(
        s.cost_bounds(x, np.arange(candidates) == 0), np.log(2) * np.arange(candidates)
    )
    assert not s.cost_bounds(np.full((10, candidates), 6.2), np.ones(candidates, bool)).any()


def test_nobody_s_bound_is_below_what_was_seen():
    for seed in range(20):
        x = np.random.default_rng(seed).standard_t(3, size=(8, 4))
        bounds = s.cost_bounds(x, s.best_set(x).members)
        assert (bounds >= x.mean(axis=0) - x.mean(axis=0).min() - 1e-12).all()


def test_the_largest_of_the_others_against_a_loop():
    t = np.random.default_rng(0).integers(-2, 3, (4, 50)).astype(float)
    expected = [[max([0.0, *np.delete(t[:, k], i)]) for k in range(50)] for i in range(4)]
    np.testing.assert_array_equal(largest_of_others(t), expected)
    np.testing.assert_array_equal(largest_of_others(np.ones((1, 2))), np.zeros((1, 2)))
