"""The contract of a backend: what `kobai.compare(backend=…)` asks of a place where cells are run."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from kobai.engine.cell import Cell
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep


@runtime_checkable
class Backend(Protocol):
    """A place where cells are run: the threads of this machine, if nothing else is said.

    A backend of one's own has the one method `run`. A cell travels to another process by its spelling, which
    is JSON, and the same numbers come of it there, on the same kind of processor::

        class Elsewhere:
            def run(self, sweep, cells):
                for chunk in sweep.chunks(cells):
                    letters = [json.dumps(cells[i].spelling()) for i in chunk]
                    yield chunk, sweep.train([Cell.of(json.loads(letter)) for letter in letters])

        kobai.compare("digits", backend=Elsewhere())

    `Cell` is `kobai.engine.cell.Cell`; a cell with a method or a schedule of one's own has no spelling.
    """

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[tuple[list[int], list[Run]]]:
        """Run `cells` of one task, each once; yields chunk by chunk, as they finish.

        Leaving the iteration early (Ctrl-C, `close`) ends what is under way soon and starts nothing else.

        Args:
          sweep: the engine for this task: ``sweep.chunks(cells)`` says which positions to train together,
            ``sweep.train(chunk)`` gives the runs of such cells; each result is the same however they are
            divided.
          cells: an optimizer, an initializer, a seed and a strategy each.

        Yields:
          (positions among `cells`, their runs).
        """
        ...
