"""Many cells of one task: draws made on the host, chunks taken by threads, results as they finish.

On a CPU one thread per core takes the next chunk of cells and runs it, block after block, through the one
compiled program. A cell's result does not depend on its chunk or its thread, bit for bit.
"""

import dataclasses
import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
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


class Sweep:
    """The engine for one task and the kinds of optimizers in `optimizers`.

    Compiles on first use, once, whatever cells follow.
    """

    def __init__(
        self,
        task: Task,
        optimizers: Sequence[Optimizer],
        *,
        steps: int,
        evaluate_every: int,
        threads: int | None = None,
        chunk: int = CELLS_PER_CHUNK,
    ) -> None:
        self.task, self.steps, self.every, self.chunk = task, steps, evaluate_every, chunk
        self.threads = threads or available_cores()
        kinds = {jax.tree.structure(optimizer): optimizer for optimizer in optimizers}
        capacity = max(1, min(STEPS_PER_BLOCK, INDICES_PER_BLOCK // task.batch_size))
        self.program = Program(task, list(kinds.values()), cells=chunk, capacity=capacity)
        self.examples = len(jax.tree.leaves(task.train)[0])
        self.data = {
            part: jax.tree.map(jnp.asarray, getattr(task, part)) for part in ("train", "validation", "test")
        }
        self.x64 = bool(jax.config.read("jax_enable_x64"))
        self._pace = 0.0
        """Seconds that a chunk's step takes, from the blocks so far."""

    def run(self, cells: Sequence[Cell]) -> Iterator[tuple[list[int], list[Run]]]:
        """Run all `cells`; yields (their positions, their runs) for each chunk as it finishes.

        Leaving the iteration early (Ctrl-C, `close`) lets each thread end its block and start no other.
        """
        chunks = [list(range(i, min(i + self.chunk, len(cells)))) for i in range(0, len(cells), self.chunk)]
        todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for chunk in chunks:
            todo.put(chunk)
        leave = threading.Event()
        if chunks:
            self.compiled  # noqa: B018 - compiled once, here, rather than by every thread at once
        work = functools.partial(self._work, cells, todo, done, leave)
        for _ in range(min(self.threads, len(chunks))):
            # Daemons, so that an interrupted program need not wait for their last block.
            threading.Thread(target=work, daemon=True).start()
        try:
            for _ in chunks:
                result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            leave.set()

    def _work(self, cells: Sequence[Cell], todo: Any, done: Any, leave: threading.Event) -> None:
        try:
            with jax.enable_x64(self.x64):  # a thread does not inherit it
                while not leave.is_set():
                    positions = todo.get_nowait()
                    runs = self._run_chunk([cells[i] for i in positions], leave)
                    if runs is not None:
                        done.put((positions, runs))
        except queue.Empty:
            return
        except BaseException as problem:  # raised again where the results are awaited
            done.put(problem)

    def _run_chunk(self, chunk: list[Cell], leave: threading.Event) -> list[Run] | None:
        """One chunk from its first step to its last; None when told to leave."""
        block, final = self.compiled
        began = time.perf_counter()
        state = self._start(chunk)
        count, step, pieces = len(chunk), 0, []
        ended = False
        while not ended:
            if leave.is_set():
                return None
            stop = min(step + self._block_steps(), self.steps)
            clock = Clock(*map(np.int32, (step, stop, self.steps, self.every)))
            before = time.perf_counter()
            state, curves = block(clock, state, self._draws(chunk, step, stop), *self.data_of("train", "validation"))
            finished = np.asarray(state.finished)
            self._pace = (time.perf_counter() - before) / max(stop - step, 1)
            due = sum(1 for s in evaluated_at(self.steps, self.every) if step <= s < stop or s == stop == self.steps)
            pieces.append([np.asarray(curve)[:, :due] for curve in curves])
            step, ended = stop, finished.all() or stop == self.steps
        curves = [np.concatenate(parts, axis=1) for parts in zip(*pieces, strict=True)]
        test = (None, None)
        if self.task.test is not None:
            test = tuple(np.asarray(values) for values in final(state.θ, state.state, *self.data_of("test")))
        seconds = (time.perf_counter() - began) / count
        return [self._collect(i, curves, np.asarray(state.diverged_at), test, seconds) for i in range(count)]
