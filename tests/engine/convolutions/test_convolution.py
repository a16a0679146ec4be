"""Every form of a convolution against sums written out in NumPy, and its gradients against XLA's own."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from kobai.engine.convolutions import convolution as forms
from kobai.engine.convolutions import lowered

ORDERS = {
    1: [("NWC", "WIO", "NWC"), ("NCW", "OIW", "NCW")],
    2: [("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW"), ("CNHW", "IOHW", "HWNC")],
    3: [("NCDHW", "OIDHW", "NCDHW")],
}
SPACE, KERNEL = (9, 7, 6), (3, 2, 1)
LIES = {  # strides, padding, dilation of the image, of the kernel
    "plain": (1, (1, 1), 1, 1),
    "strides": (2, (0, 1), 1, 1),
    "transposed": (1, (1, 2), 2, 1),
    "dilated": (1, (2, 1), 1, 2),
    "everything": (2, (1, 2), 3, 2),
}
CHANNELS = {  # in, out, groups
    "one": (1, 4, 1),
    "many": (6, 20, 1),
    "depthwise": (4, 8, 4),
    "grouped": (4, 6, 2),
    "of many groups": (18, 36, 9),
}


def by_hand(x, w, stride, padding, dilation, spread, groups):
    """Sums over places, for x [examples, *space, in] and w [*kernel, in / groups, out], in float64."""
    space, kernel, (inside, outputs) = x.shape[1:-1], w.shape[:-2], w.shape[-2:]
    wide = np.zeros((len(x), *[(n - 1) * dilation + 1 for n in space], x.shape[-1]))
    wide[(slice(None), *[slice(None, None, dilation)] * len(space))] = x
    for axis in range(1, len(space) + 1):  # a negative end is cut off
        ends = [(max(p, 0) if axis == i else 0) for i in range(wide.ndim) for p in padding]
        wide = np.pad(wide, np.reshape(ends, (-1, 2)))
        low, high = (-min(p, 0) for p in padding)
        wide = wide.take(range(low, wide.shape[axis] - high), axis)
    sizes = [(n - (k - 1) * spread - 1) // stride + 1 for n, k in zip(wide.shape[1:-1], kernel, strict=True)]
    y = np.zeros((len(x), *sizes, outputs))
    each = outputs // groups
    for place in itertools.product(*map(range, kernel)):
        cut = [
            slice(k * spread, k * spread + (n - 1) * stride + 1, stride)
            for k, n in zip(place, sizes, strict=True)
        ]
        for g in range(groups):
            channels, results = slice(g * inside, (g + 1) * inside), slice(g * each, (g + 1) * each)
            y[..., results] += wide[(slice(None), *cut, channels)] @ w[place][:, results]
    return y


def arrays(axes, channels, seed=0, examples=2):
    """x [examples, *space, in] and w [*kernel, in / groups, out]."""
    inputs, outputs, groups = CHANNELS[channels]
    random = np.random.default_rng(seed)
    x = random.normal(size=(examples, *SPACE[:axes], inputs)).astype(np.float32)
    return x, random.normal(size=(*KERNEL[:axes], inputs // groups, outputs)).astype(np.float32)


def convolved(lies, order, groups):
    stride, padding, dilation, spread = lies

    def function(x, w):
        axes = x.ndim - 2
        return lax.conv_general_dilated(
            x,
            w,
            (stride,) * axes,
            [padding] * axes,
            (dilation,) * axes,
            (spread,) * axes,
            order,
            feature_group_count=groups,
        )

    return function


def placed(array, before, after):
    """An array with its axes, which `before` names, in the order `after`."""
    return jnp.transpose(array, [before.index(name) for name in after])


def same(results, expected, tolerance=1e-5):
    for a, b in zip(jax.tree.leaves(results), jax.tree.leaves(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_every_form_is_the_sum(axes, channels):
    x, w = arrays(axes, channels)
    groups = CHANNELS[channels][2]

    def every(x, w):
        return [
            placed(
                convolved(lies, order, groups)(
                    placed(x, natural[0], order[0]), placed(w, natural[1], order[1])
                ),
                order[2],
                natural[2],
            )
            for lies in LIES.values()
            for order in ORDERS[axes]
        ]

    letters = "DHW" if axes == 3 else "HW"[-axes:]
    natural = f"N{letters}C", f"{letters}IO", f"N{letters}C"
    results = lowered(every, x, w).compile()(x, w)
    expected = [by_hand(x, w, *lies, groups) for lies in LIES.values() for _ in ORDERS[axes]]
    same(results, expected)


@pytest.mark.parametrize("channels", CHANNELS)
def test_gradients_are_those_of_the_program_as_it_stands(channels):
    x, w = arrays(2, channels, examples=5)
    groups = CHANNELS[channels][2]
    order = ORDERS[2][0]

    def loss(x, w):
        return sum(jnp.sum(jnp.sin(convolved(lies, order, groups)(x, w))) for lies in LIES.values())

    gradient = jax.grad(loss, (0, 1))
    same(lowered(gradient, x, w).compile()(x, w), jax.jit(gradient)(x, w))


def test_many_networks_side_by_side():
    x, w = arrays(2, "many")
    many = np.stack([w, 2 * w, w - 1])
    gradient = jax.vmap(
        jax.grad(lambda w, x: jnp.sum(convolved(LIES["strides"], ORDERS[2][0], 1)(x, w) ** 2)), (0, None)
    )
    same(lowered(gradient, many, x).compile()(many, x), jax.jit(gradient)(many, x))


def test_the_gradient_for_many_positions_and_for_few_channels():
    """All sizes at which another form is taken, on a kernel as large as the image."""
    random = np.random.default_rng(1)
    for inputs, outputs in ((1, 24), (3, 8), (8, 24), (24, 8)):
        x = random.normal(size=(3, 10, 10, inputs)).astype(np.float32)
        w = random.normal(size=(3, 3, inputs, outputs)).astype(np.float32)
        for lies in (LIES["plain"], LIES["strides"]):
            function = convolved(lies, ORDERS[2][0], 1)
            gradient = jax.grad(lambda w, x, f=function: jnp.sum(f(x, w) ** 3))
            same(lowered(gradient, w, x).compile()(w, x), jax.jit(gradient)(w, x))


def test_a_large_kernel_on_one_channel():
    """It has more results than are asked for, of zeros: none of them is seen."""
    random = np.random.default_rng(3)
    x = random.normal(size=(3, 12, 11, 1)).astype(np.float32)
    w = random.normal(size=(5, 4, 1, 6)).astype(np.float32)
    for lies in LIES.values():
        function = convolved(lies, ORDERS[2][0], 1)
        program = lowered(function, x, w)
        assert f"x{forms.WIDE}xf32" in program.as_text()
        same(program.compile()(x, w), by_hand(x, w, *lies, 1))
        gradient = jax.grad(lambda x, w, f=function: jnp.sum(f(x, w) ** 2), (0, 1))
        same(lowered(gradient, x, w).compile()(x, w), jax.jit(gradient)(x, w))


def test_an_image_that_is_cut_off():
    """XLA's own kernel is wrong for negative padding with strides, so it is never asked."""
    x, w = arrays(2, "many")
    lies = (2, (-1, 2), 1, 1)
    function = convolved(lies, ORDERS[2][0], 1)
    expected = by_hand(x, w, *lies, 1)
    same(lowered(function, x, w).compile()(x, w), expected)


