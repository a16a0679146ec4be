"""Minimizers on networks: a task's loss over all training data as one objective, beside mini-batch training.

A minimizer sees every example in each evaluation, where an update rule sees a batch, so both are counted
in examples: with batches of 128 a gradient over 1,097 examples costs as much as 8.6 steps. A Hessian-vector
product costs what a gradient does, and a dense Hessian what n of them do. A minimizer is then evaluated at
the same marks as everybody else, and each mark shows the iterate that it had when so much was spent: what a
trial brings counts only when it is paid for.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.stages import Lowered
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, Scalar, Truth, Vector
from kobai.basics.errors import UsageError
from kobai.basics.machine import full_precision, pool
from kobai.engine.blocks import Data
from kobai.engine.cell import Cell
from kobai.engine.clock import CLOCK
from kobai.engine.columns import LOST, Columns, Rows, stacked
from kobai.engine.convolutions import lowered
from kobai.engine.draws import INITIAL, stream
from kobai.engine.executables import Executable, compiler_options
from kobai.engine.run import Run, TrainedNetwork, first_lost, lost_at, run_of, since
from kobai.minimizers.base import (
    NONFINITE_START,
    RUNNING,
    UNBOUNDED,
    Minimizer,
    Objective,
    State,
    choose,
)
from kobai.tasks.task import Task

TRIALS_PER_BLOCK = 8
"""Trial points in one compiled call, which cannot be interrupted."""

MOST_NUMBERS = 10**8
"""More to remember is refused: every core holds some copies of them."""


class FullBatchState(NamedTuple):
    """A cell between two blocks."""

    state: State
    θ: Vector
    """The iterate that was paid for within the budget."""
    f: Scalar
    """The training loss there."""
    rows: Matrix
    """[evaluations, columns] as in `columns`, but with the training loss itself in place of a sum over steps;
    LOST is −1 before its time."""
    over: Truth
    """Whether the budget is spent or the minimizer has ended."""


class FullBatch:
    """One minimizer on one task.

    Args:
      task: what is trained; without model state and randomness, so that its loss is one function.
      minimizer: the method.
      marks: int32 [evaluations]: where runs are evaluated, in steps of `task.examples_a_step` examples.
      keep_model: whether a run holds its trained network.
    """

    def __init__(
        self, task: Task, minimizer: Minimizer, marks: np.ndarray, *, keep_model: bool = False
    ) -> None:
        self.task, self.minimizer, self.marks, self.keep_model = task, minimizer, marks, keep_model
        self.θ = task.flatten(task.parameters)
        self.examples = len(jax.tree.leaves(task.train)[0])
        self._traced: tuple[Lowered, Lowered, Lowered | None] | None = None
        self._compiled: tuple[Executable, Executable, Executable | None] | None = None

    def check(self, name: str) -> None:
        """Refuse what cannot be run: a loss that is no function of the parameters, too many of them."""
        if self.task.state is not None or self.task.random:
            raise UsageError("error.minimizer.task", name=name, task=self.task.name)
        if self._numbers() > MOST_NUMBERS:
            raise UsageError("error.minimizer.memory", name=name, size=self.θ.size)

    def memory(self) -> int:
        """Numbers that the minimizer remembers for every parameter."""
        return round(self._numbers() / self.θ.size)

    def _numbers(self) -> int:
        """Numbers that the minimizer remembers. Raises `UsageError` where it refuses so many parameters."""
        state = jax.eval_shape(self.begin, self.θ, self.task.train).state
        return sum(leaf.size for leaf in jax.tree.leaves(state.memory))

    def run(self, cell: Cell, data: Data, leave: Callable[[], bool]) -> list[Run] | None:
        """Let the minimizer train its one cell; None when told to leave, which is asked before each block."""
        with CLOCK.work():
            return self._run(cell, data, leave)

    def _run(self, cell: Cell, data: Data, leave: Callable[[], bool]) -> list[Run] | None:
        begin, block, measure = self.compiled()
        began = CLOCK.read()
        progress = begin(self.task.start(cell.initializer, stream(cell.seed, INITIAL)), data.train)
        while not progress.over:
            if leave():
                return None
            progress = block(progress, data.train, data.validation)
        rows = Rows(np.array(progress.rows))
        first = first_lost(self.marks, rows.loss_sum)
        [lost] = lost_at(self.marks, Rows(rows.table[None]), first)
        # The rows hold the training loss itself, where those of a rule hold the sum over steps.
        rows.loss_sum[:] *= since(self.marks)
        test = np.asarray(measure(progress.θ, data.test)) if measure else None
        models = [TrainedNetwork.of(self.task, np.asarray(progress.θ), None)] if self.keep_model else []
        seconds = CLOCK.read() - began
        return [run_of(cell.strategy, self.marks, rows, int(lost), test, seconds, models=models)]

    def spent(self, state: State) -> Scalar:
        """What the evaluations so far cost, in steps."""
        counts = state.evaluations
        gradients = (
            jnp.maximum(counts.value, counts.gradient) + counts.hessian_vector + self.θ.size * counts.hessian
        )
        return gradients * (self.examples / self.task.examples_a_step)

    def begin(self, θ: Vector, train: PyTree) -> FullBatchState:
        """The state at the start θ, which is evaluated there."""
        rows = jnp.full((len(self.marks), Columns().number), -1, θ.dtype)
        state = self.minimizer.begin(self._objective(train), θ)
        return FullBatchState(state, θ, state.point.f, rows, state.status != RUNNING)

    def block(self, progress: FullBatchState, train: PyTree, validation: PyTree) -> FullBatchState:
        """At most `TRIALS_PER_BLOCK` more trial points."""
        objective, marks = self._objective(train), jnp.asarray(self.marks)

        def trial(carry: tuple) -> tuple:
            count, before = carry
            state = self.minimizer.advance(objective, before.state)
            spent = self.spent(state)
            rows = self._filled(before, marks < spent, validation)
            over = spent > marks[-1]
            θ, f = choose(over, (before.θ, before.f), (state.point.x, state.point.f))
            return count + 1, FullBatchState(state, θ, f, rows, over | (state.status != RUNNING))

        def goes_on(carry: tuple) -> Truth:
            count, progress = carry
            return (count < TRIALS_PER_BLOCK) & ~progress.over

        _, progress = lax.while_loop(goes_on, trial, (jnp.int32(0), progress))
        # One that has ended stays where it is.
        return progress._replace(rows=self._filled(progress, progress.over, validation))

    def _filled(self, progress: FullBatchState, due: Truth, validation: PyTree) -> Matrix:
        """The rows that are due and still empty, filled with what the iterate is worth."""
        due = due & (progress.rows[:, LOST] < 0)

        def measured() -> Matrix:
            loss, metric = self.task.evaluate(self.task.unflatten(progress.θ), None, validation)
            status = progress.state.status
            lost = ~jnp.all(jnp.isfinite(progress.θ)) | (status == UNBOUNDED) | (status == NONFINITE_START)
            row = Columns().row(progress.f, (loss, metric), lost, (), progress.rows.dtype)
            return jnp.where(due[:, None], row, progress.rows)

        return lax.cond(jnp.any(due), measured, lambda: progress.rows)

    def _objective(self, train: PyTree) -> Objective:
        task = self.task

        def loss(θ: Vector) -> Scalar:
            return task.training_loss(task.unflatten(θ), None, train, None)[0].astype(θ.dtype)

        return Objective(loss)

    def measure(self, θ: Vector, data: PyTree) -> jax.Array:
        """The loss and the metric on one part of the data, [2]."""
        return stacked(self.task.evaluate(self.task.unflatten(θ), None, data), θ.dtype)

    def traced(self) -> tuple[Lowered, Lowered, Lowered | None]:
        """(begin, block, measure) before compilation; `measure` is None where there are no test data."""
        if self._traced is None:
            task = self.task
            progress = jax.eval_shape(self.begin, self.θ, task.train)
            with full_precision():
                self._traced = (
                    lowered(self.begin, self.θ, task.train),
                    lowered(self.block, progress, task.train, task.validation),
                    task.test and lowered(self.measure, self.θ, task.test),
                )
        return self._traced

    def compiled(self) -> tuple[Executable, Executable, Executable | None]:
        """(begin, block, measure), compiled once."""
        if self._compiled is None:
            options = compiler_options()
            with pool(2) as threads:  # the compiler uses one core for each
                begin, block, measure = threads.map(lambda one: one and one.compile(options), self.traced())
            self._compiled = begin, block, measure
        return self._compiled
