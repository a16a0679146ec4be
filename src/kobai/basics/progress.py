"""How far a long computation is: one bar over all of it on a terminal, elsewhere a line every few seconds."""

import contextlib
import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.text import Text

from kobai.basics.console import Console
from kobai.words import say

INTERVAL = 10.0
"""Seconds between two lines, where no bar can be drawn."""

PATIENCE = 3.0
"""Seconds after which a person is told what it is that says nothing yet."""


class Progress(Protocol):
    """What is told of a running study."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, cells: int) -> None: ...

    def tell(self, sentence: str) -> None: ...


class _Speed(ProgressColumn):
    """How many cells are finished in a second."""

    def render(self, task: Bar) -> Text:
        return Text(say("progress.speed", speed=f"{task.speed or 0:.1f}"))


class _Silent:
    """Tells nothing."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, cells: int) -> None: ...

    def tell(self, sentence: str) -> None: ...


class _Bar:
    """One bar over all phases.

    Args:
      bar: of rich.
      whole: how many cells all phases have, as far as that is known before the last of them begins.
    """

    def __init__(self, bar: Bars, whole: int) -> None:
        self.bar, self.whole, self.done = bar, whole, 0
        self.task = bar.add_task("", total=whole or None)

    def phase(self, name: str, total: int) -> None:
        self.whole = max(self.whole, self.done + total)
        name = say(f"progress.{name}")
        self.bar.update(self.task, description=name, total=self.whole, refresh=True)  # however short it is

    def advance(self, cells: int) -> None:
        self.done += cells
        self.bar.advance(self.task, cells)

    def tell(self, sentence: str) -> None:
        self.bar.console.print(sentence, highlight=False)


class _Lines:
    """Where no bar can be drawn, in a log or a plain notebook: now and then a line says how far it is."""

    def __init__(self, console: Console, whole: int, clock: Callable[[], float]) -> None:
        self.console, self.whole, self.done, self.clock = console, whole, 0, clock
        self.began = self.told = clock()
        self.name = ""

    def phase(self, name: str, total: int) -> None:
        self.name, self.whole = name, max(self.whole, self.done + total)

    def advance(self, cells: int) -> None:
        self.done += cells
        now = self.clock()
        if now - self.told >= INTERVAL and self.done:
            self.told = now
            left = (now - self.began) * (self.whole - self.done) / self.done
            values = {"done": self.done, "whole": self.whole, "time": duration(left)}
            self.tell(say("progress.line", phase=say(f"progress.{self.name}"), **values))

    def tell(self, sentence: str) -> None:
        self.console.print(sentence, highlight=False)


def duration(seconds: float) -> str:
    """A time as a person says it: 40 seconds, 4 minutes, 2.5 hours."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            count = seconds / length
            return say(f"progress.{unit}", count=f"{count:.0f}" if count >= 3 else f"{count:.2g}")
    return say("progress.seconds", count=max(10 * round(seconds / 10), 10))  # what is left is never nothing


class Clock(Protocol):
    """What calls a function after a while, in a thread of its own: `threading.Timer`."""

    daemon: bool

    def start(self) -> None: ...

    def cancel(self) -> None: ...


@contextlib.contextmanager
def told_late(
    key: str, clock: Callable[[float, Callable[[], None]], Clock] = threading.Timer, **values: object
) -> Iterator[None]:
    """Say one line on standard error, once, where what stands inside takes longer than `PATIENCE`.

    `clock` makes what calls a function after so many seconds.
    """
    sentence = say(key, **values)  # in the language of this thread
    timer = clock(PATIENCE, lambda: Console(stderr=True).print(sentence, highlight=False))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def progress_bar(
    progress: bool, whole: int = 0, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """What a running study tells: a bar on a terminal or in a notebook, elsewhere lines on standard error.

    `whole` is how many cells there are in all phases together, as far as that is known.
    """
    console = Console(stderr=True)
    # In a notebook rich draws with ipywidgets; without them it would warn in place of a bar.
    notebook = console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
    if not progress:
        yield _Silent()
    elif not (console.is_terminal or notebook):
        yield _Lines(console, whole, clock)
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(max(8, min(40, console.width - 48))),  # what the words and numbers leave
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=console, transient=True) as bar:
            yield _Bar(bar, whole)
