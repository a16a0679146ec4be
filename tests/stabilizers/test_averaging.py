"""Averages of the iterates against closed forms and optax; and planted mistakes."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kobai.optimizers import SGD
from kobai.stabilizers import Averaging, exponential, polyak
from libraries import each_library

CURVATURE = np.array([0.1, 2.0])


def f(θ):
    return θ[0] ** 2 / 20 + θ[1] ** 2


def circling(averaging, steps=200):
    """(θ, θ̄) of SGD at η = 1.0 on f = x²/20 + y² from (−7, 2), which keeps f = 4 for ever."""
    θ, rule = np.array([-7.0, 2.0]), SGD(learning_rate=1.0)
    optimizer, mean = rule.init(θ), averaging.init(θ)
    for _ in range(steps):
        Δ, optimizer = rule.update(CURVATURE * θ, optimizer, θ)
        θ = θ + Δ
        mean = averaging.update(θ, mean)
    return θ, mean.mean


def test_polyak_finds_the_middle_of_a_circling_training():
    θ, mean = circling(polyak(101))
    assert f(θ) == pytest.approx(4)
    assert f(mean) == pytest.approx(1.4e-11, rel=0.05)


POLYAK_SLIPS = {
    "one step late": Averaging("late", lambda t: 1 / np.maximum(t - 101, 1)),
    "from the start": polyak(),
    "the mean of two": Averaging("two", lambda t: 0.5 + 0 * t),
}


@pytest.mark.parametrize("wrong", POLYAK_SLIPS.values(), ids=POLYAK_SLIPS)
def test_the_reference_sees_planted_slips_of_the_mean(wrong):
    assert f(circling(wrong)[1]) != pytest.approx(1.4e-11, rel=0.05)


@each_library
@pytest.mark.parametrize("start", [1, 2, 7, 30])
def test_polyak_is_the_mean_of_the_iterates(start, xp):
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    averaging = polyak(start)
    state = averaging.init(xp.zeros(3, np.float32))
    for t, row in enumerate(rows, start=1):
        state = averaging.update(xp.asarray(row), state)
        expected = rows[start - 1 : t].mean(0) if t >= start else row
        np.testing.assert_allclose(state.mean, expected, rtol=1e-5, atol=1e-6)
        if t < start:  # nothing but the iterate, to the last bit
            np.testing.assert_array_equal(state.mean, row)
    assert state.mean.dtype == np.float32


@each_library
def test_the_exponential_mean_is_corrected_as_in_optax(xp):
    rows = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    averaging, ema = exponential(0.9), optax.ema(0.9, debias=True)
    state, theirs = averaging.init(xp.zeros(3, np.float32)), ema.init(jnp.zeros(3))
    for row in rows:
        state = averaging.update(xp.asarray(row), state)
        expected, theirs = ema.update(jnp.asarray(row), theirs)
        np.testing.assert_allclose(state.mean, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(averaging.weight(np.arange(1, 2)), [1.0])  # the first iterate, whole


def test_a_mean_of_equal_iterates_is_that_iterate():
    for averaging in (polyak(), polyak(5), exponential(0.5), exponential(0)):
        state = averaging.init(np.zeros(2))
        for _ in range(10):
            state = averaging.update(np.full(2, 3.0), state)
        np.testing.assert_allclose(state.mean, 3.0, rtol=1e-15)
