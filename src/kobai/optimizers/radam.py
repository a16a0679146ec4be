"""RAdam (Liu and others 2020, arXiv 1908.03265, algorithm 2)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer

THRESHOLD = 5
"""From which ρₜ on √v̂ is trusted: 5 in the authors' code, in PyTorch and in optax; 4 in the paper."""


@hyperparameters
class RAdam(Optimizer):
    """Adam that warms up by itself: √v̂ counts as far as its variance is bounded.

    m, v, m̂, v̂ as in Adam
    ρ∞ = 2/(1−ρ₂) − 1,  ρₜ = ρ∞ − 2tρ₂ᵗ/(1−ρ₂ᵗ)
    Δ = −η r m̂ / (√v̂ + ε) with r = √((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ))    where ρₜ ≥ 5
    Δ = −η m̂                                                                  before

    With ρ₂ = 0.999 the first five steps are momentum's.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-8

    memories = ("m", "v")

    def rule(self, g: Array, t: Whole, m: Array, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        xp = namespace(g)
        m = ρ1 * m + (1 - ρ1) * g
        v = ρ2 * v + (1 - ρ2) * g * conj(g)
        m_hat = m / (1 - ρ1**t)
        v_hat = v / (1 - ρ2**t)
        most = 2 / (1 - ρ2) - 1
        ρ_t = most - 2 * t * ρ2**t / (1 - ρ2**t)
        trusted = ρ_t >= THRESHOLD
        # Where it is not trusted any number will do, as long as it is one.
        ρ, top = xp.where(trusted, ρ_t, THRESHOLD), xp.where(trusted, most, THRESHOLD)
        r = xp.sqrt((ρ - 4) * (ρ - 2) * top / ((top - 4) * (top - 2) * ρ))
        return -η * xp.where(trusted, r * m_hat / (xp.sqrt(v_hat) + ε), m_hat), (m, v)
