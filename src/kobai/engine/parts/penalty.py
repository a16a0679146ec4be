"""L1 and L2 in the loss: their gradient is added to the batch's own."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Number, Scalar, Vector
from kobai.engine.parts.part import Field, Part
from kobai.engine.strategy import Strategy
from kobai.engine.weights import shares, weights
from kobai.stabilizers.regularization import Penalty, l1, l2
from kobai.tasks.flat import Spans


class Strengths(NamedTuple):
    """The numbers of one penalty."""

    l1: Number
    l2: Number
    biases: Number
    """1 where biases pay too, else 0."""


class Penalties(Part):
    """The penalties of the cells; both of each cell, one after the other."""

    fields = {"l1": Field(Penalty, l1, numeric=True), "l2": Field(Penalty, l2, numeric=True)}

    def __init__(self, spans: Spans) -> None:
        self.spans = spans

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Penalties | None":
        return cls(spans) if any(strategy.l1.l1 or strategy.l2.l2 for strategy in strategies) else None

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> tuple[Strengths, ...]:
        pairs = tuple(Strengths(p.l1, p.l2, float(p.biases)) for p in (strategy.l1, strategy.l2))
        return jax.tree.map(lambda value: np.asarray(value, θ.dtype), pairs)

    def gradient(
        self, memory: tuple[Strengths, ...], g: Vector, θ: Vector, loss: Scalar
    ) -> tuple[Vector, tuple[Strengths, ...], None]:
        for each in memory:
            g = Penalty(each.l1, each.l2).gradient(g, θ, shares(weights(self.spans, θ.dtype), each.biases))
        return g, memory, None
