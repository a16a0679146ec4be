"""The dense network of the built-in tasks, as a plain pytree: a list of {"weights", "biases"}.

Weights are [out, in], and between the layers every example is a column: a layer is f(W X + b). What
differentiation makes of it are the products for which a CPU's kernels are the fastest; with examples as rows
a step takes up to a half longer.
"""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array
from kobai.basics.errors import UsageError
from kobai.networks.network import (
    ACTIVATIONS,
    OFF,
    Dense,
    Network,
    check_activation,
    check_batch_norm,
    finish,
    hidden_parameters,
    hidden_state,
    output_parameters,
    relu,
)
from kobai.networks.slices import in_slices

__all__ = ["ACTIVATIONS", "check_activation", "layers", "network", "relu"]

LAYOUT = "out_in"
"""Where the fans of the weights are (`kobai.Task.layout`)."""


def layers(parameters: PyTree, x: Array, activation: str) -> list[Array]:
    """What each layer of a network without batch normalization gives for inputs [examples, in]."""
    values: list[Array] = []
    for i, layer in enumerate(parameters):
        x = jnp.asarray(x @ layer["weights"].T + layer["biases"])
        x = ACTIVATIONS[activation](x) if i < len(parameters) - 1 else x
        values.append(x)
    return values


def network(widths: Sequence[int], activation: str, batch_norm: bool | str = False) -> Network:
    """The network of the given widths, inputs first, for inputs [examples, in].

    Args:
      widths: nodes of the inputs, of every hidden layer, of the outputs.
      activation: "relu", "tanh" or "sigmoid", of the hidden layers; the last one is linear.
      batch_norm: batch normalization in every hidden layer: False ("off"), True ("on"), which is "before" the
        activation, or "after" it.
    """
    check_activation(activation)
    place = check_batch_norm(batch_norm)
    if place != OFF and len(widths) == 2:
        raise UsageError("error.batch_norm.nowhere", value=batch_norm)
    *hidden, last = (np.zeros((n2, n1), np.float32) for n1, n2 in itertools.pairwise(widths))
    layers = [hidden_parameters(weights, len(weights), place) for weights in hidden]
    state = hidden_state(widths[1:-1], place)

    def apply(
        parameters: PyTree,
        x: jax.Array,
        state: PyTree,
        training: bool,
        key: jax.Array | None = None,  # noqa: ARG001
    ) -> tuple[jax.Array, PyTree]:
        *layers, last = parameters

        def outputs(x: jax.Array) -> tuple[jax.Array, PyTree]:
            statistics = []
            product = jnp.inner  # W Xᵀ of the inputs, whose examples are rows; from then on W X
            for layer, moments in zip(layers, state or [None] * len(layers), strict=True):
                z = product(layer["weights"], x)
                x, new = finish(layer, moments, z, activation, place, training, axis=0)
                statistics.append(new)
                product = jnp.matmul
            y = jnp.tensordot(x, last["weights"], (0, 1)) if layers else jnp.inner(x, last["weights"])
            return y + last["biases"], None if state is None else statistics

        if training:
            return outputs(x)
        return in_slices(lambda x: outputs(x)[0], x, max(widths)), state

    parameters = [*layers, output_parameters(last, len(last))]
    return Network(parameters, state, apply, LAYOUT, dense=Dense(tuple(widths), activation, place))
