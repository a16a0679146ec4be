"""Cells that are run, and runs that are compared."""

import dataclasses

import numpy as np

from kobai import initializers as initial_values
from kobai.engine.backends import THREADS
from kobai.engine.run import Run

HE = initial_values.he()


def runs_of(sweep, cells):
    found = {}
    for positions, runs in THREADS.run(sweep, cells):
        found |= dict(zip(positions, runs, strict=True))
    assert sorted(found) == list(range(len(cells)))
    return [found[i] for i in range(len(cells))]


def same(first, second):
    """Equal bit for bit in all but the time it took."""
    fields = [f.name for f in dataclasses.fields(type(first)) if f.name not in ("seconds", "averages")]
    equal = [
        np.array_equal(
            getattr(first, name),
            getattr(second, name),
            equal_nan=isinstance(getattr(first, name), np.ndarray),
        )
        for name in fields
    ]
    if isinstance(first, Run):
        equal += [same(*pair) for pair in zip(first.averages, second.averages, strict=True)]
    return all(equal)
