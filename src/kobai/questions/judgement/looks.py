"""A file that grows: looked at with 4, 8, 16, 32, 64, … runs of each arm, and in between says nothing new.

The k-th look has the level α / (k (k + 1)). These add up to less than α however long it goes on, so that in
at most 5 % of studies anything wrong is said at any look. A verdict is a function of the first 4, 8, 16, …
runs alone: the file may be judged as often as one likes.
"""

from collections.abc import Iterator

from kobai.study.statistics import ALPHA

FIRST = 4


def looks(runs: int) -> Iterator[tuple[int, float]]:
    """(runs, level) of every look that so many runs allow."""
    k, count = 1, FIRST
    while count <= runs:
        yield count, ALPHA / (k * (k + 1))
        k, count = k + 1, 2 * count


def following(runs: int) -> tuple[int, float]:
    """(runs, level) of the next look."""
    k, count = 1, FIRST
    while count <= runs:
        k, count = k + 1, 2 * count
    return count, ALPHA / (k * (k + 1))
