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
    """As many threads as the sweep says. Told to leave, each ends its block and starts no other."""

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[Result]:
        """Run `cells`: see `Backend.run`."""
        chunks = sweep.chunks(cells)
        if not chunks:
            return
        sweep.compile()  # here, once, rather than by every thread
        todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        for chunk in chunks:
            todo.put(chunk)
        leave = threading.Event()
        x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]

        def work() -> None:
            self._work(sweep, cells, todo, done, leave, x64)

        for _ in range(min(sweep.threads, len(chunks))):
            # No daemons: the interpreter must not end while a compiled call runs, and waits for them.
            thread(work).start()
        try:
            for _ in chunks:
                result = _next(done)
                if isinstance(result, BaseException):
                    raise result
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
        done: "queue.SimpleQueue[Result | BaseException]",
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
                        done.put((positions, runs))
        except queue.Empty:
            return
        except BaseException as problem:  # noqa: BLE001 - raised again where the results are awaited
            done.put(problem)


THREADS = Threads()
"""The backend where none is named."""


def _next(done: "queue.SimpleQueue[Result | BaseException]") -> "Result | BaseException":
    """The next result. Raises KeyboardInterrupt when a signal asks to stop."""
    while True:
        interruption.check()
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=POLL)
