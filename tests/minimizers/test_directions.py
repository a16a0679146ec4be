"""BFGS, L-BFGS and conjugate gradients: what theory says of their paths, and planted mistakes.

All in float64. Paths are compared iterate by iterate.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.minimizers.base import Point
from kobai.minimizers.bfgs import BFGS, updated
from kobai.minimizers.conjugate_gradient import FORMULAS, ConjugateGradient, linear_conjugate_gradient
from kobai.minimizers.descent import Step
from kobai.minimizers.lbfgs import LBFGS, two_loops

EXACT = {"decrease": 1e-12, "curvature": 1e-10}
"""A line search that ends at the lowest point of the line."""
METHODS = [BFGS(), LBFGS(), ConjugateGradient()]
ROSENBROCK_START = np.array([-1.2, 1.0])

N = 6
_spectrum = np.array([1.0, 2, 5, 9, 20, 40])
_Q = np.linalg.qr(np.random.default_rng(5).normal(size=(N, N)))[0]
A, B = _Q * _spectrum @ _Q.T, np.random.default_rng(6).normal(size=N)


@pytest.fixture(autouse=True)
def _double(quick_compile):
    with jax.enable_x64(True):
        yield


def name_of(method):
    return type(method).__name__


def quadratic(x):
    return x @ A @ x / 2 - B @ x + 30.0


def rosenbrock(x, scale, shift, axes):
    """In coordinates that were moved and rotated."""
    x = axes @ (x - shift)
    return scale * jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def linear_path(steps):
    """The iterates of linear conjugate gradients from 0, and the start."""
    zero = np.zeros(N)
    return np.array(
        [linear_conjugate_gradient(lambda v: A @ v, B, zero, max_steps=k)[0] for k in range(steps)]
    )


def path_on_quadratic(method):
    found = kobai.minimize(quadratic, np.zeros(N), method=method, gtol=1e-9, keep_path=True, max_steps=60)
    return found.history.path


def follows_linear(method):
    """Whether it makes the steps of linear conjugate gradients, and ends with them."""
    path, expected = path_on_quadratic(method), linear_path(N + 1)
    return len(path) <= N + 1 and np.allclose(path, expected[: len(path)], atol=1e-6)


def test_linear_conjugate_gradients_solve_in_n_steps():
    x, steps = linear_conjugate_gradient(lambda v: A @ v, B, np.zeros(N), tolerance=1e-12)
    assert steps <= N
    np.testing.assert_allclose(x, np.linalg.solve(A, B), rtol=1e-9)


def test_linear_conjugate_gradients_end_by_tolerance_after_as_many_steps_as_distinct_eigenvalues():
    diagonal = np.array([1.0, 1, 1, 7, 7, 7])
    _, steps = linear_conjugate_gradient(lambda v: diagonal * v, B, np.zeros(N), tolerance=1e-10)
    assert steps == 2


@pytest.mark.parametrize("formula", FORMULAS)
def test_with_an_exact_search_every_formula_is_linear_conjugate_gradients(formula):
    assert follows_linear(ConjugateGradient(formula=formula, **EXACT))


@pytest.mark.parametrize("method", [BFGS(**EXACT), LBFGS(**EXACT)], ids=name_of)
def test_with_an_exact_search_quasi_newton_is_linear_conjugate_gradients(method):
    """Nocedal and Wright 2006, theorem 6.4."""
    assert follows_linear(method)


@dataclasses.dataclass(frozen=True)
class WrongSign(ConjugateGradient):
    """Hestenes–Stiefel with y = g₀ − g, as it stands in a published library."""

    def turn(self, memory, step):
        g, d = step.after.g, step.direction
        β = -FORMULAS["hestenes_stiefel"](g, step.before.g, step.y, d)
        return memory, -g + β * d, step.length


@dataclasses.dataclass(frozen=True)
class DroppedDirection(ConjugateGradient):
    """The conjugate part is lost, as it is behind the backtracking search of another."""

    def turn(self, memory, step):
        return memory, -step.after.g, step.length


@dataclasses.dataclass(frozen=True)
class DroppedUpdate(BFGS):
    """H stays what it was."""

    def turn(self, memory, step):
        return memory, -memory[0] @ step.after.g, jnp.ones_like(step.length)


@pytest.mark.parametrize(
    "wrong", [WrongSign(**EXACT), DroppedDirection(**EXACT), DroppedUpdate(**EXACT)], ids=name_of
)
def test_wrong_directions_are_seen(wrong):
    assert not follows_linear(wrong)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("size", [1.0, 2.0**400])
def test_gradients_that_are_not_orthogonal_start_anew(formula, size):
    """Powell's restart: at |gᵀg₀| of 0.19 gᵀg the last direction counts, at 0.21 it does not."""
    at = lambda g: Point(np.zeros(2), np.float64(0), size * np.array(g))  # noqa: E731
    before, method = at([1.0, 0.0]), ConjugateGradient(formula=formula)
    with jax.enable_x64(True):
        for part, anew in ((0.19, False), (0.21, True), (-0.19, False), (-0.21, True)):
            after = at([part, np.sqrt(1 - part**2)])
            _, d, _ = method.turn((), Step(before, after, -before.g, np.float64(1)))
            assert np.allclose(d, -after.g, rtol=1e-12) == anew


