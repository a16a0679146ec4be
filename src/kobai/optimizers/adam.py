"""Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1; the lecture's equations for Adam)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class Adam(Optimizer):
    """Momentum and RMSProp together, both corrected for having started at zero.

    m ← ρ₁m + (1−ρ₁) g
    v ← ρ₂v + (1−ρ₂) g⊙g
    m̂ = m / (1−ρ₁ᵗ),  v̂ = v / (1−ρ₂ᵗ)    t = 1, 2, …
    Δ = −η m̂ / (√v̂ + ε)

    t counts from 1: from 0, as the lecture prints it, the correction divides by zero.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0; with ε = 0 a parameter that never had a gradient becomes 0/0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-8

    degree = 0
    memories = ("m", "v")

    def rule(self, g: Array, t: Whole, m: Array, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        sqrt = namespace(g).sqrt
        m = ρ1 * m + (1 - ρ1) * g
        v = ρ2 * v + (1 - ρ2) * g * conj(g)
        m_hat = m / (1 - ρ1**t)
        v_hat = v / (1 - ρ2**t)
        return -η * m_hat / (sqrt(v_hat) + ε), (m, v)
