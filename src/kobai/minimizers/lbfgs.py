"""L-BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kobai.basics.arrays import Matrix, Scalar, Vector, Whole
from kobai.basics.checks import check_count
from kobai.minimizers.base import Point
from kobai.minimizers.descent import Descent, Step


class Pairs(NamedTuple):
    """What is remembered of the last m steps: s and y, a row each, with ρ = 1 / yᵀs; γ of the newest."""

    s: Matrix
    y: Matrix
    ρ: Vector
    γ: Scalar


@dataclasses.dataclass(frozen=True)
class LBFGS(Descent):
    """BFGS from the last m steps only: 2mn numbers and 4mn work a step, for many variables.

    H is never made. H g comes from the pairs (s, y), the newest first and back again::

        q = g
        for i newest to oldest:  aᵢ = ρᵢ sᵢᵀq;  q ← q − aᵢ yᵢ
        q ← γ q                                        γ = yᵀs / yᵀy of the newest pair
        for i oldest to newest:  q ← q + (aᵢ − ρᵢ yᵢᵀq) sᵢ
        d = −q

    A pair without curvature is left out, as in BFGS; s and y are both divided by about ‖s‖.

    Args:
      pairs: m ≥ 1, how many steps are remembered.
    """

    pairs: int = 10

    def __post_init__(self) -> None:
        Descent.__post_init__(self)
        check_count("LBFGS: pairs", self.pairs)

    def forget(self, point: Point) -> Pairs:
        n, dtype = point.x.size, point.x.dtype
        S = Y = jnp.zeros((self.pairs, n), dtype)
        return Pairs(S, Y, jnp.zeros(self.pairs, dtype), jnp.ones((), dtype))

    def turn(self, memory: Pairs, step: Step) -> tuple[Pairs, Vector, Scalar]:
        (s, y, _, ys, flatness, curved), g = step.secant(), step.after.g
        S, Y, ρ, γ = memory
        S = jnp.where(curved, pushed(S, s), S)
        Y = jnp.where(curved, pushed(Y, y), Y)
        ρ = jnp.where(curved, pushed(ρ, 1 / ys), ρ)
        γ = jnp.where(curved, flatness, γ)
        return Pairs(S, Y, ρ, γ), -two_loops(g, S, Y, ρ, γ), jnp.ones_like(step.length)


def two_loops(g: Vector, S: Matrix, Y: Matrix, ρ: Vector, γ: Scalar) -> Vector:
    """H g. The newest pair stands last; where none stands yet all is zero, and changes nothing."""
    m, S, Y, ρ = len(ρ), *map(jnp.asarray, (S, Y, ρ))

    def newest_to_oldest(k: Whole, carry: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
        q, a = carry
        i = m - 1 - k
        a = jnp.asarray(a).at[i].set(ρ[i] * jnp.vdot(S[i], q))
        return q - a[i] * Y[i], a

    def oldest_to_newest(i: Whole, q: Vector) -> Vector:
        return q + (a[i] - ρ[i] * jnp.vdot(Y[i], q)) * S[i]

    q, a = jax.lax.fori_loop(0, m, newest_to_oldest, (g, jnp.zeros_like(ρ)))
    return jax.lax.fori_loop(0, m, oldest_to_newest, γ * q)


def pushed(rows: Vector, newest: Vector) -> Vector:
    """`rows` without the oldest and with the newest, last."""
    return jnp.concatenate([rows[1:], newest[None]])
