"""The contract of a backend."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from kobai.engine.cell import Cell
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep


class Backend(Protocol):
    """A place where cells are run."""

    def run(self, sweep: Sweep, cells: Sequence[Cell]) -> Iterator[tuple[list[int], list[Run]]]:
        """Run `cells` of one task; yields (their positions, their runs) for each chunk as it finishes.

        Leaving the iteration early (Ctrl-C, `close`) ends what is under way soon and starts nothing else.
        """
        ...
