"""Nesterov's accelerated gradient, implementation form (Bengio et al. 2012, arXiv 1212.0901, section 3.5)."""

from kobai.basics.arrays import Array, Whole
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class Nesterov(Optimizer):
    """Nesterov's path followed at the point Θ = θ + αv where its gradient is taken.

    v ← αv − ηg
    Δ = αv − ηg    with the new v

    Moves the look-ahead point Θ itself, so an ordinary training loop needs no second point: Θₜ = θₜ + αvₜ
    with θ and v of `NesterovDefinition`.

    Args:
      learning_rate: η ≥ 0.
      momentum: α in [0, 1).
    """

    learning_rate: float = 0.01
    momentum: float = 0.9

    degree = 1
    memories = ("v",)

    def rule(self, g: Array, t: Whole, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, α = self.learning_rate, self.momentum
        v = α * v - η * g
        return α * v - η * g, (v,)
