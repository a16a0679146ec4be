"""Normalization: of batches, of layers, of groups. The statistics are computed in at least float32."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax

from kobai.basics.arrays import wide
from kobai.tasks.frameworks.torch.memory import Order
from kobai.tasks.frameworks.torch.operators.table import operator


@operator("batch_norm", order=Order.LAST, writes=(3, 4))
def batch_norm(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> list[Array | None]:
    """Each feature by the batch's mean and variance, towards which the running ones are moved; or by those.

    The running variance is moved by the unbiased one (Ioffe and Szegedy 2015, algorithm 2).
    """
    x = wide(input)
    if not training and running_mean is not None and running_var is not None:
        return [_scaled(x, wide(running_mean), wide(running_var), weight, bias, eps), None, None]
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    variance = jnp.mean(jnp.square(x - mean), axes)
    y = _scaled(x, mean, variance, weight, bias, eps)
    if running_mean is None or running_var is None:
        return [y, None, None]
    examples = x.size // x.shape[-1]
    unbiased = variance * (examples / max(examples - 1, 1))
    moved = [
        old + momentum * (lax.stop_gradient(new) - old)
        for old, new in ((running_mean, mean), (running_var, unbiased))
    ]
    return [y, *moved]


def _scaled(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    factor = lax.rsqrt(variance + eps)
    y = (x - mean) * (factor if weight is None else factor * weight)
    return y if bias is None else y + bias


@operator("instance_norm", writes=(3, 4))
def instance_norm(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> list[Array | None]:
    """Each channel of each example by itself; the running statistics are moved by their means."""
    x, channels = wide(input), (1, -1, *[1] * (input.ndim - 2))
    if use_input_stats:
        axes = tuple(range(2, x.ndim))
        mean, variance = (f(x, axis=axes, keepdims=True) for f in (jnp.mean, jnp.var))
    else:
        mean, variance = (wide(array).reshape(channels) for array in (running_mean, running_var))
    y = (x - mean) * lax.rsqrt(variance + eps)
    y = y if weight is None else y * weight.reshape(channels)
    y = y if bias is None else y + bias.reshape(channels)
    if not use_input_stats or running_mean is None or running_var is None:
        return [y, None, None]
    places = math.prod(x.shape[2:])
    unbiased = variance * (places / max(places - 1, 1))
    moved = [
        old + momentum * (lax.stop_gradient(jnp.mean(new, 0).reshape(-1)) - old)
        for old, new in ((running_mean, mean), (running_var, unbiased))
    ]
    return [y, *moved]


@operator("layer_norm")
def layer_norm(
    input: Array,
    normalized_shape: Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Array:
    x, axes = wide(input), tuple(range(-len(normalized_shape), 0))
    centred = x - jnp.mean(x, axis=axes, keepdims=True)
    y = centred * lax.rsqrt(jnp.mean(jnp.square(centred), axis=axes, keepdims=True) + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@operator("rms_norm")
def rms_norm(
    input: Array,
    normalized_shape: Sequence[int],
    weight: Array | None = None,
    eps: float | None = None,
) -> Array:
    x, axes = wide(input), tuple(range(-len(normalized_shape), 0))
    eps = float(jnp.finfo(input.dtype).eps) if eps is None else eps
    y = x * lax.rsqrt(jnp.mean(jnp.square(x), axis=axes, keepdims=True) + eps)
    return y if weight is None else y * weight


@operator("group_norm", order=Order.LAST)
def group_norm(
    input: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Array:
    examples, *space, channels = input.shape
    x = wide(input).reshape(examples, math.prod(space), num_groups, channels // num_groups)
    centred = x - jnp.mean(x, axis=(1, 3), keepdims=True)
    y = centred * lax.rsqrt(jnp.mean(jnp.square(centred), axis=(1, 3), keepdims=True) + eps)
    y = y.reshape(input.shape)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias
