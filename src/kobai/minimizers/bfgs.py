"""BFGS (Nocedal and Wright 2006, algorithm 6.1)."""

import dataclasses

import jax.numpy as jnp

from kobai.basics.arrays import Matrix, Scalar, Truth, Vector
from kobai.minimizers.base import Point, reciprocal
from kobai.minimizers.descent import Descent, Step


@dataclasses.dataclass(frozen=True)
class BFGS(Descent):
    """Build the inverse Hessian from the gradients met on the way: n² numbers, n² work a step.

    d = −H g
    s = x₊ − x,  y = g₊ − g,  ρ = 1 / yᵀs
    H ← (I − ρ s yᵀ) τH (I − ρ y sᵀ) + ρ s sᵀ

    H starts as I. τ = yᵀs / yᵀy in the first update; from then on H grows where f was flatter along the step
    than H said: τ = √(sᵀH⁻¹s / yᵀs) within [1, 2] (after Al-Baali 1998, who has no root: too bold where the
    curvature changes fast). An update without curvature, yᵀs ≤ ε‖y‖‖s‖, is left out. All of this is relative,
    so that f and c·f give one path; s and y are both divided by about ‖s‖ first, which changes nothing above.
    """

    def forget(self, point: Point) -> tuple[Matrix, Truth]:
        return jnp.eye(point.x.size, dtype=point.x.dtype), jnp.bool_(True)

    def turn(self, memory: tuple[Matrix, Truth], step: Step) -> tuple[tuple[Matrix, Truth], Vector, Scalar]:
        H, first = memory
        s, y, size, ys, flatness, curved = step.secant()
        # sᵀH⁻¹s = −α gᵀs, since s = −α H g
        flatter = -step.length * jnp.vdot(step.before.g, s) * reciprocal(size) / ys
        τ = jnp.where(first, flatness, jnp.sqrt(jnp.clip(flatter, 1, 4)))
        H = jnp.where(curved, updated(τ * H, s, y, ys), H)
        return (H, first & ~curved), -H @ step.after.g, jnp.ones_like(step.length)


def updated(H: Matrix, s: Vector, y: Vector, ys: Scalar) -> Matrix:
    """The rank-two update of the inverse Hessian [n, n], multiplied out (equation 6.17)."""
    ρ, s = 1 / ys, jnp.asarray(s)
    Hy = jnp.asarray(H @ y)
    return H - ρ * (jnp.outer(s, Hy) + jnp.outer(Hy, s)) + ρ * (1 + ρ * jnp.vdot(y, Hy)) * jnp.outer(s, s)
