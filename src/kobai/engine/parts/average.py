"""Averages of the iterates: kept beside the training, which they do not change, and evaluated with it."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, Truth, Vector
from kobai.engine.parts.part import Field, Part, check_shortest
from kobai.engine.strategy import Strategy
from kobai.stabilizers.averaging import Averaging, average, mixed
from kobai.tasks.flat import Spans


class Averages(Part):
    """The means of the cells, [averages, parameters]: as many as the strategy with the most of them has."""

    fields = {"averages": Field(Averaging, average, axis="average", named=True)}

    def __init__(self, number: int) -> None:
        self.evaluations = number

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Averages | None":
        number = max((len(strategy.averages) for strategy in strategies), default=0)
        return cls(number) if number else None

    @classmethod
    def check(cls, strategy: Strategy, steps: int) -> None:
        for averaging in strategy.averages:
            check_shortest(averaging, steps)

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> np.ndarray:
        return np.stack([θ] * self.evaluations)

    def plan(self, strategy: Strategy, start: int, stop: int, steps: int, room: np.ndarray) -> np.ndarray:
        """[capacity, averages]: the weight of the new iterate in each mean."""
        weights = np.stack([room] * self.evaluations, axis=1)
        for i, averaging in enumerate(strategy.averages):
            weights[: stop - start, i] = averaging.weight(np.arange(start + 1, stop + 1))
        return weights

    def stepped(self, memory: PyTree, plan: PyTree, θ: Vector, over: Truth | None) -> Matrix:
        means = mixed(memory, θ, plan[:, None])
        return means if over is None else jnp.where(over, memory, means)

    def points(self, memory: PyTree) -> Matrix:
        return memory
