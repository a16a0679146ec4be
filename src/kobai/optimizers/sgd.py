"""Stochastic gradient descent (Robbins and Monro 1951; the lecture's equation for SGD)."""

from kobai.basics.arrays import Array, Whole
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class SGD(Optimizer):
    """Step against the gradient.

    Δ = −ηg

    Goodfellow et al. (2016, algorithm 8.1) write the mean over the mini-batch out, (η/m)Σ: the same update
    when the loss is a mean.

    Args:
      learning_rate: η ≥ 0.
    """

    learning_rate: float = 0.01

    degree = 1

    def rule(self, g: Array, t: Whole) -> tuple[Array, tuple[Array, ...]]:
        η = self.learning_rate
        return -η * g, ()
