"""What a block of steps takes and gives: the state of its cells, their draws, the clock, the data."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.stages import Lowered
from jaxtyping import Int, PyTree

from kobai.basics.arrays import Array, Integers, Scalar, Truth, Vector, Whole
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

    def stepped(
        self,
        s: Whole,
        θ: Vector,
        storage: Storage,
        state: PyTree,
        loss: Scalar,
        memories: Memories,
        left_out: Truth | None,
    ) -> "CellState":
        """The cell after one update; its step of divergence where the loss is the first that is not finite.

        The loss of a batch that was left out is no divergence: then the evaluations tell.
        """
        diverges = ~jnp.isfinite(loss) & (self.diverged_at == 0)
        if left_out is not None:
            diverges &= ~left_out
        return self._replace(
            θ=θ,
            memory=storage,
            state=state,
            loss_sum=self.loss_sum + loss.astype(θ.dtype),
            diverged_at=jnp.where(diverges, s + 1, self.diverged_at),
            parts=memories,
        )


class Draws(NamedTuple):
    """Everything random or planned in a segment of `capacity` steps, made outside.

    Batches and keys are those of some seeds, of which each cell has one; for a population `stream` and `plan`
    have a leading axis [cells].
    """

    batches: Int[Array, "streams capacity batch"]
    """The examples of each step."""
    keys: Int[Array, "streams 2"]
    """The random key of each seed, folded with the step only where the task asks for one."""
    stream: Whole
    """Which of them is the cell's."""
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


class Size(NamedTuple):
    """What a program of cells in step is compiled for."""

    family: int
    """Whose rules it has: see `Program.families`."""
    cells: int
    streams: int
    """Seeds whose batches it has room for."""


Traced = tuple[Lowered | None, Lowered | None]
"""(block, final) before compilation."""


class Data(NamedTuple):
    """A task's data on the device, each a pytree of arrays; `test` may be None."""

    train: PyTree
    validation: PyTree
    test: PyTree

    @property
    def alike(self) -> bool:
        """Whether what evaluates the validation data evaluates the test data too, if there are any."""
        return self.test is None or _shapes(self.test) == _shapes(self.validation)


def _shapes(data: PyTree) -> PyTree:
    """The structure, shapes and dtypes of some data: what a program is compiled for."""
    return jax.tree.map(lambda array: (array.shape, str(array.dtype)), data)


def joined(items: Sequence[PyTree], together: bool) -> PyTree:
    """One pytree for a list of equal ones: with a leading axis for a population, else the only one."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items) if together else items[0]


def like(tree: PyTree, number: int | None) -> PyTree:
    """What arrays like these are, so many of each along a leading axis; None: one of each, without it."""
    axis = () if number is None else (number,)
    kind = jax.dtypes.canonicalize_dtype  # the state of a model may be in double precision
    return jax.tree.map(lambda array: jax.ShapeDtypeStruct((*axis, *array.shape), kind(array.dtype)), tree)
