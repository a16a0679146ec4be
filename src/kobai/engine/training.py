"""The loop that trains: cells of one task from their first step to their last, block after block."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import jax
import numpy as np

from kobai.engine.blocks import CellState, Counts, Data, joined
from kobai.engine.cell import Cell
from kobai.engine.clock import CLOCK
from kobai.engine.columns import Rows
from kobai.engine.draws import INITIAL, stream
from kobai.engine.executables import Executable, Executables
from kobai.engine.program import Program
from kobai.engine.run import Run, TrainedNetwork, lost_at, run_of
from kobai.engine.strategy import Strategy

SECONDS_PER_BLOCK = 0.5
"""A compiled call cannot be interrupted: it is kept this short, by measured time."""


class Watch(Protocol):
    """What is told how far the cells of a sweep are, by its threads."""

    def started(self) -> None:
        """All is compiled, and the first block begins."""

    def block(self, steps: int) -> None:
        """So many steps are done, of all cells of a block together."""


class Pace:
    """How many steps a block has: as many as take a good time, and at most `most`; and who watches."""

    def __init__(self, steps: int, most: int) -> None:
        self.steps, self.most = min(steps, most), most
        self.watch: Watch | None = None

    def measure(self, seconds: float) -> None:
        """Twice the steps while a block is much too short, half when it is too long.

        The threads share the pace without a lock: no result depends on it, and a lost update costs nothing.
        """
        if seconds > SECONDS_PER_BLOCK:
            self.steps = max(1, self.steps // 2)
        elif seconds < SECONDS_PER_BLOCK / 4:
            self.steps = min(self.steps * 2, self.most)


class Training:
    """The loop for the cells of one program.

    Args:
      program: what a block of their steps is.
      data: the task's data.
      executables: the program, compiled.
      marks: int32 [evaluations]: the steps at which cells are evaluated; the last is their end.
      pace: the steps of a block.
      population: whether the cells of a chunk step together.
      keep_model: whether a run holds its trained network.
    """

    def __init__(
        self,
        program: Program,
        data: Data,
        executables: Executables,
        marks: np.ndarray,
        pace: Pace,
        *,
        population: bool,
        keep_model: bool,
    ) -> None:
        self.program, self.data = program, data
        self.executables, self.marks, self.pace = executables, marks, pace
        self.population, self.keep_model = population, keep_model
        self.steps = int(marks[-1])

    def run(self, cells: Sequence[Cell], leave: Callable[[], bool]) -> list[Run] | None:
        """Train these cells together; None when told to leave, which is asked before each block."""
        with CLOCK.work():
            return self._run(cells, leave)

    def _run(self, cells: Sequence[Cell], leave: Callable[[], bool]) -> list[Run] | None:
        program, data = self.program, self.data
        parts, columns = program.parts, program.columns
        block, final = self.executables.compiled(self._counts(cells))
        # A population is on a device, whose work is no processor time.
        clock = time.perf_counter if self.population else CLOCK.read
        began = clock()
        state = joined([self._start(cell) for cell in cells], self.population)
        table = np.full((len(cells), len(self.marks), columns.number), np.nan, program.θ.dtype)
        diverged_at, step, row, ended = np.zeros(len(cells), np.int32), 0, 0, False
        while not ended:
            if leave():
                return None
            before = time.perf_counter()
            stop = min(step + self.pace.steps, self.steps)
            due = self.marks[row : np.searchsorted(self.marks, stop, side="right")]
            ends = due if len(due) and due[-1] == stop else np.append(due, stop)
            draws = [program.draws(cell.seed, cell.strategy, step, stop, self.steps) for cell in cells]
            marks = program.clock(step, ends, len(due))
            state, rows = block(marks, state, joined(draws, self.population), data.train, data.validation)
            rows = Rows(np.asarray(rows).reshape(len(cells), -1, columns.number), columns)
            if len(ends) > len(due):  # the block ends between two evaluations
                sums = rows.loss_sum[:, len(due)]
                state = state._replace(loss_sum=sums if self.population else sums[0])
            rows = Rows(rows.table[:, : len(due)], columns)
            table[:, row : row + len(due)] = rows.table
            end = parts.end(state.parts, len(cells))
            divergence = lost_at(due, rows, np.atleast_1d(np.asarray(state.diverged_at)))
            # What comes after an early stop is no part of a run.
            divergence = np.where((end.step > 0) & (divergence > end.step), 0, divergence)
            diverged_at = np.where(diverged_at > 0, diverged_at, divergence)
            if self.pace.watch is not None:
                self.pace.watch.block((stop - step) * len(cells))
            step, row = stop, row + len(due)
            ended = step == self.steps or bool(((diverged_at > 0) | (end.step > 0)).all())
            self.pace.measure(time.perf_counter() - before)
        state = parts.restored(program.settled(state, np.int32(step), self.population))
        tests = self._tests(block, final, state, step, diverged_at)
        models = self._models(state, len(cells))
        seconds = (clock() - began) / len(cells)
        return [
            run_of(
                cell.strategy,
                self.marks,
                Rows(table[i], columns),
                int(diverged_at[i]),
                tests[i],
                seconds,
                parts,
                end.of(i),
                models[i],
            )
            for i, cell in enumerate(cells)
        ]

    def _start(self, cell: Cell) -> CellState:
        θ = self.program.task.start(cell.initializer, stream(cell.seed, INITIAL))
        return self.program.start(cell.optimizer, θ, cell.strategy)

    def _tests(
        self,
        block: Executable,
        final: Executable | None,
        state: CellState,
        step: int,
        diverged_at: np.ndarray,
    ) -> Sequence[np.ndarray | None]:
        """What each cell's network, and each of its averages, is worth on the test data; None: not known."""
        program, data, columns = self.program, self.data, self.program.columns
        cells = len(diverged_at)
        if final is not None:
            return list(np.asarray(final(state, data.test)).reshape(cells, -1))
        if data.test is None or diverged_at.all():
            return [None] * cells
        # A block of no steps, on the test data in place of the validation data.
        draws = [program.draws(0, Strategy(), step, step, self.steps)] * cells
        draws = joined(draws, self.population)
        _, rows = block(program.clock(step, [step]), state, draws, data.train, data.test)
        return list(Rows(np.asarray(rows).reshape(cells, -1, columns.number), columns).evaluations[:, 0])

    def _models(self, state: CellState, cells: int) -> Sequence[Sequence[TrainedNetwork]]:
        """The network of each cell and those of its averages, where they are kept; else none."""
        if not self.keep_model:
            return [()] * cells
        points = np.concatenate(
            [np.expand_dims(state.θ, -2), *self.program.parts.points(state.parts)], axis=-2
        ).reshape(cells, -1, self.program.θ.size)
        model_state = jax.tree.map(np.asarray, state.state)
        return [
            [
                TrainedNetwork.of(
                    self.program.task,
                    θ,
                    jax.tree.map(lambda array, i=i: array[i], model_state)
                    if self.population
                    else model_state,
                )
                for θ in of_cell
            ]
            for i, of_cell in enumerate(points)
        ]

    def _counts(self, cells: Sequence[Cell]) -> Counts:
        """How many cells a population has of each rule."""
        if not self.population:
            return None
        rules = [self.program.position_of(cell.optimizer) for cell in cells]
        return tuple(rules.count(i) for i in range(len(self.program.rules)))
