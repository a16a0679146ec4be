"""Products: linear layers, matrices, attention, embeddings."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from kobai.basics.arrays import Key
from kobai.tasks.frameworks.torch.operators.randomness import dropout
from kobai.tasks.frameworks.torch.operators.reductions import safe_softmax
from kobai.tasks.frameworks.torch.operators.table import OPERATORS, Operator, operator

SAME: dict[str, Callable[..., Any]] = {
    "bmm": jnp.matmul,
    "cross": jnp.cross,
    "det": jnp.linalg.det,
    "dot": jnp.dot,
    "inner": jnp.inner,
    "inverse": jnp.linalg.inv,
    "kron": jnp.kron,
    "linalg_cholesky": jnp.linalg.cholesky,
    "linalg_det": jnp.linalg.det,
    "linalg_inv": jnp.linalg.inv,
    "linalg_matrix_exp": jax.scipy.linalg.expm,
    "linalg_solve": jnp.linalg.solve,
    "matmul": jnp.matmul,
    "matrix_exp": jax.scipy.linalg.expm,
    "mm": jnp.matmul,
    "mv": jnp.matmul,
    "outer": jnp.outer,
    "vdot": jnp.vdot,
}
"""Operators that JAX has too, under this or another name."""

OPERATORS.update({name: Operator(function) for name, function in SAME.items()})


@operator("linear")
def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    return biased(input @ weight.T, bias)


def biased(z: Array, bias: Array | None) -> Array:
    """With a bias on the last axis, if there is one."""
    return z if bias is None else z + bias


@operator("bilinear")
def bilinear(input1: Array, input2: Array, weight: Array, bias: Array | None = None) -> Array:
    return biased(jnp.einsum("...i,oij,...j->...o", input1, weight, input2), bias)


@operator("addmm", "addmv", "baddbmm")
def addmm(self: Array, left: Array, right: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    product = alpha * (left @ right)
    return product if beta == 0 else beta * self + product


@operator("addbmm")
def addbmm(self: Array, left: Array, right: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    return beta * self + alpha * jnp.einsum("bij,bjk->ik", left, right)


@operator("addr")
def addr(self: Array, vec1: Array, vec2: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    return beta * self + alpha * jnp.outer(vec1, vec2)


@operator("einsum")
def einsum(equation: str, tensors: Sequence[Array], **_: object) -> Array:
    return jnp.einsum(equation, *tensors)


@operator("tensordot")
def tensordot(self: Array, other: Array, dims_self: Sequence[int], dims_other: Sequence[int]) -> Array:
    return jnp.tensordot(self, other, (tuple(dims_self), tuple(dims_other)))


@operator("chain_matmul", "linalg_multi_dot")
def chain(matrices: Sequence[Array]) -> Array:
    return jnp.linalg.multi_dot(list(matrices)) if len(matrices) > 1 else matrices[0]


@operator("trace")
def trace(self: Array) -> Array:
    return jnp.trace(self)


@operator("scaled_dot_product_attention", draws=True)
def attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    draw: Callable[[], Key],
) -> Array:
    """softmax(q kᵀ · scale + mask) v; a mask of truths says where may be looked."""
    if enable_gqa:  # several heads of queries share one of keys and values
        key, value = (jnp.repeat(x, query.shape[-3] // x.shape[-3], axis=-3) for x in (key, value))
    logits = jnp.einsum("...qd,...kd->...qk", query, key)
    logits = logits * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        logits = jnp.where(jnp.tril(jnp.ones(logits.shape[-2:], bool)), logits, -jnp.inf)
    if attn_mask is None:
        weights = jax.nn.softmax(logits) if not is_causal else safe_softmax(logits, -1)
    else:
        masked = attn_mask.dtype == bool
        logits = jnp.where(attn_mask, logits, -jnp.inf) if masked else logits + attn_mask
        weights = safe_softmax(logits, -1)
    return dropout(weights, dropout_p, dropout_p > 0, draw=draw) @ value


@operator("embedding")
def embedding(
    weight: Array,
    indices: Array,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """The rows of these numbers; the row of the padding is not trained, and a number outside gives NaN."""
    if scale_grad_by_freq:
        raise NotImplementedError
    if padding_idx >= 0:
        padding = jnp.arange(len(weight))[:, None] == padding_idx
        weight = jnp.where(padding, jax.lax.stop_gradient(weight), weight)
    return jnp.take(weight, indices, axis=0)
