"""Operators that take every number by itself: arithmetic, comparisons, activations.

Where a function has a kink, the derivative there is torch's: of the kinks that occur (a ReLU's zero), and of
the edges of `clamp`.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from kobai.networks.network import relu
from kobai.tasks.frameworks.torch.memory import Order
from kobai.tasks.frameworks.torch.operators.table import OPERATORS, Operator, Value, operator

SAME: dict[str, Callable[..., Any]] = {
    "abs": jnp.abs,
    "acos": jnp.arccos,
    "acosh": jnp.arccosh,
    "asin": jnp.arcsin,
    "asinh": jnp.arcsinh,
    "atan": jnp.arctan,
    "atan2": jnp.arctan2,
    "atanh": jnp.arctanh,
    "bitwise_and": jnp.bitwise_and,
    "bitwise_left_shift": jnp.left_shift,
    "bitwise_not": jnp.bitwise_not,
    "bitwise_or": jnp.bitwise_or,
    "bitwise_right_shift": jnp.right_shift,
    "bitwise_xor": jnp.bitwise_xor,
    "__and__": jnp.bitwise_and,
    "__or__": jnp.bitwise_or,
    "__xor__": jnp.bitwise_xor,
    "ceil": jnp.ceil,
    "copysign": jnp.copysign,
    "cos": jnp.cos,
    "cosh": jnp.cosh,
    "deg2rad": jnp.deg2rad,
    "detach": lax.stop_gradient,
    "digamma": jax.scipy.special.digamma,
    "eq": jnp.equal,
    "erf": lax.erf,
    "erfc": lax.erfc,
    "erfinv": lax.erf_inv,
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "float_power": jnp.power,
    "floor": jnp.floor,
    "floor_divide": jnp.floor_divide,
    "fmax": jnp.fmax,
    "fmin": jnp.fmin,
    "fmod": jnp.fmod,
    "ge": jnp.greater_equal,
    "gt": jnp.greater,
    "hypot": jnp.hypot,
    "isfinite": jnp.isfinite,
    "isinf": jnp.isinf,
    "isnan": jnp.isnan,
    "le": jnp.less_equal,
    "lgamma": lax.lgamma,
    "log": jnp.log,
    "log10": jnp.log10,
    "log1p": jnp.log1p,
    "log2": jnp.log2,
    "logaddexp": jnp.logaddexp,
    "logical_and": jnp.logical_and,
    "logical_not": jnp.logical_not,
    "logical_or": jnp.logical_or,
    "logical_xor": jnp.logical_xor,
    "lt": jnp.less,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "mul": jnp.multiply,
    "ne": jnp.not_equal,
    "neg": jnp.negative,
    "rad2deg": jnp.rad2deg,
    "reciprocal": jnp.reciprocal,
    "relu": relu,
    "remainder": jnp.remainder,
    "rsqrt": lax.rsqrt,
    "sgn": jnp.sign,
    "sigmoid": jax.nn.sigmoid,
    "sign": jnp.sign,
    "signbit": jnp.signbit,
    "silu": jax.nn.silu,
    "sin": jnp.sin,
    "sinc": jnp.sinc,
    "sinh": jnp.sinh,
    "special_erf": lax.erf,
    "special_expit": jax.nn.sigmoid,
    "special_log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "square": jnp.square,
    "tan": jnp.tan,
    "tanh": jnp.tanh,
    "trunc": jnp.trunc,
    "xlogy": jax.scipy.special.xlogy,
}
"""Operators that JAX has too, under this or another name."""

OPERATORS.update({name: Operator(function, Order.ANY) for name, function in SAME.items()})

ALIASES = {
    "absolute": "abs",
    "arctan2": "atan2",
    "clip": "clamp",
    "divide": "div",
    "fix": "trunc",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "multiply": "mul",
    "negative": "neg",
    "not_equal": "ne",
    "subtract": "sub",
    "true_divide": "div",
}
"""Other names of torch's for operators of this file."""


@operator(
    "alias",
    "clone",
    "contiguous",
    "detach_copy",
    "lift",
    "lift_fresh",
    "lift_fresh_copy",
    "positive",
    "resolve_conj",
    "resolve_neg",
    "to",
    "_to_copy",
    "type_as",
    order=Order.ANY,
)
def same(self: Array, *_: object, **__: object) -> Array:
    """What another device, another memory, or a dtype that the graph has noted leaves of an array."""
    return self


@operator("add", order=Order.ANY)
def add(self: Array, other: Array, *, alpha: Value = 1) -> Array:
    return jnp.add(self, other if _is_one(alpha) else alpha * other)


@operator("sub", order=Order.ANY)
def sub(self: Array, other: Array, *, alpha: Value = 1) -> Array:
    return jnp.subtract(self, other if _is_one(alpha) else alpha * other)


@operator("rsub", order=Order.ANY)
def rsub(self: Array, other: Array, alpha: Value = 1) -> Array:
    return sub(other, self, alpha=alpha)


@operator("div", order=Order.ANY)
def div(self: Array, other: Array, *, rounding_mode: str | None = None) -> Array:
    if rounding_mode == "floor":
        return jnp.floor_divide(self, other)
    quotient = jnp.true_divide(self, other)
    return quotient if rounding_mode is None else jnp.trunc(quotient)


@operator("pow", order=Order.ANY)
def power(self: Array, exponent: Array | float) -> Array:
    whole = isinstance(exponent, float) and exponent.is_integer()
    return jnp.power(self, int(exponent) if whole else exponent)  # of a whole power the derivative is exact


@operator("round", order=Order.ANY)
def round_(self: Array, *, decimals: int = 0) -> Array:
    return jnp.round(self, decimals)


