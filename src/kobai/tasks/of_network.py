"""The task of training a network on data (x, y)."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Parameters, Scalar
from kobai.networks.network import Network
from kobai.tasks.task import Task

Measure: TypeAlias = Callable[[Array, Array], Scalar]
"""Of outputs and y: a loss or a metric."""
Examples: TypeAlias = tuple[jax.Array, jax.Array]
"""x and y."""


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

    def correct(outputs: Array, y: Array) -> Scalar:
        return jnp.mean(jnp.argmax(outputs, axis=-1) == y)

    return task_of(
        network,
        loss=cross_entropy,
        metric=correct,
        **{"metric_name": "accuracy", "maximize": True, "metric_range": (0.0, 1.0)} | fields,
    )


def task_of(network: Network, *, loss: Measure, metric: Measure | None = None, **fields: Any) -> Task:
    """The task of a network on data (x, y), with `loss` and `metric` as functions of (outputs, y)."""

    def measured(measure: Measure, training: bool) -> Callable[..., PyTree]:
        def stateless(parameters: Parameters, data: Examples) -> Scalar:
            x, y = data
            return measure(network.apply(parameters, x, None, training)[0], y)

        def with_state(parameters: Parameters, data: Examples, state: PyTree) -> PyTree:
            x, y = data
            outputs, state = network.apply(parameters, x, state, training)
            return (measure(outputs, y), state) if training else measure(outputs, y)

        return stateless if network.state is None else with_state

    return Task(
        parameters=network.parameters,
        state=network.state,
        layout=network.layout,
        loss=measured(loss, training=True),
        validation_loss=None if network.state is None else measured(loss, training=False),
        metric=None if metric is None else measured(metric, training=False),
        **fields,
    )
