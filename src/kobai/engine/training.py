"""The loop that trains: cells of one task from their first step to their last, block after block."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

import jax
import numpy as np

from kobai.engine.blocks import CellState, Data, Draws, Size
from kobai.engine.cell import Cell
from kobai.engine.clock import CLOCK
from kobai.engine.columns import Rows
from kobai.engine.executables import Executable, Executables
from kobai.engine.population import fitting
from kobai.engine.program import Program
from kobai.engine.run import Run, TrainedNetwork, lost_at, run_of
from kobai.engine.shared import Shared
from kobai.optimizers.base import Optimizer

SECONDS_PER_BLOCK = 0.5
"""A compiled call cannot be interrupted: it is kept this short, by measured time."""


class Watch(Protocol):
    """What is told how far the cells of a sweep are, by its threads."""

    def started(self) -> None:
        """All is compiled, and the first block begins."""

    def block(self, gradients: float) -> None:
        """So many gradients were taken, by all cells of a block together: more than one a step where a rule
        asks for a second or several batches make a step."""


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
        self.shared = Shared(
            program.task.start,
            program.parts,
            program.θ.dtype,
            examples=program.examples,
            batch=program.task.examples_a_step,
            capacity=program.capacity,
            steps=self.steps,
        )

    def run(self, cells: Sequence[Cell], leave: Callable[[], bool]) -> list[Run] | None:
        """Train these cells together; None when told to leave, which is asked before each block."""
        with CLOCK.work():
            return self._run(cells, leave)

    def _run(self, cells: Sequence[Cell], leave: Callable[[], bool]) -> list[Run] | None:
        program, data = self.program, self.data
        parts, columns = program.parts, program.columns
        size = self._size(cells)
        everyone = [*cells, *[cells[-1]] * (size.cells - len(cells))] if size else cells
        block, final = self.executables.compiled(size)
        # A population is on a device, whose work is no processor time.
        clock = time.perf_counter if self.population else CLOCK.read
        began = clock()
        state = self._start(everyone)
        table = np.full((len(cells), len(self.marks), columns.number), np.nan, program.θ.dtype)
        diverged_at, step, row, ended = np.zeros(len(cells), np.int32), 0, 0, False
        draws = self._draws(everyone, step, size)
        while not ended:
            if leave():
                return None
            before = time.perf_counter()
            end_of_segment = self.shared.segment(step)[1]
            stop = min(step + self.pace.steps, end_of_segment)
            due = self.marks[row : np.searchsorted(self.marks, stop, side="right")]
            ends = due if len(due) and due[-1] == stop else np.append(due, stop)
            marks = program.clock(step, ends, len(due))
            state, rows = block(marks, state, draws, data.train, data.validation)
            if stop == end_of_segment < self.steps:  # while the device works
                draws = self._draws(everyone, stop, size)
            rows = Rows(np.asarray(rows).reshape(len(everyone), -1, columns.number), columns)
            if len(ends) > len(due):  # the block ends between two evaluations
                sums = rows.loss_sum[:, len(due)]
                state = state._replace(loss_sum=sums if self.population else sums[0])
            rows = Rows(rows.table[: len(cells), : len(due)], columns)
            table[:, row : row + len(due)] = rows.table
            end = parts.end(state.parts, len(everyone)).first(len(cells))
            divergence = lost_at(due, rows, np.atleast_1d(np.asarray(state.diverged_at))[: len(cells)])
            # What comes after an early stop is no part of a run.
            divergence = np.where((end.step > 0) & (divergence > end.step), 0, divergence)
            diverged_at = np.where(diverged_at > 0, diverged_at, divergence)
            if self.pace.watch is not None:
                each = sum(cast(Optimizer, cell.optimizer).gradients for cell in cells)
                self.pace.watch.block((stop - step) * each * program.task.accumulate)
            step, row = stop, row + len(due)
            ended = step == self.steps or bool(((diverged_at > 0) | (end.step > 0)).all())
            self.pace.measure(time.perf_counter() - before)
        state = parts.restored(program.settled(state, np.int32(step), self.population))
        tests = self._tests(block, final, state, draws, step, diverged_at)
        models = self._models(state, cells)
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

    def _size(self, cells: Sequence[Cell]) -> Size | None:
        """What a population of these cells is compiled for; None: a cell alone."""
        if not self.population:
            return None
        family = self.program.family_of(cells[0].optimizer)
        streams = len({(cell.seed, cell.strategy.replacement) for cell in cells})
        return fitting(self.executables, family, len(cells), streams)

    def _start(self, cells: Sequence[Cell]) -> CellState:
        points = [self.shared.initial(cell.initializer, cell.seed) for cell in cells]
        optimizers = [cast(Optimizer, cell.optimizer) for cell in cells]
        strategies = [cell.strategy for cell in cells]
        return self.program.start(optimizers, points, strategies, together=self.population)

    def _draws(self, cells: Sequence[Cell], step: int, size: Size | None) -> Draws:
        """What is drawn for these cells in the segment of a step."""
        seeds, strategies = [cell.seed for cell in cells], [cell.strategy for cell in cells]
        return self.shared.draws(seeds, strategies, step, size and size.streams)

    def _tests(
        self,
        block: Executable,
        final: Executable | None,
        state: CellState,
        draws: Draws,
        step: int,
        diverged_at: np.ndarray,
    ) -> Sequence[np.ndarray | None]:
        """What each cell's network, and each of its averages, is worth on the test data; None: not known."""
        program, data, columns = self.program, self.data, self.program.columns
        cells = len(diverged_at)
        everyone = np.size(state.rule)
        if final is not None:
            return list(np.asarray(final(state, data.test)).reshape(everyone, -1)[:cells])
        if data.test is None or diverged_at.all():
            return [None] * cells
        # A block of no steps, on the test data in place of the validation data.
        _, rows = block(program.clock(step, [step]), state, draws, data.train, data.test)
        rows = Rows(np.asarray(rows).reshape(everyone, -1, columns.number)[:cells], columns)
        return list(rows.evaluations[:, 0])

    def _models(self, state: CellState, cells: Sequence[Cell]) -> Sequence[Sequence[TrainedNetwork]]:
        """The network of each cell and those of its averages, where they are kept; else none."""
        if not self.keep_model:
            return [()] * len(cells)
        points = np.concatenate(
            [np.expand_dims(state.θ, -2), *self.program.parts.points(state.parts)], axis=-2
        ).reshape(np.size(state.rule), -1, self.program.θ.size)
        model_state, memories = jax.tree.map(np.asarray, state.state), self._memories(state, cells)
        return [
            [
                TrainedNetwork.of(
                    self.program.task,
                    θ,
                    jax.tree.map(lambda array, i=i: array[i], model_state)
                    if self.population
                    else model_state,
                    memories[i] if number == 0 else None,
                )
                for number, θ in enumerate(of_cell)
            ]
            for i, of_cell in enumerate(points[: len(cells)])
        ]

    def _memories(self, state: CellState, cells: Sequence[Cell]) -> Sequence[Mapping[str, np.ndarray]]:
        """What each cell's rule has remembered until the end."""
        stored, found = jax.tree.map(np.asarray, state.memory), []
        for i, cell in enumerate(cells):
            rule = self.program.rules[self.program.position_of(cell.optimizer)]
            own = jax.tree.map(lambda array, i=i: array[i], stored) if self.population else stored
            memory = rule.unpack(np.int32(self.steps), own)
            found.append(jax.tree.map(np.asarray, getattr(memory, "memory", {})))
        return found
