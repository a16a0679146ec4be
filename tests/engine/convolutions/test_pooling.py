"""Windowed maxima and sums, and where a maximum sends its gradient, against XLA's own windows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from kobai.engine.convolutions import lowered

WINDOWS = {  # window, strides, padding, over two axes
    "tiles": ((2, 2), (2, 2), "VALID"),
    "tiles of two sizes": ((2, 3), (2, 3), "VALID"),
    "overlapping": ((3, 3), (2, 2), "VALID"),
    "padded": ((3, 3), (2, 2), "SAME"),
    "gaps": ((2, 2), (3, 3), "VALID"),
    "uneven ends": ((3, 2), (1, 2), ((1, 0), (0, 2))),
    "too many places": ((7, 8), (1, 1), "VALID"),
}


def windows(name, channels_last=True):
    window, strides, padding = WINDOWS[name]
    place = (lambda sizes: (1, *sizes, 1)) if channels_last else (lambda sizes: (1, 1, *sizes))
    if not isinstance(padding, str):
        none = ((0, 0),)
        padding = (*none, *padding, *none) if channels_last else (*none, *none, *padding)

    def both(x):
        return [
            lax.reduce_window(x, start, combine, place(window), place(strides), padding)
            for start, combine in ((-jnp.inf, lax.max), (0.0, lax.add))
        ]

    return both


def with_gradient(both):
    def loss(x):
        results = both(x)
        return sum(jnp.sum(jnp.cos(jnp.arange(y.size).reshape(y.shape)) * y * y) for y in results), results

    return jax.value_and_grad(loss, has_aux=True)


@pytest.mark.parametrize("channels_last", [True, False])
def test_values_and_gradients(channels_last):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 7, 8, 3) if channels_last else (2, 3, 7, 8)).astype(np.float32)
    ties = np.maximum(np.round(x), 0)  # most windows hold their greatest number several times

    def every(x):
        return [with_gradient(windows(name, channels_last))(x) for name in WINDOWS]

    program, own = lowered(every, x), jax.jit(every)
    for values in (x, ties):
        results, expected = program.compile()(values), own(values)
        for a, b in zip(jax.tree.leaves(results), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_windows_become_slices():
    x = np.ones((2, 7, 8, 3), np.float32)
    text = lowered(with_gradient(windows("padded")), x).as_text()
    assert "reduce_window" not in text
    assert "select_and_scatter" not in text
    assert "reduce_window" in lowered(with_gradient(windows("too many places")), x).as_text()


def test_the_first_of_equal_numbers_is_derived():
    x = np.ones((1, 4, 4, 1), np.float32)
    gradient = jax.grad(lambda x: jnp.sum(windows("tiles")(x)[0]))
    expected = np.zeros_like(x)
    expected[:, ::2, ::2] = 1
    assert np.array_equal(lowered(gradient, x).compile()(x), expected)


def test_padding_is_never_the_greatest():
    """Where all numbers are −∞ the first inside is derived; XLA's own form loses what lies beside it."""
    x = np.full((1, 3, 3, 1), -np.inf, np.float32)
    gradient = jax.grad(lambda x: jnp.sum(windows("padded")(x)[0]))
    expected = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]], np.float32)
    assert np.array_equal(lowered(gradient, x).compile()(x)[0, :, :, 0], expected)


def test_no_number_goes_the_way_it_went():
    x = np.random.default_rng(3).normal(size=(1, 7, 8, 1)).astype(np.float32)
    x[0, 2:4, 3] = np.nan
    for name in ("tiles", "overlapping"):
        function = jax.value_and_grad(lambda x, name=name: jnp.sum(jnp.nan_to_num(windows(name)(x)[0])))
        results, expected = lowered(function, x).compile()(x), jax.jit(function)(x)
        np.testing.assert_allclose(results[0], expected[0], rtol=1e-6)
        np.testing.assert_array_equal(results[1], expected[1])
