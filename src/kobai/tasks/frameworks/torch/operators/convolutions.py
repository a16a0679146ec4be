"""Convolutions, either way, on images with the channels last.

The engine of the training brings them into the form that is fast on its device.
"""

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

from kobai.tasks.frameworks.torch.memory import Order
from kobai.tasks.frameworks.torch.operators.products import biased
from kobai.tasks.frameworks.torch.operators.table import operator

Sizes: TypeAlias = int | Sequence[int]


def each(value: Sizes, axes: int) -> list[int]:
    """One number for each axis of space, where there may be one for all."""
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


def windows(
    x: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], ends: Sequence[int]
) -> list[Array]:
    """For each place of a kernel what lies under it, at every position of the output.

    Args:
      x: [examples, *space, channels], padded.
      ends: positions of the output along each axis.
    """
    return [
        x[
            :,
            *[
                slice(k * d, k * d + (n - 1) * s + 1, s)
                for k, d, s, n in zip(place, dilation, stride, ends, strict=True)
            ],
        ]
        for place in itertools.product(*map(range, kernel))
    ]


def positions(n: int, size: int, stride: int, dilation: int) -> int:
    """How many positions a window of this size has on n, padding included."""
    return (n - dilation * (size - 1) - 1) // stride + 1


def convolution(
    x: Array,
    weight: Array,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    """Cross-correlation of x [examples, *space, in] with weights [out, in / groups, *kernel]."""
    axes = len(stride)
    space = tuple(range(1, axes + 1))
    last = (0, axes + 1, *space)
    numbers = lax.ConvDimensionNumbers(last, tuple(range(axes + 2)), last)
    return lax.conv_general_dilated(
        x,
        weight,
        stride,
        padding,
        rhs_dilation=dilation,
        dimension_numbers=numbers,
        feature_group_count=groups,
    )


def _both_ends(padding: str | Sizes, kernel: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    """Zeros before and after each axis; of an odd number for "same" the end has one more."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    assert not isinstance(padding, str)
    return [(p, p) for p in each(padding, len(kernel))]


def _forward(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: str | Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    kernel = weight.shape[2:]
    strides, dilations = each(stride, len(kernel)), each(dilation, len(kernel))
    ends = _both_ends(padding, kernel, dilations)
    return biased(convolution(input, weight, strides, ends, dilations, groups), bias)


def _backward(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Array:
    """The transposed convolution: what becomes of a gradient when a convolution is derived."""
    _, outputs, *kernel = weight.shape
    axes = len(kernel)
    strides, paddings, dilations = (each(value, axes) for value in (stride, padding, dilation))
    space = [
        (n - 1) * s - 2 * p + d * (k - 1) + more + 1
        for n, s, p, d, k, more in zip(
            input.shape[1:-1], strides, paddings, dilations, kernel, each(output_padding, axes), strict=True
        )
    ]

    def forward(y: Array) -> Array:
        return convolution(y, weight, strides, [(p, p) for p in paddings], dilations, groups)

    like = jax.ShapeDtypeStruct((len(input), *space, outputs * groups), input.dtype)
    [y] = jax.linear_transpose(forward, like)(input)
    return biased(y, bias)


for axes in (1, 2, 3):
    operator(f"conv{axes}d", order=Order.LAST, space=axes)(_forward)
    operator(f"conv_transpose{axes}d", order=Order.LAST, space=axes)(_backward)


@operator("convolution", order=Order.LAST)
def general(
    input: Array,
    weight: Array,
    bias: Array | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> Array:
    if transposed:
        return _backward(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return _forward(input, weight, bias, stride, padding, dilation, groups)


@operator("im2col")
def im2col(self: Array, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Array:
    """Neighbourhoods as columns: [examples, channels · places, positions]."""
    kernel, dilations, paddings, strides = (each(v, 2) for v in (kernel_size, dilation, padding, stride))
    x = jnp.pad(jnp.moveaxis(self, 1, -1), [(0, 0), *[(p, p) for p in paddings], (0, 0)])
    ends = [positions(*sizes) for sizes in zip(x.shape[1:-1], kernel, strides, dilations, strict=True)]
    stacked = jnp.stack(windows(x, kernel, strides, dilations, ends), axis=-1)
    rows = stacked.reshape(len(self), math.prod(ends), -1)
    return jnp.swapaxes(rows, 1, 2)
