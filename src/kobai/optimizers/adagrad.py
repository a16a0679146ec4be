"""AdaGrad (Duchi, Hazan and Singer 2011; the lecture's equations for AdaGrad)."""

from kobai.basics.arrays import Array, Whole, conj, namespace
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer


@hyperparameters
class AdaGrad(Optimizer):
    """A learning rate of its own for every parameter, shrinking with all gradients seen so far.

    h ← h + g⊙g
    Δ = −η g / (ε + √h)

    ε stands outside the root and h starts at 0, as in PyTorch; optax and Keras start h at 0.1 with ε inside.

    Args:
      learning_rate: η ≥ 0.
      epsilon: ε ≥ 0; with ε = 0 a parameter that never had a gradient becomes 0/0.
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10

    degree = 0
    memories = ("h",)

    def rule(self, g: Array, t: Whole, h: Array) -> tuple[Array, tuple[Array, ...]]:
        η, ε, sqrt = self.learning_rate, self.epsilon, namespace(g).sqrt
        h = h + g * conj(g)
        return -η * g / (ε + sqrt(h)), (h,)
