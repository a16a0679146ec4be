"""Gradient accumulation: several batches make a step, looked at one after the other."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PyTree

from kobai.basics.arrays import Scalar, Vector, Whole

Found: TypeAlias = tuple[Scalar, PyTree, Vector]
"""(loss, model state, gradient) of a batch."""

OfBatch: TypeAlias = Callable[[Vector, PyTree, PyTree, jax.Array | None], Found]
"""What gives them, of θ, the model's state, a batch and a random key or None."""


def accumulation(
    k: int, of_batch: OfBatch, θ: Vector, state: PyTree, batch: PyTree, key: jax.Array | None
) -> Found:
    """The means over k parts of a batch, 1/k Σ gᵢ; the model's state goes through all of them.

    Where the loss is a mean over examples, this is the gradient of the whole batch; not so where examples
    know each other, as batch normalization lets them.
    """
    parts = jax.tree.map(lambda array: array.reshape(k, -1, *array.shape[1:]), batch)

    def part(i: Whole) -> tuple[PyTree, jax.Array | None]:
        own_key = None if key is None else jax.random.fold_in(key, i)
        return jax.tree.map(lambda array: array[i], parts), own_key

    def add(i: Whole, sums: Found) -> Found:
        loss, state, g = of_batch(θ, sums[1], *part(i))
        return sums[0] + loss / k, state, sums[2] + g / k

    loss = jax.eval_shape(lambda: of_batch(θ, state, *part(np.int32(0)))[0])
    return lax.fori_loop(0, k, add, (jnp.zeros(loss.shape, loss.dtype), state, jnp.zeros_like(θ)))
