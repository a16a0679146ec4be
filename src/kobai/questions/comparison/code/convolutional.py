"""The layers of a built-in task's convolutional network, as PyTorch and Keras have them.

The inputs are rows of numbers. kobai and Keras keep the channels on the last axis, PyTorch on the second.
"""

import math

from kobai.networks.cnn import STRIDE
from kobai.networks.network import AFTER, BEFORE, OFF, Convolutional

TORCH_ACTIVATIONS = {"relu": "nn.ReLU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()"}

KERAS_NORM = "keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)"


def torch(network: Convolutional) -> list[str]:
    """The layers of an `nn.Sequential`."""
    axes, place = len(network.space), network.batch_norm
    bias = ", bias=False" if place == BEFORE else ""
    layers, before = [f"nn.Unflatten(1, {(1, *network.space)})"], 1
    for after, size, margins in zip(network.channels, network.kernels, network.margins, strict=True):
        zeros = [zero for margin in reversed(margins) for zero in margin]  # the last axis first
        if any(zeros):
            layers.append(f"nn.ZeroPad{axes}d({tuple(zeros)})")
        norm, act = f"nn.BatchNorm{axes}d({after})", TORCH_ACTIVATIONS[network.activation]
        layers.append(f"nn.Conv{axes}d({before}, {after}, {size}, stride={STRIDE}{bias})")
        layers += {OFF: [act], BEFORE: [norm, act], AFTER: [act, norm]}[place]
        before = after
    features = math.prod(network.features) * before
    return [*layers, "nn.Flatten()", f"nn.Linear({features}, {network.outputs})"]


def keras(network: Convolutional) -> list[str]:
    """The layers of a `keras.Sequential`."""
    axes, place = len(network.space), network.batch_norm
    bias = ", use_bias=False" if place == BEFORE else ""
    layers = [f"keras.Input(({math.prod(network.space)},))", f"keras.layers.Reshape({(*network.space, 1)})"]
    for channels, size, margins in zip(network.channels, network.kernels, network.margins, strict=True):
        zeros = margins[0] if axes == 1 else margins
        if any(map(any, margins)):
            layers.append(f"keras.layers.ZeroPadding{axes}D({zeros})")
        act = f'keras.layers.Activation("{network.activation}")'
        layers.append(f"keras.layers.Conv{axes}D({channels}, {size}, strides={STRIDE}{bias})")
        layers += {OFF: [act], BEFORE: [KERAS_NORM, act], AFTER: [act, KERAS_NORM]}[place]
    return [*layers, "keras.layers.Flatten()", f"keras.layers.Dense({network.outputs})"]
