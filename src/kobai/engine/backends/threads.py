"""The threads of this machine: each takes the next chunk of cells until there is none."""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import jax

from kobai.basics import interruption
from kobai.basics.machine import thread
from kobai.engine.cell import Cell
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep

Result = tuple[list[int], list[Run]]
Came = Result | BaseException | None
"""What threads hand over: a chunk, the problem that ended one of them, or that it has nothing more to do."""

POLL = 0.1
"""Seconds between two looks at whether a signal asks to stop."""


class Threads:
    """As many threads as the sweep says. Told to leave, each ends its block and starts no other.

    Where an answer is wanted with what there is, chunks in hand are finished and no other is begun.
    """

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[Result]:
        """Run `cells`: see `Backend.run`."""
        return self.chunked(sweep, cells, sweep.chunks(cells))

    def chunked(
        self, sweep: Sweep, cells: Sequence[Cell], chunks: Iterable[Sequence[int]], *, ahead: bool = True
    ) -> Iterator[Result]:
        """Run those chunks of `cells` that come; the next is asked for when a thread is free, not before.

        A thread is free when it has trained; not `ahead`, when the caller also asks for what comes after it,
        so that no more chunks than threads are ever in hand.
        """
        coming = iter(chunks)
        first = next(coming, None)
        if first is None:
            return
        sweep.compile()  # here, once, rather than by every thread
        todo = _Chunks(itertools.chain([first], coming))
        results: queue.SimpleQueue[Came] = queue.SimpleQueue()
        taken = None if ahead else threading.Semaphore(0)
        x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]

        def work() -> None:
            self._work(sweep, cells, todo, results, taken, x64)

        working = sweep.threads
        for _ in range(working):
            # No daemons: the interpreter must not end while a compiled call runs, and waits for them.
            thread(work).start()
        try:
            while working:
                came = _next(results)
                if finished := [each for each in came if isinstance(each, tuple)]:
                    yield (
                        [position for positions, _ in finished for position in positions],
                        [run for _, runs in finished for run in runs],
                    )
                    if taken is not None:
                        taken.release(len(finished))
                for problem in came:
                    if isinstance(problem, BaseException):
                        raise problem
                working -= came.count(None)
        finally:
            todo.leave.set()

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
        todo: "_Chunks",
        results: "queue.SimpleQueue[Came]",
        taken: threading.Semaphore | None,
        x64: bool,
    ) -> None:
        """What each thread does: take the next chunk until there is none, or it is time to leave."""
        try:
            with jax.enable_x64(x64):  # a thread does not inherit it
                for positions in todo:
                    runs = sweep.train([cells[i] for i in positions], todo.leave.is_set)
                    if runs is not None:
                        results.put((positions, runs))
                        while taken and not (todo.leave.is_set() or taken.acquire(timeout=POLL)):
                            pass
            results.put(None)
        except BaseException as problem:  # noqa: BLE001 - raised again where the results are awaited
            results.put(problem)


class _Chunks:
    """Chunks that several threads take, until it is time to leave, or to answer with what there is."""

    def __init__(self, chunks: Iterator[Sequence[int]]) -> None:
        self.chunks, self.lock, self.leave = chunks, threading.Lock(), threading.Event()

    def __iter__(self) -> "_Chunks":
        return self

    def __next__(self) -> list[int]:
        with self.lock:
            if self.leave.is_set() or interruption.is_winding_up():
                raise StopIteration
            return list(next(self.chunks))


THREADS = Threads()
"""The backend where none is named."""


def _next(results: "queue.SimpleQueue[Came]") -> "list[Came]":
    """All results that have come, at least one; None for each thread that has ended.

    They are kept together, in one file: a disk takes as long to say that it is there as for one of them.

    Raises KeyboardInterrupt when a signal asks to stop.
    """
    came: list[Came] = []
    while not came:
        interruption.check()
        with contextlib.suppress(queue.Empty):
            came.append(results.get(timeout=POLL))
    while not results.empty():
        came.append(results.get())
    return came
