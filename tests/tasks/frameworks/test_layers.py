"""Gates, groups and transposed kernels: the fans of each matrix, and each by itself made orthogonal."""

import math

import jax
import numpy as np
import pytest

from framework_loop import framework
from kobai.basics.roles import roles
from kobai.initializers import he, orthogonal
from kobai.tasks.frameworks import models


def blocks(kernel, axis, count):
    """The matrices that lie along an axis."""
    return np.split(np.asarray(kernel), count, axis)


def is_orthonormal(block, outputs):
    """Whether the weights into each output are orthonormal, or if they are more those of each input."""
    matrix = np.moveaxis(block, outputs, -1).reshape(-1, block.shape[outputs])
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    return np.allclose(gram, np.eye(len(gram)), atol=1e-5)


def keras_layer(name, *options, shape, **named):
    keras = framework("keras")
    return keras.Sequential([keras.Input(shape), getattr(keras.layers, name)(*options, **named)])


def linen_layer(name, *options, **named):
    return getattr(framework("flax.linen"), name)(*options, **named)


def nnx_layer(name, *options, **named):
    nnx = framework("flax.nnx")
    return getattr(nnx, name)(*options, **named, rngs=nnx.Rngs(0))


def equinox_layer(name, *options, **named):
    return getattr(framework("equinox.nn"), name)(*options, **named, key=jax.random.key(0))


CASES = {
    # a model, its inputs, and of a weight: its fans, along which axis how many, which axis counts the outputs
    "lstm of keras": (
        lambda: keras_layer("LSTM", 4, shape=(5, 3)),
        (2, 5, 3),
        {"kernel": ((3, 4), -1, 4, -1), "recurrent_kernel": ((4, 4), -1, 4, -1)},
    ),
    "gru of keras": (
        lambda: keras_layer("GRU", 4, shape=(5, 3)),
        (2, 5, 3),
        {"kernel": ((3, 4), -1, 3, -1), "recurrent_kernel": ((4, 4), -1, 3, -1)},
    ),
    "convolutional lstm of keras": (
        lambda: keras_layer("ConvLSTM2D", 2, 3, shape=(2, 5, 5, 3)),
        (2, 2, 5, 5, 3),
        {"kernel": ((27, 18), -1, 4, -1), "recurrent_kernel": ((18, 18), -1, 4, -1)},
    ),
    "transposed of keras": (
        lambda: keras_layer("Conv2DTranspose", 2, 3, shape=(5, 5, 4)),
        (2, 5, 5, 4),
        {"kernel": ((36, 18), -1, 1, -2)},
    ),
    "groups of keras": (
        lambda: keras_layer("Conv2D", 6, 3, groups=2, shape=(5, 5, 4)),
        (2, 5, 5, 4),
        {"kernel": ((18, 27), -1, 2, -1)},
    ),
    "depthwise of keras": (
        lambda: keras_layer("DepthwiseConv2D", 3, depth_multiplier=2, shape=(5, 5, 4)),
        (2, 5, 5, 4),
        {"kernel": ((9, 18), -2, 4, -1)},
    ),
    "transposed of linen": (
        lambda: linen_layer("ConvTranspose", 2, (3, 3)),
        (2, 5, 5, 4),
        {"kernel": ((36, 18), -1, 1, -1)},
    ),
    "transposed kernel of linen": (
        lambda: linen_layer("ConvTranspose", 2, (3, 3), transpose_kernel=True),
        (2, 5, 5, 4),
        {"kernel": ((36, 18), -1, 1, -2)},
    ),
    "groups of linen": (
        lambda: linen_layer("Conv", 6, (3, 3), feature_group_count=2),
        (2, 5, 5, 4),
        {"kernel": ((18, 27), -1, 2, -1)},
    ),
    "groups of nnx": (
        lambda: nnx_layer("Conv", 4, 6, (3, 3), feature_group_count=2),
        (2, 5, 5, 4),
        {"kernel": ((18, 27), -1, 2, -1)},
    ),
    "groups of equinox": (
        lambda: equinox_layer("Conv2d", 4, 6, 3, groups=2),
        (2, 4, 5, 5),
        {"weight": ((18, 27), 0, 2, 0)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_matrix_has_its_fans_and_is_orthogonal_by_itself(case):
    make, shape, weights = CASES[case]
    network = models.network_of(make(), np.zeros(shape, np.float32))
    every = roles(network.parameters, network.roles)
    start, spread = (
        jax.tree.leaves(initializer.fill(network.parameters, 0, roles=network.roles))
        for initializer in (orthogonal(), he())
    )
    found = [each for each in zip(every, start, spread, strict=True) if each[0] and each[0].is_weight]
    assert len(found) == len(weights)
    for (role, kernel, normal), said in zip(found, weights.values(), strict=True):
        fans, axis, count, outputs = said
        assert role.fans == fans or (role.fans is None and count == 1)
        assert all(is_orthonormal(block, outputs) for block in blocks(kernel, axis, count))
        if count > 1:  # as one matrix it is not
            assert not is_orthonormal(kernel, outputs)
        assert normal.std() == pytest.approx(math.sqrt(2 / fans[0]), rel=0.35)


def test_the_gates_of_a_cell_of_nnx_are_drawn_each_by_itself():
    cell = nnx_layer("GRUCell", 3, 4)
    nnx = framework("flax.nnx")
    network = models.network_of(nnx.RNN(cell), np.zeros((2, 5, 3), np.float32))
    start = orthogonal().fill(network.parameters, 0, roles=network.roles)
    for name, fan_in in (("cell.dense_i.kernel", 3), ("cell.dense_h.kernel", 4)):
        assert network.roles[name].fans == (fan_in, 4)
        assert all(is_orthonormal(gate, -1) for gate in blocks(start[name], -1, 3))
