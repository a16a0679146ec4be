"""The task of predicting one column of a table from the others, by a dense network."""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array, Scalar
from kobai.basics.checks import check_seed, is_number, listed
from kobai.basics.errors import UsageError, quoted, unknown
from kobai.networks import mlp
from kobai.networks.network import Dense, widths
from kobai.tasks.of_network import accuracy, classification, task_of
from kobai.tasks.table import describe
from kobai.tasks.table.baseline import Data, baselines
from kobai.tasks.table.columns import ASKED, Column, moments, plan
from kobai.tasks.table.encode import Known, encoded
from kobai.tasks.table.label import Label, known_rows, label_of
from kobai.tasks.table.read import Frame, read
from kobai.tasks.table.source import Columns
from kobai.tasks.table.split import Parts, split
from kobai.tasks.table.transformation import TrainedTable, Transformation
from kobai.tasks.task import Task
from kobai.words import Note

FEWEST = 20
"""A table of fewer rows with a label has too few for three parts."""

BATCHES = 16
"""A batch is so small that an epoch has at least so many."""

LARGEST_BATCH = 128


def table(
    data: str | Path | Frame,
    *,
    label: str | None = None,
    kind: str | None = None,
    leave_out: str | Sequence[str] = (),
    validation: float = 0.2,
    test: float = 0.2,
    split_seed: int = 0,
    hidden: int | Sequence[int] = (64, 64),
    activation: str = "relu",
    batch_norm: bool | str = False,
    batch_size: int | None = None,
    target: float | Sequence[float] | None = None,
) -> Task:
    """Predict one column of a table from the others with a dense network.

    Classes are predicted by cross-entropy, and the metric is accuracy; numbers by the squared error of the
    standardised label, and the metric is R². What became of each column says the answer.

    Args:
      data: a CSV, TSV or Parquet file, or a frame of polars or pandas.
      label: the column to predict.
      kind: "classification" or "regression". Default: classes for texts, truths, and whole numbers with at
        most 20 different values of five rows or more on average; else numbers.
      leave_out: columns that are not used.
      validation, test: the shares of the rows for validation and test.
      split_seed: of the split into the three parts.
      hidden: nodes of the hidden layer, or of each of several.
      activation: "relu", "tanh" or "sigmoid".
      batch_norm: batch normalization in every hidden layer, as in `digits`.
      batch_size: examples in a batch. Default: a power of two, at most 128, with 16 batches an epoch or more.
      target: validation metric to reach; of several the first decides. Default: 90 % of the way from the
        start to the best tuning run.

    Raises:
      UsageError: for a file that cannot be read, and for a label or columns that nothing can be made of.
    """
    prepared = prepare(
        data,
        label=label,
        kind=kind,
        leave_out=leave_out,
        validation=validation,
        test=test,
        split_seed=split_seed,
    )
    return prepared.task(
        hidden=hidden, activation=activation, batch_norm=batch_norm, batch_size=batch_size, target=target
    )


@dataclass(frozen=True)
class Prepared:
    """A table that was read and encoded once, for as many networks as are tried on it.

    Fields:
      name: of the task.
      train, validation, test: (x, y).
      label: what is predicted.
      transformation: of new rows, and of the network's outputs.
      preparation, cautions: what is said about it.
      baselines: the test metric of each.
    """

    name: str
    train: Data
    validation: Data
    test: Data
    label: Label
    transformation: Transformation
    preparation: tuple[Note, ...]
    cautions: tuple[Note, ...]
    baselines: dict[str, float]

    def task(
        self,
        *,
        hidden: int | Sequence[int] = (64, 64),
        activation: str = "relu",
        batch_norm: bool | str = False,
        batch_size: int | None = None,
        target: float | Sequence[float] | None = None,
    ) -> Task:
        """The task of a network on this table; the arguments are those of `table`."""
        fields = {
            "name": self.name,
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "target": target,
            "batch_size": _batch_size(len(self.train[1])) if batch_size is None else batch_size,
            "preparation": self.preparation,
            "cautions": self.cautions,
            "baselines": self.baselines,
            "table": self.transformation,
        }
        inputs, outputs = self.train[0].shape[1], len(self.label.classes) or 1
        network = mlp.network((inputs, *widths(hidden), outputs), activation, batch_norm)
        network = network._replace(
            model=functools.partial(TrainedTable, self.transformation, cast(Dense, network.dense))
        )
        if self.label.classes:
            return classification(network, classes=outputs, **fields)
        return task_of(
            network,
            loss=squared_error,
            metric=determination,
            metric_name="R²",
            maximize=True,
            metric_range=(-np.inf, 1.0),
            meaning=self.in_units,
            **fields,
        )

    def in_units(self, determination: float) -> Note:
        """What R² on the test data is as an error in the units of the label."""
        spread = float(np.std(np.asarray(self.test[1]))) * self.transformation.deviation
        error = spread * max(1 - determination, 0.0) ** 0.5
        return Note("dataset.in_units", {"error": f"{error:.3g}", "label": self.label.name})


