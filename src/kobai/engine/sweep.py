"""Many cells of one task: compiled once, trained chunk by chunk, results as they finish.

On a CPU one thread per core takes the next chunk of cells and runs it, block after block, through the one
compiled program (`backends.threads`). A cell's result does not depend on its chunk or its thread, bit for
bit. On a GPU one thread runs chunks as large as its memory allows, whose cells step together (`population`).
"""

import functools
from collections.abc import Callable, Sequence

import jax

from kobai.basics.arrays import on_device
from kobai.basics.machine import cores
from kobai.engine.blocks import Data, Size, Traced
from kobai.engine.cell import Cell
from kobai.engine.executables import Executables
from kobai.engine.full_batch import FullBatch
from kobai.engine.identity import Identity
from kobai.engine.population import MOST, largest
from kobai.engine.program import Program, lowered
from kobai.engine.run import Run, evaluated_at
from kobai.engine.strategy import Strategy
from kobai.engine.training import Pace, Training
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task

CELLS_PER_CHUNK = 4
STEPS_PER_BLOCK = 512
INDICES_PER_BLOCK = 2**20
"""Batch indices that a cell may hold at once: with huge batches a block has fewer steps."""


class Sweep:
    """The engine for one task and the kinds of optimizers in `optimizers`.

    Compiles once, on first use, whatever cells follow: hyperparameters, initial values, seeds, the number of
    steps and the interval of evaluation are all arguments of the program. So are the numbers of a strategy;
    which parts any cell's strategy has must be known before: `strategies`.

    Args:
      steps: of each run.
      evaluate_every: the steps between two evaluations.
      threads: how many take chunks on a CPU. Default: one a core.
      chunk: the cells of a chunk. Default: a few on a CPU; in a population as many as memory allows.
      population: whether the cells of a chunk step together. Default: not on a CPU.
      strategies: those that any cell has.
      keep_model: whether each run holds its trained network (`Run.model`).
    """

    def __init__(
        self,
        task: Task,
        optimizers: Sequence[Optimizer | Minimizer],
        *,
        steps: int,
        evaluate_every: int,
        threads: int | None = None,
        chunk: int | None = None,
        population: bool | None = None,
        strategies: Sequence[Strategy] = (),
        keep_model: bool = False,
    ) -> None:
        self.task, self.steps, self.every, self.strategies = task, steps, evaluate_every, strategies
        self.population = jax.default_backend() != "cpu" if population is None else population
        self.chunk = chunk or (MOST if self.population else CELLS_PER_CHUNK)
        self.by_memory = self.population and chunk is None
        self.threads = 1 if self.population else threads or cores()
        self.rows = evaluated_at(steps, evaluate_every)
        rules = [optimizer for optimizer in optimizers if isinstance(optimizer, Optimizer)]
        self.kinds = {jax.tree.structure(rule): rule for rule in rules}
        capacity = max(1, min(STEPS_PER_BLOCK, INDICES_PER_BLOCK // task.examples_a_step))
        self.program = Program(task, list(self.kinds.values()), capacity=capacity, strategies=strategies)
        self.data = Data(*jax.tree.map(on_device, (task.train, task.validation, task.test)))
        self.executables = Executables(self._lower)
        self.pace = Pace(evaluate_every, capacity)
        self.training = Training(
            self.program,
            self.data,
            self.executables,
            self.rows,
            self.pace,
            population=self.population,
            keep_model=keep_model,
        )
        self.full_batch = {
            minimizer: FullBatch(task, minimizer, self.rows, keep_model=keep_model)
            for minimizer in optimizers
            if isinstance(minimizer, Minimizer)
        }

    def chunks(self, cells: Sequence[Cell]) -> list[list[int]]:
        """The positions of the cells that are trained together; in a population those of one family."""
        groups: dict[int | None, list[int]] = {}
        for i, cell in enumerate(cells):
            groups.setdefault(self._family(cell), []).append(i)
        chunks = []
        for family, group in groups.items():
            most = self.chunk
            if family is not None and self.by_memory:
                most = self._in_step(family, [cells[i] for i in group])
            chunks += [group[i : i + most] for i in range(0, len(group), most)]
        return chunks

    def train(self, cells: Sequence[Cell], leave: Callable[[], bool] = lambda: False) -> list[Run] | None:
        """One chunk of cells from the first step to the last; None when told to leave.

        Cells are trained one by one or, in a population, in step; minimizers always one by one.
        """
        groups: dict[int, list[int]] = {}
        for i, cell in enumerate(cells):
            family = self._family(cell)
            groups.setdefault(-1 - i if family is None else family, []).append(i)
        results: dict[int, Run] = {}
        for group in groups.values():
            runs = self._train_group([cells[i] for i in group], leave)
            if runs is None:
                return None
            results |= zip(group, runs, strict=True)
        return [results[i] for i in range(len(cells))]

    def _family(self, cell: Cell) -> int | None:
        """Whose rules a cell may step together with; None: it is trained alone."""
        if not self.population or isinstance(cell.optimizer, Minimizer):
            return None
        return self.program.family_of(cell.optimizer)

    def _in_step(self, family: int, cells: Sequence[Cell]) -> int:
        """How many of some cells of a family step together: equal parts of what memory allows."""
        streams = len({(cell.seed, cell.strategy.replacement) for cell in cells})
        of_cell = self.program.θ.nbytes * (2 + self.program.sizes["slots"])
        most = largest(self.executables, family, len(cells), streams, of_cell)
        return -(-len(cells) // -(-len(cells) // most))

    def _train_group(self, cells: Sequence[Cell], leave: Callable[[], bool]) -> list[Run] | None:
        """Cells that step together, or the one of a minimizer."""
        if isinstance(cells[0].optimizer, Minimizer):
            [cell] = cells
            return self.full_batch[cells[0].optimizer].run(cell, self.data, leave)
        return self.training.run(cells, leave)

    def compile(self) -> None:
        """Compile what does not depend on the cells, if that is still to be done."""
        if not self.population:
            self.executables.compiled(None)
        for engine in self.full_batch.values():
            engine.compiled()
        if self.pace.watch is not None:
            self.pace.watch.started()

    def _lower(self, size: Size | None) -> Traced:
        """Trace the program for one cell or such a population, with arguments of the shapes that it has."""
        return lowered(self.program, self.data, size) if self.program.rules else (None, None)

    @functools.cached_property
    def identity(self) -> Identity:
        """What each cell of this task is: equal for two of which the same numbers come, in whatever sweep."""
        return Identity(self.program, self.data, self.full_batch, steps=self.steps, evaluate_every=self.every)

    def text(self) -> str:
        """The programs as text: equal for two sweeps that compute the same."""
        minimizers = [program for engine in self.full_batch.values() for program in engine.traced()[:2]]
        rules, _ = self.executables.traced(None)
        return "".join(program.as_text() for program in (rules, *minimizers) if program)

    def memory(self, optimizer: Optimizer | Minimizer) -> int:
        """Numbers that the method remembers for every parameter."""
        if isinstance(optimizer, Minimizer):
            return self.full_batch[optimizer].memory()
        rule = self.program.rules[self.program.position_of(optimizer)]
        return rule.sizes["slots"] + rule.sizes["floats"] // self.program.θ.size
