"""L-BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5)."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from kobai.basics.checks import check_count
from kobai.minimizers.base import Point
from kobai.minimizers.bfgs import has_curvature
from kobai.minimizers.descent import Descent, Step, flatness


@dataclasses.dataclass(frozen=True)
class LBFGS(Descent):
    """BFGS from the last m steps only: 2mn numbers and 4mn work a step, for many variables.

    H is never made. H g comes from the pairs (s, y), the newest first and back again::

        q = g
        for i newest to oldest:  aᵢ = ρᵢ sᵢᵀq;  q ← q − aᵢ yᵢ
        q ← γ q                                        γ = yᵀs / yᵀy of the newest pair
        for i oldest to newest:  q ← q + (aᵢ − ρᵢ yᵢᵀq) sᵢ
        d = −q

    A pair without curvature is left out, as in BFGS; s and y are both divided by ‖s‖.

    Args:
      pairs: m ≥ 1, how many steps are remembered.
    """

    pairs: int = 10

    def __post_init__(self) -> None:
        Descent.__post_init__(self)
        check_count("LBFGS: pairs", self.pairs)

    def forget(self, point: Point) -> Any:
        n, dtype = point.x.size, point.x.dtype
        S = Y = jnp.zeros((self.pairs, n), dtype)
        return S, Y, jnp.zeros(self.pairs, dtype), jnp.ones((), dtype)

    def turn(self, memory: Any, step: Step) -> tuple[Any, Any, Any]:
        (s, y), g = step.secant(), step.after.g
        S, Y, ρ, γ = memory
        curved = has_curvature(s, y)
        sy = jnp.where(curved, jnp.vdot(s, y), 1)
        S = jnp.where(curved, pushed(S, s), S)
        Y = jnp.where(curved, pushed(Y, y), Y)
        ρ = jnp.where(curved, pushed(ρ, 1 / sy), ρ)
        γ = jnp.where(curved, flatness(s, y), γ)
        return (S, Y, ρ, γ), -two_loops(g, S, Y, ρ, γ), jnp.ones_like(step.length)


def two_loops(g: Any, S: Any, Y: Any, ρ: Any, γ: Any) -> Any:
    """H g. The newest pair stands last; where none stands yet all is zero, and changes nothing."""
    m, S, Y, ρ = len(ρ), *map(jnp.asarray, (S, Y, ρ))

    def newest_to_oldest(k: Any, carry: Any) -> Any:
        q, a = carry
        i = m - 1 - k
        a = a.at[i].set(ρ[i] * jnp.vdot(S[i], q))
        return q - a[i] * Y[i], a

    def oldest_to_newest(i: Any, q: Any) -> Any:
        return q + (a[i] - ρ[i] * jnp.vdot(Y[i], q)) * S[i]

    q, a = jax.lax.fori_loop(0, m, newest_to_oldest, (g, jnp.zeros_like(ρ)))
    return jax.lax.fori_loop(0, m, oldest_to_newest, γ * q)


def pushed(rows: Any, newest: Any) -> Any:
    """`rows` without the oldest and with the newest, last."""
    return jnp.concatenate([rows[1:], newest[None]])
