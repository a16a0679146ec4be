"""Which entries of the flat vector θ are weights: it does not show by itself what decays and what pays."""

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Number, Vector, is_weight
from kobai.tasks.flat import is_trained
from kobai.tasks.task import Task


def weights_of(task: Task) -> Vector:
    """[parameters]: 1 for a weight, 0 for a bias or scale."""
    trained = [leaf for leaf in jax.tree.leaves(task.parameters) if is_trained(leaf)]
    dtype = task.flatten(task.parameters).dtype
    return jnp.concatenate([jnp.full(leaf.size, float(is_weight(leaf)), dtype) for leaf in trained])


def shares(weights: Vector, biases: Number) -> Vector:
    """`weights` with `biases` (0 or 1) in place of its zeros."""
    return weights + biases * (1 - weights)
