"""What tests of arrays share: the libraries they run on, and draws."""

import jax.numpy as jnp
import numpy as np
import pytest

LIBRARIES = [np, jnp]


each_library = pytest.mark.parametrize("xp", LIBRARIES, ids=["numpy", "jax"])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
