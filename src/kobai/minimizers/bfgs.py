"""BFGS (Nocedal and Wright 2006, algorithm 6.1)."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from kobai.minimizers.base import Point, length
from kobai.minimizers.descent import Descent, Step, flatness


@dataclasses.dataclass(frozen=True)
class BFGS(Descent):
    """Build the inverse Hessian from the gradients met on the way: n² numbers, n² work a step.

    d = −H g
    s = x₊ − x,  y = g₊ − g,  ρ = 1 / yᵀs
    H ← (I − ρ s yᵀ) τH (I − ρ y sᵀ) + ρ s sᵀ

    H starts as I. τ = yᵀs / yᵀy in the first update; from then on H grows where f was flatter along the step
    than H said: τ = √(sᵀH⁻¹s / yᵀs) within [1, 2] (after Al-Baali 1998, who has no root: too bold where the
    curvature changes fast). An update without curvature, yᵀs ≤ ε‖y‖‖s‖, is left out. All of this is relative,
    so that f and c·f give one path; s and y are both divided by ‖s‖ first, which changes nothing above.
    """

    def forget(self, point: Point) -> Any:
        return jnp.eye(point.x.size, dtype=point.x.dtype), jnp.bool_(True)

    def turn(self, memory: Any, step: Step) -> tuple[Any, Any, Any]:
        H, first = memory
        s, y = step.secant()
        curved = has_curvature(s, y)
        ys = jnp.where(curved, jnp.vdot(y, s), 1)
        # sᵀH⁻¹s = −α gᵀs, since s = −α H g
        flatter = -step.length * jnp.vdot(step.before.g, s) / length(step.s) / ys
        τ = jnp.where(first, flatness(s, y), jnp.sqrt(jnp.clip(flatter, 1, 4)))
        H = jnp.where(curved, updated(τ * H, s, y), H)
        return (H, first & ~curved), -H @ step.after.g, jnp.ones_like(step.length)


def updated(H: Any, s: Any, y: Any) -> Any:
    """The rank-two update of the inverse Hessian [n, n], multiplied out (equation 6.17)."""
    ρ = 1 / jnp.vdot(y, s)
    Hy = H @ y
    return H - ρ * (jnp.outer(s, Hy) + jnp.outer(Hy, s)) + ρ * (1 + ρ * jnp.vdot(y, Hy)) * jnp.outer(s, s)


def has_curvature(s: Any, y: Any) -> Any:
    """Whether f curves upwards along the step: yᵀs > ε‖y‖‖s‖, whatever the scale of f or x."""
    ε = jnp.finfo(s.dtype).eps
    return jnp.vdot(y / length(y), s / length(s)) > ε
