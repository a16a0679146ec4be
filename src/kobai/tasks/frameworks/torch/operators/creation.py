"""Operators that make arrays of a shape; of which dtype, the graph has noted."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

from kobai.tasks.frameworks.torch.operators.table import Value, operator


@operator("zeros", "empty", "new_zeros", "new_empty")
def zeros(*arguments: Array | Sequence[int], **_: object) -> Array:
    """Of the shape that is the last argument; what torch leaves open is zero here."""
    return jnp.zeros(arguments[-1])


@operator("empty_permuted", "empty_strided", "new_empty_strided")
def empty_strided(*arguments: Array | Sequence[int], **_: object) -> Array:
    """Of a shape, before the order in which it lies in memory."""
    return jnp.zeros(arguments[-2])


@operator("ones", "new_ones")
def ones(*arguments: Array | Sequence[int], **_: object) -> Array:
    return jnp.ones(arguments[-1])


@operator("full")
def full(size: Sequence[int], fill_value: Value, **_: object) -> Array:
    return jnp.full(size, fill_value)


@operator("new_full")
def new_full(self: Array, size: Sequence[int], fill_value: Value, **_: object) -> Array:
    return jnp.full(size, fill_value)


@operator("zeros_like", "empty_like")
def zeros_like(self: Array, **_: object) -> Array:
    return jnp.zeros(self.shape)


@operator("ones_like")
def ones_like(self: Array, **_: object) -> Array:
    return jnp.ones(self.shape)


@operator("full_like")
def full_like(self: Array, fill_value: Value, **_: object) -> Array:
    return jnp.full(self.shape, fill_value)


@operator("fill")
def fill(self: Array, value: Value) -> Array:
    return jnp.full(self.shape, value, self.dtype)


@operator("zero")
def zero(self: Array) -> Array:
    return jnp.zeros_like(self)


@operator("copy")
def copy(self: Array, src: Array, non_blocking: bool = False) -> Array:
    return jnp.broadcast_to(src, self.shape)


@operator("arange")
def arange(*bounds: Value, **_: object) -> Array:
    return jnp.arange(*bounds)  # type: ignore[arg-type]


@operator("linspace")
def linspace(start: Value, end: Value, steps: int, **_: object) -> Array:
    return jnp.linspace(start, end, steps)


@operator("eye")
def eye(n: int, m: int | None = None, **_: object) -> Array:
    return jnp.eye(n, m)


@operator("scalar_tensor")
def scalar_tensor(s: Value, **_: object) -> Array:
    return jnp.asarray(s)


@operator("tril_indices")
def tril_indices(row: int, col: int, offset: int = 0, **_: object) -> Array:
    return jnp.stack(jnp.tril_indices(row, offset, col))


@operator("triu_indices")
def triu_indices(row: int, col: int, offset: int = 0, **_: object) -> Array:
    return jnp.stack(jnp.triu_indices(row, offset, col))
