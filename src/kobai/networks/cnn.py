"""The convolutional network of the built-in tasks: each layer halves the positions, the last one is dense."""

import math
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.networks.layers import convolution, margins, positions
from kobai.networks.network import (
    Convolutional,
    Network,
    check_activation,
    check_batch_norm,
    finish,
    hidden_parameters,
    hidden_state,
    output,
    output_parameters,
)

STRIDE = 2


def network(
    space: Sequence[int],
    channels: Sequence[int],
    kernels: Sequence[int],
    outputs: int,
    activation: str,
    batch_norm: bool | str = False,
    padding: int | None = None,
) -> Network:
    """Convolutions of stride 2 and one dense layer, for inputs [examples, positions] of one channel.

    Args:
      space: positions along each axis: (40,) for a curve, (8, 8) for an image that lies there row by row.
      channels: of every convolution.
      kernels: positions that the kernel of every convolution has along each axis.
      outputs: of the network.
      activation: "relu", "tanh" or "sigmoid", after every convolution.
      batch_norm: as in `kobai.networks.mlp.network`, for each channel over examples and positions.
      padding: zeros at either end of every axis, for every convolution. Default: so many that each halves the
        positions.
    """
    check_activation(activation)
    place = check_batch_norm(batch_norm)
    layers, inputs, sizes, zeros = [], 1, list(space), []
    for n, size in zip(channels, kernels, strict=True):
        shape = (*[size] * len(space), inputs, n)
        layers.append(hidden_parameters(np.zeros(shape, np.float32), n, place))
        zeros.append(tuple(margins(before, size, STRIDE, padding) for before in sizes))
        inputs, sizes = n, [positions(before, size, STRIDE, padding) for before in sizes]
    last = np.zeros((math.prod(sizes) * inputs, outputs), np.float32)
    state = hidden_state(channels, place)

    def apply(
        parameters: PyTree,
        x: jax.Array,
        state: PyTree,
        training: bool,
        key: jax.Array | None = None,  # noqa: ARG001
    ) -> tuple[jax.Array, PyTree]:
        *layers, last = parameters
        x = x.reshape(x.shape[0], *space, 1)
        statistics = []
        for layer, moments in zip(layers, state or [None] * len(layers), strict=True):
            z = convolution(layer["weights"], x, stride=STRIDE, padding=padding)
            x, new = finish(layer, moments, z, activation, place, training)
            statistics.append(new)
        return output(last, x.reshape(x.shape[0], -1)), None if state is None else statistics

    convolutional = Convolutional(
        space=tuple(space),
        channels=tuple(channels),
        margins=tuple(zeros),
        kernels=tuple(kernels),
        features=tuple(sizes),
        outputs=outputs,
        activation=activation,
        batch_norm=place,
    )
    parameters = [*layers, output_parameters(last, outputs)]
    return Network(parameters, state, apply, convolutional=convolutional)
