"""ADOPT (Taniguchi and others 2024, arXiv 2411.02853, algorithm 2)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class ADOPT(Optimizer):
    """Adam that divides each gradient by the v of the steps before it, and only then takes the mean.

    c = (t−1)^¼
    m ← ρ₁m + (1−ρ₁) clip(g / max(√v, ε), −c, c)    with the old v
    Δ = −ηm
    v ← ρ₂v + (1−ρ₂) g⊙g

    The first step moves nothing: it makes v = g⊙g. Since g does not stand in its own v, it converges for any
    ρ₂, where Adam needs one that fits the problem.

    Args:
      learning_rate: η ≥ 0.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.9999
    epsilon: float = 1e-6

    degree = 0
    memories = ("m", "v")

    def rule(self, g: Array, t: Whole, m: Array, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2, ε = self.learning_rate, self.decay_1, self.decay_2, self.epsilon
        xp = namespace(g)
        first = t == 1
        c = (t - 1.0) ** 0.25
        # At the first step there is no v to divide by, and c = 0.
        below = xp.where(first, 1, xp.maximum(xp.sqrt(xp.real(v)), ε))
        m = xp.where(first, m, ρ1 * m + (1 - ρ1) * xp.clip(g / below, -c, c))
        v = xp.where(first, g * conj(g), ρ2 * v + (1 - ρ2) * g * conj(g))
        return -η * m, (m, v)
