"""Conjugate gradients: nonlinear, four formulas (Nocedal and Wright 2006, section 5.2), and linear."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from kobai.basics.arrays import Number, Scalar, Truth, Vector
from kobai.basics.checks import check_count, check_name, is_number, is_whole
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.basics.own_code import told
from kobai.minimizers.base import Point, length, max_norm, reciprocal, scaled
from kobai.minimizers.descent import Descent, Step

FORMULAS = {
    "polak_ribiere": lambda g, g0, y, d: jnp.maximum(jnp.vdot(g, y) / jnp.vdot(g0, g0), 0),
    "fletcher_reeves": lambda g, g0, y, d: jnp.vdot(g, g) / jnp.vdot(g0, g0),
    "hestenes_stiefel": lambda g, g0, y, d: jnp.vdot(g, y) / jnp.vdot(d, y),
    "dai_yuan": lambda g, g0, y, d: jnp.vdot(g, g) / jnp.vdot(d, y),
}
"""β from the new gradient g, the one before g₀, y = g − g₀ and the direction d that was gone along."""

SHORT = {"polak_ribiere": "PR+", "fletcher_reeves": "FR", "hestenes_stiefel": "HS", "dai_yuan": "DY"}
"""What tables call them."""

RESTART = 0.2
"""Where |gᵀg₀| is more than this part of gᵀg the directions have lost what they were to be, conjugate."""

LEAP = 1e3
"""The first trial goes at most so many times as far as the last step."""


@dataclasses.dataclass(frozen=True)
class ConjugateGradient(Descent):
    """Remember the last direction only: a few vectors, for very many variables.

    d ← −g + β d

    Polak–Ribière+  β = max(gᵀy / g₀ᵀg₀, 0)        Fletcher–Reeves  β = gᵀg / g₀ᵀg₀
    Hestenes–Stiefel  β = gᵀy / dᵀy                Dai–Yuan  β = gᵀg / dᵀy

    Where that is no direction of descent, or |gᵀg₀| > 0.2 gᵀg (Powell 1977), it starts anew along −g: along
    conjugate directions the gradients of a quadratic are orthogonal.

    Args:
      formula: one of `FORMULAS`.
    """

    curvature: float = 0.1
    formula: str = dataclasses.field(default="polak_ribiere", metadata={"choices": SHORT})

    def __post_init__(self) -> None:
        Descent.__post_init__(self)
        check_name("kind.formula", self.formula, FORMULAS)

    def forget(self, point: Point) -> tuple[()]:
        return ()

    def turn(self, memory: tuple[()], step: Step) -> tuple[tuple[()], Vector, Scalar]:
        # All divided by a power of two near ‖g₀‖: squares of gradients are numbers, and no digit is changed.
        g0, size = scaled(step.before.g)
        g, y, d = (v * reciprocal(size) for v in (step.after.g, step.y, step.direction))
        orthogonal = jnp.abs(jnp.vdot(g, g0)) <= RESTART * jnp.vdot(g, g)
        β = jnp.where(orthogonal, FORMULAS[self.formula](g, g0, y, d), 0)
        onward = -g + β * d
        # The decrease to expect is that of the last step (equation 3.60), unless that goes too far.
        first = jnp.vdot(g0, d) / jnp.vdot(g, onward)
        most = LEAP * max_norm(d) / max_norm(onward)
        return (), size * onward, step.length * jnp.minimum(first, most)


class Linear(NamedTuple):
    """Where a linear solve stands: x, the residual r = (Ax − b) / ‖r₀‖, the direction d, rᵀr, steps taken."""

    x: jax.Array
    r: jax.Array
    d: jax.Array
    rr: jax.Array
    steps: jax.Array


@guard
def linear_conjugate_gradient(
    product: Callable[[jax.Array], ArrayLike],
    b: ArrayLike,
    x: ArrayLike,
    *,
    tolerance: Number = 0.0,
    max_steps: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Solve A x = b for a symmetric positive definite A, which is to minimize ½ xᵀAx − bᵀx (algorithm 5.2).

    Args:
      product: v [n] -> A v [n]; the matrix itself is not needed.
      b, x: right-hand side and start, [n].
      tolerance: end where ‖A x − b‖ ≤ tolerance · ‖b‖.
      max_steps: by default n, which is enough in exact arithmetic.

    Returns: (x, steps taken). It can stand inside jit and vmap: one `while_loop`, one product a step.

    Raises `UsageError` for a caller's mistake, and where a product is no number; inside jit and vmap, which
    cannot say that, x is NaN then.
    """
    if not callable(product):
        raise UsageError("error.linear.function", value=type(product).__name__)
    b, x = vectors(b, x)
    if not hasattr(tolerance, "dtype") and not (is_number(tolerance) and tolerance >= 0):
        raise UsageError("error.linear.tolerance", value=quoted(tolerance))
    if max_steps is not None and not (is_whole(max_steps) and max_steps == 0):
        check_count("linear_conjugate_gradient: max_steps", max_steps)

    def A(v: jax.Array) -> jax.Array:
        with told("error.linear.raises", every=True):
            Av = jnp.asarray(product(v))
        if Av.shape != v.shape or not jnp.issubdtype(Av.dtype, jnp.floating):
            raise UsageError("error.linear.shape", size=v.size, value=f"{Av.dtype}{list(Av.shape)}")
        return Av.astype(v.dtype)

    r = A(x) - b
    size = length(r)
    size = jnp.where(size > 0, size, 1)
    r = r / size  # and so are d and A d, so that their products are numbers whatever the size of b
    bound = (tolerance * (length(b) / size)) ** 2
    most = x.size if max_steps is None else max_steps

    def going(state: Linear) -> Truth:
        return (state.steps < most) & (state.rr > bound)

    def body(state: Linear) -> Linear:
        x, r, d, rr, steps = state
        Ad = A(d)
        α = rr / jnp.vdot(d, Ad)
        x, r = x + (α * size) * d, r + α * Ad
        rr_new = jnp.vdot(r, r)
        return Linear(x, r, -r + rr_new / rr * d, rr_new, steps + 1)

    start = Linear(x, r, -r, jnp.vdot(r, r), jnp.int32(0))
    x, _, _, rr, steps = jax.lax.while_loop(going, body, start)
    sound = jnp.isfinite(rr) & jnp.all(jnp.isfinite(x))
    if not isinstance(sound, jax.core.Tracer) and not sound:
        raise UsageError("error.linear.product", steps=int(steps))
    return jnp.where(sound, x, jnp.nan), steps


def vectors(b: ArrayLike, x: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Right-hand side and start as vectors [n] of one floating dtype. Refuses anything else."""
    try:
        b, x = jnp.asarray(b), jnp.asarray(x)
        dtype = jnp.result_type(b.dtype, x.dtype, jnp.float32)
    except (TypeError, ValueError, OverflowError):
        raise UsageError("error.linear.vectors", value=f"{type(b).__name__}, {type(x).__name__}") from None
    if b.shape != x.shape or b.ndim != 1 or not b.size or not jnp.issubdtype(dtype, jnp.floating):
        held = ", ".join(f"{array.dtype}{list(array.shape)}" for array in (b, x))
        raise UsageError("error.linear.vectors", value=held)
    return b.astype(dtype), x.astype(dtype)
