"""What the instruments wrote down of one training, as arrays of NumPy."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.engine.blocks import CellState
from kobai.engine.cell import Cell
from kobai.engine.shared import Shared
from kobai.questions.curvature import strengths
from kobai.questions.diagnosis.instruments import FIRST, Instruments
from kobai.questions.stability import reach
from kobai.tasks.task import Task

MARKS = 24
"""Looks at a training, about as many as a picture shows."""
EARLY = (0, 1, 2, 5, 10)
"""Looks at its beginning, where most of what goes wrong does so."""
FURTHER = (1.0, 2.0, 4.0, 8.0)
"""How far the way of the second half is followed, in its own lengths."""


class Data(NamedTuple):
    """The data of a training, on the device."""

    train: PyTree
    validation: PyTree

    @classmethod
    def of(cls, train: PyTree, validation: PyTree) -> "Data":
        return cls(*jax.tree.map(jnp.asarray, (train, validation)))


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """One training. S steps, M looks, A trained arrays.

    Fields:
      loss, after: the loss of each step's batch before it, and after it, [S].
      unclipped, given: the gradient's length, with penalties, before clipping and as the rule got it, [S].
      gradients, updates, weights: lengths by array, before each step, [S, A].
      marks: the steps of the looks, [M].
      train, validation: the loss and the metric of looked-at training examples and of validation, [M, 2].
      in_training: the training loss of the same examples, with statistics of the batch, [M].
      gradient: lengths of the mean gradient by array, [M, A].
      noise, signal: the trace of a single example's covariance, and the squared length of the mean, which
        is of loss and penalties, [M].
      looked: how many examples that mean is of.
      alike: shares of alike units by array, [M, A].
      units: of each site what was seen there: arrays [M], and ``reach`` [M] or [M, time].
      curvature: step -> (lowest, largest eigenvalue of H, the largest as the rule sees it over its bound).
      further: the loss when the second half's way is followed on, [len(FURTHER)].
      average: the loss at the mean of the last quarter's iterates, and the mean of the losses there.
      diverged_at: the step whose loss was the first that is not finite; 0: none.
      skipped: batches that clipping left out.
      θ: at the end.
    """

    loss: np.ndarray
    after: np.ndarray
    unclipped: np.ndarray
    given: np.ndarray
    gradients: np.ndarray
    updates: np.ndarray
    weights: np.ndarray
    marks: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    in_training: np.ndarray
    gradient: np.ndarray
    noise: np.ndarray
    signal: np.ndarray
    looked: int
    alike: np.ndarray
    units: list[dict[str, np.ndarray]]
    curvature: dict[int, tuple[float, float, float]]
    further: np.ndarray
    average: tuple[float, float]
    diverged_at: int
    skipped: int
    θ: np.ndarray


def marks(steps: int) -> np.ndarray:
    """The steps of the looks."""
    even = np.linspace(0, steps, MARKS + 1).round()
    return np.unique([*even, *(step for step in EARLY if step < steps)]).astype(int)


def record(instruments: Instruments, cell: Cell, data: Data, steps: int, task: Task | None = None) -> Record:
    """Train a cell with instruments; its θ is at each step the one of `kobai.engine`.

    `task` is the one whose parameters it starts from. Default: that of the instruments.
    """
    return _Training(instruments, cell, data, steps, task or instruments.task).run()


class _Training:
    def __init__(self, instruments: Instruments, cell: Cell, data: Data, steps: int, task: Task) -> None:
        self.instruments, self.cell, self.data, self.steps = instruments, cell, data, steps
        program = instruments.program
        self.shared = Shared(
            task.start,
            program.parts,
            program.θ.dtype,
            examples=program.examples,
            batch=program.task.examples_a_step,
            capacity=program.capacity,
            steps=steps,
        )
        self.examples = instruments.examples(data.train)
        self.marks = marks(steps)
        even = (0, 1, steps // 4, steps // 2, 3 * steps // 4, steps)
        at = {int(np.abs(self.marks - step).argmin()) for step in (*even, min(10, steps))}
        self.curved = {int(self.marks[i]) for i in at}

    def run(self) -> Record:
        """The whole training, from look to look."""
        program, cell = self.instruments.program, self.cell
        point = self.shared.initial(cell.initializer, cell.seed)
        state = program.start([cell.optimizer], [point], [cell.strategy], together=False)  # type: ignore[list-item]
        rows, looks, points, sums = [], [self._look(0, state)], [np.asarray(state.θ)], []
        curved: dict[int, tuple[float, float, float]] = {}
        self._curvature(0, state, curved)
        for start, stop in zip(self.marks[:-1], self.marks[1:], strict=True):
            state, of_steps, total = self._stretch(int(start), int(stop), state)
            rows.append(of_steps)
            sums.append(total)
            points.append(np.asarray(state.θ))
            looks.append(self._look(int(stop), state))
            self._curvature(int(stop), state, curved)
            if not np.isfinite(points[-1]).all():
                break
        return self._record(np.concatenate(rows), looks, points, sums, curved, state)

    def _stretch(self, start: int, stop: int, state: CellState) -> tuple[CellState, np.ndarray, np.ndarray]:
        rows, total = [], np.zeros(np.shape(state.θ))
        while start < stop:
            end = min(stop, self.shared.segment(start)[1])
            draws = self.shared.draws([self.cell.seed], [self.cell.strategy], start)
            limits = np.int32(start), np.int32(end)
            state, of_steps, added = self.instruments.compiled(
                "stretch", *limits, state, draws, self.data.train
            )
            rows.append(np.asarray(of_steps)[: end - start])
            total += np.asarray(added)
            start = end
        return state, np.concatenate(rows), total

    def _look(self, step: int, state: CellState) -> Any:
        seen = self.instruments.compiled("look", np.int32(step), state, self.examples, self.data.validation)
        return jax.tree.map(_finite, seen)

    def _curvature(self, step: int, state: CellState, into: dict[int, tuple[float, float, float]]) -> None:
        """Measure the curvature of this step, if it is one of those at which it is measured."""
        θ = np.asarray(state.θ)
        if step not in self.curved or not np.isfinite(θ).all():
            return
        program = self.instruments.program
        rule = program.rules[int(state.rule)]
        schedule = self.cell.strategy.schedule
        now = min(step, self.steps - 1)
        factor = 1.0 if schedule is None else float(schedule.factors(now, now + 1, self.steps)[0])
        own = reach(rule, state, step, factor)
        penalty = np.asarray(strengths(self.instruments.task, self.cell.strategy)[1], θ.dtype)

        def ends(scale: np.ndarray) -> np.ndarray:
            arguments = θ, state.state, self.examples, scale.astype(θ.dtype), penalty
            return np.asarray(self.instruments.compiled("curvature", *arguments), float)

        low, high = ends(np.ones(θ.shape))
        seen = np.nan
        if own is not None:
            alike = np.ptp(own.factors) == 0
            seen = own.factors[0] * high if alike else ends(np.sqrt(own.factors))[1]
            seen /= own.bound
        into[step] = (float(low), float(high), float(seen))

    def _record(
        self,
        rows: np.ndarray,
        looks: list[Any],
        points: list[np.ndarray],
        sums: list[np.ndarray],
        curved: dict[int, tuple[float, float, float]],
        state: CellState,
    ) -> Record:
        count = len(self.instruments.sizes)
        seen = jax.tree.map(lambda *arrays: np.stack(arrays), *looks)
        parts = self.instruments.program.parts
        counts = dict(zip(parts.columns.counts, map(int, parts.counted(state.parts)), strict=True))
        return Record(
            loss=rows[:, 0],
            after=rows[:, 1],
            unclipped=rows[:, 2],
            given=rows[:, 3],
            gradients=rows[:, FIRST : FIRST + count],
            updates=rows[:, FIRST + count : FIRST + 2 * count],
            weights=rows[:, FIRST + 2 * count :],
            marks=self.marks[: len(points)],
            **dict(seen.items()),
            looked=len(self.instruments.places),
            curvature=curved,
            **self._ends(points, sums, state),
            diverged_at=int(state.diverged_at),
            skipped=counts.get("skipped", 0),
            θ=points[-1],
        )

    def _ends(self, points: list[np.ndarray], sums: list[np.ndarray], state: CellState) -> dict[str, Any]:
        """The loss farther along the second half's way, and at the mean of the last quarter."""
        reached = self.marks[: len(points)]
        half = points[int(np.abs(reached - reached[-1] / 2).argmin())]
        last = int(np.searchsorted(reached, 0.75 * reached[-1]))
        last = min(last, len(points) - 2)
        mean = np.sum(sums[last:], axis=0) / (reached[-1] - reached[last])
        way = points[-1] - half
        every = (
            [half + k * way for k in FURTHER] + [mean] + [points[i] for i in self._some(last, len(points))]
        )
        stacked = np.stack(every).astype(points[0].dtype)
        losses = np.asarray(self.instruments.compiled("losses", stacked, state.state, self.examples), float)
        n = len(FURTHER)
        return {"further": losses[:n], "average": (float(losses[n]), float(losses[n + 1 :].mean()))}

    @staticmethod
    def _some(first: int, stop: int) -> list[int]:
        """Four looks of those from `first` on: equally many in every training."""
        return [int(i) for i in np.linspace(first, stop - 1, 4).round()]


def _finite(array: jax.Array) -> np.ndarray:
    """What was seen, NaN where it is not finite: an infinite loss has no distance from another."""
    values = np.asarray(array, float)
    return np.where(np.isfinite(values), values, np.nan)
