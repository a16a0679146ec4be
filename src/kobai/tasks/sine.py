"""A curve to fit: y = sin x with noise, by a network of two layers (the lecture's exercise 3_7)."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array, Scalar
from kobai.networks import mlp
from kobai.networks.network import widths
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task

NOISE = 0.1


def sine(
    *,
    hidden: int | Sequence[int] = 50,
    activation: str = "tanh",
    batch_norm: bool | str = False,
    batch_size: int = 32,
    target: float | Sequence[float] | None = (0.02, 0.05, 0.015),
) -> Task:
    """Fit 400 points of sin x + noise (standard deviation 0.1) on [−π, π]; the metric is the squared error.

    The noise alone makes an error of 0.01, on average: no network gets below it but by chance.

    Args:
      hidden: nodes of the hidden layer, or of each of several.
      activation: "relu", "tanh" or "sigmoid".
      batch_norm: batch normalization in every hidden layer, as in `digits`.
      batch_size: examples in a batch.
      target: mean squared validation error to reach; of several the first decides.
    """
    network = mlp.network((1, *widths(hidden), 1), activation, batch_norm)

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs - y) ** 2)

    # RandomState, because NumPy promises its stream for ever: the data never change.
    random = np.random.RandomState(37)
    x = random.uniform(-np.pi, np.pi, (800, 1)).astype(np.float32)
    y = (np.sin(x) + NOISE * random.standard_normal((800, 1))).astype(np.float32)
    return task_of(
        network,
        name="sine",
        loss=squared_error,
        train=(x[:400], y[:400]),
        validation=(x[400:600], y[400:600]),
        test=(x[600:], y[600:]),
        metric_name="squared error",
        metric_range=(0.0, np.inf),
        target=target,
        batch_size=batch_size,
    )
