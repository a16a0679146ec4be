"""Many cells of one task: draws made on the host, chunks taken by threads, results as they finish.

On a CPU one thread per core takes the next chunk of cells and runs it, block after block, through the one
compiled program. A cell's result does not depend on its chunk or its thread, bit for bit. On a GPU one thread
runs large chunks, whose cells step together.
"""

import dataclasses
import functools
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.machine import cores, pool, thread
from kobai.engine.draws import BATCHES, INITIAL, NOISE, batches, stream
from kobai.engine.full_batch import FullBatch
from kobai.engine.program import COMPILER_OPTIONS, LOSS, LOSS_SUM, LOST, METRIC, Draws, Program
from kobai.engine.run import Reading, Run, collected, evaluated_at, first_lost, lost_at, since
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task

__all__ = ["BATCHES", "INITIAL", "Cell", "Reading", "Run", "Sweep", "batches", "evaluated_at", "stream"]

CELLS_PER_CHUNK = 4
CELLS_PER_POPULATION = 512
STEPS_PER_BLOCK = 512
INDICES_PER_BLOCK = 2**20
"""Batch indices that a cell may hold at once: with huge batches a block has fewer steps."""
SECONDS_PER_BLOCK = 0.5
"""A compiled call cannot be interrupted: it is kept this short, by measured time."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training run: an optimizer with its settings (or a minimizer), an initializer, seed, strategy."""

    optimizer: Optimizer | Minimizer
    initializer: Initializer
    seed: int
    strategy: Strategy = Strategy()


