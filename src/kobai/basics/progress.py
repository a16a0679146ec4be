"""How far a long computation is: what is told of it, and the bar that shows it."""

import contextlib
import importlib.util
from collections.abc import Iterator
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


class Progress(Protocol):
    """What is told of a running study."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, cells: int) -> None: ...


class _Speed(ProgressColumn):
    """Cells a second."""

    def render(self, task: Bar) -> Text:
        return Text(say("progress.speed", speed=f"{task.speed or 0:.1f}"))


class _Bar:
    """A progress bar over all phases of a study."""

    def __init__(self, bar: Bars) -> None:
        self.bar = bar

    def phase(self, name: str, total: int) -> None:
        for task in self.bar.task_ids:
            self.bar.remove_task(task)
        self.task = self.bar.add_task(say(f"progress.{name}"), total=total)

    def advance(self, cells: int) -> None:
        self.bar.advance(self.task, cells)


class _Silent:
    def phase(self, name: str, total: int) -> None: ...

    def advance(self, cells: int) -> None: ...


@contextlib.contextmanager
def progress_bar(progress: bool) -> Iterator[Progress]:
    """What a running study tells, as a bar on a terminal or in a notebook; nothing elsewhere."""
    console = Console(stderr=True)
    # In a notebook rich draws with ipywidgets; without them it would warn in place of a bar.
    notebook = console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
    if not progress or not (console.is_terminal or notebook):
        yield _Silent()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)
