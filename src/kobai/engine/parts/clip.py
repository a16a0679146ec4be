"""Clipping: a gradient that is too long is cut; a batch whose loss or gradient is not finite is left out."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Scalar, Truth, Vector, Whole
from kobai.basics.errors import UsageError
from kobai.engine.parts.part import Field, Part
from kobai.engine.strategy import Strategy
from kobai.stabilizers.clipping import Clip, ClipState, clip
from kobai.tasks.flat import Spans


class Clipper(NamedTuple):
    """The bound of a cell, and what it has seen."""

    bound: Clip
    state: ClipState


class Clipping(Part):
    """The bounds of the cells; `room` is for how many norms of a percentile."""

    fields = {"clip": Field(Clip, clip, happens=("skipped", "clipped"))}
    counts = ("skipped", "clipped")

    def __init__(self, room: int) -> None:
        self.room = room

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Clipping | None":
        bounds = {strategy.clip for strategy in strategies} - {Clip()}
        return cls(max(int(bound.first) for bound in bounds)) if bounds else None

    @classmethod
    def check(cls, strategy: Strategy, steps: int) -> None:
        name, first = strategy.clip.name, strategy.clip.first
        if first >= steps:
            raise UsageError("error.clip.first", name=name, first=first, steps=steps)

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> Clipper:
        bound = jax.tree.map(lambda value: np.asarray(value, θ.dtype), strategy.clip)
        return Clipper(bound, strategy.clip.init(θ, self.room))

    def gradient(self, memory: Clipper, g: Vector, θ: Vector, loss: Scalar) -> tuple[Vector, Clipper, Truth]:
        """The gradient is clipped; that of a batch that is left out is zero."""
        g, state = memory.bound.update(jnp.where(jnp.isfinite(loss), g, jnp.nan), memory.state)
        return g, memory._replace(state=state), state.skipped > memory.state.skipped

    def counted(self, memory: Clipper) -> tuple[Whole, Whole]:
        return memory.state.skipped, memory.state.clipped
