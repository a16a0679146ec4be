"""One convolution, whatever its axes are called, in the form that is fast inside a loop.

A kernel of so many places on so many positions is a sum over places. Three forms compute it:

- XLA's own kernel, which asks for the examples first, then the space, then the channels, and may have image
  and kernel change places;
- one product of matrices, with what lies under each place of the kernel laid side by side;
- without a sum over channels (depthwise), a sum of products number by number, place after place.

The gradient for a kernel is a convolution too, with the image for its kernel: so many places that the sum
goes the other way round, over what the kernel meets at each of the few positions of the result.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

PLACES = 64
"""With more places than this on either side, XLA's own form."""

GROUPS = 8
"""So many groups are convolutions of their own, one beside the other."""

WIDE = 32
"""XLA's kernel is fast on an image of one channel where the results have so many channels."""

FEW = 36
"""Where so few numbers lie under a kernel, XLA's own kernel is slower than one product."""


class Window(NamedTuple):
    """How a kernel lies on its image, along each axis of space."""

    strides: Sequence[int]
    padding: Sequence[tuple[int, int]]
    image_dilation: Sequence[int]
    kernel_dilation: Sequence[int]

    def positions(self, space: Sequence[int], kernel: Sequence[int]) -> list[int]:
        """How many positions the kernel has on an image, along each axis."""
        return [
            (d * (n - 1) + 1 + sum(p) - (e * (k - 1) + 1)) // s + 1
            for n, k, s, p, d, e in zip(space, kernel, *self, strict=True)
        ]

    def bare(self) -> "Window":
        """The window on the image that `padded` gives."""
        axes = len(self.strides)
        return self._replace(padding=[(0, 0)] * axes, image_dilation=[1] * axes)

    def padded(self, x: Array) -> Array:
        """The image [examples, *space, channels] with its zeros around and in between."""
        margins = [(*p, d - 1) for p, d in zip(self.padding, self.image_dilation, strict=True)]
        return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *margins, (0, 0, 0)])


def convolution(
    image: Array,
    kernel: Array,
    *,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    dimension_numbers: lax.ConvDimensionNumbers,
    feature_group_count: int,
    batch_group_count: int,
    precision: Any,
    preferred_element_type: Any,
    **rest: Any,
) -> Array | None:
    """The convolution with these parameters of JAX; None where its form as it stands is kept."""
    window = Window(window_strides, padding, lhs_dilation, rhs_dilation)
    if any(rest.values()) or not window_strides or 0 in (*image.shape, *kernel.shape):
        return None
    of_image, of_kernel, of_result = dimension_numbers
    x = jnp.transpose(image, (of_image[0], *of_image[2:], of_image[1]))  # [examples, *space, channels]
    w = jnp.transpose(kernel, (*of_kernel[2:], of_kernel[1], of_kernel[0]))  # [*kernel, in, out]
    positions = window.positions(x.shape[1:-1], w.shape[:-2])
    if min(positions) < 1:
        return None
    real = image.dtype == kernel.dtype == (preferred_element_type or image.dtype)
    if not real or image.dtype not in (np.float32, np.float64):
        y = _by_xla(x, w, window, feature_group_count, batch_group_count, precision, preferred_element_type)
    elif feature_group_count == batch_group_count == 1:
        y = _of_one_group(x, w, window, precision)
    else:
        y = _of_groups(x, w, window, feature_group_count, batch_group_count, precision)
    return jnp.transpose(y, tuple(np.argsort((of_result[0], *of_result[2:], of_result[1]))))


def _of_groups(
    x: Array, w: Array, window: Window, feature_groups: int, batch_groups: int, precision: Any
) -> Array:
    """Groups of channels, or of examples, each of which has a share of the kernel's results for its own."""
    positions = window.positions(x.shape[1:-1], w.shape[:-2])
    groups = max(feature_groups, batch_groups)
    if feature_groups == x.shape[-1] and math.prod(w.shape[:-2]) <= PLACES:
        return _place_by_place(x, w, window, positions)
    if batch_groups == len(x) and math.prod(positions) <= PLACES:
        return _position_by_position(x, w, window, positions)
    if groups > GROUPS:
        return _by_xla(x, w, window, feature_groups, batch_groups, precision, None)
    images = jnp.split(x, groups, axis=-1 if feature_groups > 1 else 0)
    kernels = jnp.split(w, groups, axis=-1)
    parts = [_of_one_group(*each, window, precision) for each in zip(images, kernels, strict=True)]
    return jnp.concatenate(parts, axis=-1)


def _of_one_group(x: Array, w: Array, window: Window, precision: Any) -> Array:
    """A sum over all channels, in the form that is fastest for these sizes."""
    positions = window.positions(x.shape[1:-1], w.shape[:-2])
    over_kernel, over_positions = math.prod(w.shape[:-2]), math.prod(positions)
    double, (inputs, outputs) = x.dtype == np.float64, w.shape[-2:]
    if 1 < over_kernel <= min(over_positions, PLACES):
        if not double and inputs == 1 and outputs < WIDE and over_kernel > FEW // 2:
            return _widened(x, w, window, precision)
        if double or inputs * over_kernel <= FEW and (outputs <= 16 or inputs == 3):
            return _product_over_places(x, w, window, positions, precision)
    elif 1 < over_positions <= min(over_kernel, PLACES) and (double or (len(x) <= 4 and outputs > 16)):
        return _product_over_positions(x, w, window, positions, precision)
    dilated = any(d > 1 for d in (*window.image_dilation, *window.kernel_dilation))
    if over_kernel > over_positions and 8 <= len(x) < outputs and not dilated:
        return _turned(x, w, window, positions, precision)
    return _by_xla(x, w, window, 1, 1, precision, None)


