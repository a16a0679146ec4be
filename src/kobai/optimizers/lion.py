"""Lion (Chen and others 2023, arXiv 2302.06675, algorithm 2)."""

from kobai.basics.arrays import Array, Whole, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class Lion(Optimizer):
    """Every parameter makes a step of the same length: only the sign of a momentum counts.

    c = ρ₁m + (1−ρ₁) g
    Δ = −η sign(c) − ηλθ
    m ← ρ₂m + (1−ρ₂) g

    The paper advises an η 3 to 10 times smaller than Adam's. Biases and scales are not decayed.

    Args:
      learning_rate: η ≥ 0: the length of every step.
      decay_1: ρ₁ in [0, 1): how far the momentum outweighs the gradient in the step.
      decay_2: ρ₂ in [0, 1).
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.0001
    decay_1: float = 0.9
    decay_2: float = 0.99
    weight_decay: float = 0.0

    degree = 0
    memories = ("m",)
    decays = True

    def rule(self, g: Array, t: Whole, m: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ1, ρ2 = self.learning_rate, self.decay_1, self.decay_2
        sign = namespace(g).sign
        c = ρ1 * m + (1 - ρ1) * g
        return -η * sign(c), (ρ2 * m + (1 - ρ2) * g,)
