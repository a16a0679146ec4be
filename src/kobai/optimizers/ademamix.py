"""AdEMAMix (Pagliardini, Ablin and Grangier 2024, arXiv 2409.03137, algorithm 1)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class AdEMAMix(Optimizer):
    """AdamW with a second, very slow momentum, which old gradients stay in.

    m₁ ← ρ₁m₁ + (1−ρ₁) g
    m₂ ← ρ₃m₂ + (1−ρ₃) g
    v ← ρ₂v + (1−ρ₂) g⊙g
    m̂₁ = m₁ / (1−ρ₁ᵗ),  v̂ = v / (1−ρ₂ᵗ)    t = 1, 2, …; m₂ is not corrected, it fills slowly
    Δ = −η (m̂₁ + αm₂) / (√v̂ + ε) − ηλθ

    α and ρ₃ are constant, as in optax; the paper lets both grow during long runs. In a run that is much
    shorter than 1/(1−ρ₃) steps m₂ hardly fills: the paper then takes a smaller ρ₃. Biases and scales are not
    decayed.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      decay_3: ρ₃ in [0, 1).
      mixture: α ≥ 0.
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.999
    decay_3: float = 0.9999
    mixture: float = 5.0
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    degree = 0
    memories = ("m1", "m2", "v")
    decays = True

    def rule(self, g: Array, t: Whole, m1: Array, m2: Array, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ρ3, ε = self.learning_rate, self.decay_1, self.decay_2, self.decay_3, self.epsilon
        α = self.mixture
        m1 = ρ1 * m1 + (1 - ρ1) * g
        m2 = ρ3 * m2 + (1 - ρ3) * g
        v = ρ2 * v + (1 - ρ2) * g * conj(g)
        m1_hat = m1 / (1 - ρ1**t)
        v_hat = v / (1 - ρ2**t)
        return -η * (m1_hat + α * m2) / (namespace(g).sqrt(v_hat) + ε), (m1, m2, v)
