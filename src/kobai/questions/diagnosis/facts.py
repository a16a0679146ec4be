"""What can be seen of the data before any training: columns of the inputs, and the labels."""

import dataclasses
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.tasks.measurement import Measurement
from kobai.tasks.task import Task

MOST_CLASSES = 1000
"""Whole numbers of more kinds than this are no classes."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the training data are like.

    Fields:
      constant: the share of columns, numbers along the last axis of the inputs, that never vary.
      largest: the root mean square of the largest column; 0: no inputs of numbers.
      apart: the largest standard deviation of a column that varies, over the median one.
      classes: how often each class stands in the labels, most often first; (): they are no classes.
      examples: how many there are.
      alike: whether all labels are one and the same, so that a constant answer is right.
    """

    constant: float
    largest: float
    apart: float
    classes: tuple[int, ...]
    examples: int = 0
    alike: bool = False

    @property
    def outnumbered(self) -> float:
        """How often the largest class stands there for each example of the smallest."""
        return self.classes[0] / self.classes[-1] if len(self.classes) > 1 else 1.0


def facts(train: PyTree) -> Facts:
    """The facts of training data; of (x, y) x are the inputs, of anything else all of it."""
    inputs, labels = parts(train)
    spreads, sizes = [], [0.0]
    for array in inputs:
        if _is_measured(array):
            rows = array.reshape(-1, array.shape[-1]).astype(float)
            spreads.append(rows.std(axis=0))
            sizes.append(float(np.sqrt((rows**2).mean(axis=0)).max()))
    spread = np.concatenate(spreads) if spreads else np.ones(1)
    varies = spread > 1e-7 * max(sizes)
    usual = float(np.median(spread[varies])) if varies.any() else 1.0
    return Facts(
        constant=float(np.mean(~varies)) if spreads else 0.0,
        largest=max(sizes),
        apart=float(spread.max()) / usual if varies.any() else 1.0,
        classes=_classes(labels),
        examples=len(jax.tree.leaves(train)[0]),
        alike=labels is not None and bool((labels == labels[:1]).all()),
    )


def _is_measured(array: np.ndarray) -> bool:
    """Whether an input is of numbers that have a size: whole ones in images alone (rows may be tokens)."""
    return array.ndim > 1 if array.dtype.kind == "f" else array.dtype.kind in "iu" and array.ndim > 2


def outputs(task: Task) -> int | None:
    """How many outputs its network has for an example; None: its loss is not measured at those of one."""
    if not isinstance(task.loss, Measurement) or not isinstance(task.train, tuple):
        return None
    network, x = task.loss.network, jax.tree.map(lambda array: np.asarray(array)[:1], task.train[0])
    shape = jax.eval_shape(
        lambda parameters, state: network.apply(parameters, x, state, False)[0], task.parameters, task.state
    ).shape
    return int(shape[-1]) if len(shape) > 1 else 1


def parts(train: PyTree) -> tuple[list[np.ndarray], np.ndarray | None]:
    """(the arrays of inputs, the labels or None)."""
    if isinstance(train, tuple) and len(train) == 2:
        x, y = train
        own = jax.tree.leaves(y)
        return list(map(np.asarray, jax.tree.leaves(x))), np.asarray(own[0]) if len(own) == 1 else None
    return list(map(np.asarray, jax.tree.leaves(train))), None


def _classes(labels: np.ndarray | None) -> tuple[int, ...]:
    if labels is None or labels.dtype.kind not in "iu":
        return ()
    _, counts = np.unique(labels, return_counts=True)
    return tuple(int(n) for n in np.sort(counts)[::-1]) if len(counts) <= MOST_CLASSES else ()


def shuffled(train: PyTree, seed: int = 0) -> PyTree | None:
    """The same inputs with the labels of other examples; None: it is not known what the labels are."""
    if not (isinstance(train, tuple) and len(train) == 2):
        return None
    x, y = train
    order = np.random.default_rng(seed).permutation(len(jax.tree.leaves(x)[0]))

    def moved(array: Any) -> np.ndarray:
        return np.asarray(array)[order]

    return x, jax.tree.map(moved, y)
