"""The threads of this machine: each takes the next chunk of cells until there is none."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence

import jax

from kobai.basics import interruption
from kobai.basics.machine import thread
from kobai.engine.cell import Cell
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep

Result = tuple[list[int], list[Run]]

POLL = 0.1
"""Seconds between two looks at whether a signal asks to stop."""


class Threads:
    """As many threads as the sweep says. Told to leave, each ends its block and starts no other.

    Where an answer is wanted with what there is, chunks in hand are finished and no other is begun.
    """

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[Result]:
        """Run `cells`: see `Backend.run`."""
        chunks = sweep.chunks(cells)
        if not chunks:
            return
        sweep.compile()  # here, once, rather than by every thread
        todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        results: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        for chunk in chunks:
            todo.put(chunk)
        leave = threading.Event()
        x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]

        def work() -> None:
            self._work(sweep, cells, todo, results, leave, x64)

        for _ in range(min(sweep.threads, len(chunks))):
            # No daemons: the interpreter must not end while a compiled call runs, and waits for them.
            thread(work).start()
        try:
            waiting = len(chunks)
            while True:
                if interruption.is_winding_up():
                    waiting -= _emptied(todo)
                if not waiting:
                    return
                result = _next(results)
                if isinstance(result, BaseException):
                    raise result
                if result is not None:
                    waiting -= 1
                    yield result
        finally:
            leave.set()

    def runs(
        self, sweep: Sweep, cells: Sequence[Cell], advance: Callable[[int], None] | None = None
    ) -> list[Run]:
        """The runs of `cells`, in their order, when all are finished; `advance` is told how many more are."""
        runs: dict[int, Run] = {}
        for positions, chunk in self.run(sweep, cells):
            runs |= zip(positions, chunk, strict=True)
            if advance is not None:
                advance(len(positions))
        return [runs[i] for i in range(len(cells))]

    def _work(
        self,
        sweep: Sweep,
        cells: Sequence[Cell],
        todo: "queue.SimpleQueue[list[int]]",
        results: "queue.SimpleQueue[Result | BaseException]",
        leave: threading.Event,
        x64: bool,
    ) -> None:
        """What each thread does: take the next chunk until there is none, or it is time to leave."""
        try:
            with jax.enable_x64(x64):  # a thread does not inherit it
                while not leave.is_set():
                    positions = todo.get_nowait()
                    runs = sweep.train([cells[i] for i in positions], leave.is_set)
                    if runs is not None:
                        results.put((positions, runs))
        except queue.Empty:
            return
        except BaseException as problem:  # noqa: BLE001 - raised again where the results are awaited
            results.put(problem)


THREADS = Threads()
"""The backend where none is named."""


def _next(results: "queue.SimpleQueue[Result | BaseException]") -> "Result | BaseException | None":
    """The next result; None where none came in time. Raises KeyboardInterrupt when a signal asks to stop."""
    interruption.check()
    with contextlib.suppress(queue.Empty):
        return results.get(timeout=POLL)
    return None


def _emptied(todo: "queue.SimpleQueue[list[int]]") -> int:
    """How many chunks nobody has begun, which are taken away."""
    count = 0
    with contextlib.suppress(queue.Empty):
        while True:
            todo.get_nowait()
            count += 1
    return count
