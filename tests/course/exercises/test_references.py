"""The references of lessons 3_9 to 3_11 are kobai's own functions, or agree with closed forms."""

import jax
import numpy as np
import pytest

import kobai
from kobai.course.exercises import lesson_3_9, lesson_3_10, lesson_3_11
from kobai.minimizers.bfgs import updated
from kobai.minimizers.lbfgs import two_loops
from kobai.networks import layers
from kobai.stabilizers import polyak

RANDOM = np.random.default_rng(9)


@pytest.fixture(params=[2, 5])
def quadratic(request):
    """A [n, n] symmetric positive definite, b [n], a start [n]."""
    root = RANDOM.normal(size=(request.param, request.param))
    return root @ root.T + np.eye(request.param), *RANDOM.normal(size=(2, request.param))


def test_newtons_step_ends_at_the_minimum_of_a_quadratic(quadratic):
    A, b, x = quadratic
    step = lesson_3_9.EXERCISES["newton_step"].reference(A @ x - b, A)
    np.testing.assert_allclose(x + step, np.linalg.solve(A, b), rtol=1e-10)


def test_conjugate_gradients_end_in_n_steps_at_the_minimum(quadratic):
    A, b, x = quadratic
    g = A @ x - b
    d = -g
    for _ in range(len(b)):
        x, g, d = lesson_3_9.cg_step(A, x, g, d)
        np.testing.assert_allclose(g, A @ x - b, atol=1e-9)
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-7)


def test_the_update_of_bfgs_and_its_two_loops_are_kobais(quadratic):
    A, g, _ = quadratic
    S = RANDOM.normal(size=(3, len(g)))
    Y = S @ A
    with jax.enable_x64(True):
        H = np.eye(len(g))
        expected = updated(H, S[0], Y[0], S[0] @ Y[0])
        np.testing.assert_allclose(lesson_3_9.bfgs_update(H, S[0], Y[0]), expected, rtol=1e-10)
        ρ, γ = 1 / (S * Y).sum(axis=1), S[-1] @ Y[-1] / (Y[-1] @ Y[-1])
        np.testing.assert_allclose(lesson_3_9.two_loops(g, S, Y), two_loops(g, S, Y, ρ, γ), rtol=1e-10)
    H = γ * np.eye(len(g))
    for s, y in zip(S, Y, strict=True):
        H = lesson_3_9.bfgs_update(H, s, y)
        np.testing.assert_allclose(H @ y, s, atol=1e-10)
    np.testing.assert_allclose(lesson_3_9.two_loops(g, S, Y), H @ g, rtol=1e-8)


def test_batch_normalization_is_that_of_the_layers():
    x, γ, β = lesson_3_11.X, lesson_3_11.GAMMA, lesson_3_11.BETA
    mean, variance = lesson_3_11.MEAN, lesson_3_11.VARIANCE
    parameters, state = {"scale": γ, "shift": β}, {"mean": mean, "variance": variance}
    with jax.enable_x64(True):
        y, after = layers.batch_norm(parameters, state, x, training=True, new_batch=0.3)
        z, _ = layers.batch_norm(parameters, state, x, training=False)
    np.testing.assert_allclose(lesson_3_11.batch_norm(x, γ, β, layers.EPSILON), y, rtol=1e-10)
    np.testing.assert_allclose(
        lesson_3_11.batch_norm_inference(x, γ, β, mean, variance, layers.EPSILON), z, rtol=1e-10
    )
    moved = lesson_3_11.running_statistics(mean, variance, x, 0.3)
    np.testing.assert_allclose(moved, (after["mean"], after["variance"]), rtol=1e-10)


def test_sweeps_are_those_of_coordinate_descent():
    A, b, x = lesson_3_11.SWEEPS[1]
    found = kobai.minimize(
        lambda x: x @ A @ x / 2 - x @ b, x, method=kobai.CoordinateDescent(), max_steps=6, keep_path=True
    )
    first = lesson_3_11.sweep(A, b, x)
    np.testing.assert_allclose(found.history.path[3], first, rtol=1e-9)
    np.testing.assert_allclose(found.history.path[6], lesson_3_11.sweep(A, b, first), rtol=1e-9)


@pytest.mark.parametrize(("iterates", "start"), lesson_3_11.ITERATES)
def test_averages_are_polyaks(iterates, start):
    rule = polyak(start)
    state, found = rule.init(iterates[0]), []
    for θ in iterates:
        state = rule.update(θ, state)
        found.append(state.mean)
    np.testing.assert_allclose(lesson_3_11.averages(iterates, start), found, rtol=1e-12)
    np.testing.assert_allclose(found[-1], iterates[start - 1 :].mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("share", [0.03, 0.25, 0.6])
@pytest.mark.parametrize("confidence", [0.1, 0.8, 0.99])
def test_the_starts_needed_are_the_fewest(share, confidence):
    k = lesson_3_10.starts_needed(share, confidence)
    assert (1 - share) ** k <= 1 - confidence < (1 - share) ** (k - 1)


@pytest.mark.parametrize("width", [1e-3, 2.0])
def test_smoothing_leaves_the_gradient_of_a_quadratic_as_it_is(quadratic, width):
    """With directions √n eᵢ, whose mean uuᵀ is the identity, as that of normal ones is on average."""
    A, b, x = quadratic
    directions = np.sqrt(len(b)) * np.eye(len(b))
    found = lesson_3_10.smoothed_gradient(lambda x: x @ A @ x / 2 - b @ x, x, directions, width)
    np.testing.assert_allclose(found, A @ x - b, rtol=1e-8, atol=1e-8)
