"""Momentum (Polyak 1964; the lecture's equations for Momentum)."""

from kobai.basics.arrays import Array, Whole
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class Momentum(Optimizer):
    """Keep moving: part of the last update is made again.

    v ← αv − ηg
    Δ = v

    η stands inside v, as in Polyak and in the lecture. PyTorch and optax keep b ← αb + g and step by −ηb: the
    same path only while η is constant.

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
        return v, (v,)
