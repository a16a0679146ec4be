"""Sharpness-aware minimization (Foret and others 2021, arXiv 2010.01412, algorithm 1)."""

from typing import Any

from kobai.basics.arrays import Vector, Whole, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import GRADIENT
from kobai.optimizers.on_vector import Memory, OnVector, VectorAt


@hyperparameters
class SAM(OnVector):
    """Momentum with the gradient of the worst point nearby: what is found lies in a wide valley.

    g' = g(θ + ρ g/‖g‖)    the second gradient, of the same batch
    v ← αv − ηg';  Δ = v

    ‖g‖ is that of all parameters together. Each step takes two gradients.

    Args:
      learning_rate: η ≥ 0.
      momentum: α in [0, 1).
      radius: ρ ≥ 0: how far away the worst point is looked for.
    """

    learning_rate: float = 0.01
    momentum: float = 0.9
    radius: float = 0.05

    memories = ("v",)
    asks = GRADIENT
    gradients = 2.0

    def asked(
        self, g: Vector, θ: Vector, t: Whole, weight: Vector, gradient_at: VectorAt, **memory: Any
    ) -> tuple[Vector, Memory]:
        η, α, ρ = self.learning_rate, self.momentum, self.radius
        xp = namespace(g)
        norm = xp.sqrt(xp.sum(g * g))
        worst = gradient_at(θ + ρ * g / xp.where(norm > 0, norm, 1))
        v = α * memory["v"] - η * worst
        return v, {"v": v}
