"""Pooling and resizing, on images with the channels last."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from kobai.tasks.frameworks.torch.memory import Order
from kobai.tasks.frameworks.torch.operators.convolutions import Sizes, each, windows
from kobai.tasks.frameworks.torch.operators.table import operator


@jax.custom_jvp
def greatest(values: Sequence[Array]) -> Array:
    """The greatest of several arrays, number by number; where some are equal, the first is derived."""
    result = values[0]
    for value in values[1:]:
        result = jnp.maximum(result, value)
    return result


@greatest.defjvp
def _greatest_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (values,), (changes,) = primals, tangents
    y = greatest(values)
    change, open_ = jnp.zeros_like(y), jnp.ones_like(y)
    for value, moved in zip(values, changes, strict=True):
        first = open_ * (value == y)  # factors, where a choice is twice as slow on a CPU
        change, open_ = change + first * moved, open_ - first
    return y, change


class Window(NamedTuple):
    """How a window lies along each axis of space, and how many positions it has there."""

    kernel: Sequence[int]
    strides: Sequence[int]
    padding: Sequence[tuple[int, int]]
    dilation: Sequence[int]
    positions: Sequence[int]


def _window(
    x: Array, kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Window:
    axes = x.ndim - 2
    kernel, paddings, dilations = each(kernel_size, axes), each(padding, axes), each(dilation, axes)
    strides = kernel if not isinstance(stride, int) and not stride else each(stride, axes)
    ends, pads = [], []
    for n, k, s, p, d in zip(x.shape[1:-1], kernel, strides, paddings, dilations, strict=True):
        free = n + 2 * p - d * (k - 1) - 1
        end = free // s + 1
        if ceil_mode and free % s and end * s < n + p:  # the last window must begin inside
            end += 1
        ends.append(end)
        pads.append((p, max((end - 1) * s + d * (k - 1) + 1 - n - p, 0)))
    return Window(kernel, strides, pads, dilations, ends)


def _placed(
    x: Array,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    value: float,
) -> tuple[list[Array], Sequence[int], Sequence[tuple[int, int]]]:
    """What lies under each place of the window, the positions of the output, and the padding."""
    kernel, strides, pads, dilations, ends = _window(x, kernel_size, stride, padding, dilation, ceil_mode)
    if any(map(any, pads)):
        x = jnp.pad(x, [(0, 0), *pads, (0, 0)], constant_values=value)
    return windows(x, kernel, strides, dilations, ends), ends, pads


def _max_pool(
    self: Array,
    kernel_size: Sizes,
    stride: Sizes = (),
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Array:
    lowest = -jnp.inf if jnp.issubdtype(self.dtype, jnp.floating) else jnp.iinfo(self.dtype).min
    if any(d != 1 for d in each(dilation, self.ndim - 2)):  # JAX derives no dilated window
        return greatest(_placed(self, kernel_size, stride, padding, dilation, ceil_mode, lowest)[0])
    window = _window(self, kernel_size, stride, padding, dilation, ceil_mode)
    return lax.reduce_window(
        self,
        np.asarray(lowest, self.dtype),  # a constant: then it is a maximum to JAX, and is derived as one
        lax.max,
        (1, *window.kernel, 1),
        (1, *window.strides, 1),
        [(0, 0), *window.padding, (0, 0)],
    )


def _avg_pool(
    self: Array,
    kernel_size: Sizes,
    stride: Sizes = (),
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    places, ends, pads = _placed(self, kernel_size, stride, padding, 1, ceil_mode, 0.0)
    total = functools.reduce(jnp.add, places)
    if divisor_override:
        return total / divisor_override
    if not any(map(any, pads)):
        return total / len(places)
    # How many numbers a window holds: with the padding that was asked for, but not with what fills it up.
    axes = len(ends)
    counted = each(padding, axes) if count_include_pad else [0] * axes
    ones = np.ones((1, *[n + 2 * p for n, p in zip(self.shape[1:-1], counted, strict=True)], 1), np.float32)
    rest = 0 if count_include_pad else padding
    with jax.ensure_compile_time_eval():
        count = functools.reduce(jnp.add, _held(jnp.asarray(ones), kernel_size, stride, rest, ends))
    return total / count


def _held(ones: Array, kernel_size: Sizes, stride: Sizes, padding: Sizes, ends: Sequence[int]) -> list[Array]:
    axes = len(ends)
    kernel, paddings = each(kernel_size, axes), each(padding, axes)
    strides = kernel if not isinstance(stride, int) and not stride else each(stride, axes)
    pads = [
        (p, max((end - 1) * s + k - n - p, 0))
        for n, k, s, p, end in zip(ones.shape[1:-1], kernel, strides, paddings, ends, strict=True)
    ]
    return windows(jnp.pad(ones, [(0, 0), *pads, (0, 0)]), kernel, strides, [1] * axes, ends)


def _bins(n: int, count: int) -> list[tuple[int, int]]:
    """Where each of `count` bins begins and ends on n positions; they may overlap."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


