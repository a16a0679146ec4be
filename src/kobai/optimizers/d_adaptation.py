"""D-Adaptation for Adam (Defazio and Mishchenko 2023, arXiv 2301.07733, algorithm 5)."""

from typing import Any

from kobai.basics.arrays import Vector, Whole, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.on_vector import Memory, OnVector

FIRST = 1e-6
"""d₀: what the distance is taken for at first; too small does not matter, too large does."""


@hyperparameters
class DAdaptation(OnVector):
    """Adam whose rate is a lower bound d of how far away the solution is, which grows as it is seen.

    b = √(1−ρ₂ᵗ) / (1−ρ₁ᵗ),  β = √ρ₂
    a = ⟨g, s / (√v + ε)⟩    with the old s and v
    m ← ρ₁m + (1−ρ₁) ηbd g
    v ← ρ₂v + (1−ρ₂) g⊙g
    s ← βs + (1−β) ηbd g
    r ← βr + (1−β) ηbd a
    Δ = −m / (√v + ε) − ηbd λθ    with the old d
    d ← max(d, r / ((1−β) ‖s‖₁))

    η is a factor of the rate that is found (1 in the paper): tables mark it with ×. b is optax's; the
    authors' code has it as an option.

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

    memories = ("m", "v", "s")
    numbers = {"d": FIRST, "r": 0.0}
    rate_is_factor = True

    def formula(self, g: Vector, θ: Vector, t: Whole, weight: Vector, **memory: Any) -> tuple[Vector, Memory]:
        η, ρ1, ρ2, ε, λ = self.learning_rate, self.decay_1, self.decay_2, self.epsilon, self.weight_decay
        xp = namespace(g)
        d, β = memory["d"], ρ2**0.5
        rate = η * d * (1 - ρ2**t) ** 0.5 / (1 - ρ1**t)
        a = xp.sum(g * memory["s"] / (xp.sqrt(memory["v"]) + ε))
        m = ρ1 * memory["m"] + (1 - ρ1) * rate * g
        v = ρ2 * memory["v"] + (1 - ρ2) * g * g
        s = β * memory["s"] + (1 - β) * rate * g
        r = β * memory["r"] + (1 - β) * rate * a
        length = (1 - β) * xp.sum(abs(s))
        found = xp.where(length > 0, xp.maximum(d, r / xp.where(length > 0, length, 1)), d)
        Δ = -m / (xp.sqrt(v) + ε) - rate * λ * weight * θ
        return Δ, {"m": m, "v": v, "s": s, "d": found, "r": r}

    def rate_at(self, step: Whole) -> None:
        """Not known outside: decay beside the step has nothing to be multiplied by."""
        return
