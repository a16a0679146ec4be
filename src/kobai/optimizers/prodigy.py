"""Prodigy (Mishchenko and Defazio 2023, arXiv 2306.06101, algorithm 4)."""

from typing import Any

from kobai.basics.arrays import Vector, Whole, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.on_vector import Memory, OnVector

FIRST = 1e-6
"""d₀: what the distance is taken for at first; too small does not matter, too large does."""


@hyperparameters
class Prodigy(OnVector):
    """Adam whose rate is its own estimate d of how far away the solution is.

    b = √(1−ρ₂ᵗ) / (1−ρ₁ᵗ),  β = √ρ₂
    m ← ρ₁m + (1−ρ₁) dg
    v ← ρ₂v + (1−ρ₂) d²g⊙g
    r ← βr + (d/d₀) ηbd ⟨g, θ₀−θ⟩
    s ← βs + (d/d₀) ηbd g
    d' = max(d, r / ‖s‖₁)
    Δ = −ηbd (m / (√v + d'ε) + λθ),  d ← d'    with the old d in all but ε

    η is a factor of the rate that is found (1 in the paper), so that schedules work: tables mark it with ×. d
    only grows: from d₀ = 1e-6. b is optax's; the authors' code has it as an option.

    Args:
      learning_rate: η ≥ 0: a factor.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0, for the weights; its rate is the one that is found.
    """

    learning_rate: float = 1.0
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    memories = ("m", "v", "s", "start")
    starts = ("start",)
    numbers = {"d": FIRST, "r": 0.0}
    rate_is_factor = True

    def formula(self, g: Vector, θ: Vector, t: Whole, weight: Vector, **memory: Any) -> tuple[Vector, Memory]:
        η, ρ1, ρ2, ε, λ = self.learning_rate, self.decay_1, self.decay_2, self.epsilon, self.weight_decay
        xp = namespace(g)
        d, β = memory["d"], ρ2**0.5
        b = (1 - ρ2**t) ** 0.5 / (1 - ρ1**t)
        m = ρ1 * memory["m"] + (1 - ρ1) * d * g
        v = ρ2 * memory["v"] + (1 - ρ2) * (d * g) * (d * g)
        r = β * memory["r"] + d / FIRST * η * b * d * xp.sum(g * (memory["start"] - θ))
        s = β * memory["s"] + d / FIRST * η * b * d * g
        length = xp.sum(abs(s))
        found = xp.where(length > 0, xp.maximum(d, r / xp.where(length > 0, length, 1)), d)
        Δ = -η * b * d * (m / (xp.sqrt(v) + found * ε) + λ * weight * θ)
        return Δ, {"m": m, "v": v, "s": s, "start": memory["start"], "d": found, "r": r}

    def rate_at(self, step: Whole) -> None:
        """Not known outside: decay beside the step has nothing to be multiplied by."""
        return
