"""The rows of a table in three parts, in which every class has its share."""

from typing import NamedTuple

import numpy as np

from kobai.basics.arrays import Integers


class Parts(NamedTuple):
    """The rows of each part, ascending."""

    train: Integers
    validation: Integers
    test: Integers


def split(classes: Integers, validation: float, test: float, seed: int) -> Parts:
    """Three parts of the rows, stratified: each class has its share in each part, to within one row.

    The rows stand in a row, class by class, in random order within a class. Row i goes into the test part
    where ⌊(i + 1) t + ½⌋ is greater than ⌊i t + ½⌋, with t its share, so that every 1/t-th goes there; of the
    others the validation data are chosen likewise. A class without a row for training gets all of its rows
    there: what is never seen cannot be learned.

    Args:
      classes: the class of each row; all equal where there are none.
      validation, test: their shares, above 0 and together below 1.
      seed: of the order within a class.
    """
    # RandomState, because NumPy promises its stream for ever: the parts never change.
    shuffled = np.random.RandomState(seed).permutation(len(classes)).astype(np.int32)
    order = shuffled[np.argsort(classes[shuffled], kind="stable")]
    in_test = _chosen(len(order), test)
    rest = order[~in_test]
    in_validation = _chosen(len(rest), validation / (1 - test))
    part = np.zeros(len(classes), np.int8)
    part[rest[in_validation]], part[order[in_test]] = 1, 2
    part[~np.isin(classes, classes[part == 0])] = 0
    return Parts(*(np.flatnonzero(part == number) for number in range(3)))


def _chosen(count: int, share: float) -> np.ndarray:
    """Which of so many in a row are chosen, so that every 1/share-th is."""
    steps = np.arange(count + 1, dtype=float)
    steps *= share  # in place, for tables of many rows
    steps += 0.5
    np.floor(steps, out=steps)
    return steps[1:] > steps[:-1]
