"""A task's program, traced and compiled once for whatever cells follow."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.stages import Compiled, Lowered
from jaxtyping import PyTree

from kobai.basics.machine import pool
from kobai.engine.program import COMPILER_OPTIONS, Program
from kobai.engine.strategy import Strategy

Counts = tuple[int, ...] | None
"""How many cells of each rule a population has; None for a single cell, whatever its rule."""


Executable = Compiled
"""A compiled function, called with arrays of the shapes that it was compiled for."""


class Data(NamedTuple):
    """A task's data on the device, each a pytree of arrays; `test` may be None."""

    train: PyTree
    validation: PyTree
    test: PyTree


class Executables:
    """The compiled functions of a program on a task's data, by the counts of what they train.

    Each is a pair (block, final). `final` is None where it is not needed: without test data, or where they
    have the shapes of the validation data, so that the block evaluates them as well.
    """

    def __init__(self, program: Program, data: Data) -> None:
        self.program, self.data = program, data
        self._lowered: dict[Counts, tuple[Lowered | None, Lowered | None]] = {}
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

    def traced(self, counts: Counts) -> tuple[Lowered | None, Lowered | None]:
        """(block, final) before compilation, traced once: for the program's text and for compiling it."""
        if counts not in self._lowered:
            self._lowered[counts] = self._lower(counts)
        return self._lowered[counts]

    def _lower(self, counts: Counts) -> tuple[Lowered | None, Lowered | None]:
        """Trace (block, final) with arguments of the shapes they will have."""
        program, (train, validation, test) = self.program, self.data
        if not program.rules:
            return None, None
        together, size = counts is not None, 1 if counts is None else sum(counts)
        cells = joined([program.start(program.optimizers[0], program.θ)] * size, together)
        draws = joined([program.draws(0, Strategy(), 0, 0, 0)] * size, together)
        block = program.block if counts is None else functools.partial(program.population, counts)
        lowered = jax.jit(block).lower(program.clock(0, []), cells, draws, train, validation)
        alike = test is None or _shapes(test) == _shapes(validation)
        return lowered, None if alike else jax.jit(program.final).lower(cells, test)


def joined(items: Sequence[PyTree], together: bool) -> PyTree:
    """One pytree for a list of equal ones: with a leading axis for a population, else the only one."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *items) if together else items[0]


def _shapes(data: PyTree) -> PyTree:
    """The structure, shapes and dtypes of some data: what a program is compiled for."""
    return jax.tree.map(lambda array: (array.shape, str(array.dtype)), data)
