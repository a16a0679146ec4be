"""Nesterov's accelerated gradient as defined (Nesterov 1983; Sutskever et al. 2013, equations 3 and 4)."""

from typing import NoReturn

import jax

from kobai.basics.arrays import Array, Parameters, Weights, Whole, narrow
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers.base import Optimizer, State


@hyperparameters
class NesterovDefinition(Optimizer):
    """Momentum whose gradient is taken where the momentum alone would lead.

    v ← αv − η g(θ + αv)
    Δ = v

    The loop must take the gradient at ``lookahead(params, state)``. Where it cannot, use `Nesterov`.

    Args:
      learning_rate: η ≥ 0.
      momentum: α in [0, 1).
    """

    learning_rate: float = 0.01
    momentum: float = 0.9

    degree = 1
    memories = ("v",)

    def lookahead(self, params: Parameters, state: State) -> Parameters:
        """Where the gradient is taken: θ + αv."""
        α = self.momentum
        return jax.tree.map(lambda θ, v: θ if v is None else narrow(θ + α * v, θ), params, state.memory["v"])

    def rule(self, g: Array, t: Whole, v: Array) -> tuple[Array, tuple[Array, ...]]:
        η, α = self.learning_rate, self.momentum
        v = α * v - η * g
        return v, (v,)

    def as_optax(self, weights: Weights | None = None) -> NoReturn:
        """Refused: an optax loop takes the gradient at the parameters, never at a look-ahead point."""
        raise UsageError("error.as_optax.lookahead")