def step_of(s, y):
    """A step with these differences, taken from the origin with unit gradient."""
    s, y = np.asarray(s, float), np.asarray(y, float)
    g = np.ones_like(s)
    before, after = Point(np.zeros_like(s), np.float64(1), g), Point(s, np.float64(0), g + y)
    return Step(before, after, s, np.float64(1))


def keeps_positive(method, step):
    """Whether the inverse Hessian is still positive definite after this step."""
    H, _ = method.turn((jnp.eye(2), jnp.bool_(False)), step)[0]
    return bool(np.all(np.linalg.eigvalsh(H) > 0))


@dataclasses.dataclass(frozen=True)
class NoGuard(BFGS):
    def turn(self, memory, step):
        H, _ = memory
        H = updated(H, step.s, step.y, step.s @ step.y)
        return (H, jnp.bool_(False)), -H @ step.after.g, jnp.ones_like(step.length)


@dataclasses.dataclass(frozen=True)
class AbsoluteGuard(BFGS):
    def turn(self, memory, step):
        new = BFGS.turn(self, memory, step)
        return jax.tree.map(lambda a, b: jnp.where(step.s @ step.y > 1e-10, a, b), new, (memory, *new[1:]))


def test_a_step_without_curvature_leaves_the_matrix_positive_definite():
    upwards, downwards = step_of([1, 0], [2, 1]), step_of([1, 0], [-2, 1])
    assert keeps_positive(BFGS(), upwards)
    assert keeps_positive(BFGS(), downwards)
    assert not keeps_positive(NoGuard(), downwards)


@pytest.mark.parametrize("size", [1e-150, 1e-20, 1.0, 1e20, 1e150])
def test_the_guard_is_relative(size):
    def curved(s, y):
        before, after = Point(0 * s, np.float64(1), 0 * y), Point(s, np.float64(0), y)
        return Step(before, after, s, np.float64(1)).secant().curved

    s, y = np.array([3.0, 1]), np.array([1.0, 2])
    with jax.enable_x64(True):
        assert curved(s, size * y)
        assert curved(size * s, y)
        assert not curved(s, -size * y)


def solved(method, scale=1.0, shift=(0.0, 0.0), axes=((1.0, 0.0), (0.0, 1.0))):
    shift, axes = np.array(shift), np.array(axes)
    start = axes.T @ ROSENBROCK_START + shift
    return kobai.minimize(
        rosenbrock, start, args=(scale, shift, axes), method=method, gtol=1e-6 * scale, keep_path=True
    )


def same_path(method, c):
    """Whether f and c·f give one path."""
    one, other = solved(method).history.path, solved(method, c).history.path
    return min(len(one), len(other)) > 15 and np.allclose(one[:15], other[:15], atol=1e-6)


@pytest.mark.parametrize("c", [2.0**33, 2.0**-33, 1e10, 1e-10])
@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_the_scale_of_the_objective_does_not_matter(method, c):
    assert same_path(method, c)


def test_an_absolute_guard_is_seen():
    assert not same_path(AbsoluteGuard(), 1e-10)


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_power_of_two_as_scale_gives_the_same_bits(method):
    """No constant anywhere has the unit of f."""
    one, other = solved(method), solved(method, 2.0**40)
    assert one.evaluations == other.evaluations
    np.testing.assert_array_equal(one.history.path, other.history.path)


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_where_the_origin_is_does_not_matter(method):
    shift = np.array([1000.0, -500.0])
    here, there = solved(method), solved(method, shift=shift)
    np.testing.assert_allclose(here.history.path[:15], there.history.path[:15] - shift, atol=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_rotated_axes_rotate_the_path(method):
    axes = np.array([[0.6, -0.8], [0.8, 0.6]])
    here, there = solved(method), solved(method, axes=axes)
    np.testing.assert_allclose(here.history.path[:15], there.history.path[:15] @ axes.T, atol=1e-6)


def test_two_loops_are_the_product_with_the_matrix_of_bfgs():
    """L-BFGS with three pairs against the three updates of γI, written out."""
    pairs = np.random.default_rng(2)
    S = pairs.normal(size=(3, N))
    Y, g, γ = S @ A, pairs.normal(size=N), 0.3
    H = γ * np.eye(N)
    for s, y in zip(S, Y, strict=True):
        ρ = 1 / (y @ s)
        V = np.eye(N) - ρ * np.outer(y, s)
        H = V.T @ H @ V + ρ * np.outer(s, s)
    np.testing.assert_allclose(two_loops(g, S, Y, 1 / np.sum(S * Y, axis=1), γ), H @ g, rtol=1e-9)
    empty = [np.concatenate([np.zeros((4, *a.shape[1:])), a]) for a in (S, Y, 1 / np.sum(S * Y, axis=1))]
    np.testing.assert_allclose(two_loops(g, *empty, γ), H @ g, rtol=1e-9)


def test_the_rank_two_update_is_the_product_form():
    s, y = np.array([1.0, 2, 0, 1, 0, 3]), A @ np.array([1.0, 2, 0, 1, 0, 3])
    H = np.diag(np.arange(1.0, N + 1))
    ρ = 1 / (y @ s)
    V = np.eye(N) - ρ * np.outer(y, s)
    np.testing.assert_allclose(updated(H, s, y, s @ y), V.T @ H @ V + ρ * np.outer(s, s), atol=1e-9)
    np.testing.assert_allclose(updated(H, s, y, s @ y) @ y, s, atol=1e-9)  # the secant equation
