"""AdaBelief (Zhuang and others 2020, arXiv 2010.07468, algorithm 2)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class AdaBelief(Optimizer):
    """Adam that divides by how far the gradient is from its own mean, and not by its size.

    m ← ρ₁m + (1−ρ₁) g
    s ← ρ₂s + (1−ρ₂) (g−m)⊙(g−m) + ε    with the new m
    m̂ = m / (1−ρ₁ᵗ),  ŝ = s / (1−ρ₂ᵗ)    t = 1, 2, …
    Δ = −η m̂ / (√ŝ + ε)

    Where gradients agree with one another the step is long. ε stands at both places, and inside s it adds up.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-16

    degree = 0
    memories = ("m", "s")

    def rule(self, g: Array, t: Whole, m: Array, s: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        m = ρ1 * m + (1 - ρ1) * g
        s = ρ2 * s + (1 - ρ2) * (g - m) * conj(g - m) + ε
        m_hat = m / (1 - ρ1**t)
        s_hat = s / (1 - ρ2**t)
        return -η * m_hat / (namespace(g).sqrt(s_hat) + ε), (m, s)
