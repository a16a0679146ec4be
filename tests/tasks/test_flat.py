"""Parameters as one vector and back."""

import jax.numpy as jnp
import numpy as np

import kobai


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
