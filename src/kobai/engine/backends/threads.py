"""The threads of this machine: each takes the next chunk of cells until there is none."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import jax

from kobai.basics import interruption
from kobai.basics.machine import thread
from kobai.engine.cell import Cell
from kobai.engine.run import Run

Result = tuple[list[int], list[Run]]

POLL = 0.1
"""Seconds between two looks at whether a signal asks to stop."""


class Engine(Protocol):
    """What the threads ask of a `Sweep`."""

    threads: int

    def compile(self) -> None: ...

    def chunks(self, cells: Sequence[Cell]) -> list[list[int]]: ...

    def train(self, cells: Sequence[Cell], leave: Callable[[], bool]) -> list[Run] | None: ...


class Threads:
    """A backend of `engine.threads` threads. Told to leave, each ends its block and starts no other."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]

    def run(self, cells: Sequence[Cell]) -> Iterator[Result]:
        """Run `cells`: see `Backend.run`."""
        chunks = self.engine.chunks(cells)
        if not chunks:
            return
        self.engine.compile()  # here, once, rather than by every thread
        todo: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        for chunk in chunks:
            todo.put(chunk)
        leave = threading.Event()
        for _ in range(min(self.engine.threads, len(chunks))):
            # No daemons: the interpreter must not end while a compiled call runs, and waits for them.
            thread(self._work, cells, todo, done, leave).start()
        try:
            for _ in chunks:
                result = _next(done)
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            leave.set()

    def _work(
        self,
        cells: Sequence[Cell],
        todo: "queue.SimpleQueue[list[int]]",
        done: "queue.SimpleQueue[Result | BaseException]",
        leave: threading.Event,
    ) -> None:
        """What each thread does: take the next chunk until there is none, or it is time to leave."""
        try:
            with jax.enable_x64(self.x64):  # a thread does not inherit it
                while not leave.is_set():
                    positions = todo.get_nowait()
                    runs = self.engine.train([cells[i] for i in positions], leave.is_set)
                    if runs is not None:
                        done.put((positions, runs))
        except queue.Empty:
            return
        except BaseException as problem:  # noqa: BLE001 - raised again where the results are awaited
            done.put(problem)


def _next(done: "queue.SimpleQueue[Result | BaseException]") -> "Result | BaseException":
    """The next result. Raises KeyboardInterrupt when a signal asks to stop."""
    while True:
        interruption.check()
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=POLL)
