"""What a block of steps takes and gives: the state of its cells, their draws, the clock."""

from typing import NamedTuple

from jaxtyping import Int, PyTree

from kobai.basics.arrays import Array, Integers, Key, Scalar, Vector, Whole
from kobai.engine.rule import Storage

Memories = tuple[PyTree, ...]
"""What a cell keeps for each part of its strategy, in the order of the program's parts."""

Plans = tuple[PyTree, ...]
"""What each part of a strategy does at each step, made outside the program: [capacity, …], or None."""


class CellState(NamedTuple):
    """One cell between two blocks; for a population each array has a leading axis [cells]."""

    rule: Whole
    """The position of the cell's rule among the program's."""
    hyperparameters: Vector
    """The hyperparameters of its rule, padded with zeros."""
    θ: Vector
    """The parameters."""
    memory: Storage
    """The state of the rule."""
    state: PyTree
    """The model's state, or None."""
    loss_sum: Scalar
    """The sum of the training losses since the last evaluation."""
    diverged_at: Whole
    """The first step whose training loss was not finite, and not left out; 0: none so far."""
    parts: Memories = ()
    """What the cell keeps for each part of its strategy; () where the program has none."""


class Draws(NamedTuple):
    """Everything random or planned that a block needs, made outside; for a population with a leading axis
    [cells]."""

    batches: Int[Array, "capacity batch"]
    """The examples of each step."""
    key: Key
    """The seed's random key, folded with the step only where the task asks for one."""
    plan: Plans
    """What each part of the strategy does at each step: [capacity, …], or None."""


class Clock(NamedTuple):
    """Which steps a block runs: stretches that end, with an evaluation, at so many of `ends`."""

    start: Whole
    ends: Integers
    """[capacity + 1]."""
    stretches: Whole
    due: Whole | None = None
    """How many of the ends are evaluations that were asked for, where early stopping looks at them."""