@operator("frac", order=Order.ANY)
def frac(self: Array) -> Array:
    return self - jnp.trunc(self)


@operator("where")
def where(condition: Array, self: Value, other: Value) -> Array:
    return jnp.where(condition, self, other)


@operator("clamp", order=Order.ANY)
def clamp(self: Array, min: Value | None = None, max: Value | None = None) -> Array:
    """Between two bounds; on a bound the derivative is 1."""
    if min is not None:
        self = jnp.where(self < min, min, self)
    return self if max is None else jnp.where(self > max, max, self)


@operator("clamp_min", order=Order.ANY)
def clamp_min(self: Array, min: Array) -> Array:
    return clamp(self, min)


@operator("clamp_max", order=Order.ANY)
def clamp_max(self: Array, max: Array) -> Array:
    return clamp(self, None, max)


@operator("lerp", order=Order.ANY)
def lerp(self: Array, end: Array, weight: Array) -> Array:
    return self + weight * (end - self)


@operator("addcmul", order=Order.ANY)
def addcmul(self: Array, tensor1: Array, tensor2: Array, *, value: Value = 1) -> Array:
    return self + value * tensor1 * tensor2


@operator("addcdiv", order=Order.ANY)
def addcdiv(self: Array, tensor1: Array, tensor2: Array, *, value: Value = 1) -> Array:
    return self + value * tensor1 / tensor2


@operator("nan_to_num", order=Order.ANY)
def nan_to_num(
    self: Array, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Array:
    return jnp.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf)


@operator("logit", order=Order.ANY)
def logit(self: Array, eps: float | None = None) -> Array:
    return jax.scipy.special.logit(self if eps is None else clamp(self, eps, 1 - eps))


# Activations.


@operator("leaky_relu", order=Order.ANY)
def leaky_relu(self: Array, negative_slope: float = 0.01) -> Array:
    return jnp.where(self > 0, self, negative_slope * self)


@operator("rrelu", draws=True)
def rrelu(
    self: Array,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: object = None,
    *,
    draw: object = None,
) -> Array:
    """A leaky ReLU whose slope is drawn anew for every number; in inference it is the middle one."""
    if not training:
        return leaky_relu(self, (lower + upper) / 2)
    slope = jax.random.uniform(draw(), self.shape, self.dtype, lower, upper)  # type: ignore[operator]
    return jnp.where(self > 0, self, slope * self)


@operator("prelu")
def prelu(self: Array, weight: Array) -> Array:
    if weight.size > 1:  # one slope for each channel
        weight = weight.reshape(-1, *[1] * (self.ndim - 2))
    return jnp.where(self > 0, self, weight * self)


@operator("relu6", order=Order.ANY)
def relu6(self: Array) -> Array:
    return hardtanh(self, 0.0, 6.0)


@operator("hardtanh", order=Order.ANY)
def hardtanh(self: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """Between two bounds; on a bound the derivative is 0."""
    return jnp.where(self <= min_val, min_val, jnp.where(self >= max_val, max_val, self))


@operator("hardsigmoid", order=Order.ANY)
def hardsigmoid(self: Array) -> Array:
    return hardtanh(self, -3.0, 3.0) / 6 + 0.5


@operator("hardswish", order=Order.ANY)
def hardswish(self: Array) -> Array:
    return jnp.where(self <= -3, 0, jnp.where(self >= 3, self, self * (self + 3) / 6))


@operator("hardshrink", order=Order.ANY)
def hardshrink(self: Array, lambd: float = 0.5) -> Array:
    return jnp.where(jnp.abs(self) <= lambd, 0, self)


@operator("softshrink", order=Order.ANY)
def softshrink(self: Array, lambd: float = 0.5) -> Array:
    return jnp.where(self > lambd, self - lambd, jnp.where(self < -lambd, self + lambd, 0))


@operator("threshold", order=Order.ANY)
def threshold(self: Array, threshold: float, value: float) -> Array:
    return jnp.where(self <= threshold, value, self)


@operator("elu", order=Order.ANY)
def elu(self: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    negative = jnp.minimum(
        self, 0
    )  # where it is not chosen, an infinite exponential would spoil the derivative
    return scale * jnp.where(self > 0, self, alpha * jnp.expm1(negative * input_scale))


@operator("celu", order=Order.ANY)
def celu(self: Array, alpha: float = 1.0) -> Array:
    return elu(self, alpha, 1.0, 1 / alpha)


@operator("selu", order=Order.ANY)
def selu(self: Array) -> Array:
    return elu(self, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


@operator("gelu", order=Order.ANY)
def gelu(self: Array, *, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return 0.5 * self * (1 + jnp.tanh(math.sqrt(2 / math.pi) * (self + 0.044715 * self**3)))
    return 0.5 * self * (1 + lax.erf(self * math.sqrt(0.5)))


@operator("mish", order=Order.ANY)
def mish(self: Array) -> Array:
    return self * jnp.tanh(softplus(self))


@operator("softplus", order=Order.ANY)
def softplus(self: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    return jnp.where(self * beta > threshold, self, jnp.logaddexp(self * beta, 0) / beta)


@operator("log_sigmoid", order=Order.ANY)
def log_sigmoid(self: Array) -> Array:
    return jax.nn.log_sigmoid(self)


@operator("glu")
def glu(self: Array, dim: int = -1) -> Array:
    left, right = jnp.split(self, 2, axis=dim)
    return left * jax.nn.sigmoid(right)


def _is_one(alpha: object) -> bool:
    return isinstance(alpha, int | float) and alpha == 1


OPERATORS.update({alias: OPERATORS[name] for alias, name in ALIASES.items()})
