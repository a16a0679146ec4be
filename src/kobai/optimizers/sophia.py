"""Sophia-H (Liu and others 2023, arXiv 2305.14342, algorithm 3 with the estimator of algorithm 1)."""

from typing import Any, ClassVar

import jax
import numpy as np

from kobai.basics.arrays import Array, Vector, Whole, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import CURVATURE
from kobai.optimizers.by_array import when
from kobai.optimizers.on_vector import Memory, OnVector, VectorAt


@hyperparameters
class Sophia(OnVector):
    """Momentum divided by an estimate of the Hessian's diagonal, and cut to η where that is small or wrong.

    m ← ρ₁m + (1−ρ₁) g
    every 10th step, the first included: h ← ρ₂h + (1−ρ₂) u⊙(Hu), u random signs
    Δ = −η clip(m / max(γh, ε), −1, 1) − ηλθ

    Hu is the Hessian of the batch times u (Hutchinson 1990). The signs are those of a fixed stream, the same
    for every seed; the paper draws u normally, which has a larger variance. Nothing is corrected for starting
    at zero, as in the paper; `optax.contrib.sophia` corrects m, and makes the step before the estimate. A
    product with H costs about two gradients, every 10th step. Biases and scales are not decayed.

    Args:
      learning_rate: η ≥ 0: the longest step of a parameter.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      scale: γ ≥ 0; the larger, the fewer steps are cut.
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.96
    decay_2: float = 0.99
    scale: float = 0.01
    epsilon: float = 1e-12
    weight_decay: float = 0.0

    memories = ("m", "h")
    asks = CURVATURE
    every: ClassVar[int] = 10
    """Steps between two estimates."""
    gradients = 1.2

    def asked(
        self, g: Vector, θ: Vector, t: Whole, weight: Vector, gradient_at: VectorAt, **memory: Any
    ) -> tuple[Vector, Memory]:
        η, ρ1, ρ2, γ, ε = self.learning_rate, self.decay_1, self.decay_2, self.scale, self.epsilon
        xp = namespace(g)

        def estimated(old: Memory) -> Memory:
            u = signs(θ, t)
            Hu = jax.jvp(gradient_at, (θ,), (u,))[1]
            return {"h": xp.asarray(ρ2 * old["h"] + (1 - ρ2) * u * Hu, old["h"].dtype)}

        m = ρ1 * memory["m"] + (1 - ρ1) * g
        h = when((t - 1) % self.every == 0, estimated, dict, {"h": memory["h"]})["h"]
        Δ = -η * xp.clip(m / xp.maximum(γ * h, ε), -1, 1) - η * self.weight_decay * weight * θ
        return Δ, {"m": m, "h": h}


def signs(θ: Vector, t: Whole) -> Array:
    """Random signs, other ones at every step."""
    key = jax.random.fold_in(jax.random.key(0), t)
    return namespace(θ).asarray(jax.random.rademacher(key, θ.shape, np.int8)).astype(θ.dtype)
