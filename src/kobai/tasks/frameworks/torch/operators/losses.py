"""The losses of torch.nn, so that one of its modules can be translated like a network."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from kobai.tasks.frameworks.torch.operators.table import operator

MEAN, SUM = 1, 2
"""torch's numbers for what is made of the losses of a batch; 0 leaves them as they are."""


def _reduced(losses: Array, reduction: int) -> Array:
    return jnp.mean(losses) if reduction == MEAN else jnp.sum(losses) if reduction == SUM else losses


@operator("mse_loss")
def mse_loss(self: Array, target: Array, reduction: int = MEAN) -> Array:
    return _reduced(jnp.square(self - target), reduction)


@operator("l1_loss")
def l1_loss(self: Array, target: Array, reduction: int = MEAN) -> Array:
    return _reduced(jnp.abs(self - target), reduction)


@operator("smooth_l1_loss")
def smooth_l1_loss(self: Array, target: Array, reduction: int = MEAN, beta: float = 1.0) -> Array:
    size = jnp.abs(self - target)
    if beta == 0:
        return _reduced(size, reduction)
    return _reduced(jnp.where(size < beta, 0.5 * size**2 / beta, size - 0.5 * beta), reduction)


@operator("huber_loss")
def huber_loss(self: Array, target: Array, reduction: int = MEAN, delta: float = 1.0) -> Array:
    size = jnp.abs(self - target)
    return _reduced(jnp.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta)), reduction)


@operator("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    self: Array,
    target: Array,
    weight: Array | None = None,
    pos_weight: Array | None = None,
    reduction: int = MEAN,
) -> Array:
    positive = 1 if pos_weight is None else pos_weight
    log_p, log_q = jax.nn.log_sigmoid(self), jax.nn.log_sigmoid(-self)
    losses = -(positive * target * log_p + (1 - target) * log_q)
    return _reduced(losses if weight is None else losses * weight, reduction)


@operator("binary_cross_entropy")
def binary_cross_entropy(
    self: Array, target: Array, weight: Array | None = None, reduction: int = MEAN
) -> Array:
    """With logarithms no lower than −100, as torch has them."""
    log_p, log_q = (jnp.maximum(jnp.log(p), -100) for p in (self, 1 - self))
    losses = -(target * log_p + (1 - target) * log_q)
    return _reduced(losses if weight is None else losses * weight, reduction)


@operator("cross_entropy_loss")
def cross_entropy_loss(
    self: Array,
    target: Array,
    weight: Array | None = None,
    reduction: int = MEAN,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Array:
    """Of logits [examples, classes, …] and classes [examples, …], or a probability for each class."""
    axis = 1 if self.ndim > 1 else 0
    log_p = jax.nn.log_softmax(self, axis=axis)
    classes = self.shape[axis]
    shape = [classes if i == axis else 1 for i in range(self.ndim)]
    weights = jnp.ones(classes, self.dtype) if weight is None else weight
    weighted = weights.reshape(shape) * log_p
    if jnp.issubdtype(target.dtype, jnp.floating):
        smooth = target * (1 - label_smoothing) + label_smoothing / classes
        losses = -jnp.sum(weighted * smooth, axis=axis)
        return jnp.sum(losses) / (losses.size) if reduction == MEAN else _reduced(losses, reduction)
    counted = target != ignore_index
    # A product with the one-hot labels: its gradient is elementwise where an index's is a scatter.
    hot = _hot(target, counted, classes, axis, self.dtype)
    smoothed = (1 - label_smoothing) * hot + label_smoothing / classes
    losses = jnp.where(counted, -jnp.sum(weighted * smoothed, axis=axis), 0)
    if reduction == MEAN:
        return jnp.sum(losses) / jnp.sum(hot * weights.reshape(shape))
    return _reduced(losses, reduction)


def _hot(target: Array, counted: Array, classes: int, axis: int, dtype: DTypeLike) -> Array:
    """Rows of one 1 along an axis; of zeros for a label that is not counted."""
    hot = jax.nn.one_hot(jnp.where(counted, target, 0), classes, axis=axis, dtype=dtype)
    return hot * jnp.expand_dims(counted, axis)


@operator("nll_loss", "nll_loss_nd", "nll_loss2d")
def nll_loss(
    self: Array,
    target: Array,
    weight: Array | None = None,
    reduction: int = MEAN,
    ignore_index: int = -100,
) -> Array:
    axis = 1 if self.ndim > 1 else 0
    counted = target != ignore_index
    hot = _hot(target, counted, self.shape[axis], axis, self.dtype)
    if weight is not None:
        hot = hot * weight.reshape([len(weight) if i == axis else 1 for i in range(self.ndim)])
    losses = -jnp.sum(jnp.where(hot == 0, 0, self * hot), axis=axis)
    return jnp.sum(losses) / jnp.sum(hot) if reduction == MEAN else _reduced(losses, reduction)


@operator("kl_div")
def kl_div(self: Array, target: Array, reduction: int = MEAN, *, log_target: bool = False) -> Array:
    if log_target:
        return _reduced(jnp.exp(target) * (target - self), reduction)
    return _reduced(jax.scipy.special.xlogy(target, target) - target * self, reduction)
