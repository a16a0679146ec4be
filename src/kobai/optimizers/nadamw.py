"""NAdamW (Dozat 2016, openreview OM0jvwB8jIp57ZJjtNEZ; with the decay of Loshchilov and Hutter 2019)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class NAdamW(Optimizer):
    """AdamW whose momentum looks one step ahead, as Nesterov's does.

    m ← ρ₁m + (1−ρ₁) g
    v ← ρ₂v + (1−ρ₂) g⊙g
    m̂ = ρ₁ m / (1−ρ₁ᵗ⁺¹) + (1−ρ₁) g / (1−ρ₁ᵗ),  v̂ = v / (1−ρ₂ᵗ)    t = 1, 2, …
    Δ = −η m̂ / (√v̂ + ε) − ηλθ

    ρ₁ is constant, as in optax; PyTorch's NAdam lets it grow from step to step. Biases and scales are not
    decayed.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    degree = 0
    memories = ("m", "v")
    decays = True

    def rule(self, g: Array, t: Whole, m: Array, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        sqrt = namespace(g).sqrt
        m = ρ1 * m + (1 - ρ1) * g
        v = ρ2 * v + (1 - ρ2) * g * conj(g)
        m_hat = ρ1 * m / (1 - ρ1 ** (t + 1)) + (1 - ρ1) * g / (1 - ρ1**t)
        v_hat = v / (1 - ρ2**t)
        return -η * m_hat / (sqrt(v_hat) + ε), (m, v)