def _adaptive_avg_pool(self: Array, output_size: Sizes) -> Array:
    """Means over so many bins along each axis: products with a matrix of shares, or one mean over all."""
    axes = self.ndim - 2
    wanted = [
        n if size is None else size for n, size in zip(self.shape[1:-1], each(output_size, axes), strict=True)
    ]
    if wanted == [1] * axes:
        return jnp.mean(self, axis=tuple(range(1, axes + 1)), keepdims=True)
    for axis, count in enumerate(wanted, 1):
        n = self.shape[axis]
        if count == n:
            continue
        shares = np.zeros((n, count))
        for i, (begin, end) in enumerate(_bins(n, count)):
            shares[begin:end, i] = 1 / (end - begin)
        self = along(self, axis, shares)
    return self


def _adaptive_max_pool(self: Array, output_size: Sizes) -> Array:
    axes = self.ndim - 2
    for axis, count in enumerate(each(output_size, axes), 1):
        parts = [
            jnp.max(jax.lax.slice_in_dim(self, begin, end, axis=axis), axis=axis)
            for begin, end in _bins(self.shape[axis], count or self.shape[axis])
        ]
        self = jnp.stack(parts, axis=axis)
    return self


def along(x: Array, axis: int, matrix: np.ndarray) -> Array:
    """The product with a constant matrix [before, after] along one axis."""
    y = jnp.tensordot(x, jnp.asarray(matrix, x.dtype), axes=(axis, 0))
    return jnp.moveaxis(y, -1, axis)


for axes in (1, 2, 3):
    operator(f"max_pool{axes}d", order=Order.LAST, space=axes)(_max_pool)
    operator(f"avg_pool{axes}d", order=Order.LAST, space=axes)(_avg_pool)
    operator(f"adaptive_avg_pool{axes}d", order=Order.LAST, space=axes)(_adaptive_avg_pool)


def _adaptive_max_pool_places(self: Array, output_size: Sizes) -> list[Array]:
    """The maxima; the places beside them are none, which only unpooling would ask for."""
    values = _adaptive_max_pool(self, output_size)
    return [values, jnp.full(values.shape, -1)]


for axes in (1, 2, 3):
    operator(f"adaptive_max_pool{axes}d", order=Order.LAST, space=axes)(_adaptive_max_pool_places)


# Resizing.


def _scales(
    before: Sequence[int], size: Sequence[int] | None, factors: Sequence[float] | None
) -> list[float]:
    """Positions before to one after, along each axis: by the factor where one is given, else by the sizes."""
    if factors:
        return [1 / factor for factor in factors]
    assert size is not None
    return [n / after for n, after in zip(before, size, strict=True)]


def _after(before: Sequence[int], size: Sequence[int] | None, factors: Sequence[float] | None) -> list[int]:
    if size is not None:
        return list(size)
    assert factors is not None
    return [math.floor(n * factor) for n, factor in zip(before, factors, strict=True)]


def _nearest(
    input: Array,
    output_size: Sequence[int] | None,
    scale_factors: Sequence[float] | None = None,
) -> Array:
    before = input.shape[1:-1]
    after = _after(before, output_size, scale_factors)
    for axis, (n, count, scale) in enumerate(
        zip(before, after, _scales(before, output_size, scale_factors), strict=True), 1
    ):
        places = np.minimum(np.floor(np.arange(count) * np.float32(scale)).astype(int), n - 1)
        if count % n == 0 and np.array_equal(places, np.repeat(np.arange(n), count // n)):
            input = jnp.repeat(input, count // n, axis=axis)
        else:
            input = jnp.take(input, places, axis=axis)
    return input


def _linear(
    input: Array,
    output_size: Sequence[int] | None,
    align_corners: bool,
    scale_factors: Sequence[float] | None = None,
) -> Array:
    """Between the two nearest positions along each axis; corners lie on corners, or edges on edges."""
    before = input.shape[1:-1]
    after = _after(before, output_size, scale_factors)
    for axis, (n, count, scale) in enumerate(
        zip(before, after, _scales(before, output_size, scale_factors), strict=True), 1
    ):
        place = np.arange(count)
        if align_corners:
            exact = place * ((n - 1) / (count - 1) if count > 1 else 0.0)
        else:
            exact = np.maximum((place + 0.5) * scale - 0.5, 0)
        low = np.minimum(np.floor(exact).astype(int), n - 1)
        high = np.minimum(low + 1, n - 1)
        shares = np.zeros((n, count))
        np.add.at(shares, (low, place), 1 - (exact - low))
        np.add.at(shares, (high, place), exact - low)
        input = along(input, axis, shares)
    return input


for name, axes in (("upsample_nearest1d", 1), ("upsample_nearest2d", 2), ("upsample_nearest3d", 3)):
    operator(name, order=Order.LAST, space=axes)(_nearest)
for name, axes in (("upsample_linear1d", 1), ("upsample_bilinear2d", 2), ("upsample_trilinear3d", 3)):
    operator(name, order=Order.LAST, space=axes)(_linear)