def _by_xla(
    x: Array,
    w: Array,
    window: Window,
    feature_groups: int,
    batch_groups: int,
    precision: Any,
    kind: Any,
) -> Array:
    """XLA's own convolution. Groups of examples, each with channels of its own, become groups of channels."""
    if min(end for ends in window.padding for end in ends) < 0:  # with strides its kernel misreads that
        x, window = window.padded(x), window.bare()
    if batch_groups > 1:
        grouped = x.reshape(batch_groups, -1, *x.shape[1:])
        x = jnp.moveaxis(grouped, 0, -2).reshape(*grouped.shape[1:-1], -1)
    axes = len(window.strides)
    space = tuple(range(1, axes + 1))
    numbers = lax.ConvDimensionNumbers(
        lhs_spec=(0, axes + 1, *space),
        rhs_spec=(axes + 1, axes, *range(axes)),
        out_spec=(0, axes + 1, *space),
    )
    return lax.conv_general_dilated(
        x,
        w,
        window.strides,
        window.padding,
        window.image_dilation,
        window.kernel_dilation,
        numbers,
        feature_group_count=max(feature_groups, batch_groups),
        precision=precision,
        preferred_element_type=kind,
    )


def _widened(x: Array, w: Array, window: Window, precision: Any) -> Array:
    """XLA's convolution with zeros for the missing channels: of 16 in a quarter of the time."""
    missing = [(0, 0)] * (w.ndim - 1) + [(0, WIDE - w.shape[-1])]
    return _by_xla(x, jnp.pad(w, missing), window, 1, 1, precision, None)[..., : w.shape[-1]]


def _turned(x: Array, w: Array, window: Window, positions: Sequence[int], precision: Any) -> Array:
    """The same sum with the kernel as the image, which gives the positions from the last to the first.

    XLA's kernel is slow where a result has many channels, or so many that do not fill its registers.
    """
    padding = [
        ((n - 1) * s - low, size - k + low)
        for n, s, (low, _), size, k in zip(
            positions, window.strides, window.padding, x.shape[1:-1], w.shape[:-2], strict=True
        )
    ]
    kernel, image = jnp.moveaxis(x, 0, -1), jnp.moveaxis(w, -1, 0)  # [*space, in, n], [out, *kernel, in]
    y = _by_xla(image, kernel, window._replace(padding=padding), 1, 1, precision, None)
    return jnp.swapaxes(jnp.flip(y, range(1, y.ndim - 1)), 0, -1)


def _product_over_places(
    x: Array, w: Array, window: Window, positions: Sequence[int], precision: Any
) -> Array:
    """What lies under each place of the kernel side by side, times the kernel."""
    x = window.padded(x)
    for axis in reversed(range(len(positions))):
        pieces = _slices(x, axis, w.shape[axis], window.kernel_dilation, positions[axis], window.strides)
        x = jnp.concatenate(pieces, -1)  # axis after axis: longer pieces, and fewer of them
    return jnp.matmul(x, w.reshape(-1, w.shape[-1]), precision=precision)


def _product_over_positions(
    x: Array, w: Array, window: Window, positions: Sequence[int], precision: Any
) -> Array:
    """What the kernel meets at each position side by side, times the kernel."""
    x = jnp.swapaxes(window.padded(x), 0, -1)  # [in, *space, examples]
    w = jnp.moveaxis(w, -2, 0)  # [in, *kernel, out]
    for axis in reversed(range(len(positions))):
        pieces = _slices(x, axis, positions[axis], window.strides, w.shape[axis + 1], window.kernel_dilation)
        x = jnp.concatenate(pieces, -1)
    summed = tuple(range(x.ndim - 1))
    y = lax.dot_general(x, w, ((summed, summed), ((), ())), precision=precision)
    return jnp.moveaxis(y.reshape(*positions, -1, w.shape[-1]), -2, 0)


def _place_by_place(x: Array, w: Array, window: Window, positions: Sequence[int]) -> Array:
    """Each channel alone: what lies under a place of the kernel, times the number there, summed."""
    more = w.shape[-1] // x.shape[-1]  # results of each channel
    pieces = [jnp.repeat(window.padded(x), more, -1)]
    for axis, n in enumerate(positions):
        pieces = [
            part
            for piece in pieces
            for part in _slices(piece, axis, w.shape[axis], window.kernel_dilation, n, window.strides)
        ]
    weights = w.reshape(-1, w.shape[-1])
    return functools.reduce(jnp.add, [each * weights[i] for i, each in enumerate(pieces)])


def _position_by_position(x: Array, w: Array, window: Window, positions: Sequence[int]) -> Array:
    """Each channel alone, one for each example of x: its sum of products with the kernel at each position."""
    pieces = [jnp.repeat(jnp.swapaxes(window.padded(x), 0, -1), w.shape[-1] // len(x), -1)]
    w = jnp.moveaxis(w, -2, 0)  # [in, *kernel, out], and the pieces like it
    for axis, n in enumerate(positions):
        pieces = [
            part
            for piece in pieces
            for part in _slices(piece, axis, n, window.strides, w.shape[axis + 1], window.kernel_dilation)
        ]
    summed = tuple(range(w.ndim - 1))
    return jnp.stack([jnp.sum(piece * w, summed) for piece in pieces]).reshape(1, *positions, -1)


def _slices(
    x: Array, axis: int, count: int, apart: Sequence[int], length: int, steps: Sequence[int]
) -> list[Array]:
    """So many pieces of x along one axis of space, each so long; where they begin, and how they step."""
    far, step = apart[axis], steps[axis]
    return [
        lax.slice_in_dim(x, i * far, i * far + (length - 1) * step + 1, step, axis + 1) for i in range(count)
    ]