def test_double_precision():
    with jax.enable_x64(True):
        for channels in ("many", "depthwise", "grouped"):
            x, w = (array.astype(np.float64) for array in arrays(2, channels))
            groups = CHANNELS[channels][2]
            function = convolved(LIES["strides"], ORDERS[2][0], groups)
            gradient = jax.value_and_grad(lambda x, w, f=function: jnp.sum(f(x, w) ** 2), (0, 1))
            results = lowered(gradient, x, w).compile()(x, w)
            assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(results))
            same(results, jax.jit(gradient)(x, w), 1e-13)
            same(function(x, w), by_hand(x, w, *LIES["strides"], groups), 1e-13)


def test_what_is_left_as_it_is():
    """Whole numbers sum as before; a convolution of nothing, or without space, is not touched."""
    whole = np.arange(2 * 5 * 5 * 2, dtype=np.int32).reshape(2, 5, 5, 2)
    kernel = np.arange(8, dtype=np.int32).reshape(2, 2, 2, 1)
    function = convolved(LIES["plain"], ORDERS[2][0], 1)
    assert np.array_equal(lowered(function, whole, kernel).compile()(whole, kernel), function(whole, kernel))
    empty = np.zeros((0, 5, 5, 2), np.float32)
    kernel = kernel.astype(np.float32)
    assert lowered(function, empty, kernel).compile()(empty, kernel).shape == (0, 6, 6, 1)


def test_a_wrong_turn_is_seen(monkeypatch):
    """Without the flip, positions come from the last to the first: the tests above would fail."""
    random = np.random.default_rng(2)
    x = random.normal(size=(2, 9, 7, 12)).astype(np.float32)
    w = random.normal(size=(3, 3, 12, 20)).astype(np.float32)
    function = convolved(LIES["plain"], ORDERS[2][0], 1)
    gradient = jax.grad(lambda w: jnp.sum(function(x, w) ** 2))
    expected = jax.jit(gradient)(w)
    same(lowered(gradient, w).compile()(w), expected)
    monkeypatch.setattr(forms.jnp, "flip", lambda array, axes: array)
    with pytest.raises(AssertionError):
        same(lowered(gradient, w).compile()(w), expected)