def squared_error(outputs: Array, y: Array) -> Scalar:
    """Of the standardised label."""
    return jnp.mean((outputs[:, 0] - y) ** 2)


def determination(outputs: Array, y: Array) -> Scalar:
    """R² = 1 − Σ (ŷ − y)² / Σ (y − ȳ)², the same in the units of the label as for the standardised one."""
    return 1 - jnp.mean((outputs[:, 0] - y) ** 2) / jnp.mean((y - jnp.mean(y)) ** 2)


def prepare(
    data: str | Path | Frame,
    *,
    label: str | None = None,
    kind: str | None = None,
    leave_out: str | Sequence[str] = (),
    validation: float = 0.2,
    test: float = 0.2,
    split_seed: int = 0,
) -> Prepared:
    """Read a table and encode it; the arguments are those of `table`."""
    _check_shares(validation, test)
    check_seed("split_seed", split_seed)
    name = Path(data).stem if isinstance(data, str | Path) else "table"
    columns = read(data, whole=() if label is None else (label,))
    label, unused = _checked(columns, label, listed(leave_out))
    answers = columns.column(label)
    known = Known(columns, known_rows(answers))
    answers = known.column(label)
    if len(answers) < FEWEST:
        raise UsageError("error.table.rows", label=label, rows=len(answers), fewest=FEWEST)
    predicted = label_of(answers, kind)
    groups = predicted.values if predicted.classes else np.zeros(len(answers), int)
    parts = split(groups, validation, test, split_seed)
    y, mean, deviation = _standardised(predicted, parts)
    plans = [
        Column(each, reason=ASKED) if each in unused else _planned(known, each, parts)
        for each in columns.names
        if each != label
    ]
    if not any(column.encoder for column in plans):
        raise UsageError("error.table.columns", label=label, reasons=describe.left_out(plans))
    inputs = encoded(known, plans, answers, parts)
    # On a CPU the arrays of JAX are the same memory: every comparison on this table trains on it.
    arrays = (jax.device_put(x, may_alias=True) for x in inputs.parts)
    train, check, final = ((x, y[rows]) for x, rows in zip(arrays, parts, strict=True))
    facts = describe.Facts(
        label=predicted,
        parts=parts,
        columns=plans,
        unlabelled=columns.height - len(answers),
        width=inputs.parts[0].shape[1],
        repeated=inputs.repeated,
        seed=split_seed,
        encoding=columns.encoding,
    )
    return Prepared(
        name=name,
        train=train,
        validation=check,
        test=final,
        label=predicted,
        transformation=Transformation.of(plans, predicted, mean, deviation),
        preparation=tuple(describe.preparation(facts)),
        cautions=tuple(describe.cautions(facts)),
        baselines=baselines(
            train,
            check,
            final,
            classes=len(predicted.classes),
            metric=accuracy if predicted.classes else determination,
        ),
    )


def _check_shares(validation: float, test: float) -> None:
    for name, share in (("validation", validation), ("test", test)):
        if not is_number(share) or not 0 < share < 1:
            raise UsageError("error.table.share", name=name, value=quoted(share))
    if validation + test >= 1:
        raise UsageError("error.table.shares", validation=validation, test=test)


def _checked(columns: Columns, label: str | None, unused: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The label and the columns that are not used, if the table has them."""
    if label is None:
        raise UsageError("error.table.label", names=", ".join(columns.names))
    for name in (label, *unused):
        if name not in columns.names:
            raise unknown("kind.column", name, columns.names)
    if label in unused:
        raise UsageError("error.table.label.left_out", label=label)
    return label, unused


def _planned(known: Known, name: str, parts: Parts) -> Column:
    """What becomes of a column, with the word that stands for a missing number."""
    column = plan(known.column(name), parts.train, known.columns.height)
    return dataclasses.replace(column, word=known.columns.words.get(name, ""))


def _standardised(label: Label, parts: Parts) -> tuple[Array, float, float]:
    """What the network learns, class numbers or standardised numbers; and mean and deviation of these."""
    if label.classes:
        return label.values, 0.0, 1.0
    for name, rows in parts._asdict().items():
        if np.ptp(label.values[rows]) == 0:
            raise UsageError("error.table.label.part", label=label.name, part=name, rows=len(rows))
    mean, deviation = moments(label.values[parts.train])
    return ((label.values - mean) / deviation).astype(np.float32), mean, deviation


def _batch_size(examples: int) -> int:
    """A power of two between 8 and `LARGEST_BATCH` of which `BATCHES` are no more than the examples."""
    fitting = [2**k for k in range(4, 8) if 2**k * BATCHES <= examples and 2**k <= LARGEST_BATCH]
    return max(fitting, default=8)
