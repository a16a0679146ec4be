"""Operators along axes: sums, extrema, norms, softmax, cumulative ones, sorting.

Where an extremum is taken along one axis and several are equal, the derivative goes to the first, as in
torch; where it is taken over several axes, it is divided among them. A root is given the derivative 0 at 0.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

from kobai.tasks.frameworks.torch.operators.table import OPERATORS, Operator, Value, operator

Axes: TypeAlias = int | Sequence[int] | None


def axes(dim: Axes) -> int | tuple[int, ...] | None:
    """What torch says of axes as JAX says it: an empty list, too, is all of them."""
    return dim if isinstance(dim, int) else tuple(dim) if dim else None


def _plain(function: Callable[..., Any]) -> Callable[..., Array]:
    def reduced(self: Array, dim: Axes = None, keepdim: bool = False, *, dtype: object = None) -> Array:
        return function(self, axis=axes(dim), keepdims=keepdim)

    return reduced


PLAIN: dict[str, Callable[..., Any]] = {
    "all": jnp.all,
    "amax": jnp.max,
    "amin": jnp.min,
    "any": jnp.any,
    "argmax": jnp.argmax,
    "argmin": jnp.argmin,
    "count_nonzero": jnp.count_nonzero,
    "logsumexp": jax.nn.logsumexp,
    "mean": jnp.mean,
    "nanmean": jnp.nanmean,
    "nansum": jnp.nansum,
    "prod": jnp.prod,
    "sum": jnp.sum,
}
"""Operators that are a function of JAX along axes."""

OPERATORS.update({name: Operator(_plain(function)) for name, function in PLAIN.items()})


def _extremum(name: str, argument: Callable[..., Array], over_all: Callable, of_two: Callable) -> None:
    @operator(name)
    def extremum(self: Array, dim: Array | int | None = None, keepdim: bool = False) -> Array | list[Array]:
        """Of all numbers; of two arrays, number by number; or along an axis, with its places."""
        if dim is None:
            return over_all(self)
        if not isinstance(dim, int):
            return of_two(self, dim)
        if not self.ndim:
            return [self, jnp.zeros((), jnp.int32)]
        places = argument(self, axis=dim, keepdims=True)
        values = jnp.take_along_axis(self, places, axis=dim)
        return [array if keepdim else array.squeeze(dim) for array in (values, places)]


_extremum("max", jnp.argmax, jnp.max, jnp.maximum)
_extremum("min", jnp.argmin, jnp.min, jnp.minimum)


@operator("aminmax")
def aminmax(self: Array, *, dim: int | None = None, keepdim: bool = False) -> list[Array]:
    return [each(self, axis=dim, keepdims=keepdim) for each in (jnp.min, jnp.max)]


@operator("var")
def var(
    self: Array,
    dim: Axes | bool = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Array:
    """The variance; without a word it is the unbiased one."""
    if isinstance(dim, bool):  # the overload without axes
        return jnp.var(self, ddof=int(dim))
    if correction is None:
        correction = int(unbiased)
    return jnp.var(self, axis=axes(dim), ddof=correction, keepdims=keepdim)


@operator("std")
def std(self: Array, *arguments: object, **named: object) -> Array:
    return root(var(self, *arguments, **named))  # type: ignore[arg-type]


@operator("var_mean")
def var_mean(self: Array, dim: Axes | bool = None, *arguments: bool, **named: object) -> list[Array]:
    keepdim = bool(named.get("keepdim") or arguments[1:2] == (True,))
    along = None if isinstance(dim, bool) else axes(dim)
    return [var(self, dim, *arguments, **named), jnp.mean(self, axis=along, keepdims=keepdim)]  # type: ignore[arg-type]


@operator("std_mean")
def std_mean(self: Array, *arguments: object, **named: object) -> list[Array]:
    variance, mean = var_mean(self, *arguments, **named)  # type: ignore[arg-type]
    return [root(variance), mean]


def root(square: Array) -> Array:
    """√, with the derivative 0 at 0."""
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1)), jnp.where(square == 0, 0, jnp.nan))


@operator("norm")
def norm(self: Array, p: Value | None = 2, dim: Axes = None, keepdim: bool = False, **_: object) -> Array:
    return vector_norm(self, 2 if p is None or p == "fro" else p, dim, keepdim)


@operator("frobenius_norm")
def frobenius_norm(self: Array, dim: Axes = None, keepdim: bool = False) -> Array:
    return vector_norm(self, 2, dim, keepdim)


@operator("linalg_vector_norm")
def vector_norm(
    self: Array,
    ord: Value = 2,
    dim: Axes = None,
    keepdim: bool = False,
    **_: object,
) -> Array:
    along = functools.partial(jnp.sum, axis=axes(dim), keepdims=keepdim)
    size = jnp.abs(self)
    if ord == 2:
        return root(along(jnp.square(size)))
    if ord == 1:
        return along(size)
    if ord == 0:
        return along((size != 0).astype(self.dtype))
    if math.isinf(ord):
        return (jnp.max if ord > 0 else jnp.min)(size, axis=axes(dim), keepdims=keepdim)
    total = along(size**ord)
    positive = total > 0
    return jnp.where(positive, jnp.where(positive, total, 1) ** (1 / ord), 0)


@operator("softmax", "_softmax")
def softmax(self: Array, dim: int, *_: object) -> Array:
    return jax.nn.softmax(self, axis=dim) if self.ndim else jnp.ones_like(self)


@operator("log_softmax", "_log_softmax")
def log_softmax(self: Array, dim: int, *_: object) -> Array:
    return jax.nn.log_softmax(self, axis=dim) if self.ndim else jnp.zeros_like(self)


@operator("_safe_softmax")
def safe_softmax(self: Array, dim: int, *_: object) -> Array:
    """Softmax, with zeros where all is −∞: of positions that may look at nothing."""
    nothing = jnp.all(self == -jnp.inf, axis=dim, keepdims=True)
    return jnp.where(nothing, 0, jax.nn.softmax(jnp.where(nothing, 0, self), axis=dim))


@operator("cumsum")
def cumsum(self: Array, dim: int, **_: object) -> Array:
    return jnp.cumsum(self, axis=dim) if self.ndim else self


@operator("cumprod")
def cumprod(self: Array, dim: int, **_: object) -> Array:
    return jnp.cumprod(self, axis=dim) if self.ndim else self


@operator("logcumsumexp")
def logcumsumexp(self: Array, dim: int) -> Array:
    return lax.cumlogsumexp(self, axis=dim % self.ndim)


@operator("sort")
def sort(self: Array, *arguments: int | bool, **named: int | bool) -> list[Array]:
    """The numbers along an axis in order, and their places; the axis is the last integer."""
    whole = [each for each in arguments if not isinstance(each, bool)]
    dim = named.get("dim", whole[-1] if whole else -1)
    descending = bool(named.get("descending", bool(arguments) and arguments[-1] is True))
    places = jnp.argsort(self, axis=dim, descending=descending)
    return [jnp.take_along_axis(self, places, axis=dim), places]


@operator("argsort")
def argsort(self: Array, *arguments: int | bool, **named: int | bool) -> Array:
    return sort(self, *arguments, **named)[1]


@operator("topk")
def topk(self: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> list[Array]:
    rows = jnp.moveaxis(self, dim, -1)
    _, places = lax.top_k(rows if largest else -rows, k)
    values = jnp.take_along_axis(rows, places, axis=-1)
    return [jnp.moveaxis(array, -1, dim) for array in (values, places)]


@operator("median")
def median(self: Array, dim: int | None = None, keepdim: bool = False) -> Array | list[Array]:
    """Of an even number the lower of the two in the middle."""
    if dim is None:
        return median(self.reshape(-1), 0)[0]
    values, places = sort(self, dim)
    middle = (self.shape[dim] - 1) // 2
    cut = [lax.slice_in_dim(array, middle, middle + 1, axis=dim % self.ndim) for array in (values, places)]
    return [array if keepdim else array.squeeze(dim) for array in cut]


@operator("cosine_similarity")
def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: float = 1e-8) -> Array:
    sizes = [jnp.maximum(vector_norm(x, 2, dim, True), eps) for x in (x1, x2)]
    return jnp.sum((x1 / sizes[0]) * (x2 / sizes[1]), axis=dim)


@operator("pairwise_distance")
def pairwise_distance(x1: Array, x2: Array, p: float = 2, eps: float = 1e-6, keepdim: bool = False) -> Array:
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


@operator("dist")
def dist(self: Array, other: Array, p: float = 2) -> Array:
    return vector_norm(self - other, p)


@operator("cdist")
def cdist(x1: Array, x2: Array, p: float = 2, compute_mode: object = None) -> Array:
    return vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)
