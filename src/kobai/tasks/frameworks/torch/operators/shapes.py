"""Operators that move numbers: views, joining and splitting, indexing, padding."""

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from kobai.tasks.frameworks.torch.operators.table import Value, operator


class Places(Protocol):
    """Places of an array, as ``array.at[…]`` gives them: what is done there gives a new array."""

    def set(self, values: Value) -> Array: ...
    def add(self, values: Value) -> Array: ...
    def multiply(self, values: Value) -> Array: ...
    def max(self, values: Value) -> Array: ...
    def min(self, values: Value) -> Array: ...


# Views.


@operator("sym_size")
def sym_size(self: Array, dim: int | None = None) -> int | tuple[int, ...]:
    return self.shape if dim is None else self.shape[dim]


@operator("sym_numel", "numel")
def sym_numel(self: Array) -> int:
    return self.size


@operator("view", "reshape", "_unsafe_view", "view_copy", "_reshape_alias")
def view(self: Array, size: Sequence[int], *_: object) -> Array:
    return self.reshape(tuple(size))


@operator("view_as", "reshape_as")
def view_as(self: Array, other: Array) -> Array:
    return self.reshape(other.shape)


@operator("flatten")
def flatten(self: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    start, end = start_dim % max(self.ndim, 1), end_dim % max(self.ndim, 1)
    return self.reshape(*self.shape[:start], math.prod(self.shape[start : end + 1]), *self.shape[end + 1 :])


@operator("ravel")
def ravel(self: Array) -> Array:
    return self.reshape(-1)


@operator("unflatten")
def unflatten(self: Array, dim: int, sizes: Sequence[int]) -> Array:
    dim %= self.ndim
    return self.reshape(*self.shape[:dim], *sizes, *self.shape[dim + 1 :])


@operator("transpose", "swapaxes", "swapdims")
def transpose(self: Array, dim0: int, dim1: int) -> Array:
    return jnp.swapaxes(self, dim0, dim1) if self.ndim else self


@operator("t")
def t(self: Array) -> Array:
    return self.T


@operator("numpy_T", "matrix_H", "mT", "mH", "adjoint")
def last_two(self: Array) -> Array:
    return jnp.swapaxes(self, -1, -2) if self.ndim > 1 else self


@operator("permute")
def permute(self: Array, dims: Sequence[int]) -> Array:
    return jnp.transpose(self, dims)


@operator("movedim", "moveaxis")
def movedim(self: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    return jnp.moveaxis(self, source, destination)


@operator("squeeze")
def squeeze(self: Array, dim: int | Sequence[int] | None = None) -> Array:
    """Without the axes of length 1; of those that are named, the ones that are longer stay."""
    named = range(self.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return self.squeeze(tuple(axis for axis in named if self.ndim and self.shape[axis] == 1))


@operator("unsqueeze")
def unsqueeze(self: Array, dim: int) -> Array:
    return jnp.expand_dims(self, dim)


@operator("expand", "broadcast_to")
def expand(self: Array, size: Sequence[int], *, implicit: bool = False) -> Array:
    own = (1,) * (len(size) - self.ndim) + self.shape
    return jnp.broadcast_to(self, [before if n == -1 else n for n, before in zip(size, own, strict=True)])


@operator("expand_as")
def expand_as(self: Array, other: Array) -> Array:
    return jnp.broadcast_to(self, other.shape)


@operator("broadcast_tensors")
def broadcast_tensors(tensors: Sequence[Array]) -> list[Array]:
    return jnp.broadcast_arrays(*tensors)


@operator("slice")
def slice_(
    self: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    return self[(slice(None),) * (dim % self.ndim) + (slice(start, end, step),)]


@operator("select")
def select(self: Array, dim: int, index: int) -> Array:
    return self[(slice(None),) * (dim % self.ndim) + (index,)]


@operator("narrow")
def narrow(self: Array, dim: int, start: int, length: int) -> Array:
    start = start + self.shape[dim] if start < 0 else start
    return slice_(self, dim, start, start + length)


@operator("select_scatter")
def select_scatter(self: Array, src: Array, dim: int, index: int) -> Array:
    return jnp.asarray(self).at[(slice(None),) * (dim % self.ndim) + (index,)].set(src)


@operator("slice_scatter")
def slice_scatter(
    self: Array,
    src: Array,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Array:
    return jnp.asarray(self).at[(slice(None),) * (dim % self.ndim) + (slice(start, end, step),)].set(src)


@operator("diagonal")
def diagonal(self: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    return jnp.diagonal(self, offset, dim1, dim2)


@operator("unfold")
def unfold(self: Array, dimension: int, size: int, step: int) -> Array:
    """Windows along an axis; each as a new last axis."""
    axis = dimension % self.ndim
    starts = np.arange(0, self.shape[axis] - size + 1, step)
    windows = jnp.take(self, jnp.asarray(starts[:, None] + np.arange(size)), axis=axis)
    return jnp.moveaxis(windows, axis + 1, -1)


# Joining, splitting, repeating.


@operator("cat", "concat", "concatenate")
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    full = [array for array in tensors if array.shape != (0,)]  # torch lets an empty vector join anything
    return jnp.concatenate(full or list(tensors), axis=dim)


@operator("stack")
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    return jnp.stack(list(tensors), axis=dim)


@operator("hstack")
def hstack(tensors: Sequence[Array]) -> Array:
    return jnp.hstack(list(tensors))


@operator("vstack")
def vstack(tensors: Sequence[Array]) -> Array:
    return jnp.vstack(list(tensors))


@operator("dstack")
def dstack(tensors: Sequence[Array]) -> Array:
    return jnp.dstack(list(tensors))


@operator("split", "split_with_sizes")
def split(self: Array, split_size: int | Sequence[int], dim: int = 0) -> list[Array]:
    """Pieces of one size, of which the last may be smaller, or of the sizes that are listed."""
    if isinstance(split_size, int):
        return [
            slice_(self, dim, start, start + split_size) for start in range(0, self.shape[dim], split_size)
        ]
    ends = list(itertools.accumulate(split_size))
    return [slice_(self, dim, end - size, end) for end, size in zip(ends, split_size, strict=True)]


@operator("chunk")
def chunk(self: Array, chunks: int, dim: int = 0) -> list[Array]:
    return split(self, -(-self.shape[dim] // chunks), dim)


@operator("tensor_split")
def tensor_split(self: Array, indices_or_sections: int | Sequence[int], dim: int = 0) -> list[Array]:
    cuts = indices_or_sections
    return jnp.array_split(self, cuts if isinstance(cuts, int) else list(cuts), axis=dim)


@operator("unbind")
def unbind(self: Array, dim: int = 0) -> list[Array]:
    return [select(self, dim, i) for i in range(self.shape[dim])]


@operator("repeat")
def repeat(self: Array, repeats: Sequence[int]) -> Array:
    return jnp.tile(self, repeats)


@operator("tile")
def tile(self: Array, dims: Sequence[int]) -> Array:
    return jnp.tile(self, dims)


@operator("repeat_interleave")
def repeat_interleave(
    self: Array,
    repeats: int,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Array:
    return jnp.repeat(self, repeats, axis=dim)


@operator("meshgrid")
def meshgrid(tensors: Sequence[Array], *, indexing: str = "ij") -> list[Array]:
    return jnp.meshgrid(*tensors, indexing=indexing)


@operator("roll")
def roll(self: Array, shifts: Sequence[int], dims: Sequence[int] = ()) -> Array:
    return jnp.roll(self, tuple(shifts), tuple(dims)) if dims else jnp.roll(self, shifts[0])


@operator("flip")
def flip(self: Array, dims: Sequence[int]) -> Array:
    return jnp.flip(self, tuple(dims))


@operator("rot90")
def rot90(self: Array, k: int = 1, dims: Sequence[int] = (0, 1)) -> Array:
    return jnp.rot90(self, k, (dims[0], dims[1]))


@operator("tril")
def tril(self: Array, diagonal: int = 0) -> Array:
    return jnp.tril(self, diagonal)


@operator("triu")
def triu(self: Array, diagonal: int = 0) -> Array:
    return jnp.triu(self, diagonal)


@operator("diag")
def diag(self: Array, diagonal: int = 0) -> Array:
    return jnp.diag(self, diagonal)


@operator("diag_embed")
def diag_embed(self: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """The last axis as the diagonal of matrices."""
    n = self.shape[-1] + abs(offset)
    matrices = jnp.zeros((*self.shape[:-1], n, n), self.dtype)
    i = np.arange(self.shape[-1])
    matrices = matrices.at[..., i + max(-offset, 0), i + max(offset, 0)].set(self)
    return jnp.moveaxis(matrices, (-2, -1), (dim1, dim2))


@operator("pixel_shuffle")
def pixel_shuffle(self: Array, upscale_factor: int) -> Array:
    """Groups of r² channels as squares of r × r positions."""
    r, (*lead, channels, height, width) = upscale_factor, self.shape
    blocks = self.reshape(*lead, channels // r**2, r, r, height, width)
    blocks = jnp.moveaxis(blocks, (-4, -3), (-3, -1))
    return blocks.reshape(*lead, channels // r**2, height * r, width * r)


@operator("pixel_unshuffle")
def pixel_unshuffle(self: Array, downscale_factor: int) -> Array:
    r, (*lead, channels, height, width) = downscale_factor, self.shape
    blocks = self.reshape(*lead, channels, height // r, r, width // r, r)
    blocks = jnp.moveaxis(blocks, (-3, -1), (-4, -3))
    return blocks.reshape(*lead, channels * r**2, height // r, width // r)


@operator("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(self: Array, groups: int) -> Array:
    examples, channels, *space = self.shape
    return jnp.swapaxes(self.reshape(examples, groups, channels // groups, *space), 1, 2).reshape(self.shape)


# Indexing. What lies outside becomes NaN, so that it is seen; torch raises.


@operator("index", "_unsafe_index")
def index(self: Array, indices: Sequence[Array | None]) -> Array:
    return jnp.asarray(self)[_places(indices)]


@operator("index_put", "_unsafe_index_put")
def index_put(self: Array, indices: Sequence[Array | None], values: Array, accumulate: bool = False) -> Array:
    if len(indices) == 1 and indices[0] is not None and indices[0].dtype == bool and values.size == 1:
        mask = indices[0].reshape(indices[0].shape + (1,) * (self.ndim - indices[0].ndim))
        value = values.reshape(())
        return jnp.where(mask, self + value if accumulate else value, self)
    places = jnp.asarray(self).at[_places(indices)]
    return places.add(values) if accumulate else places.set(values)


@operator("index_select")
def index_select(self: Array, dim: int, index: Array) -> Array:
    return jnp.take(self, jnp.atleast_1d(index), axis=dim)


@operator("index_add")
def index_add(self: Array, dim: int, index: Array, source: Array, *, alpha: Value = 1) -> Array:
    return _along(self, dim, index).add(alpha * source)


@operator("index_copy")
def index_copy(self: Array, dim: int, index: Array, source: Array) -> Array:
    return _along(self, dim, index).set(source)


@operator("index_fill")
def index_fill(self: Array, dim: int, index: Array, value: Value) -> Array:
    return _along(self, dim, index).set(value)


@operator("take")
def take(self: Array, index: Array) -> Array:
    return self.reshape(-1)[index]


@operator("gather")
def gather(self: Array, dim: int, index: Array, *, sparse_grad: bool = False) -> Array:
    """The entries at these places along one axis; along the others there may be fewer than in `self`."""
    if not self.ndim:
        return jnp.broadcast_to(self, index.shape)
    axis = dim % self.ndim
    part = self[tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(index.shape))]
    return jnp.take_along_axis(part, index, axis=axis)


@operator("take_along_dim")
def take_along_dim(self: Array, indices: Array, dim: int | None = None) -> Array:
    """As `gather`, with shapes that are broadcast; without an axis of all numbers in a row."""
    if dim is None:
        return self.reshape(-1)[indices.reshape(-1)]
    return jnp.take_along_axis(self, indices, axis=dim)


@operator("scatter")
def scatter(self: Array, dim: int, index: Array, src: Value, *, reduce: str | None = None) -> Array:
    places = _scattered(self, dim, index)
    value = _source(src, index)
    if reduce == "add":
        return places.add(value)
    return places.multiply(value) if reduce == "multiply" else places.set(value)


@operator("scatter_add")
def scatter_add(self: Array, dim: int, index: Array, src: Array) -> Array:
    return _scattered(self, dim, index).add(_source(src, index))


@operator("scatter_reduce")
def scatter_reduce(
    self: Array, dim: int, index: Array, src: Array, reduce: str, *, include_self: bool = True
) -> Array:
    """Several that fall on one place are summed, multiplied, averaged, or the extreme one stays."""
    value = _source(src, index)
    if not include_self:
        neutral = {"sum": 0, "mean": 0, "prod": 1, "amax": -math.inf, "amin": math.inf}[reduce]
        self = _scattered(self, dim, index).set(neutral)
    places = _scattered(self, dim, index)
    if reduce == "mean":
        ones = jnp.ones(value.shape, self.dtype)
        count = _scattered(jnp.full(self.shape, 1.0 * include_self, self.dtype), dim, index).add(ones)
        return places.add(value) / jnp.maximum(count, 1)
    methods = {"sum": places.add, "prod": places.multiply, "amax": places.max, "amin": places.min}
    return methods[reduce](value)


@operator("masked_fill")
def masked_fill(self: Array, mask: Array, value: Value) -> Array:
    return jnp.where(mask, value, self)


@operator("one_hot")
def one_hot(self: Array, num_classes: int = -1) -> Array:
    return jax.nn.one_hot(self, num_classes, dtype=jnp.int32)


@operator("bucketize")
def bucketize(self: Array, boundaries: Array, *, right: bool = False, **_: object) -> Array:
    return jnp.searchsorted(boundaries, self, side="right" if right else "left")


@operator("searchsorted")
def searchsorted(sorted_sequence: Array, self: Array, *, right: bool = False, **_: object) -> Array:
    return jnp.searchsorted(sorted_sequence, self, side="right" if right else "left")


def _places(indices: Sequence[Array | None]) -> tuple[Array | slice, ...]:
    return tuple(slice(None) if each is None else each for each in indices)


def _along(self: Array, dim: int, index: Array) -> Places:
    return jnp.asarray(self).at[(slice(None),) * (dim % self.ndim) + (index,)]


def _scattered(self: Array, dim: int, index: Array) -> Places:
    """The places that `index` names along one axis, each in its own row along the others."""
    axis = dim % self.ndim
    grid = jnp.indices(index.shape, sparse=True)
    return jnp.asarray(self).at[tuple(index if i == axis else place for i, place in enumerate(grid))]


def _source(src: Value, index: Array) -> Array:
    """The part of `src` that belongs to an index, which may be smaller."""
    if isinstance(src, int | float) or src.ndim == 0:
        return jnp.full(index.shape, src)
    return src[tuple(slice(n) for n in index.shape)]


# Padding.

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@operator("pad")
def pad(self: Array, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Array:
    """Before and after the last axis, then the one before it, and so on; less than nothing cuts off."""
    pairs = [(0, 0)] * (self.ndim - len(pad) // 2) + list(zip(pad[-2::-2], pad[::-2], strict=True))
    more = {"constant_values": value or 0.0} if mode == "constant" else {}
    padded = jnp.pad(self, [(max(a, 0), max(b, 0)) for a, b in pairs], MODES[mode], **more)
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, padded.shape, strict=True))
    return padded[cut]


@operator("constant_pad_nd")
def constant_pad_nd(self: Array, pad_: Sequence[int], value: float = 0.0) -> Array:
    return pad(self, pad_, "constant", value)


@operator("reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
def reflection_pad(self: Array, padding: Sequence[int]) -> Array:
    return pad(self, padding, "reflect")


@operator("replication_pad1d", "replication_pad2d", "replication_pad3d")
def replication_pad(self: Array, padding: Sequence[int]) -> Array:
    return pad(self, padding, "replicate")
