"""The classic functions against their textbooks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from kobai import landscapes
from minima import gradient


def test_rosenbrock_at_the_start_is_that_of_every_textbook():
    made = landscapes.rosenbrock()
    assert float(made(np.array(made.start))) == pytest.approx(24.2)
    np.testing.assert_allclose(gradient(made, made.start), [-215.6, -88.0])
    x = np.linspace(-1, 2, 5)
    assert float(landscapes.rosenbrock(5)(x)) == pytest.approx(optimize.rosen(x))
    np.testing.assert_allclose(gradient(landscapes.rosenbrock(5), x), optimize.rosen_der(x))


def test_saddles_have_no_slope_at_the_middle_and_fall_beside_it():
    for made, hessian in ((landscapes.saddle(), [2, -2]), (landscapes.monkey_saddle(), [0, 0])):
        np.testing.assert_array_equal(gradient(made, (0.0, 0.0)), 0)
        found = jax.hessian(made.objective)(jnp.zeros(2))
        np.testing.assert_allclose(found, np.diag(hessian), atol=1e-15)
        assert made.least is None
        assert float(made(np.array([0.1, 1.0]))) < 0
