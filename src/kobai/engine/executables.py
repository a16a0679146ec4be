"""A program, traced and compiled once for whatever cells follow."""

from collections.abc import Callable

import jax
from jax.stages import Compiled

from kobai.basics.machine import pool
from kobai.engine.blocks import Counts, Traced
from kobai.engine.program import COMPILER_OPTIONS

Executable = Compiled
"""A compiled function, called with arrays of the shapes that it was compiled for."""


class Executables:
    """The compiled functions of a program, by the counts of what they train.

    Each is a pair (block, final). `final` is None where it is not needed: without test data, or where they
    have the shapes of the validation data, so that the block evaluates them as well.

    Args:
      lower: what traces the pair for such counts, with arguments of the shapes that it will have.
    """

    def __init__(self, lower: Callable[[Counts], Traced]) -> None:
        self._lower = lower
        self._lowered: dict[Counts, Traced] = {}
        self._compiled: dict[Counts, tuple[Executable, Executable | None]] = {}

    def compiled(self, counts: Counts) -> tuple[Executable, Executable | None]:
        """(block, final), ready to be called."""
        if counts not in self._compiled:
            options = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
            with pool(2) as threads:  # the compiler uses one core for each
                block, final = threads.map(
                    lambda lowered: lowered and lowered.compile(options), self.traced(counts)
                )
            self._compiled[counts] = block, final
        return self._compiled[counts]

    def traced(self, counts: Counts) -> Traced:
        """(block, final) before compilation, traced once: for the program's text and for compiling it."""
        if counts not in self._lowered:
            self._lowered[counts] = self._lower(counts)
        return self._lowered[counts]
