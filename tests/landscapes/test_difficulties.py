"""Landscapes of one difficulty each: saddles, plateaus, cliffs, noise, stairs, spectra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai import landscapes
from kobai.landscapes.difficulties import uniform
from minima import gradient


def test_the_plateau_is_flat_and_the_cliff_is_steep():
    start = landscapes.plateau().start
    assert np.linalg.norm(gradient(landscapes.plateau(), start)) < 0.01
    cliff = landscapes.cliff()
    # Across the wall the value jumps, and on it the gradient is a thousand times that of the ground around.
    b = np.linspace(-4.5, 0, 20001)
    values = np.asarray(cliff(np.array([np.full_like(b, 6.0), b])))
    slopes = np.abs(np.diff(values) / np.diff(b))
    assert slopes.max() > 1000 * np.median(slopes)


def test_the_two_levels_are_a_slope_with_hollows():
    made = landscapes.two_level()
    x = np.linspace(-8, 8, 4001)
    values = np.asarray(made(np.array([x, np.zeros_like(x)])))
    inner = values[1:-1]
    hollows = x[1:-1][(inner < values[:-2]) & (inner < values[2:])]
    assert len(hollows) == 7
    bottoms = np.interp(hollows, x, values)
    assert np.all(np.diff(bottoms[hollows <= 1e-9]) < 0)  # each nearer hollow is deeper


# Inexact gradients


def test_the_noise_is_bounded_centred_and_always_the_same():
    made, bowl = landscapes.noisy(size=0.5), landscapes.bowl()
    points = np.random.default_rng(0).normal(size=(4000, 2))
    noisy = np.asarray(jax.vmap(jax.grad(made.objective))(points))
    noise = noisy - np.asarray(jax.vmap(jax.grad(bowl.objective))(points))
    assert np.abs(noise).max() <= 0.5
    assert np.abs(noise).max() > 0.49
    np.testing.assert_allclose(noise.std(axis=0), 0.5 / np.sqrt(3), rtol=0.05)
    assert np.abs(noise.mean(axis=0)).max() < 4 * 0.5 / np.sqrt(3 * 4000)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(4000)
    np.testing.assert_array_equal(noisy, jax.vmap(jax.grad(landscapes.noisy().objective))(points))
    other = jax.vmap(jax.grad(landscapes.noisy(seed=1).objective))(points)
    assert np.mean(np.asarray(other) == noisy) < 0.01
    assert float(made(points[0])) == float(bowl(points[0]))


def test_the_noise_depends_on_every_bit_of_the_point():
    x = jnp.array([0.3, -1.2])
    near = x.at[1].set(jnp.nextafter(x[1], 0.0))
    assert np.all(np.asarray(uniform(x, 0)) != np.asarray(uniform(near, 0)))
    assert uniform(x.astype(jnp.float32), 0).dtype == np.float32


def test_the_stairs_jump_where_the_gradient_sees_nothing():
    made = landscapes.discontinuous()
    y = np.sqrt(0.5)  # where the bowl is ½
    below, above = (float(made(np.array([0.0, y + side]))) for side in (-1e-9, 1e-9))
    assert above - below == pytest.approx(0.375, abs=1e-6)
    bowl = gradient(landscapes.bowl(), (-3.0, 1.1))
    np.testing.assert_allclose(gradient(made, (-3.0, 1.1)), bowl / 4)


def test_the_spectrum_is_that_of_the_hessian():
    made = landscapes.ill_conditioned(spectrum=(0.5, 3.0, 40.0, 1e6))
    hessian = jax.hessian(made.objective)(jnp.array(made.start))
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), (0.5, 3.0, 40.0, 1e6), rtol=1e-8)
    assert np.abs(hessian[0, 1]) > 1  # no axis is a direction of its own
    assert float(made(np.array(made.start))) == pytest.approx((0.5 + 3 + 40 + 1e6) / 2)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(jax.hessian(landscapes.ill_conditioned(4).objective)(jnp.zeros(4))),
        (1, 10, 100, 1000),
    )


def test_a_cliff_of_few_steps_claims_no_minimum_that_is_none():
    made = landscapes.cliff(5)
    assert made.minima == ()
    assert float(made(np.array(landscapes.cliff().minima[0]))) > 1e-6
