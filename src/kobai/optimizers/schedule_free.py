"""Schedule-Free learning (Defazio and others 2024, arXiv 2405.15682, algorithms 1 and 2)."""

from typing import Any

import jax

from kobai.basics.arrays import Array, Number, Parameters, Vector, Whole, namespace, narrow
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import State
from kobai.optimizers.on_vector import Memory, OnVector


class _ScheduleFree(OnVector):
    """Three points: z makes the steps, x is their mean, and y between them is where gradients are taken.

    The parameters that are trained are y. x is not kept, it is y − (1−β)z over β.
    """

    learning_rate: float
    decay_1: float

    decays_within = True
    ranges = {"decay_1": ("rule.inside", lambda x: 0 < x < 1)}

    def averaged(
        self, y: Vector, z: Vector, moved: Vector, total: Number, largest: Number
    ) -> tuple[Vector, Number, Number]:
        """(Δ of y, the sum of the weights, the largest η) after z moved."""
        η, β = self.learning_rate, self.decay_1
        xp = namespace(y)
        largest = xp.maximum(largest, η)
        weight = largest * largest
        total = total + weight
        c = xp.where(total > 0, weight / xp.where(total > 0, total, 1), 0)
        x = (y - (1 - β) * z) / β
        x = (1 - c) * x + c * moved
        return β * x + (1 - β) * moved - y, total, largest

    def evaluation_point(self, params: Parameters, state: State) -> Parameters:
        """Where the network is evaluated: at x."""
        β = self.decay_1

        def mean(y: Array, z: Array | None) -> Array:
            return y if z is None else narrow((y - (1 - β) * z) / β, y)

        return jax.tree.map(mean, params, state.memory["z"])


@hyperparameters
class ScheduleFreeSGD(_ScheduleFree):
    """SGD whose iterates are averaged as it goes, so that no schedule has to be known beforehand.

    y = (1−β) z + βx    where gradients are taken
    z ← z − η (g(y) + λy)
    c = ηₘ² / Σηₘ²    ηₘ: the largest η so far; at a constant η c = 1/t
    x ← (1−c) x + cz    where the network is evaluated
    Δ moves y, which is what is trained

    Args:
      learning_rate: η ≥ 0.
      decay_1: β in (0, 1).
      weight_decay: λ ≥ 0, for the weights, at y.
    """

    learning_rate: float = 1.0
    decay_1: float = 0.9
    weight_decay: float = 0.0

    memories = ("z",)
    starts = ("z",)
    numbers = {"total": 0.0, "largest": 0.0}

    def formula(self, g: Vector, θ: Vector, t: Whole, weight: Vector, **memory: Any) -> tuple[Vector, Memory]:
        η, λ = self.learning_rate, self.weight_decay
        z = memory["z"] - η * (g + λ * weight * θ)
        Δ, total, largest = self.averaged(θ, memory["z"], z, memory["total"], memory["largest"])
        return Δ, {"z": z, "total": total, "largest": largest}


@hyperparameters
class ScheduleFreeAdamW(_ScheduleFree):
    """AdamW whose iterates are averaged as it goes, so that no schedule has to be known beforehand.

    y = (1−β) z + βx    where gradients are taken
    v ← ρ₂v + (1−ρ₂) g⊙g,  v̂ = v / (1−ρ₂ᵗ)
    z ← z − η (g(y) / (√v̂ + ε) + λy)
    c = ηₘ² / Σηₘ²    ηₘ: the largest η so far; at a constant η c = 1/t
    x ← (1−c) x + cz    where the network is evaluated
    Δ moves y, which is what is trained

    The paper advises a warm-up, whose small η then hardly count in x. c = 1/t at a constant η is optax's; the
    authors' code weighs by γ² instead of ηₘ², with the rate γ = η√(1−ρ₂ᵗ) that it steps with.

    Args:
      learning_rate: η ≥ 0.
      decay_1: β in (0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0, for the weights, at y.
    """

    learning_rate: float = 0.0025
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    memories = ("z", "v")
    starts = ("z",)
    numbers = {"total": 0.0, "largest": 0.0}

    def formula(self, g: Vector, θ: Vector, t: Whole, weight: Vector, **memory: Any) -> tuple[Vector, Memory]:
        η, ρ2, ε, λ = self.learning_rate, self.decay_2, self.epsilon, self.weight_decay
        v = ρ2 * memory["v"] + (1 - ρ2) * g * g
        v_hat = v / (1 - ρ2**t)
        z = memory["z"] - η * (g / (namespace(g).sqrt(v_hat) + ε) + λ * weight * θ)
        Δ, total, largest = self.averaged(θ, memory["z"], z, memory["total"], memory["largest"])
        return Δ, {"z": z, "v": v, "total": total, "largest": largest}
