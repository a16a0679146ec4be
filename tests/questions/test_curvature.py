"""The ends of a Hessian's spectrum against the whole of it, and the bound of a stable rate against steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai import optimizers, tasks
from kobai.initializers import parse
from kobai.questions import curvature

TASKS = {
    "tanh": lambda: tasks.sine(hidden=6),
    "relu": lambda: tasks.sine(hidden=6, activation="relu"),
    "classes": lambda: tasks.mnist1d(model="logistic"),
    "recurrent": lambda: tasks.adding(length=4, hidden=4),
}


def loss_and_start(task, initializer="he"):
    batch = jax.tree.map(lambda array: array[:64], task.train)
    return curvature.training_loss(task, batch), task.start(parse(initializer), 3)


@pytest.fixture(scope="module")
def spectra():
    """Of each task its loss, a point, and the whole Hessian there."""
    found = {}
    for name, make in TASKS.items():
        loss, θ = loss_and_start(make())
        found[name] = loss, θ, np.asarray(jax.jit(jax.hessian(loss))(θ), np.float64)
    return found


@pytest.mark.parametrize("name", TASKS)
def test_the_ends_are_those_of_the_whole_spectrum(name, spectra):
    loss, θ, H = spectra[name]
    λ = np.linalg.eigvalsh(H)
    low, high = jax.jit(lambda θ: curvature.extreme_eigenvalues(loss, θ, 40))(θ)
    assert float(high) == pytest.approx(λ[-1], rel=1e-3)
    assert float(low) == pytest.approx(λ[0], rel=0.02, abs=1e-3 * λ[-1])


@pytest.mark.parametrize("name", TASKS)
def test_a_product_is_that_of_the_whole_matrix(name, spectra):
    loss, θ, H = spectra[name]
    v = np.random.default_rng(0).standard_normal(θ.size).astype(np.float32)
    found = jax.jit(curvature.hessian_vector_product(loss))(θ, v)
    np.testing.assert_allclose(found, H @ v, rtol=1e-3, atol=1e-3 * np.abs(H @ v).max())


def test_with_a_scale_they_are_those_of_the_scaled_matrix(spectra):
    loss, θ, H = spectra["tanh"]
    s = np.exp(np.random.default_rng(1).standard_normal(θ.size)).astype(np.float32)
    λ = np.linalg.eigvalsh(s[:, None] * H * s)
    found = jax.jit(lambda θ: curvature.extreme_eigenvalues(loss, θ, 19, scale=s))(θ)
    np.testing.assert_allclose(found, λ[[0, -1]], rtol=1e-3, atol=1e-4)


def test_neither_end_is_beyond_the_spectrum_after_few_steps(spectra):
    loss, θ, H = spectra["classes"]
    λ = np.linalg.eigvalsh(H)
    for steps in (1, 5):
        low, high = curvature.extreme_eigenvalues(loss, θ, steps, seed=5)
        assert λ[0] - 1e-4 <= low <= high <= λ[-1] * 1.0001


def test_as_many_steps_as_parameters_are_enough():
    low, high = curvature.extreme_eigenvalues(lambda θ: jnp.sum(jnp.array([3.0, -2.0]) * θ**2), jnp.ones(2))
    assert (float(low), float(high)) == pytest.approx((-4, 6), rel=1e-5)
    assert float(curvature.spectrum(lambda θ: jnp.vdot(θ, θ), jnp.ones(3)).largest) == pytest.approx(
        2, rel=1e-5
    )


@pytest.mark.parametrize("λ", [1.0, -1.0])
def test_where_one_direction_is_all_there_is_both_ends_are_its_own(λ):
    """Of H = λI Lanczos' method has nothing left after its first step."""
    ends = curvature.extreme_eigenvalues(lambda θ: λ * jnp.vdot(θ, θ) / 2, jnp.ones(30))
    assert tuple(map(float, ends)) == pytest.approx((λ, λ), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "rule", "rate"),
    [
        ("sgd", lambda η: optimizers.SGD(η), {}),
        ("momentum", lambda η: optimizers.Momentum(η, 0.9), {"momentum": 0.9}),
        ("nesterov", lambda η: optimizers.Nesterov(η, 0.5), {"momentum": 0.5, "nesterov": True}),
        ("nesterov of its definition", lambda η: optimizers.NesterovDefinition(η, 0.5),
         {"momentum": 0.5, "nesterov": True}),
    ],
)  # fmt: skip
def test_the_bound_parts_rates_that_grow_from_those_that_do_not(name, rule, rate):
    """On ½λx² with λ at the bound: 2 % less curvature settles, 2 % more runs away."""
    η = 0.1
    λ = curvature.stable_curvature(η, **rate)
    ends = []
    for factor in (0.98, 1.02):
        optimizer, x = rule(η), np.array([1.0])
        state = optimizer.init(x)
        for _ in range(600):
            Δ, state = optimizer.update(factor * λ * optimizer.lookahead(x, state), state, x)
            x = x + Δ
        ends.append(abs(x[0]))
    assert ends[0] < 0.1
    assert ends[1] > 100


def test_of_numpy_the_matrix_tells_what_it_tells_inside_a_program(spectra):
    """Without SciPy, which a compiled `eigh` imports; and NaN where the matrix has one, as there."""
    for loss, θ, _ in spectra.values():
        T = jax.jit(lambda θ, loss=loss: curvature.lanczos(loss, θ, seed=7))(θ)
        inside, outside = curvature.spectrum_of(T), curvature.spectrum_of(np.asarray(T))
        assert all(isinstance(number, np.float32) for number in outside)
        np.testing.assert_allclose(outside, np.array(inside), rtol=1e-5, atol=1e-6 * float(inside.largest))
    assert np.isnan(curvature.spectrum_of(np.full((3, 3), np.nan, np.float32))).all()
    assert np.isnan(np.array(curvature.spectrum_of(jnp.full((3, 3), jnp.nan)))).all()
