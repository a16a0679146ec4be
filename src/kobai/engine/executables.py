"""A program, traced and compiled once for whatever cells follow."""

from collections.abc import Callable

import jax
from jax.stages import Compiled

from kobai.basics.machine import pool
from kobai.engine.blocks import Size, Traced

COMPILER_OPTIONS = {
    # A cell belongs to one thread: splitting its small products over cores only adds waiting.
    "xla_cpu_multi_thread_eigen": False,
    # The fast form drops NaN in max(x, 0), and with it the sign of a diverged run.
    "xla_cpu_enable_fast_min_max": False,
}


def compiler_options() -> dict[str, str | bool] | None:
    """`COMPILER_OPTIONS` where a CPU computes."""
    return {**COMPILER_OPTIONS} if jax.default_backend() == "cpu" else None


Executable = Compiled
"""A compiled function, called with arrays of the shapes that it was compiled for."""


class Executables:
    """The compiled functions of a program, for one cell (None) and for populations by their size.

    Each is a pair (block, final). `final` is None where it is not needed: without test data, or where they
    have the shapes of the validation data, so that the block evaluates them as well.

    Args:
      lower: what traces the pair for one cell or such a population, with arguments of the shapes that it
        will have.
    """

    def __init__(self, lower: Callable[[Size | None], Traced]) -> None:
        self._lower = lower
        self._lowered: dict[Size | None, Traced] = {}
        self._compiled: dict[Size | None, tuple[Executable, Executable | None]] = {}

    def compiled(self, size: Size | None) -> tuple[Executable, Executable | None]:
        """(block, final), ready to be called."""
        if size not in self._compiled:
            options = compiler_options()
            with pool(2) as threads:  # the compiler uses one core for each
                block, final = threads.map(
                    lambda lowered: lowered and lowered.compile(options), self.traced(size)
                )
            self._compiled[size] = block, final
        return self._compiled[size]

    def sizes(self) -> list[Size]:
        """The populations that are compiled."""
        return [size for size in self._compiled if size is not None]

    def bytes_of(self, size: Size) -> int:
        """What a block of such a population takes on the device, as its compiler says."""
        need = self.compiled(size)[0].memory_analysis()
        if need is None:  # a device that does not say
            return 0
        return need.argument_size_in_bytes + need.output_size_in_bytes + need.temp_size_in_bytes

    def traced(self, size: Size | None) -> Traced:
        """(block, final) before compilation, traced once: for the program's text and for compiling it."""
        if size not in self._lowered:
            self._lowered[size] = self._lower(size)
        return self._lowered[size]
