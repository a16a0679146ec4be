"""The parts that a program needs, in a list; each hook of `Part` goes through all of them in their order."""

import dataclasses
import functools
import operator
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax import lax
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, Scalar, Truth, Vector, Whole
from kobai.engine.blocks import CellState, Memories, Plans
from kobai.engine.columns import Columns, Rows
from kobai.engine.parts.average import Averages
from kobai.engine.parts.clip import Clipping
from kobai.engine.parts.decay import Decays
from kobai.engine.parts.mask import Masking
from kobai.engine.parts.part import End, Field, Part, RuleStep
from kobai.engine.parts.penalty import Penalties
from kobai.engine.parts.schedule import Schedules
from kobai.engine.parts.stopping import Stopping
from kobai.engine.rule import Rule, Storage
from kobai.engine.strategy import Strategy
from kobai.tasks.flat import Spans

PARTS: tuple[type[Part], ...] = (Penalties, Clipping, Schedules, Masking, Decays, Averages, Stopping)
"""Every part that there is, in the order in which they act."""


def fields_of(parts: Sequence[type[Part]], strategy: type[Strategy] = Strategy) -> dict[str, Field]:
    """The fields of a strategy that belong to these parts, in the strategy's order."""
    fields = {name: field for part in parts for name, field in part.fields.items()}
    return {field.name: fields[field.name] for field in dataclasses.fields(strategy) if field.name in fields}


def check_steps(strategies: Sequence[Strategy], steps: int) -> None:
    """Refuse what would do nothing, or never end, in so few steps. Raises `UsageError`."""
    for strategy in strategies:
        for part in PARTS:
            part.check(strategy, steps)


