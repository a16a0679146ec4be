"""How many cells step together on a device: all that there are, and as many as it has memory for.

What is compiled is compiled for a number of cells, so numbers are rounded, the rest of the places repeat a
cell whose results nobody reads, and a program that is there already serves fewer cells, too: a device takes
about as long for a few networks as for a hundred.
"""

import jax

from kobai.engine.blocks import Size
from kobai.engine.executables import Executables

MOST = 4096
"""Cells in step: more of them gain nothing, and a chunk is what an interruption costs."""

SPARE = 4
"""A program for up to so many times the cells serves them, rather than another being compiled."""

STREAMS = 32
"""Seeds that every program has room for."""

FULL = 0.8
"""The part of a device's free memory that is used."""


def fitting(executables: Executables, family: int, cells: int, streams: int) -> Size:
    """The size of the smallest program for such a population: one that is there, or one to be compiled."""
    ready = [
        size
        for size in executables.sizes()
        if size.family == family and cells <= size.cells <= SPARE * cells and streams <= size.streams
    ]
    return min(ready, default=_compiled_for(family, cells, streams))


def _compiled_for(family: int, cells: int, streams: int) -> Size:
    return Size(family, rounded(cells), max(STREAMS, rounded(streams)))


def rounded(number: int) -> int:
    """The number, rounded up to four binary places."""
    unit = 1 << max(0, number.bit_length() - 4)
    return -(-number // unit) * unit


def largest(executables: Executables, family: int, cells: int, streams: int, bytes_of_cell: int) -> int:
    """How many of the cells step together, at least 1.

    Args:
      bytes_of_cell: what a cell is at least: no program is compiled for more of these than there is room for.
    """
    most, free = min(cells, MOST), free_bytes()
    if free is None:
        return most
    most = max(1, min(most, int(FULL * free / bytes_of_cell)))
    while most > 1:
        need = executables.bytes_of(_compiled_for(family, most, streams))
        if need <= FULL * free:
            break
        most = max(1, min(most - 1, int(most * FULL * free / need)))
    return most


def free_bytes() -> int | None:
    """The free memory of the device; None where it does not say, as a CPU."""
    stats = jax.devices()[0].memory_stats()
    return stats["bytes_limit"] - stats["bytes_in_use"] if stats else None
