"""Every row of the data is looked at once, before any training: what spoils a loss is named with its row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import jax
import numpy as np
from jax import lax

from kobai.basics.arrays import Array, Data, Integers, Matrix, Number, Scalar, Truth, Vector, on_device
from kobai.basics.errors import UsageError
from kobai.tasks.indices import Outside, outside

Loss: TypeAlias = Callable[[Sequence[Array], Data], Scalar]
"""The loss of a batch, by the trained arrays."""

Evaluation: TypeAlias = Callable[[Sequence[Array], Data], tuple[Scalar, Scalar]]
"""(loss, metric) of a part of the data, by the trained arrays."""

Measures: TypeAlias = Scalar | tuple[Scalar, Scalar]
"""What one of the two gives; an entry for each batch, where several are measured."""

COMPILER_OPTIONS = {"xla_backend_optimization_level": 0}
"""A program that runs once is compiled in half the time where nothing is made faster in it."""


def check_rows(
    task: str,
    parts: Mapping[str, Data],
    batch_size: int,
    arrays: Sequence[Array],
    loss: Loss,
    evaluate: Evaluation,
) -> None:
    """Refuse rows by which nothing can be looked up, and a loss that is not finite. Raises `UsageError`.

    `task` is its name, for what is told; `parts` has "train", "validation" and, where there is one, "test".
    """
    parts = {name: jax.tree.map(on_device, data) for name, data in parts.items()}
    examples = _length(parts["train"])
    rows = np.minimum(np.arange(-(-examples // batch_size) * batch_size), examples - 1)
    batches = {name: np.arange(_length(data))[None] for name, data in parts.items()}
    batches["train"] = rows.reshape(-1, batch_size)  # the last one filled up with the last example
    measures = {name: loss if name == "train" else evaluate for name in parts}

    def everything(
        arrays: Sequence[Array], parts: dict[str, Data], batches: dict[str, Matrix]
    ) -> dict[str, tuple[Measures, Truth]]:
        return {name: _looked_at(measures[name], arrays, parts[name], batches[name]) for name in parts}

    options = COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
    every = jax.jit(everything, compiler_options=options)(arrays, parts, batches)
    for name, data in parts.items():
        part, (values, beyond) = Part(task, name, batch_size, arrays, data, measures[name]), every[name]
        part.check_indices(batches[name][np.asarray(beyond)])
        part.check_values(jax.tree.leaves(values), batches[name])


@dataclass(frozen=True)
class Part:
    """A part of the data, and what is measured on it."""

    task: str
    name: str
    batch_size: int
    arrays: Sequence[Array]
    data: Data
    measure: Loss | Evaluation

    def check_indices(self, batches: Matrix) -> None:
        """Refuse the first row of these by which something is looked up that is not there, and counts."""
        if not batches.size:
            return
        rows = np.unique(batches)
        (values, places), (others, _) = (self._alone(rows, amount) for amount in (0.0, 1.0))
        differ = [~np.equal(a, b) for a, b in zip(*map(jax.tree.leaves, (values, others)), strict=True)]
        spoils = np.asarray(places.exists) & np.any(differ, axis=0)
        if spoils.any():
            first = spoils.argmax()
            index, size = int(places.number[first]), int(places.size[first])
            place = {"task": self.task, "part": self.name, "row": rows[first], "value": index}
            raise UsageError("error.task.row.index", **place, size=size, last=size - 1)

    def check_values(self, values: Sequence[Vector], batches: Matrix) -> None:
        """Refuse a loss or metric that is not finite, with the first row that spoils it, if it is a row."""
        lost = ~np.isfinite(values[0])
        if lost.any():
            rows = np.unique(batches[lost])
            spoils = ~np.isfinite(jax.tree.leaves(self._alone(rows, 0.0)[0])[0])
            if spoils.any() and not spoils.all():
                raise _of_row(self.task, self.name, self.data, rows[spoils.argmax()])
            raise self._lost("loss" if self.name == "train" else f"{self.name} loss", values[0])
        if self.name == "validation" and not np.isfinite(values[1]).all():
            raise self._lost("metric", values[1])

    def _alone(self, rows: Integers, amount: float) -> tuple[Measures, Outside]:
        """What is measured on each row as a batch of itself, so that a batch can be normalized."""
        batches = np.repeat(rows[:, None], self.batch_size, axis=1)
        return _measured(self.measure, self.arrays, self.data, batches, amount)

    def _lost(self, name: str, values: Vector) -> UsageError:
        value = np.ravel(values)[~np.isfinite(np.ravel(values))][0]
        return UsageError("error.task.finite", task=self.task, name=name, value=float(value))


def _looked_at(
    measure: Loss | Evaluation, arrays: Sequence[Array], data: Data, batches: Matrix
) -> tuple[Measures, Truth]:
    """What is measured on each batch of rows, and whether an index in it is out of range."""

    def of(rows: Integers) -> tuple[Measures, Truth]:
        measures, place = outside(measure, arrays, jax.tree.map(lambda array: array[rows], data))
        return measures, place.exists

    return lax.map(of, batches)


def _watched(
    measure: Loss | Evaluation, arrays: Sequence[Array], data: Data, batches: Matrix, amount: Number
) -> tuple[Measures, Outside]:
    """What is measured on each batch of rows, and the first index in it that is out of range."""

    def of(rows: Integers) -> tuple[Measures, Outside]:
        return outside(measure, arrays, jax.tree.map(lambda array: array[rows], data), amount)

    return lax.map(of, batches)


_measured = jax.jit(_watched, static_argnums=0)


def _length(data: Data) -> int:
    return len(jax.tree.leaves(data)[0])


def _of_row(task: str, part: str, data: Data, row: np.integer) -> UsageError:
    """The error that names the first bad row of a part, and what is wrong in it as far as can be seen."""
    leaves = [np.asarray(leaf)[row] for leaf in jax.tree.leaves(data)]
    lost = [leaf[~np.isfinite(leaf)] for leaf in leaves if leaf.dtype.kind in "fc"]
    place = {"task": task, "part": part, "row": row}
    if any(leaf.size for leaf in lost):
        value = next(leaf for leaf in lost if leaf.size).flat[0]
        return UsageError("error.task.row.data", **place, value=value)
    whole = [leaf.tolist() for leaf in leaves if leaf.dtype.kind in "iub" and leaf.size <= 10]
    return UsageError("error.task.row.loss", **place, values=", ".join(map(str, whole)) or "–")
