"""The layers of the built-in networks: pure functions of plain pytrees.

Every layer takes its inputs with the features (the channels) on the last axis, [examples, …, features], and
keeps its weights as (*kernel, in, out), the layout "in_out" of `kobai.Task`::

    y = convolution(weights, x, stride=2)
    y, state = batch_norm(parameters, state, x, training=True)

Recurrent layers are in `kobai.networks.recurrent`.
"""

import itertools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kobai.basics.arrays import narrow, wide
from kobai.basics.errors import UsageError

NEW_BATCH = 0.1
"""The weight of a new batch in the running statistics: running ← (1 − w)·running + w·batch."""

EPSILON = 1e-5
"""Added to the variance, so that a feature that never varies is divided by something."""

SMALL = 2.0**-40
"""What is squared is multiplied by this before: in single precision a square overflows from 1.8e19, now from
2e31. A power of two rounds nothing, and what underflows instead, deviations below 1e-7, ε outweighs."""


def convolution(
    weights: jax.Array, x: jax.Array, *, stride: int = 1, padding: int | None = None
) -> jax.Array:
    """Cross-correlation over all axes between the first and the last, padded with zeros at both ends.

    Without `padding` it is "same": n positions become ⌈n / stride⌉; of an odd number of zeros the end has one
    more.
    Written as one product with the neighbourhoods laid out in rows: on a CPU that is five to seven times as
    fast as XLA's own convolution for layers of this size; with the form that the engine makes of that, a step
    of a built-in network takes 1.1 to 1.4 times as long. Many networks at once are a batched product.

    Args:
      weights: [*kernel, in, out].
      x: [examples, *space, in], with as many axes of space as the kernel has.
      stride: positions between two outputs, along every axis.
      padding: zeros at either end of every axis.

    Returns:
      [examples, *space, out], each axis as long as `positions` says.
    """
    *kernel, inputs, outputs = weights.shape
    lengths = list(zip(x.shape[1:-1], kernel, strict=True))
    space = [positions(n, size, stride, padding) for n, size in lengths]
    x = jnp.pad(x, [(0, 0), *(margins(n, size, stride, padding) for n, size in lengths), (0, 0)])
    neighbours = [
        x[:, *[slice(k, k + (n - 1) * stride + 1, stride) for k, n in zip(place, space, strict=True)]]
        for place in itertools.product(*map(range, kernel))
    ]
    return jnp.concatenate(neighbours, axis=-1) @ weights.reshape(-1, outputs)


def positions(n: int, size: int, stride: int, padding: int | None = None) -> int:
    """How many positions a `convolution` with a kernel of this size makes of n."""
    return -(-n // stride) if padding is None else (n + 2 * padding - size) // stride + 1


def margins(n: int, size: int, stride: int, padding: int | None = None) -> tuple[int, int]:
    """How many zeros a `convolution` puts before the n positions of an axis, and behind them."""
    if padding is not None:
        return padding, padding
    margin = max((positions(n, size, stride) - 1) * stride + size - n, 0)
    return margin // 2, margin - margin // 2


def batch_norm_parameters(features: int) -> dict[str, np.ndarray]:
    """γ and β at their start: one and zero. One dimension each, so initializers leave them alone."""
    return {"scale": np.ones(features, np.float32), "shift": np.zeros(features, np.float32)}


def batch_norm_state(features: int) -> dict[str, np.ndarray]:
    """The running statistics at their start: mean zero, variance one."""
    return {"mean": np.zeros(features, np.float32), "variance": np.ones(features, np.float32)}


def batch_norm(
    parameters: Mapping[str, jax.Array],
    state: Mapping[str, jax.Array],
    x: jax.Array,
    *,
    training: bool,
    new_batch: float = NEW_BATCH,
    axis: int = -1,
) -> tuple[jax.Array, Mapping[str, jax.Array]]:
    """Batch normalization of each feature: y = γ (x − μ) / √(σ² + ε) + β.

    In training μ and σ² are the mean and the variance of the batch, over every axis but that of the
    features (for a convolution also over positions), and the running statistics move towards them:
    running ← (1 − w)·running + w·batch with w = `new_batch`. (PyTorch calls w its momentum; Keras and Flax
    give that name to 1 − w.) As in the paper and in PyTorch, the running variance is moved by the unbiased
    one, m/(m − 1) times the batch's, so that it converges to the variance of the population. In inference μ
    and σ² are the running statistics, so that an example's output does not depend on its company.

    Ioffe and Szegedy (2015), arXiv 1502.03167, algorithms 1 and 2.

    Args:
      parameters: {"scale": γ [features], "shift": β [features]}.
      state: {"mean": [features], "variance": [features]}, the running statistics.
      x: [examples, …, features], or the features along another axis.
      training: whether the batch's own statistics are used, and the running ones are moved.
      new_batch: the weight w of this batch in the running statistics, in [0, 1].
      axis: that of the features.

    Returns:
      (y, state): y of x's shape and dtype, and the running statistics afterwards; both are computed in at
      least float32, and a variance beyond the largest number is told as that number.

    Raises:
      UsageError: in training on one number a feature, whose variance is zero: y would be β whatever x is.
    """
    wide_x = wide(x)
    mean, variance = state["mean"], state["variance"] * SMALL**2
    if training:
        axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
        mean, variance = jnp.mean(wide_x, axes), jnp.var(wide_x * SMALL, axes)
        m = x.size // x.shape[axis]
        if m == 1:
            raise UsageError("error.batch_norm.one")
        most = jnp.finfo(state["variance"].dtype).max
        unbiased = jnp.minimum(variance / SMALL**2 * (m / (m - 1)), most)
        moments = {"mean": lax.stop_gradient(mean), "variance": lax.stop_gradient(unbiased)}
        state = {
            name: narrow((1 - new_batch) * old + new_batch * moments[name], old)
            for name, old in state.items()
        }
    factor = parameters["scale"] * SMALL / jnp.sqrt(variance + EPSILON * SMALL**2)
    mean, factor, shift = (along(axis, each, x) for each in (mean, factor, parameters["shift"]))
    return narrow((wide_x - mean) * factor + shift, x), state


def along(axis: int, values: jax.Array, x: jax.Array) -> jax.Array:
    """A value for each place of x along an axis, in the shape that is broadcast over the other axes."""
    return values if axis == -1 else jnp.expand_dims(values, tuple(i for i in range(x.ndim) if i != axis))
