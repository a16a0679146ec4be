"""Windowed maxima and sums, and what a maximum sends back, as slices of the whole array.

Nothing is scattered: each place of the window is one slice, a number for each position of the result. A
maximum is derived at the first of equal numbers, as XLA and PyTorch have it.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

PLACES = 32
"""Windows of more places than this are left as they are."""

Sizes = Sequence[int]
Padding = Sequence[tuple[int, int]]


def greatest(x: Array, **window: Any) -> Array | None:
    """The greatest number in each window; None where the form as it stands is kept."""
    return _combined(x, jnp.maximum, -jnp.inf, **window)


def total(x: Array, **window: Any) -> Array | None:
    """The sum of each window; None where the form as it stands is kept."""
    return _combined(x, jnp.add, 0, **window)


def _combined(
    x: Array,
    combine: Any,
    neutral: float,
    *,
    window_dimensions: Sizes,
    window_strides: Sizes,
    padding: Padding,
    base_dilation: Sizes,
    window_dilation: Sizes,
) -> Array | None:
    dilated = any(d != 1 for d in (*base_dilation, *window_dilation))
    if dilated or not _sliced(x, window_dimensions, window_strides, padding):
        return None
    axes = _windows_first(window_dimensions)
    x = jnp.transpose(x, axes)
    window_dimensions, window_strides = _in(axes, window_dimensions), _in(axes, window_strides)
    padding = [padding[axis] for axis in axes]
    padded = lax.pad(x, jnp.asarray(neutral, x.dtype), [(*ends, 0) for ends in padding])
    positions = _positions(x.shape, window_dimensions, window_strides, padding)
    pieces = (
        lax.slice(padded, place, _ends(place, positions, window_strides), window_strides)
        for place in _places(window_dimensions)
    )
    return jnp.transpose(functools.reduce(combine, pieces), _back(axes))


def place_of_greatest(
    source: Array,
    x: Array,
    *,
    select_prim: Any,
    window_dimensions: Sizes,
    window_strides: Sizes,
    padding: Padding,
) -> Array | None:
    """Zeros like x, with each number of `source` added where the (first) greatest of its window lies.

    None where the form as it stands is kept.
    """
    if select_prim.name != "ge" or not _sliced(x, window_dimensions, window_strides, padding):
        return None
    axes = _windows_first(window_dimensions)
    x, source = jnp.transpose(x, axes), jnp.transpose(source, axes)
    window_dimensions, window_strides = _in(axes, window_dimensions), _in(axes, window_strides)
    padding = [padding[axis] for axis in axes]
    first = _first(x, window_dimensions, window_strides, padding)
    tiles = window_dimensions == window_strides and not any(map(any, padding))
    if tiles:
        return jnp.transpose(_spread(source, first, x.shape, window_dimensions), _back(axes))
    zero, parts = jnp.zeros((), x.dtype), []
    for number, place in enumerate(_places(window_dimensions)):
        part = jnp.where(first == number, source, zero)
        ends = _ends(place, source.shape, window_strides)
        margins = [
            (at - low, low + n - end, s - 1)
            for at, (low, _), n, end, s in zip(place, padding, x.shape, ends, window_strides, strict=True)
        ]
        parts.append(lax.pad(part, zero, margins))
    return jnp.transpose(functools.reduce(jnp.add, parts), _back(axes))


def _windows_first(window: Sizes) -> list[int]:
    """The axes, at the end those that no window lies on: whole rows of them are taken at once."""
    return sorted(range(len(window)), key=lambda axis: window[axis] == 1 and axis > 0)


def _in(axes: Sizes, sizes: Sizes) -> tuple[int, ...]:
    return tuple(sizes[axis] for axis in axes)


def _back(axes: Sizes) -> tuple[int, ...]:
    """The axes that undo a transposition."""
    return tuple(np.argsort(axes))


def _first(x: Array, window: Sizes, strides: Sizes, padding: Padding) -> Array:
    """int32 [positions]: the place in each window of its greatest number, the first of equal ones."""
    padded = lax.pad(x, jnp.asarray(-jnp.inf, x.dtype), [(*ends, 0) for ends in padding])
    positions = _positions(x.shape, window, strides, padding)
    begun: Any = False
    for number, place in enumerate(_places(window)):
        value = lax.slice(padded, place, _ends(place, positions, strides), strides)
        inside = _inside(place, positions, strides, padding, x.shape)
        if number == 0:
            best, first = value, jnp.zeros(positions, jnp.int32)
        else:
            taken = ~(best >= value) | ~begun if begun is not True else ~(best >= value)
            taken = taken if inside is True else taken & inside
            best, first = jnp.where(taken, value, best), jnp.where(taken, number, first)
        begun = True if inside is True or begun is True else begun | inside
    return first


def _inside(place: Sizes, positions: Sizes, strides: Sizes, padding: Padding, shape: Sizes) -> Any:
    """Where this place of the window lies on the array, not on its padding: True, or a truth a position."""
    inside: Any = True
    for axis, (low, high) in enumerate(padding):
        if low or high:
            at = lax.broadcasted_iota(jnp.int32, positions, axis) * strides[axis] + (place[axis] - low)
            inside = inside & (at >= 0) & (at < shape[axis])
    return inside


def _spread(source: Array, first: Array, shape: Sizes, window: Sizes) -> Array:
    """Each number of `source` at its place in its tile, zeros elsewhere."""
    spread = [axis for axis, k in enumerate(window) if k > 1]
    tiled, numbers = list(source.shape), jnp.zeros((), jnp.int32)
    for axis in reversed(spread):
        tiled.insert(axis + 1, window[axis])
    after = {axis: axis + 1 + i for i, axis in enumerate(spread)}
    apart = math.prod(window)
    for axis in spread:
        apart //= window[axis]
        numbers = numbers + apart * lax.broadcasted_iota(jnp.int32, tiled, after[axis])
    wide = tuple(after.values())
    chosen = jnp.expand_dims(first, wide) == numbers
    tiles = jnp.where(chosen, jnp.expand_dims(source, wide), jnp.zeros((), source.dtype))
    whole = tiles.reshape([n * k for n, k in zip(source.shape, window, strict=True)])
    rest = [(0, n - m, 0) for n, m in zip(shape, whole.shape, strict=True)]
    return lax.pad(whole, jnp.zeros((), source.dtype), rest)


def _sliced(x: Array, window: Sizes, strides: Sizes, padding: Padding) -> bool:
    """Whether slices are the better form, and can be had."""
    positions = _positions(x.shape, window, strides, padding)
    return (
        1 < math.prod(window) <= PLACES
        and jnp.issubdtype(x.dtype, jnp.floating)
        and min((*x.shape, *positions)) > 0
    )


def _positions(shape: Sizes, window: Sizes, strides: Sizes, padding: Padding) -> list[int]:
    """How many positions a window has along each axis."""
    return [
        (n + low + high - k) // s + 1
        for n, k, s, (low, high) in zip(shape, window, strides, padding, strict=True)
    ]


def _places(window: Sizes) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, window))


def _ends(place: Sizes, positions: Sizes, strides: Sizes) -> list[int]:
    """Where the slice of one place of the window ends."""
    return [at + (n - 1) * s + 1 for at, n, s in zip(place, positions, strides, strict=True)]
