"""AdaDelta (Zeiler 2012, arXiv 1212.5701, algorithm 1; the lecture's equations for AdaDelta)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class AdaDelta(Optimizer):
    """Steps in the units of the parameters: recent updates over recent gradients.

    h ← ρh + (1−ρ) g⊙g
    δ = −√(ε+r) / √(ε+h) ⊙ g    with the old r
    r ← ρr + (1−ρ) δ⊙δ
    Δ = ηδ

    The paper has no learning rate: η = 1. It is here a multiplier of the step taken, for sweeps; r
    accumulates the unscaled δ.

    Args:
      learning_rate: η ≥ 0.
      decay: ρ in [0, 1).
      epsilon: ε ≥ 0; with ε = 0 nothing ever moves, since r starts at 0.
    """

    learning_rate: float = 1.0
    decay: float = 0.95
    epsilon: float = 1e-6

    degree = 0
    memories = ("h", "r")
    rate_is_factor = True

    def rule(self, g: Array, t: Whole, h: Array, r: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ, ε, sqrt = self.learning_rate, self.decay, self.epsilon, namespace(g).sqrt
        h = ρ * h + (1 - ρ) * g * conj(g)
        δ = -sqrt(ε + r) / sqrt(ε + h) * g
        r = ρ * r + (1 - ρ) * δ * conj(δ)
        return η * δ, (h, r)
