"""Coordinate descent: sweeps, blocks, orders; against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.minimizers import coordinate_descent
from kobai.minimizers.base import Objective
from kobai.minimizers.coordinate_descent import CoordinateDescent
from kobai.minimizers.solve import solve

CURVATURES, TARGET = np.array([1.0, 10, 100, 3, 5]), np.arange(1.0, 6)
A = np.array([[4.0, 1, 0.5], [1, 3, -1], [0.5, -1, 5]])
b = np.array([1.0, -2, 3])


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def separable(x):
    return 0.5 * jnp.sum(CURVATURES * (x - TARGET) ** 2)


def coupled(x):
    return 0.5 * x @ A @ x - b @ x


@pytest.mark.parametrize(
    ("method", "turns", "products"),
    [
        (CoordinateDescent(), 5, 5),
        (CoordinateDescent(order="random", seed=3), 5, 5),
        (CoordinateDescent(block=2), 3, 6),  # the third block overlaps the second
        (CoordinateDescent(block=9), 1, 5),  # all at once
    ],
    ids=["cyclic", "random", "block of 2", "one block"],
)
def test_one_sweep_solves_a_separable_quadratic(method, turns, products):
    found = kobai.minimize(separable, np.zeros(5), method=method)
    assert (found.status, found.steps) == ("converged", turns)
    assert tuple(found.evaluations) == (turns + 1, turns + 1, 0, products)
    np.testing.assert_allclose(found.value, TARGET, rtol=1e-14)


def test_on_a_coupled_quadratic_it_is_gauss_seidel():
    """Each turn solves its own equation exactly: the iterates of Gauss and Seidel, written out by hand."""
    found = kobai.minimize(coupled, np.zeros(3), method=CoordinateDescent(), keep_path=True)
    x, path = np.zeros(3), [np.zeros(3)]
    for turn in range(9):
        i = turn % 3
        x = x.copy()
        x[i] = (b[i] - A[i] @ x + A[i, i] * x[i]) / A[i, i]
        path.append(x)
    np.testing.assert_allclose(found.history.path[:10], path, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.value, np.linalg.solve(A, b), atol=1e-6)


def test_random_orders_are_permutations_given_by_the_seed():
    method = CoordinateDescent(order="random", seed=7)
    sweeps = [np.asarray(method.sweep(i, 20)) for i in range(3)]
    assert all(sorted(sweep) == list(range(20)) for sweep in sweeps)
    assert not np.array_equal(sweeps[0], sweeps[1])
    np.testing.assert_array_equal(sweeps[1], method.sweep(1, 20))
    other = CoordinateDescent(order="random", seed=8)
    assert not np.array_equal(sweeps[0], other.sweep(0, 20))


@pytest.mark.parametrize("method", [CoordinateDescent(block=2), CoordinateDescent(order="random", seed=1)])
def test_a_curved_valley_of_two_variables(method):
    fun = lambda x: 2 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2  # noqa: E731
    found = kobai.minimize(fun, np.array([-1.2, 1.0]), method=method)
    assert found.status == "converged"
    np.testing.assert_allclose(found.value, 1, atol=1e-5)


def test_negative_curvature_along_a_coordinate_is_followed_down():
    found = kobai.minimize(
        lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 1e-3], method=CoordinateDescent()
    )
    assert found.status == "converged"
    np.testing.assert_allclose(np.abs(found.value), [0, np.sqrt(0.5)], atol=1e-6)


def test_a_kink_that_no_coordinate_leaves_is_said():
    """At (1, 1) it rises along each axis, though it falls along the diagonal."""
    fun = lambda x: jnp.max(jnp.abs(x)) + 5 * jnp.abs(x[0] - x[1])  # noqa: E731
    found = kobai.minimize(fun, [1.0, 1.0], method=CoordinateDescent(), max_evaluations=2000)
    assert found.status == "small_step"
    np.testing.assert_allclose(found.value, [1, 1])


def test_f_and_c_f_give_one_path():
    def scaled(x, c):
        return c * (coupled(x) + 0.1 * jnp.sum(x**4))

    def run(c):
        start, method = np.array([0.3, -1.0, 2.0]), CoordinateDescent()
        return kobai.minimize(scaled, start, args=(c,), method=method, gtol=c * 1e-6, keep_path=True)

    one = run(1.0)
    for c in (1e-10, 1e10):
        other = run(c)
        assert one.evaluations == other.evaluations
        np.testing.assert_allclose(one.history.path, other.history.path, rtol=1e-9, atol=1e-12)


def test_vmap_gives_what_a_loop_gives():
    X = jnp.asarray(np.random.default_rng(2).uniform(-2, 2, size=(4, 3)))

    def run(x):
        method = CoordinateDescent(order="random")
        state, _ = solve(method, Objective(coupled), x, gtol=1e-6, max_steps=200, max_evaluations=1000)
        return state.point.x, state.steps

    together = jax.jit(jax.vmap(run))(X)
    for i, x in enumerate(X):
        alone = jax.jit(run)(x)
        np.testing.assert_allclose(together[0][i], alone[0], rtol=1e-10, atol=1e-12)
        assert together[1][i] == alone[1]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"order": "cylic"}, "cyclic"),
        ({"block": 0}, "block"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, match):
    with pytest.raises(UsageError, match=match):
        CoordinateDescent(**options)


def test_a_planted_step_of_the_wrong_block_is_seen(monkeypatch):
    """The second derivatives of the first coordinates instead of the block's own."""
    real = coordinate_descent.within
    monkeypatch.setattr(coordinate_descent, "within", lambda f, x, B: real(f, x, B - B[0]))
    found = kobai.minimize(lambda x: separable(x), np.zeros(5), method=CoordinateDescent())
    assert found.evaluations.value > 6  # steps that are too long, shortened by the trust region
