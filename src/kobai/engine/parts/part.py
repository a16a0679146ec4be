"""The contract of a part: one thing that is done beside the update rule, and when it is asked.

The hooks stand in the order of a training. Each has a default that does nothing, so that a part is written as
the few in which it has a say. A part that no strategy of a sweep has is not in the program at all
(`Part.of` gives None); one that any strategy has is there once for all cells, whose own numbers turn it off
where they have none: a bound of ∞, a penalty of 0. So an axis doubles no rule and a grid stays one program.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, Number, Scalar, Truth, Vector, Whole
from kobai.basics.errors import UsageError
from kobai.engine.blocks import CellState
from kobai.engine.columns import Rows
from kobai.engine.rule import Rule
from kobai.engine.strategy import Strategy
from kobai.schedules import Schedule
from kobai.stabilizers.averaging import Averaging
from kobai.tasks.flat import Spans


class RuleStep(NamedTuple):
    """The hyperparameters of a rule in one step, which parts may change."""

    hyperparameters: jax.Array
    """The rule's row of values."""
    factor: Scalar | None = None
    """What the update of a rule without a learning rate is multiplied by; None: by nothing."""
    number: Whole = np.int32(0)
    """How many steps were made before it."""
    gradient: Vector | None = None
    """What the rule gets."""
    decay: Number | None = None
    """The rule's own λ, where a part makes that decay in its place; None: the rule does."""

    def learning_rate(self, rule: Rule) -> Number:
        """η of this step."""
        rate = rule.learning_rate(self.number, self.hyperparameters)
        if rate is None:
            raise UsageError("error.decay.rate", name=rule.name)
        return rate if self.factor is None else rate * self.factor


class End(NamedTuple):
    """Where a part has ended cells: arrays [cells], or the numbers of one of them."""

    step: np.ndarray
    """The step of the end; 0: it has not ended the cell."""
    best_loss: Scalar
    """The validation loss of the weights that are restored."""

    def of(self, i: int) -> "End":
        """The end of one of the cells."""
        return End(self.step[i], self.best_loss[i])

    def first(self, cells: int) -> "End":
        """The ends of the first so many of them."""
        return End(self.step[:cells], np.asarray(self.best_loss)[:cells])


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a strategy, which a study varies as an axis.

    Fields:
      kind: the class of its values.
      read: what makes a value of a name ("norm:1") or, where the field is `numeric`, of a number.
      axis: what the axis is called, where it is not called as the field.
      numeric: whether a value is written as a number.
      named: whether a value travels by its name, because it holds functions; else by its numbers.
      happens: the columns of a study's frame that say what happened in a run: of the part's `counts`, or
        fields of `Run`.
    """

    kind: type
    read: Callable[[Any], Any]
    axis: str | None = None
    numeric: bool = False
    named: bool = False
    happens: tuple[str, ...] = ()


class Part:
    """One part of a program, for a task whose parameters are the flat vector θ.

    What a cell keeps for a part between two steps is a pytree of the part's own, its memory.
    """

    fields: ClassVar[Mapping[str, Field]] = {}
    """The fields of a strategy that the part reads."""

    evaluations: int = 0
    """How many points are evaluated beside the iterate: a loss and a metric in the rows for each."""

    counts: ClassVar[tuple[str, ...]] = ()
    """The names of what the part counts: a column of the rows for each."""

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Part | None":
        """The part as these strategies need it; None where none of them has it."""
        raise NotImplementedError

    @classmethod
    def check(cls, strategy: Strategy, steps: int) -> None:
        """Refuse what would do nothing, or never end, in so few steps. Raises `UsageError`."""

    def refuse(self, rule: Rule) -> None:
        """Refuse a rule beside which the part makes no sense. Raises `UsageError`."""

    # On the host, before the first step and before each block.

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> PyTree:
        """The memory of a cell before its first step, at θ and the model's state."""
        return ()

    def plan(self, strategy: Strategy, start: int, stop: int, steps: int, room: np.ndarray) -> PyTree:
        """What the part does at the steps from `start` to `stop` of `steps`: an array [capacity, …], or None.

        `room` is [capacity] ones in the precision of θ, of which the first stop − start are this block's.
        """
        return None

    # In the program, at each step.

    def gradient(
        self, memory: PyTree, g: Vector, θ: Vector, loss: Scalar
    ) -> tuple[Vector, PyTree, Truth | None]:
        """(the gradient that the rule gets, the memory, whether the batch is left out); None: it never is."""
        return g, memory, None

    def before(self, memory: PyTree, plan: PyTree, step: RuleStep, rule: Rule) -> RuleStep:
        """The hyperparameters of the step that the rule is about to make."""
        return step

    def after(self, memory: PyTree, plan: PyTree, step: RuleStep, rule: Rule, Δ: Vector, θ: Vector) -> Vector:
        """The update that is added to θ, from the rule's own."""
        return Δ

    def stepped(self, memory: PyTree, plan: PyTree, θ: Vector, over: Truth | None) -> PyTree:
        """The memory after the step to θ; `over`: whether the cell had ended, or None where none can end."""
        return memory

    # In the program, at each evaluation.

    def points(self, memory: PyTree) -> Matrix | None:
        """[points, parameters]: what is evaluated beside the iterate; None: nothing."""
        return None

    def counted(self, memory: PyTree) -> tuple[Whole, ...]:
        """The numbers named in `counts`."""
        return ()

    def evaluated(
        self, memory: PyTree, loss: Scalar, θ: Vector, state: PyTree, step: Whole, due: Truth
    ) -> PyTree:
        """The memory after an evaluation at `step`; not `due`: at the end of a block alone."""
        return memory

    def over(self, memory: PyTree) -> Truth | None:
        """Whether the part has ended the cell; None: it ends none."""
        return None

    # On the host again; arrays have a leading axis [cells] for a population.

    def end(self, memory: PyTree) -> End | None:
        """Where the part has ended the cells; None: it ends none."""
        return None

    def restored(self, memory: PyTree, cells: CellState) -> tuple[PyTree, CellState]:
        """(the memory, the cells) from which the final numbers are taken."""
        return memory, cells

    @classmethod
    def reread(cls, strategy: Strategy, curves: Rows, marks: np.ndarray, end: End) -> None:
        """Write into the rows of a cell, evaluated at the steps `marks`, what its curves are to show."""


def check_shortest(part: Schedule | Averaging, steps: int) -> None:
    """Refuse a schedule or an average that needs more steps than there are. Raises `UsageError`."""
    if part.shortest > steps:
        raise UsageError("error.shortest", name=part.name, shortest=part.shortest, steps=steps)
