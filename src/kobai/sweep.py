"""Many cells of one task: draws made on the host, chunks taken by threads, results as they finish.

On a CPU one thread per core takes the next chunk of cells and runs it, block after block, through the one
compiled program. A cell's result does not depend on its chunk or its thread, bit for bit. On a GPU one thread
runs large chunks, whose cells step together.
"""

import dataclasses
import functools
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.tasks.task import Task
from kobai.train import COMPILER_OPTIONS, Clock, Draws, Program

INITIAL, BATCHES, NOISE = range(3)
"""What a random stream is for: each seed has one stream for each purpose."""

CELLS_PER_CHUNK = 4
CELLS_PER_POPULATION = 512
STEPS_PER_BLOCK = 512
INDICES_PER_BLOCK = 2**20
"""Batch indices that a cell may hold at once: with huge batches a block has fewer steps."""
SECONDS_PER_BLOCK = 0.5
"""A compiled call cannot be interrupted: it is kept this short, by measured time."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training run: an optimizer with its hyperparameters, an initializer, a seed."""

    optimizer: Optimizer
    initializer: Initializer
    seed: int


@dataclasses.dataclass(frozen=True)
class Run:
    """What came of a cell. Curves are [evaluations] float arrays, NaN after a divergence."""

    training_loss: np.ndarray
    validation_loss: np.ndarray
    validation_metric: np.ndarray
    diverged_at: int | None
    """The step whose loss or parameters were first not finite: a result, not an error."""
    test_loss: float | None
    test_metric: float | None
    seconds: float
    """Of one core."""


