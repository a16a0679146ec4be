"""What all landscapes keep to: one value, its gradient, its known minima."""

import math

import jax
import numpy as np
import pytest
from scipy import optimize

from kobai import landscapes, words
from kobai.basics import registry
from minima import gradient

ALL = [landscapes.load(name) for name in registry.LANDSCAPES]


SMOOTH = [made for made in ALL if made.name not in ("noisy", "discontinuous")]


"""Whose gradient is that of the value."""


each = pytest.mark.parametrize("landscape", ALL, ids=lambda made: made.name)


each_smooth = pytest.mark.parametrize("landscape", SMOOTH, ids=lambda made: made.name)


@each
def test_the_same_value_from_numpy_and_from_jax(landscape):
    x = np.array(landscape.start)
    plain, traced = landscape(x), jax.jit(landscape.objective)(x)
    assert np.shape(plain) == ()
    assert traced.dtype == np.float64
    assert float(plain) == pytest.approx(float(traced), rel=1e-13)


@each_smooth
def test_the_gradient_is_that_of_the_value(landscape):
    """Against central differences, at the start and beside it, where no coordinate is special."""
    for shift in (0.0, 0.137):
        x = np.array(landscape.start) + shift * np.cos(np.arange(landscape.dimension))
        differences = optimize.approx_fprime(x, lambda x: float(landscape(x)), 1e-7)
        found = gradient(landscape, x)
        np.testing.assert_allclose(found, differences, rtol=2e-4, atol=2e-5 * max(1, np.abs(found).max()))


@each_smooth
def test_the_known_minima_are_minima(landscape):
    for point in landscape.minima:
        assert float(landscape(np.array(point))) == pytest.approx(landscape.least, abs=1e-12)
        np.testing.assert_allclose(gradient(landscape, point), 0, atol=1e-9)


@each
def test_nothing_lower_is_near_a_known_minimum(landscape):
    """SciPy, without gradients, from a tenth beside it."""
    for point in landscape.minima:
        beside = np.array(point) + 0.1 * np.cos(np.arange(landscape.dimension))
        found = optimize.minimize(
            lambda x: float(landscape(x)), beside, method="Nelder-Mead", options={"maxfev": 800}
        )
        assert found.fun >= landscape.least - 1e-10


def test_a_wrong_minimum_is_noticed():
    """The planted mistake: Beale's minimum mistyped as (3, 0.4)."""
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(gradient(landscapes.beale(), (3.0, 0.4)), 0, atol=1e-9)


@each
def test_every_landscape_is_described(landscape):
    assert registry.LANDSCAPES[landscape.name].load() is getattr(landscapes, landscape.name)
    assert landscape.source
    assert math.isfinite(landscape.level())
    said = []
    for language in words.TABLES:
        with words.language(language):
            said.append(landscape.shows)
    assert len(set(said)) == 2
    if landscape.dimension == 2:
        (left, right), (bottom, top) = landscape.box
        assert left < landscape.start[0] < right
        assert bottom < landscape.start[1] < top
        assert all(left < x < right and bottom < y < top for x, y in landscape.minima)


@pytest.mark.parametrize("name", ["rosenbrock", "rastrigin", "ackley", "styblinski_tang", "ill_conditioned"])
def test_dimensions_may_be_chosen(name):
    made = landscapes.load(name, 7)
    assert made.dimension == 7
    [point] = made.minima
    assert float(made(np.array(point))) == pytest.approx(made.least, abs=1e-10)
    np.testing.assert_allclose(gradient(made, point), 0, atol=1e-9)
