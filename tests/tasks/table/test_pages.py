"""Memory of an array's own."""

import jax
import numpy as np
import pytest

from kobai.tasks.table.pages import pages


@pytest.mark.parametrize("shape", [(3, 4), (0, 5), (7,)])
def test_an_array_of_zeros_that_can_be_written(shape):
    array = pages(shape, np.float64)
    assert array.shape == shape
    assert array.dtype == np.float64
    assert not array.any()
    array += 1
    assert array.all()


def test_an_array_of_jax_on_a_cpu_is_the_same_memory():
    """NumPy's own arrays begin where JAX has to copy them, as the wrong variant shows."""
    device = jax.devices("cpu")[0]
    for array, is_shared in ((pages((1000, 3)), True), (np.zeros(3001, np.float32)[1:], False)):
        other = np.asarray(jax.device_put(array, device, may_alias=True))
        assert np.shares_memory(other, array) == is_shared
