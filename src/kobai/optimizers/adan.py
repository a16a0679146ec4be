"""Adan (Xie and others 2022, arXiv 2208.06677, algorithm 1)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class Adan(Optimizer):
    """Nesterov's look-ahead read off the change of the gradient: a third memory beside Adam's two.

    d = g − g₋₁ (the gradient of the step before; at the first step d = 0)
    m ← ρ₁m + (1−ρ₁) g
    v ← ρ₂v + (1−ρ₂) d
    n ← ρ₃n + (1−ρ₃) (g + ρ₂d)⊙(g + ρ₂d)
    m̂ = m / (1−ρ₁ᵗ),  v̂ = v / (1−ρ₂ᵗ),  n̂ = n / (1−ρ₃ᵗ)    t = 1, 2, …
    Δ = −η (m̂ + ρ₂v̂) / (√n̂ + ε) − ηλθ

    The paper writes β = 1 − ρ, so that its (1−β₂) is ρ₂ here, as in the authors' code; `optax.adan` has
    1 − ρ₂ in both places. Decay stands beside the step (the authors' no_prox). Biases and scales are not
    decayed.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      decay_3: ρ₃ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.98
    decay_2: float = 0.92
    decay_3: float = 0.99
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    degree = 0
    memories = ("m", "v", "n", "before")
    decays = True

    def rule(
        self, g: Array, t: Whole, m: Array, v: Array, n: Array, before: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ρ3, ε = self.learning_rate, self.decay_1, self.decay_2, self.decay_3, self.epsilon
        xp = namespace(g)
        d = xp.where(t == 1, 0, g - before)
        m = ρ1 * m + (1 - ρ1) * g
        v = ρ2 * v + (1 - ρ2) * d
        n = ρ3 * n + (1 - ρ3) * (g + ρ2 * d) * conj(g + ρ2 * d)
        m_hat = m / (1 - ρ1**t)
        v_hat = v / (1 - ρ2**t)
        n_hat = n / (1 - ρ3**t)
        return -η * (m_hat + ρ2 * v_hat) / (xp.sqrt(n_hat) + ε), (m, v, n, xp.asarray(g + 0))