class Parts:
    """The parts that any of `strategies` has; `spans`: which entries of θ are weights."""

    def __init__(self, strategies: Sequence[Strategy], spans: Spans) -> None:
        self.parts = [part for kind in PARTS if (part := kind.of(strategies, spans)) is not None]
        self.beside = [part for part in self.parts if _has(part, "before") or _has(part, "after")]
        """The parts that have a say in the rule's own step."""
        self.watch = any(_has(part, "evaluated") for part in self.parts)
        """Whether any part looks at the evaluations."""
        averages = sum(part.evaluations for part in self.parts)
        self.columns = Columns(averages, tuple(name for part in self.parts for name in part.counts))

    # On the host.

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> Memories:
        """What a cell keeps for its parts before its first step; `state`: the model's."""
        return tuple(part.start(strategy, θ, state) for part in self.parts)

    def plan(
        self, strategy: Strategy, start: int, stop: int, steps: int, capacity: int, dtype: np.dtype
    ) -> Plans:
        """What each part does at the steps from `start` to `stop` of `steps`."""
        return tuple(part.plan(strategy, start, stop, steps, np.ones(capacity, dtype)) for part in self.parts)

    # In the program. `plan` is that of one step.

    def gradient(
        self, memories: Memories, g: Vector, θ: Vector, loss: Scalar
    ) -> tuple[Vector, Memories, Truth | None]:
        """(the gradient that the rule gets, the memories, whether the batch is left out, or None)."""
        new, left_out = [], []
        for part, memory in zip(self.parts, memories, strict=True):
            g, memory, without = part.gradient(memory, g, θ, loss)
            new.append(memory)
            left_out += [] if without is None else [without]
        return g, tuple(new), functools.reduce(operator.or_, left_out) if left_out else None

    def again(self, memories: Memories, g: Vector, θ: Vector, loss: Scalar, *, clipped: bool) -> Vector:
        """A second gradient of the same step as the rule gets it: penalized, and clipped where it is asked
        for; what the parts remember of the step is the first one's."""
        for part, memory in zip(self.parts, memories, strict=True):
            if clipped or not isinstance(part, Clipping):
                g = part.gradient(memory, g, θ, loss)[0]
        return g

    def operands(self, memories: Memories, plan: Plans) -> list[tuple[PyTree, PyTree]]:
        """What `step` needs beside the rule's own: (memory, plan) of each part that has a say in it."""
        return [
            (memory, planned)
            for part, memory, planned in zip(self.parts, memories, plan, strict=True)
            if part in self.beside
        ]

    def step(
        self,
        rule: Rule,
        s: Whole,
        values: jax.Array,
        g: Vector,
        storage: Storage,
        θ: Vector,
        *operands: tuple[PyTree, PyTree],
        asking: Callable[[Rule, Vector], Vector],
    ) -> tuple[Vector, Storage]:
        """(θ + Δ, storage): the rule's step number s, with what the parts do beside it.

        `asking` is the gradient at another point, for a rule that asks for it.
        """
        gradient_at = functools.partial(asking, rule) if rule.asks else None
        step = RuleStep(values, number=s, gradient=g)
        for part, (memory, planned) in zip(self.beside, operands, strict=True):
            step = part.before(memory, planned, step, rule)
        Δ, state = rule.update(s, step.hyperparameters, g, storage, θ, gradient_at)
        for part, (memory, planned) in zip(self.beside, operands, strict=True):
            Δ = part.after(memory, planned, step, rule, Δ, θ)
        Δ = Δ.astype(θ.dtype)
        if jax.default_backend() == "cpu":
            # Whether the compiler rounds ηg and the sum at once depends on what else stands in the program.
            # From JAX 0.11 on this keeps it from that; before, the last bit depends on whether others decay.
            Δ = lax.optimization_barrier(Δ)
        return θ + Δ, rule.pack(state, storage)

    def stepped(self, memories: Memories, plan: Plans, θ: Vector) -> Memories:
        """The memories after the step to θ."""
        over = self.over(memories)
        every = zip(self.parts, memories, plan, strict=True)
        return tuple(part.stepped(memory, planned, θ, over) for part, memory, planned in every)

    def points(self, memories: Memories) -> list[Matrix]:
        """What is evaluated beside the iterate: arrays [points, parameters]."""
        points = (part.points(memory) for part, memory in zip(self.parts, memories, strict=True))
        return [array for array in points if array is not None]

    def counted(self, memories: Memories) -> list[Whole]:
        """What the parts have counted, in the order of the columns."""
        every = zip(self.parts, memories, strict=True)
        return [number for part, memory in every for number in part.counted(memory)]

    def evaluated(
        self, memories: Memories, loss: Scalar, θ: Vector, state: PyTree, step: Whole, due: Truth
    ) -> Memories:
        """The memories after an evaluation; not `due`: at the end of a block alone."""
        every = zip(self.parts, memories, strict=True)
        return tuple(part.evaluated(memory, loss, θ, state, step, due) for part, memory in every)

    def over(self, memories: Memories) -> Truth | None:
        """Whether any part has ended the cell; None where none can."""
        ends = [part.over(memory) for part, memory in zip(self.parts, memories, strict=True)]
        ends = [end for end in ends if end is not None]
        return functools.reduce(operator.or_, ends) if ends else None

    # On the host again; arrays have a leading axis [cells] for a population.

    def end(self, memories: Memories, cells: int) -> End:
        """Where the parts have ended so many cells."""
        ends = (part.end(memory) for part, memory in zip(self.parts, memories, strict=True))
        nowhere = End(np.zeros(cells, np.int32), np.zeros(cells))
        return next((end for end in ends if end is not None), nowhere)

    def reread(self, strategy: Strategy, curves: Rows, marks: np.ndarray, end: End) -> None:
        """Write into the rows of a cell what its curves are to show."""
        for part in self.parts:
            part.reread(strategy, curves, marks, end)

    def restored(self, cells: CellState) -> CellState:
        """The cells from which the final numbers are taken."""
        memories = []
        for part, memory in zip(self.parts, cells.parts, strict=True):
            memory, cells = part.restored(memory, cells)
            memories.append(memory)
        return cells._replace(parts=tuple(memories))


def _has(part: Part, hook: str) -> bool:
    """Whether a part has a hook of its own."""
    return getattr(type(part), hook) is not getattr(Part, hook)
