"""A program, traced and compiled once for whatever cells follow."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.stages import Compiled, Lowered
from jaxtyping import PyTree

from kobai.basics.machine import pool
from kobai.engine.program import COMPILER_OPTIONS

Counts = tuple[int, ...] | None
"""How many cells of each rule a population has; None for a single cell, whatever its rule."""


Traced = tuple[Lowered | None, Lowered | None]
"""(block, final) before compilation."""

Executable = Compiled
"""A compiled function, called with arrays of the shapes that it was compiled for."""


class Data(NamedTuple):
    """A task's data on the device, each a pytree of arrays; `test` may be None."""

    train: PyTree
    validation: PyTree
    test: PyTree


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


def joined(items: Sequence[PyTree], together: bool) -> PyTree:
    """One pytree for a list of equal ones: with a leading axis for a population, else the only one."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items) if together else items[0]
