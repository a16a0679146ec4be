"""The adding problem: two marked numbers of a long sequence are to be added (long-term dependence).

Hochreiter and Schmidhuber (1997), section 5.4, in the form of Le, Jaitly and Hinton (2015), arXiv 1504.00941.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array, Scalar
from kobai.basics.checks import check_count, is_whole
from kobai.basics.errors import UsageError, quoted
from kobai.networks import rnn
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task

TRAIN, VALIDATION, TEST = 5000, 1000, 1000


def adding(
    *,
    length: int = 10,
    cell: str = "elman",
    hidden: int | Sequence[int] = 32,
    activation: str = "tanh",
    batch_size: int = 64,
    target: float | Sequence[float] | None = (0.03, 0.1, 0.015),
) -> Task:
    """Add the two marked ones of `length` numbers; the metric is the squared error of the sum.

    Each position has a number, uniform on [0, 1], and a marker, which is 1 at one place in the first half and
    at one in the second, else 0. Only the last state of the network is seen. Always to answer 1 makes an
    error of 1/6 ≈ 0.167: a network that gets well below it has learned to remember.

    Args:
      length: positions, from 2 to 10,000. The longer, the further the gradient has to reach back.
      cell: "elman", "lstm" or "gru".
      hidden: nodes of the recurrent layer.
      activation: "relu", "tanh" or "sigmoid", of the state.
      batch_size: examples in a batch.
      target: mean squared validation error to reach; of several the first decides.
    """
    if not is_whole(length) or length < 2:
        raise UsageError("error.adding.length", value=quoted(length))
    check_count("adding: length", length, most=10_000)
    network = rnn.network(2, rnn.nodes(hidden), 1, cell=cell, activation=activation)

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs[:, 0, 0] - y) ** 2)

    x, y = examples(length, TRAIN + VALIDATION + TEST)
    train, validation, test = np.split(np.arange(len(y)), [TRAIN, TRAIN + VALIDATION])
    return task_of(
        network,
        name="adding",
        loss=squared_error,
        train=(x[train], y[train]),
        validation=(x[validation], y[validation]),
        test=(x[test], y[test]),
        metric_name="squared error",
        metric_range=(0.0, np.inf),
        target=target,
        batch_size=batch_size,
    )


def examples(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(x [count, length, 2]: number and marker; y [count]: the sum of the two marked numbers)."""
    # RandomState, because NumPy promises its stream for ever: the data never change.
    random = np.random.RandomState(41)
    numbers = random.uniform(size=(count, length))
    markers = np.zeros((count, length))
    first, second = random.randint(0, length // 2, count), random.randint(length // 2, length, count)
    each = np.arange(count)
    markers[each, first] = markers[each, second] = 1
    x = np.stack([numbers, markers], axis=-1).astype(np.float32)
    return x, np.sum(x[..., 0] * x[..., 1], axis=1)
