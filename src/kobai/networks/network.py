"""A network as three things, and what the built-in ones share.

A network is its parameters, its state (running statistics, or None), and a function that applies it. Its
hidden layers are finished alike, with batch normalization or without (`hidden_parameters`, `hidden_state`,
`finish`).
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.checks import check_count, check_name
from kobai.basics.errors import unknown
from kobai.networks.layers import batch_norm, batch_norm_parameters, batch_norm_state


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
