"""What formulas ask of an array: `on_device`, beside ``jnp.asarray``."""

import jax.numpy as jnp
import numpy as np
import pytest

from kobai.basics.arrays import on_device


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, bool])
def test_on_device_is_what_jax_makes_of_an_array(dtype):
    array = np.arange(7).astype(dtype)
    made, expected = on_device(array), jnp.asarray(array)
    assert (made.dtype, made.weak_type) == (expected.dtype, expected.weak_type)
    assert np.array_equal(made, expected)


def test_on_device_is_a_copy_for_which_nothing_is_compiled(monkeypatch):
    array = np.ones((3, 5, 2), np.float32)
    monkeypatch.setattr(jnp, "asarray", None)  # which would compile
    made = on_device(array)
    array[:] = 2
    assert np.all(np.asarray(made) == 1)


def test_an_array_of_jax_stays():
    array = jnp.ones(3)
    assert on_device(array) is array