class Sweep:
    """The engine for one task and the kinds of optimizers in `optimizers`.

    Compiles once, on first use, whatever cells follow: hyperparameters, initial values, seeds, the number of
    steps and the interval of evaluation are all arguments of the program. So are the numbers of a strategy;
    which parts any cell's strategy has must be known before: `strategies`.
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
    ) -> None:
        self.task, self.steps, self.every = task, steps, evaluate_every
        self.population = jax.default_backend() != "cpu" if population is None else population
        self.chunk = chunk or (CELLS_PER_POPULATION if self.population else CELLS_PER_CHUNK)
        self.threads = 1 if self.population else threads or cores()
        self.rows = evaluated_at(steps, evaluate_every)
        rules = [optimizer for optimizer in optimizers if isinstance(optimizer, Optimizer)]
        self.kinds = {jax.tree.structure(rule): rule for rule in rules}
        minimizers = [optimizer for optimizer in optimizers if isinstance(optimizer, Minimizer)]
        self.full_batch = {minimizer: FullBatch(task, minimizer, self.rows) for minimizer in minimizers}
        capacity = max(1, min(STEPS_PER_BLOCK, INDICES_PER_BLOCK // task.batch_size))
        self.program = Program(task, list(self.kinds.values()), capacity=capacity, strategies=strategies)
        self.examples = len(jax.tree.leaves(task.train)[0])
        self.train, self.validation, self.test = (
            jax.tree.map(jnp.asarray, part) for part in (task.train, task.validation, task.test)
        )
        self.x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
        self._steps_per_block = min(evaluate_every, capacity)
        self._lowered: dict[tuple[int, ...] | None, tuple[Any, Any]] = {}
        self._compiled: dict[tuple[int, ...] | None, tuple[Any, Any]] = {}

    def run(self, cells: Sequence[Cell]) -> Iterator[tuple[list[int], list[Run]]]:
        """Run `cells`; yields (their positions, their runs) for each chunk as it finishes.

        Leaving the iteration early (Ctrl-C, `close`) lets each thread end its block and start no other.
        """
        order = (
            sorted(range(len(cells)), key=lambda i: self._position(cells[i]))
            if self.population
            else range(len(cells))
        )
        chunks = [list(order[i : i + self.chunk]) for i in range(0, len(cells), self.chunk)]
        if not chunks:
            return
        self.compile()  # here, once, rather than by every thread
        todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for chunk in chunks:
            todo.put(chunk)
        leave = threading.Event()
        for _ in range(min(self.threads, len(chunks))):
            # No daemons: the interpreter must not end while a compiled call runs, and waits for them.
            thread(self._work, cells, todo, done, leave).start()
        try:
            for _ in chunks:
                result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            leave.set()

    def compile(self) -> None:
        """Compile what does not depend on the cells, if that is still to be done."""
        if not self.population:
            self._program(None)
        for engine in self.full_batch.values():
            engine.compiled()

    def text(self) -> str:
        """The programs as text: equal for two sweeps that compute the same."""
        minimizers = [program for engine in self.full_batch.values() for program in engine.traced()[:2]]
        return "".join(program.as_text() for program in (self._traced(None)[0], *minimizers) if program)

    def memory(self, optimizer: Optimizer | Minimizer) -> int:
        """Numbers that the method remembers for every parameter."""
        if isinstance(optimizer, Minimizer):
            return self.full_batch[optimizer].memory()
        rule = self.program.rules[self.program.position[jax.tree.structure(optimizer)]]
        return rule.sizes["slots"] + rule.sizes["floats"] // self.program.θ.size

    def _position(self, cell: Cell) -> int:
        """The position of the cell's rule among the program's; behind all of them for a minimizer."""
        if isinstance(cell.optimizer, Minimizer):
            return len(self.program.rules)
        return self.program.position[jax.tree.structure(cell.optimizer)]

    def _program(self, counts: tuple[int, ...] | None) -> tuple[Any, Any]:
        """The compiled (block, final): for a population, by how many cells of each rule it has."""
        if counts not in self._compiled:
            options = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
            with pool(2) as threads:  # the compiler uses one core for each
                self._compiled[counts] = tuple(
                    threads.map(lambda lowered: lowered and lowered.compile(options), self._traced(counts))
                )
        return self._compiled[counts]

    def _traced(self, counts: tuple[int, ...] | None) -> tuple[Any, Any]:
        """(block, final) before compilation, traced once: for the program's text and for compiling it."""
        if counts not in self._lowered:
            self._lowered[counts] = self._lower(counts)
        return self._lowered[counts]

    def _lower(self, counts: tuple[int, ...] | None) -> tuple[Any, Any]:
        """Trace (block, final) with arguments of the shapes they will have.

        `final` is None where it is not needed: without test data, or where they have the shapes of the
        validation data, so that the block evaluates them as well.
        """
        if not self.kinds:
            return None, None
        size = 1 if counts is None else sum(counts)
        any_rule = next(iter(self.kinds.values()))
        together = counts is not None
        cells = _joined([self.program.start(any_rule, self.program.θ)] * size, together)
        draws = _joined([self._draws(0, Strategy(), 0, 0)] * size, together)
        block = self.program.block if counts is None else functools.partial(self.program.population, counts)
        clock = self.program.clock(0, [])
        lowered = jax.jit(block).lower(clock, cells, draws, self.train, self.validation)
        alike = self.test is None or _shapes(self.test) == _shapes(self.validation)
        return lowered, None if alike else jax.jit(self.program.final).lower(cells, self.test)

    def _work(self, cells: Sequence[Cell], todo: Any, done: Any, leave: threading.Event) -> None:
        """What each thread does: take the next chunk until there is none, or it is time to leave."""
        try:
            with jax.enable_x64(self.x64):  # a thread does not inherit it
                while not leave.is_set():
                    positions = todo.get_nowait()
                    runs = self._run_chunk([cells[i] for i in positions], leave)
                    if runs is not None:
                        done.put((positions, runs))
        except queue.Empty:
            return
        except BaseException as problem:  # noqa: BLE001 - raised again where the results are awaited
            done.put(problem)

    def _run_chunk(self, chunk: list[Cell], leave: threading.Event) -> list[Run] | None:
        """One chunk from its first step to its last; None when told to leave.

        Cells are trained one by one or, in a population, in step; minimizers always one by one.
        """
        in_step = [
            i for i, cell in enumerate(chunk) if self.population and self._position(cell) < len(self.kinds)
        ]
        groups = [[i] for i in range(len(chunk)) if i not in in_step] + ([in_step] if in_step else [])
        found: dict[int, Run] = {}
        for group in groups:
            cells = [chunk[i] for i in group]
            train = self._train if isinstance(cells[0].optimizer, Optimizer) else self._minimize
            runs = train(cells, leave)
            if runs is None:
                return None
            found |= zip(group, runs, strict=True)
        return [found[i] for i in range(len(chunk))]

    def _train(self, cells: list[Cell], leave: threading.Event) -> list[Run] | None:
        """Train these cells together, block after block; None when told to leave."""
        began = time.perf_counter()
        block, final = self._program(self._counts(cells))
        parts, columns = self.program.parts, self.program.columns
        places = [LOSS, METRIC, *range(LOST + 1, LOST + 1 + 2 * parts.averages)]
        held = _joined(
            [self.program.start(cell.optimizer, self._first(cell), cell.strategy) for cell in cells],
            self.population,
        )
        table = np.full((len(cells), len(self.rows), columns), np.nan, self.program.θ.dtype)
        diverged_at, step, done, ended = np.zeros(len(cells), np.int32), 0, 0, False
        while not ended:
            if leave.is_set():
                return None
            before = time.perf_counter()
            stop = min(step + self._steps_per_block, self.steps)
            due = self.rows[done : np.searchsorted(self.rows, stop, side="right")]
            ends = due if len(due) and due[-1] == stop else np.append(due, stop)
            draws = [self._draws(cell.seed, cell.strategy, step, stop) for cell in cells]
            draws = _joined(draws, self.population)
            clock = self.program.clock(step, ends, len(due))
            held, rows = block(clock, held, draws, self.train, self.validation)
            rows = np.asarray(rows).reshape(len(cells), -1, columns)
            if len(ends) > len(due):  # the block ends between two evaluations
                sums = rows[:, len(due), LOSS_SUM]
                held = held._replace(loss_sum=sums if self.population else sums[0])
            table[:, done : done + len(due)] = rows[:, : len(due)]
            told = parts.told(held.kept, len(cells))
            lost = lost_at(due, rows[:, : len(due)], np.atleast_1d(np.asarray(held.diverged_at)))
            # What comes after an early stop is no part of a run.
            lost = np.where((told.stopped_at > 0) & (lost > told.stopped_at), 0, lost)
            diverged_at = np.where(diverged_at > 0, diverged_at, lost)
            step, done = stop, done + len(due)
            ended = step == self.steps or bool(((diverged_at > 0) | (told.stopped_at > 0)).all())
            self._set_pace(time.perf_counter() - before)
        held = parts.restored(held)
        tested: Any = [None] * len(cells)
        if final is not None:
            tested = np.asarray(final(held, self.test)).reshape(-1, len(places))
        elif self.test is not None and not diverged_at.all():
            # A block of no steps, on the test data in place of the validation data.
            _, rows = block(self.program.clock(step, [step]), held, draws, self.train, self.test)
            tested = np.asarray(rows).reshape(len(cells), -1, columns)[:, 0, places]
        seconds = (time.perf_counter() - began) / len(cells)
        return [
            collected(cell.strategy, self.rows, table[i], int(diverged_at[i]), tested[i], seconds, told.of(i))
            for i, cell in enumerate(cells)
        ]

    def _minimize(self, cells: list[Cell], leave: threading.Event) -> list[Run] | None:
        """Let a minimizer train its one cell on the full batch; None when told to leave."""
        began = time.perf_counter()
        [cell] = cells
        begin, block, measure = self.full_batch[cell.optimizer].compiled()  # type: ignore[index]
        progress = begin(self._first(cell), self.train)
        while not progress.over:
            if leave.is_set():
                return None
            progress = block(progress, self.train, self.validation)
        table = np.array(progress.rows)
        [lost] = lost_at(self.rows, table[None], first_lost(self.rows, table[:, LOSS_SUM]))
        # The rows hold the training loss itself, where those of a rule hold the sum over steps.
        table[:, LOSS_SUM] *= since(self.rows)
        tested = np.asarray(measure(progress.θ, self.test)) if measure else None
        seconds = time.perf_counter() - began
        return [collected(cell.strategy, self.rows, table, int(lost), tested, seconds)]

    def _set_pace(self, seconds: float) -> None:
        """Twice the steps while a block is much too short, half when it is too long.

        The threads share the pace without a lock: no result depends on it, and a lost update costs nothing.
        """
        if seconds > SECONDS_PER_BLOCK:
            self._steps_per_block = max(1, self._steps_per_block // 2)
        elif seconds < SECONDS_PER_BLOCK / 4:
            self._steps_per_block = min(self._steps_per_block * 2, self.program.capacity)

    def _first(self, cell: Cell) -> np.ndarray:
        """θ before the first step."""
        random, layout = stream(cell.seed, INITIAL), self.task.layout
        return self.task.flatten(cell.initializer.fill(self.task.parameters, random, layout=layout))

    def _draws(self, seed: int, strategy: Strategy, start: int, stop: int) -> Draws:
        rows = np.zeros((self.program.capacity, self.task.batch_size), np.int32)
        if stop > start:
            size, replacement = self.task.batch_size, strategy.replacement
            rows[: stop - start] = batches(seed, start, stop, size, self.examples, replacement)
        key = stream(seed, NOISE).integers(2**32, size=2, dtype=np.uint32)
        return Draws(rows, key, self.program.plan(strategy, start, stop, self.steps))

    def _counts(self, cells: Sequence[Cell]) -> tuple[int, ...] | None:
        """How many cells a population has of each rule."""
        if not self.population:
            return None
        rules = [self._position(cell) for cell in cells]
        return tuple(rules.count(i) for i in range(len(self.program.rules)))


def _joined(items: Sequence[Any], together: bool) -> Any:
    """One pytree for a list of equal ones: with a leading axis for a population, else the only one."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items) if together else items[0]


def _shapes(data: Any) -> Any:
    """The structure, shapes and dtypes of some data: what a program is compiled for."""
    return jax.tree.map(lambda array: (array.shape, str(array.dtype)), data)
