"""Conjugate gradients: nonlinear, four formulas (Nocedal and Wright 2006, section 5.2), and linear."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from kobai.basics.checks import check_name
from kobai.basics.errors import UsageError
from kobai.minimizers.base import Point, length
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


LEAP = 1e3
"""The first trial goes at most so many times as far as the last step."""


@dataclasses.dataclass(frozen=True)
class ConjugateGradient(Descent):
    """Remember the last direction only: a few vectors, for very many variables.

    d ← −g + β d

    Polak–Ribière+  β = max(gᵀy / g₀ᵀg₀, 0)        Fletcher–Reeves  β = gᵀg / g₀ᵀg₀
    Hestenes–Stiefel  β = gᵀy / dᵀy                Dai–Yuan  β = gᵀg / dᵀy

    Where that is no direction of descent it starts anew along −g.

    Args:
      formula: one of `FORMULAS`.
    """

    curvature: float = 0.1
    formula: str = dataclasses.field(default="polak_ribiere", metadata={"choices": SHORT})

    def __post_init__(self) -> None:
        Descent.__post_init__(self)
        check_name("kind.formula", self.formula, FORMULAS)

    def forget(self, point: Point) -> Any:
        return ()

    def turn(self, memory: Any, step: Step) -> tuple[Any, Any, Any]:
        # All in units of ‖g₀‖, so that squares of gradients are numbers.
        size = length(step.before.g)
        g, g0, y, d = (v / size for v in (step.after.g, step.before.g, step.y, step.direction))
        β = FORMULAS[self.formula](g, g0, y, d)
        onward = -g + β * d
        # The decrease to expect is that of the last step (equation 3.60), unless that goes too far.
        first = jnp.vdot(g0, d) / jnp.vdot(g, onward)
        most = LEAP * length(d) / length(onward)
        return (), size * onward, step.length * jnp.minimum(first, most)


def linear_conjugate_gradient(
    product: Callable[[Any], Any], b: Any, x: Any, *, tolerance: Any = 0.0, max_steps: int | None = None
) -> tuple[Any, Any]:
    """Solve A x = b for a symmetric positive definite A, which is to minimize ½ xᵀAx − bᵀx (algorithm 5.2).

    Args:
      product: v [n] -> A v [n]; the matrix itself is not needed.
      b, x: right-hand side and start, [n].
      tolerance: end where ‖A x − b‖ ≤ tolerance · ‖b‖.
      max_steps: by default n, which is enough in exact arithmetic.

    Returns: (x, steps taken). It can stand inside jit and vmap: one `while_loop`, one product a step.

    Raises `UsageError` where a product is no number; inside jit and vmap, which cannot, x is NaN then.
    """
    b, x = jnp.asarray(b), jnp.asarray(x)
    r = product(x) - b
    size = length(r)
    size = jnp.where(size > 0, size, 1)
    r = r / size  # and so are d and A d, so that their products are numbers whatever the size of b
    bound = (tolerance * (length(b) / size)) ** 2
    most = x.size if max_steps is None else max_steps

    def going(carry: Any) -> Any:
        _, _, _, rr, steps = carry
        return (steps < most) & (rr > bound)

    def body(carry: Any) -> Any:
        x, r, d, rr, steps = carry
        Ad = product(d)
        α = rr / jnp.vdot(d, Ad)
        x, r = x + (α * size) * d, r + α * Ad
        rr_new = jnp.vdot(r, r)
        return x, r, -r + rr_new / rr * d, rr_new, steps + 1

    x, _, _, rr, steps = jax.lax.while_loop(going, body, (x, r, -r, jnp.vdot(r, r), jnp.int32(0)))
    sound = jnp.isfinite(rr) & jnp.all(jnp.isfinite(x))
    if not isinstance(sound, jax.core.Tracer) and not sound:
        raise UsageError("error.linear.product", steps=int(steps))
    return jnp.where(sound, x, jnp.nan), steps
