"""What the built-in tasks share: a network as three things, and the task of classifying with one.

A network is its parameters, its state (running statistics, or None), and a function that applies it. Its
hidden layers are finished alike, with batch normalization or without (`hidden_parameters`, `hidden_state`,
`finish`).
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kobai.errors import check_count, check_name, unknown
from kobai.layers import batch_norm, batch_norm_parameters, batch_norm_state
from kobai.tasks.task import Task


@jax.custom_jvp
def relu(x: Any) -> Any:
    """max(x, 0), with the derivative 0 at 0.

    The derivative is a factor, sign(max(x, 0)), where `jax.nn.relu` selects: half the time on a CPU.
    """
    return jnp.maximum(x, 0)


@relu.defjvp
def _relu_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    y = relu(*primals)
    return y, tangents[0] * jnp.sign(y)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}

OFF, BEFORE, AFTER = "off", "before", "after"
BATCH_NORM = {OFF: OFF, "on": BEFORE, BEFORE: BEFORE, AFTER: AFTER, False: OFF, True: BEFORE}
"""Where batch normalization stands, by what it may be called. Just on: before the activation."""


class Network(NamedTuple):
    """Parameters, state, and ``apply(parameters, x, state, training) -> (outputs, state)``."""

    parameters: Any
    state: Any
    apply: Callable[[Any, Any, Any, bool], tuple[Any, Any]]
    layout: str = "in_out"


def widths(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """The widths of the hidden layers, checked."""
    found: tuple[Any, ...] = (hidden,)
    if isinstance(hidden, Sequence) and not isinstance(hidden, str):
        found = tuple(hidden)
    for width in found:
        check_count("hidden", width)
    return found


def check_activation(activation: str) -> None:
    check_name("kind.activation", activation, ACTIVATIONS)


def check_batch_norm(batch_norm: bool | str) -> str:
    """ "off", "before" or "after" the activation."""
    if not isinstance(batch_norm, Hashable) or batch_norm not in BATCH_NORM:
        raise unknown("kind.batch_norm", batch_norm, [name for name in BATCH_NORM if isinstance(name, str)])
    return BATCH_NORM[batch_norm]


def hidden_parameters(weights: np.ndarray, nodes: int, place: str) -> dict[str, np.ndarray]:
    """A hidden layer's arrays: β takes the place of the biases where it would undo what they do."""
    made = {"weights": weights}
    if place != BEFORE:
        made["biases"] = np.zeros(nodes, np.float32)
    return made if place == OFF else made | batch_norm_parameters(nodes)


def output_parameters(weights: np.ndarray, nodes: int) -> dict[str, np.ndarray]:
    """The arrays of the last, linear layer."""
    return {"weights": weights, "biases": np.zeros(nodes, np.float32)}


def output(layer: Any, x: Any) -> Any:
    """The outputs of the last, linear layer, whose weights are [in, out]."""
    return x @ layer["weights"] + layer["biases"]


def hidden_state(nodes: Sequence[int], place: str) -> list[Any] | None:
    """The running statistics of hidden layers of so many nodes, or None without batch normalization."""
    if place == OFF:
        return None
    return [batch_norm_state(n) for n in nodes]


def finish(
    layer: Any, statistics: Any, z: Any, activation: str, place: str, training: bool
) -> tuple[Any, Any]:
    """(activations, running statistics) of a hidden layer whose product of inputs and weights is `z`."""
    f = ACTIVATIONS[activation]
    if place == OFF:
        return f(z + layer["biases"]), statistics
    if place == BEFORE:
        z, statistics = batch_norm(layer, statistics, z, training=training)
        return f(z), statistics
    return batch_norm(layer, statistics, f(z + layer["biases"]), training=training)


def classification(network: Network, *, classes: int, **fields: Any) -> Task:
    """The task of classifying `(x, y)` with a network, by cross-entropy; the metric is accuracy.

    Args:
      network: with one output for each class, on the last axis.
      classes: how many; y holds whole numbers 0 … classes − 1, with the axes of the outputs but the last.
      fields: the other fields of `Task`.
    """

    def cross_entropy(outputs: Any, y: Any) -> Any:
        log_p = jax.nn.log_softmax(outputs)
        # A product with the one-hot labels: its gradient is elementwise where an index's is a scatter.
        return -jnp.mean(jnp.sum(log_p * (y[..., None] == jnp.arange(classes)), axis=-1))

    def correct(outputs: Any, y: Any) -> Any:
        return jnp.mean(jnp.argmax(outputs, axis=-1) == y)

    return task_of(
        network,
        loss=cross_entropy,
        metric=correct,
        **{"metric_name": "accuracy", "maximize": True, "metric_range": (0.0, 1.0)} | fields,
    )


def task_of(network: Network, *, loss: Any, metric: Any = None, **fields: Any) -> Task:
    """The task of a network on data (x, y), with `loss` and `metric` as functions of (outputs, y)."""

    def measured(measure: Any, training: bool) -> Any:
        def stateless(parameters: Any, data: Any) -> Any:
            x, y = data
            return measure(network.apply(parameters, x, None, training)[0], y)

        def with_state(parameters: Any, data: Any, state: Any) -> Any:
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