def stream(seed: int, purpose: int, *more: int) -> np.random.Generator:
    """The random stream of a seed for one purpose (Philox, keyed by all of them)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, *more])))


@functools.lru_cache(maxsize=64)
def _epoch(seed: int, epoch: int, examples: int) -> np.ndarray:
    return stream(seed, BATCHES, epoch).permutation(examples).astype(np.int32)


@functools.lru_cache(maxsize=16)
def batches(seed: int, start: int, stop: int, batch: int, examples: int) -> np.ndarray:
    """[stop − start, batch] int32: the examples of each step, every epoch in an order of its own.

    Step s takes the examples s·batch … (s+1)·batch of the endless row of shuffled epochs, so that any block
    of steps can be drawn by itself.
    """
    first, last = start * batch, stop * batch
    epochs = range(first // examples, -(-last // examples))
    row = np.concatenate([_epoch(seed, epoch, examples) for epoch in epochs])
    offset = epochs.start * examples
    return row[first - offset : last - offset].reshape(stop - start, batch)


def evaluated_at(steps: int, every: int) -> np.ndarray:
    """The steps at which a run is evaluated: 0, every, 2·every, …, and the last."""
    return np.unique(np.append(np.arange(0, steps, every), steps)).astype(np.int32)


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Sweep:
    """The engine for one task and the kinds of optimizers in `optimizers`.

    Compiles once, on first use, whatever cells follow: hyperparameters, initial values, seeds, the number of
    steps and the interval of evaluation are all arguments of the program.
    """

    def __init__(
        self,
        task: Task,
        optimizers: Sequence[Optimizer],
        *,
        steps: int,
        evaluate_every: int,
        threads: int | None = None,
        chunk: int | None = None,
        population: bool | None = None,
    ) -> None:
        self.task, self.steps, self.every = task, steps, evaluate_every
        self.population = jax.default_backend() != "cpu" if population is None else population
        self.chunk = chunk or (CELLS_PER_POPULATION if self.population else CELLS_PER_CHUNK)
        self.threads = 1 if self.population else threads or available_cores()
        kinds = {jax.tree.structure(optimizer): optimizer for optimizer in optimizers}
        capacity = max(1, min(STEPS_PER_BLOCK, INDICES_PER_BLOCK // task.batch_size))
        self.program = Program(task, list(kinds.values()), capacity=capacity)
        self.rows = evaluated_at(steps, evaluate_every)
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
            sorted(range(len(cells)), key=lambda i: self._rule(cells[i]))
            if self.population
            else range(len(cells))
        )
        chunks = [list(order[i : i + self.chunk]) for i in range(0, len(cells), self.chunk)]
        if not chunks:
            return
        if not self.population:
            self.compile()  # here, once, rather than by every thread
        todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for chunk in chunks:
            todo.put(chunk)
        leave = threading.Event()
        for _ in range(min(self.threads, len(chunks))):
            # Daemons, so that an interrupted program need not wait for their last block.
            threading.Thread(target=self._work, args=(cells, todo, done, leave), daemon=True).start()
        try:
            for _ in chunks:
                result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            leave.set()

    def compile(self) -> None:
        """Compile the program for a CPU, if that is still to be done."""
        self._program(None)

    def text(self) -> str:
        """The program as text: equal for two sweeps that compute the same."""
        return self._traced(None)[0].as_text()

    def memory(self, optimizer: Optimizer) -> int:
        """Numbers that the rule remembers for every parameter."""
        rule = self.program.rules[self.program.position[jax.tree.structure(optimizer)]]
        return rule.sizes["slots"] + rule.sizes["floats"] // self.program.θ.size

    def _rule(self, cell: Cell) -> int:
        return self.program.position[jax.tree.structure(cell.optimizer)]

    def _program(self, counts: tuple[int, ...] | None) -> tuple[Any, Any]:
        """The compiled (block, final): for a population, by how many cells of each rule it has."""
        if counts not in self._compiled:
            options = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
            with ThreadPoolExecutor(2) as pool:  # the compiler uses one core for each
                block, final = pool.map(
                    lambda lowered: lowered.compile(options) if lowered else None, self._traced(counts)
                )
            self._compiled[counts] = block, final
        return self._compiled[counts]

    def _traced(self, counts: tuple[int, ...] | None) -> tuple[Any, Any]:
        """(block, final) before compilation, traced once: for the program's text and for compiling it."""
        if counts not in self._lowered:
            self._lowered[counts] = self._lower(counts)
        return self._lowered[counts]

    def _lower(self, counts: tuple[int, ...] | None) -> tuple[Any, Any]:
        """Trace (block, final) with arguments of the shapes they will have."""
        size = self.chunk if counts is None else sum(counts)
        cells = _stack([self._start(None)] * size)
        draws = _stack([self._draws(None, 0, 0)] * size)
        clock = Clock(*[np.int32(0)] * 4)
        block = self.program.block if counts is None else functools.partial(self.program.population, counts)
        lowered = jax.jit(block).lower(clock, cells, draws, self.train, self.validation)
        return lowered, None if self.test is None else jax.jit(self.program.final).lower(cells, self.test)

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
        """One chunk from its first step to its last; None when told to leave."""
        began = time.perf_counter()
        counts, room = None, [None] * (self.chunk - len(chunk))
        if self.population:
            rules = [self._rule(cell) for cell in chunk]
            counts, room = tuple(rules.count(i) for i in range(len(self.program.rules))), []
        block, final = self._program(counts)
        cells = _stack([self._start(cell) for cell in [*chunk, *room]])
        step, pieces, ended = 0, [], False
        while not ended:
            if leave.is_set():
                return None
            before = time.perf_counter()
            stop = min(step + self._steps_per_block, self.steps)
            clock = Clock(*(np.int32(x) for x in (step, stop, self.steps, self.every)))
            draws = _stack([self._draws(cell, step, stop) for cell in [*chunk, *room]])
            cells, curves = block(clock, cells, draws, self.train, self.validation)
            due = int(np.sum((self.rows >= step) & (self.rows < stop))) + (stop == self.steps)
            pieces.append([np.asarray(curve)[:, :due] for curve in curves])
            step, ended = stop, stop == self.steps or bool(np.asarray(cells.finished).all())
            self._set_pace(time.perf_counter() - before)
        missing = np.full(
            (len(cells.finished), len(self.rows) - sum(piece[0].shape[1] for piece in pieces)), np.nan
        )
        curves = [np.concatenate([*parts, missing], axis=1) for parts in zip(*pieces, strict=True)]
        loss, metric = map(np.asarray, final(cells, self.test)) if final else (None, None)
        diverged_at = np.asarray(cells.diverged_at)
        seconds = (time.perf_counter() - began) / len(chunk)
        return [self._collect(i, curves, diverged_at, loss, metric, seconds) for i in range(len(chunk))]

    def _set_pace(self, seconds: float) -> None:
        """Twice the steps while a block is much too short, half when it is too long."""
        if seconds > SECONDS_PER_BLOCK:
            self._steps_per_block = max(1, self._steps_per_block // 2)
        elif seconds < SECONDS_PER_BLOCK / 4:
            self._steps_per_block = min(self._steps_per_block * 2, self.program.capacity)

    def _start(self, cell: Cell | None) -> Any:
        """A cell before its first step; None fills a chunk up with one that has finished."""
        if cell is None:
            optimizer = self.program.rules[0].optimizer([0.0] * self.program.width)
            return self.program.start(optimizer, self.program.θ)._replace(finished=np.bool_(True))
        random, layout = stream(cell.seed, INITIAL), self.task.layout
        parameters = cell.initializer.fill(self.task.parameters, random, layout=layout)
        return self.program.start(cell.optimizer, self.task.flatten(parameters))

    def _draws(self, cell: Cell | None, start: int, stop: int) -> Draws:
        rows = np.zeros((self.program.capacity, self.task.batch_size), np.int32)
        if cell is None:
            return Draws(rows, np.zeros(2, np.uint32))
        rows[: stop - start] = batches(cell.seed, start, stop, self.task.batch_size, self.examples)
        return Draws(rows, stream(cell.seed, NOISE).integers(2**32, size=2, dtype=np.uint32))

    def _collect(self, i: int, curves: Any, diverged_at: Any, loss: Any, metric: Any, seconds: float) -> Run:
        step = int(diverged_at[i])
        tested = self.test is not None and step == 0
        return Run(
            training_loss=curves[0][i],
            validation_loss=curves[1][i],
            validation_metric=curves[2][i],
            diverged_at=step or None,
            test_loss=float(loss[i]) if tested else None,
            test_metric=float(metric[i]) if tested else None,
            seconds=seconds,
        )


def _stack(items: Sequence[Any]) -> Any:
    """One pytree with a leading axis for a list of equal ones."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items)
