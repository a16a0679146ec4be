"""Which entries of the flat vector θ are weights: it does not show by itself what decays and what pays."""

import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Number, Vector
from kobai.tasks.flat import Spans


def weights(spans: Spans, dtype: np.dtype) -> Vector:
    """[parameters]: 1 for a weight, 0 for a bias or scale."""
    return jnp.concatenate([jnp.full(size, float(weight), dtype) for size, weight in spans])


def shares(weights: Vector, biases: Number) -> Vector:
    """`weights` with `biases` (0 or 1) in place of its zeros."""
    return weights + biases * (1 - weights)
