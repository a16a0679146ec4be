"""Short trainings that stop and go on: the same compiled program for every learning rate, seed and length.

A race of learning rates needs trainings that are first short and, of the best, longer. The engine's block
takes cells and gives cells, so that a training goes on with the state in which it stopped: what was computed
once is never computed again, and what comes out is what one training of the full length gives.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from kobai.basics import interruption
from kobai.basics.machine import pool
from kobai.engine.blocks import CellState
from kobai.engine.cell import Cell
from kobai.engine.columns import Rows
from kobai.engine.sweep import Sweep
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task


@dataclasses.dataclass
class Trial:
    """A training that can go on.

    Fields:
      cell: its rule, initial values and seed.
      state: where it stands.
      step: how many steps it has made.
      losses: the loss on the validation data by step; infinite from where it diverged.
    """

    cell: Cell
    state: CellState
    step: int = 0
    losses: dict[int, float] = dataclasses.field(default_factory=dict)

    @property
    def is_lost(self) -> bool:
        """Whether it has diverged."""
        return any(not np.isfinite(loss) for loss in self.losses.values())

    def at(self, steps: Sequence[int]) -> np.ndarray:
        """Its losses at these steps [steps]; infinite where it had diverged before."""
        return np.array([self.losses.get(step, np.inf) for step in steps])


class Trials:
    """The trainings of one rule on one task.

    Args:
      task: what is trained.
      rule: with whatever learning rate.
      initializer: of all of them.
      steps: none has more.
      done: is told how many more have come to the end of a rung.
    """

    def __init__(
        self,
        task: Task,
        rule: Optimizer,
        initializer: Initializer,
        steps: int,
        done: Callable[[int], None] = lambda trials: None,  # noqa: ARG005
    ) -> None:
        self.initializer, self.done = initializer, done
        self.sweep = Sweep(task, [rule], steps=steps, evaluate_every=steps, population=False)
        self.every: dict[tuple[float, int], Trial] = {}

    @property
    def gradients(self) -> int:
        """How many gradients were computed, each of a batch."""
        return sum(trial.step for trial in self.every.values())

    def advance(
        self, rules: Sequence[tuple[float, Optimizer]], seeds: Sequence[int], marks: Sequence[int]
    ) -> None:
        """Go on to the last of `marks`, and evaluate at all of them that lie ahead, with every rule and seed.

        Args:
          rules: each with its learning rate.
        """
        todo = [self._trial(rate, rule, seed) for rate, rule in rules for seed in seeds]
        self.sweep.compile()
        with pool(self.sweep.threads) as threads:
            for _ in threads.map(lambda trial: self._go_on(trial, marks), todo):
                interruption.check()
                self.done(1)

    def of(self, rate: float, seeds: Sequence[int]) -> list[Trial]:
        """The trainings with this rate."""
        return [self.every[rate, seed] for seed in seeds]

    def _trial(self, rate: float, rule: Optimizer, seed: int) -> Trial:
        """The training of a rate and a seed, as far as it is; at its start if it is new."""
        if (rate, seed) not in self.every:
            cell = Cell(rule, self.initializer, seed)
            point = self.sweep.training.shared.initial(self.initializer, seed)
            state = self.sweep.program.start([rule], [point], [cell.strategy], together=False)
            self.every[rate, seed] = Trial(cell, state)
        return self.every[rate, seed]

    def _go_on(self, trial: Trial, marks: Sequence[int]) -> None:
        shared, program, data = self.sweep.training.shared, self.sweep.program, self.sweep.data
        block, _ = self.sweep.executables.compiled(None)
        while not trial.is_lost and any(mark not in trial.losses for mark in marks):
            stop = min(marks[-1], shared.segment(trial.step)[1])
            due = [mark for mark in marks if mark not in trial.losses and mark <= stop]
            ends = due if due and due[-1] == stop else [*due, stop]
            draws = shared.draws([trial.cell.seed], [trial.cell.strategy], trial.step)
            clock = program.clock(trial.step, ends, len(due))
            trial.state, rows = block(clock, trial.state, draws, data.train, data.validation)
            read = Rows(np.asarray(rows), program.columns)
            losses = np.where(read.lost[: len(due)] > 0, np.inf, read.loss[: len(due)])
            trial.losses |= zip(due, np.where(np.isfinite(losses), losses, np.inf).tolist(), strict=True)
            trial.step = stop
            if int(trial.state.diverged_at):
                trial.losses[stop] = np.inf
