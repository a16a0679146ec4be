"""Operators that draw at random, each with a key of its own."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

from kobai.basics.arrays import Key
from kobai.tasks.frameworks.torch.memory import Order
from kobai.tasks.frameworks.torch.operators.table import Value, operator

Draw: TypeAlias = Callable[[], Key]
"""Gives another random key at each call."""


@operator("dropout", order=Order.ANY, draws=True)
def dropout(input: Array, p: float, train: bool, *, draw: Draw) -> Array:
    """Zeros with probability p, and what stays divided by 1 − p."""
    if not train or p == 0:
        return input
    if p == 1:
        return input * 0
    return input * (keep(draw(), 1 - p, input.shape) * (1 / (1 - p))).astype(input.dtype)


def keep(key: Key, rate: float, shape: Sequence[int]) -> Array:
    """Ones with probability `rate`, else zeros, as truths."""
    return jax.random.bernoulli(key, rate, tuple(shape))


@operator("native_dropout", draws=True)
def native_dropout(input: Array, p: float, train: bool | None, *, draw: Draw) -> list[Array]:
    if train is False or p == 0:
        return [input, jnp.ones(input.shape, bool)]
    stays = keep(draw(), 1 - p, input.shape)
    return [input * stays / (1 - p), stays]


@operator("feature_dropout", draws=True)
def feature_dropout(input: Array, p: float, train: bool, *, draw: Draw) -> Array:
    """Dropout of whole channels, [examples, channels, …]."""
    if not train or p == 0:
        return input
    shape = input.shape[:2] + (1,) * (input.ndim - 2)
    return input * (keep(draw(), 1 - p, shape) / (1 - p if p < 1 else 1)).astype(input.dtype)


@operator("alpha_dropout", draws=True)
def alpha_dropout(input: Array, p: float, train: bool, *, draw: Draw) -> Array:
    return _self_normalizing(input, p, train, input.shape, draw)


@operator("feature_alpha_dropout", draws=True)
def feature_alpha_dropout(input: Array, p: float, train: bool, *, draw: Draw) -> Array:
    return _self_normalizing(input, p, train, input.shape[:2] + (1,) * (input.ndim - 2), draw)


def _self_normalizing(x: Array, p: float, train: bool, shape: Sequence[int], draw: Draw) -> Array:
    """What is dropped becomes −λα, the limit of SELU, and the whole keeps its mean and its variance.

    Klambauer and others (2017), arXiv 1706.02515, section 3.
    """
    if not train or p == 0:
        return x
    dropped, q = -1.7580993408473766, 1 - p
    a = (q + dropped**2 * p * q) ** -0.5 if p < 1 else 0.0
    stays = keep(draw(), q, shape)
    return a * jnp.where(stays, x, dropped) - a * p * dropped


def _size(first: Array | Sequence[int]) -> tuple[int, ...]:
    """The shape that is given, or that of the array that is given."""
    return tuple(first.shape) if hasattr(first, "shape") else tuple(first)


@operator("rand", "rand_like", draws=True)
def rand(size: Array | Sequence[int], *, draw: Draw, **_: object) -> Array:
    return jax.random.uniform(draw(), _size(size))


@operator("randn", "randn_like", draws=True)
def randn(size: Array | Sequence[int], *, draw: Draw, **_: object) -> Array:
    return jax.random.normal(draw(), _size(size))


@operator("normal", draws=True)
def normal(mean: Value, std: Value = 1.0, *size: object, draw: Draw, **_: object) -> Array:
    shape = _size(size[0]) if size else jnp.broadcast_shapes(jnp.shape(mean), jnp.shape(std))  # type: ignore[arg-type]
    return jnp.asarray(mean) + std * jax.random.normal(draw(), shape)


@operator("normal_", "normal_functional", draws=True)
def normal_(self: Array, mean: float = 0.0, std: float = 1.0, *, draw: Draw, **_: object) -> Array:
    return mean + std * jax.random.normal(draw(), self.shape)


@operator("uniform_", "uniform", draws=True)
def uniform_(self: Array, low: float = 0.0, high: float = 1.0, *, draw: Draw, **_: object) -> Array:
    return jax.random.uniform(draw(), self.shape, minval=low, maxval=high)


@operator("exponential_", "exponential", draws=True)
def exponential_(self: Array, lambd: float = 1.0, *, draw: Draw, **_: object) -> Array:
    return jax.random.exponential(draw(), self.shape) / lambd


@operator("bernoulli", draws=True)
def bernoulli(self: Array, p: Value | None = None, *, draw: Draw, **_: object) -> Array:
    """One with the probability that stands there, or with one for all."""
    return jax.random.bernoulli(draw(), self if p is None else p, self.shape)


@operator("bernoulli_", draws=True)
def bernoulli_(self: Array, p: Value = 0.5, *, draw: Draw, **_: object) -> Array:
    return jax.random.bernoulli(draw(), p, self.shape)


@operator("randint", "randint_like", draws=True)
def randint(*arguments: Value | Sequence[int], draw: Draw, **_: object) -> Array:
    """Whole numbers: (high, size) or (low, high, size); of an array (array, high) or (array, low, high)."""
    *bounds, size = arguments if isinstance(arguments[-1], list | tuple) else arguments[::-1]
    if not isinstance(arguments[-1], list | tuple):
        bounds.reverse()
    low, high = bounds if len(bounds) == 2 else (0, bounds[0])
    return jax.random.randint(draw(), _size(size), low, high)  # type: ignore[arg-type]


@operator("randperm", draws=True)
def randperm(n: int, *, draw: Draw, **_: object) -> Array:
    return jax.random.permutation(draw(), n)


@operator("multinomial", draws=True)
def multinomial(
    self: Array, num_samples: int, replacement: bool = False, *, draw: Draw, **_: object
) -> Array:
    """Numbers of classes, drawn with these weights; without replacement by the largest of log w + Gumbel."""
    logits = jnp.log(self)
    if replacement:
        shape = (*self.shape[:-1], num_samples)
        return jax.random.categorical(draw(), logits[..., None, :], axis=-1, shape=shape)
    return jax.lax.top_k(logits + jax.random.gumbel(draw(), logits.shape), num_samples)[1]
