"""AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2)."""

from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.adam import Adam
from kobai.optimizers.base import Optimizer


@hyperparameters
class AdamW(Optimizer):
    """Adam, with the weights shrunk beside the step.

    Δ = Adam's Δ − ηλθ

    In Adam an L2 penalty in the loss is divided by √v̂ like every gradient, so that weights with large
    gradients are hardly drawn to zero; beside the step, all are. Biases and scales (see `kobai.basics.roles`)
    are left alone, which PyTorch and optax do only where told.

    Args:
      learning_rate: η ≥ 0, as in the paper's schedule multiplier and in PyTorch: it scales the decay too.
      decay_1: ρ₁ in [0, 1).
      decay_2: ρ₂ in [0, 1).
      epsilon: ε ≥ 0.
      weight_decay: λ ≥ 0.
    """

    learning_rate: float = 0.001
    decay_1: float = 0.9
    decay_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    memories = Adam.memories
    degree = 0
    decays = True
    rule = Adam.rule
