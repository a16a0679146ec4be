"""A network as three things, and what the built-in ones share.

A network is its parameters, its state (running statistics, or None), and a function that applies it. Its
hidden layers are finished alike, with batch normalization or without (`hidden_parameters`, `hidden_state`,
`finish`).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Parameters
from kobai.basics.checks import check_count, check_name
from kobai.basics.errors import unknown
from kobai.networks.layers import batch_norm, batch_norm_parameters, batch_norm_state


@jax.custom_jvp
def relu(x: jax.Array) -> jax.Array:
    """max(x, 0), with the derivative 0 at 0.

    The derivative is a factor, sign(max(x, 0)), where `jax.nn.relu` selects: half the time on a CPU.
    """
    return jnp.maximum(x, 0)


@relu.defjvp
def _relu_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    y = relu(*primals)
    return y, tangents[0] * jnp.sign(y)


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}

OFF, BEFORE, AFTER = "off", "before", "after"
BATCH_NORM = {OFF: OFF, "on": BEFORE, BEFORE: BEFORE, AFTER: AFTER, False: OFF, True: BEFORE}
"""Where batch normalization stands, by what it may be called. Just on: before the activation."""


class Network(NamedTuple):
    """Parameters, state, and ``apply(parameters, x, state, training) -> (outputs, state)``."""

    parameters: Parameters
    state: PyTree
    apply: Callable[[PyTree, jax.Array, PyTree, bool], tuple[jax.Array, PyTree]]
    layout: str = "in_out"


def widths(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """The widths of the hidden layers, checked."""
    every = tuple(hidden) if isinstance(hidden, Sequence) and not isinstance(hidden, str) else (hidden,)
    for width in every:
        check_count("hidden", width)
    return every


def check_activation(activation: str) -> None:
    check_name("kind.activation", activation, ACTIVATIONS)


def check_batch_norm(batch_norm: bool | str) -> str:
    """ "off", "before" or "after" the activation."""
    if not isinstance(batch_norm, Hashable) or batch_norm not in BATCH_NORM:
        raise unknown("kind.batch_norm", batch_norm, [name for name in BATCH_NORM if isinstance(name, str)])
    return BATCH_NORM[batch_norm]


def hidden_parameters(weights: np.ndarray, nodes: int, place: str) -> dict[str, np.ndarray]:
    """A hidden layer's arrays: β takes the place of the biases where it would undo what they do."""
    arrays = {"weights": weights}
    if place != BEFORE:
        arrays["biases"] = np.zeros(nodes, np.float32)
    return arrays if place == OFF else arrays | batch_norm_parameters(nodes)


def output_parameters(weights: np.ndarray, nodes: int) -> dict[str, np.ndarray]:
    """The arrays of the last, linear layer."""
    return {"weights": weights, "biases": np.zeros(nodes, np.float32)}


def output(layer: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """The outputs of the last, linear layer, whose weights are [in, out]."""
    return x @ layer["weights"] + layer["biases"]


def hidden_state(nodes: Sequence[int], place: str) -> list[dict[str, np.ndarray]] | None:
    """The running statistics of hidden layers of so many nodes, or None without batch normalization."""
    if place == OFF:
        return None
    return [batch_norm_state(n) for n in nodes]


def finish(
    layer: Mapping[str, jax.Array],
    statistics: PyTree,
    z: jax.Array,
    activation: str,
    place: str,
    training: bool,
) -> tuple[jax.Array, PyTree]:
    """(activations, running statistics) of a hidden layer whose product of inputs and weights is `z`."""
    f = ACTIVATIONS[activation]
    if place == OFF:
        return f(z + layer["biases"]), statistics
    if place == BEFORE:
        z, statistics = batch_norm(layer, statistics, z, training=training)
        return f(z), statistics
    return batch_norm(layer, statistics, f(z + layer["biases"]), training=training)
