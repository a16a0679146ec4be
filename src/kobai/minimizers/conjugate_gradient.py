"""Conjugate gradients: nonlinear, four formulas (Nocedal and Wright 2006, section 5.2), and linear."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from kobai.errors import unknown
from kobai.minimizers.base import Point
from kobai.minimizers.descent import Descent, Step

FORMULAS = {
    "polak_ribiere": lambda g, g0, y, d: jnp.maximum(jnp.vdot(g, y) / jnp.vdot(g0, g0), 0),
    "fletcher_reeves": lambda g, g0, y, d: jnp.vdot(g, g) / jnp.vdot(g0, g0),
    "hestenes_stiefel": lambda g, g0, y, d: jnp.vdot(g, y) / jnp.vdot(d, y),
    "dai_yuan": lambda g, g0, y, d: jnp.vdot(g, g) / jnp.vdot(d, y),
}
"""β from the new gradient g, the one before g₀, y = g − g₀ and the direction d that was gone along."""


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
    formula: str = "polak_ribiere"

    def __post_init__(self) -> None:
        Descent.__post_init__(self)
        if self.formula not in FORMULAS:
            raise unknown("kind.formula", self.formula, FORMULAS)

    def forget(self, point: Point) -> Any:
        return ()

    def turn(self, memory: Any, step: Step) -> tuple[Any, Any, Any]:
        g, g0, d = step.after.g, step.before.g, step.direction
        β = FORMULAS[self.formula](g, g0, step.y, d)
        onward = -g + β * d
        # The decrease to expect is that of the last step (equation 3.60).
        first = step.length * jnp.vdot(g0, d) / jnp.vdot(g, onward)
        return (), onward, first
