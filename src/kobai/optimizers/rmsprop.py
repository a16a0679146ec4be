"""RMSProp (Tieleman and Hinton 2012, lecture 6.5; the lecture's equations for RMSProp)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class RMSProp(Optimizer):
    """AdaGrad that forgets: divide by the root of a moving mean of squared gradients.

    h ← ρh + (1−ρ) g⊙g
    Δ = −η g / √(ε + h)

    ε stands inside the root, as in optax; PyTorch has it outside.

    Args:
      learning_rate: η ≥ 0.
      decay: ρ in [0, 1).
      epsilon: ε ≥ 0; with ε = 0 a parameter that never had a gradient becomes 0/0.
    """

    learning_rate: float = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8

    degree = 0
    memories = ("h",)

    def rule(self, g: Array, t: Whole, h: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ρ, ε, sqrt = self.learning_rate, self.decay, self.epsilon, namespace(g).sqrt
        h = ρ * h + (1 - ρ) * g * conj(g)
        return -η * g / sqrt(ε + h), (h,)
