"""The task of training a network on data (x, y)."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Parameters, Scalar
from kobai.basics.roles import Roles
from kobai.networks.network import Network
from kobai.tasks.measurement import Examples, Measure, Measurement
from kobai.tasks.task import Task


def classification(network: Network, *, classes: int, **fields: Any) -> Task:
    """The task of classifying `(x, y)` with a network, by cross-entropy; the metric is accuracy.

    Args:
      network: with one output for each class, on the last axis.
      classes: how many; y holds whole numbers 0 … classes − 1, with the axes of the outputs but the last.
      fields: the other fields of `Task`.
    """

    def cross_entropy(outputs: Array, y: Array) -> Scalar:
        log_p = jax.nn.log_softmax(outputs)
        # A product with the one-hot labels: its gradient is elementwise where an index's is a scatter.
        return -jnp.mean(jnp.sum(log_p * (y[..., None] == jnp.arange(classes)), axis=-1))

    return task_of(
        network,
        loss=cross_entropy,
        metric=accuracy,
        **{"metric_name": "accuracy", "maximize": True, "metric_range": (0.0, 1.0)} | fields,
    )


def accuracy(outputs: Array, y: Array) -> Scalar:
    """The fraction of examples whose class has the largest output."""
    return jnp.mean(jnp.argmax(outputs, axis=-1) == y)


def task_of(
    network: Network,
    *,
    loss: Measure,
    metric: Measure | None = None,
    roles: Roles | None = None,
    **fields: Any,
) -> Task:
    """The task of a network on data (x, y), with `loss` and `metric` as functions of (outputs, y).

    `roles` stand in place of the network's; `fields` are the other fields of `Task`.
    """
    carries = network.state is not None
    differs = carries or network.random

    def training_loss(
        parameters: Parameters, data: Examples, state: PyTree = None, key: jax.Array | None = None
    ) -> PyTree:
        x, y = data
        outputs, state = network.apply(parameters, x, state, True, key)
        return (loss(outputs, y), state) if carries else loss(outputs, y)

    return Task(
        parameters=network.parameters,
        state=network.state,
        random=network.random,
        loss=training_loss if differs else Measurement(network, loss, training=True),
        validation_loss=Measurement(network, loss) if differs else None,
        metric=None if metric is None else Measurement(network, metric),
        layout=network.layout,
        own=network.own,
        dense=network.dense,
        convolutional=network.convolutional,
        recurrent=network.recurrent,
        model=network.model,
        roles=network.roles if roles is None else roles,
        **fields,
    )
