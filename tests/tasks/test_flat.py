"""Parameters as one vector and back."""

import jax
import jax.numpy as jnp
import numpy as np

import kobai
from kobai.tasks import flat


def test_flatten_and_back():
    parameters = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.arange(2),
        "f": jnp.tanh,
        "z": np.ones(1),
    }
    data = {"train": np.ones(1), "validation": np.ones(1)}
    task = kobai.Task(parameters=parameters, loss=lambda p, b: 0.0, roles={"a": "weight"}, **data)
    θ = task.flatten(parameters)
    np.testing.assert_array_equal(θ, [0, 1, 2, 3, 4, 5, 1])
    back = task.unflatten(θ + 1)
    np.testing.assert_array_equal(back["a"], parameters["a"] + 1)
    np.testing.assert_array_equal(back["n"], parameters["n"])
    assert back["f"] is jnp.tanh
    assert back["a"].dtype == np.float32


def test_on_the_host_and_in_a_program_the_arrays_are_the_same():
    like = [np.zeros((2, 3), np.float32), np.zeros((), np.float32), np.zeros(4, jnp.bfloat16)]
    θ = np.random.default_rng(0).normal(size=11).astype(np.float32)
    for here, there in zip(flat.split(like, θ), jax.jit(lambda θ: flat.split(like, θ))(θ), strict=True):
        assert (here.shape, here.dtype) == (there.shape, there.dtype)
        assert np.array_equal(here, there)
