"""New rows of a table as the inputs of its network, and the network's outputs in the table's terms.

::

    table = kobai.tasks.table("data.csv", label="species").table
    x = table.inputs("new.csv")        # [rows, inputs], as the rows for training were
    table.answers(network(x))          # species by name; numbers in the units of the label
    table.probabilities(network(x))    # a column for each class
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from kobai.basics.arrays import Array, Matrix, Parameters
from kobai.basics.errors import UsageError
from kobai.networks import mlp
from kobai.networks.network import Dense
from kobai.tasks.table.columns import Column, Moment, Number, Text
from kobai.tasks.table.encode import width
from kobai.tasks.table.label import Label, Level
from kobai.tasks.table.read import Frame, read
from kobai.tasks.table.source import Columns
from kobai.tasks.table.texts import without_zone

ROWS = 2**16
"""So many rows go through a network at once."""


@dataclass(frozen=True)
class Transformation:
    """What became of the columns of a table and of its label, told from the training rows.

    It holds none of the rows, and can be pickled.

    Fields:
      columns: all but the label, and what becomes of each.
      label: the name of what is predicted.
      levels: its classes as they stand in the table, in the order of the outputs; empty for numbers.
      mean, deviation: of a label of numbers.
    """

    columns: tuple[Column, ...]
    label: str
    levels: tuple[Level, ...]
    mean: float
    deviation: float

    @classmethod
    def of(cls, columns: Collection[Column], label: Label, mean: float, deviation: float) -> "Transformation":
        return cls(tuple(columns), label.name, label.levels, mean, deviation)

    @property
    def used(self) -> list[Column]:
        """The columns from which is predicted."""
        return [column for column in self.columns if column.encoder is not None]

    def inputs(self, rows: str | Path | Frame) -> Matrix:
        """New rows as inputs [rows, inputs], standardised as those for training were.

        A text that training did not know is none of its levels, a missing or infinite number is the mean.

        Args:
          rows: a file, or a frame of polars or pandas, with the columns of the table in any order. The label
            and what was left out may be there or not.

        Raises:
          UsageError: for a column that is missing or that the table did not have, for texts where there were
            numbers or dates, and for a file that cannot be read.
        """
        used = self.used
        texts = [column.name for column in used if isinstance(column.encoder, Text)]
        columns = read(rows, texts=texts, words={column.name: column.word for column in used})
        self._check(columns.names)
        matrix = np.empty((columns.height, width(used)), np.float32)
        place = 0
        for column in used:
            series = _fitting(columns, column)
            for values in column.encoder.encode(series):  # type: ignore[union-attr]
                matrix[:, place] = values
                place += 1
        return matrix

    def answers(self, outputs: Array) -> pl.Series:
        """What outputs [rows, outputs] say: the class of the largest, or the number in the label's units."""
        outputs = np.asarray(outputs, np.float64)
        if self.levels:
            return pl.Series(self.label, [self.levels[i] for i in outputs.argmax(axis=1)])
        return pl.Series(self.label, outputs[:, 0] * self.deviation + self.mean)

    def probabilities(self, outputs: Array) -> pl.DataFrame:
        """How probable each class is by outputs [rows, classes]: their softmax, a column for each class.

        Raises `UsageError` where numbers are predicted.
        """
        if not self.levels:
            raise UsageError("error.table.probabilities", label=self.label)
        outputs = np.asarray(outputs, np.float64)
        odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        return pl.DataFrame({str(level): shares[:, i] for i, level in enumerate(self.levels)})

    def _check(self, names: Collection[str]) -> None:
        """Refuse rows without a column from which is predicted, and with one that the table did not have."""
        missing = [column.name for column in self.used if column.name not in names]
        if missing:
            raise UsageError("error.table.new.missing", names=", ".join(missing), label=self.label)
        known = {self.label, *(column.name for column in self.columns)}
        extra = [name for name in names if name not in known]
        if extra:
            raise UsageError("error.table.new.extra", names=", ".join(extra))


def _fitting(columns: Columns, column: Column) -> pl.Series:
    """A column of new rows, if it is of the kind that it had in training."""
    series, encoder = without_zone(columns.column(column.name)), column.encoder
    kind = series.dtype
    if isinstance(encoder, Text) or kind == pl.Null or series.null_count() == len(series):
        return series.cast(pl.Datetime("us")) if isinstance(encoder, Moment) else series
    is_date = kind in (pl.Date, pl.Datetime)
    if isinstance(encoder, Number) and not is_date and (kind.is_numeric() or kind.is_temporal()):
        return series
    if (isinstance(encoder, Number) and kind == pl.Boolean) or (isinstance(encoder, Moment) and is_date):
        return series
    key = "error.table.new.date" if isinstance(encoder, Moment) else "error.table.new.number"
    raise UsageError(key, column=column.name, value=series.drop_nulls().first())


@dataclass(frozen=True)
class TrainedTable:
    """A network that was trained on a table, for new rows of it. It can be pickled.

    Fields:
      table: what becomes of the rows.
      dense: the network.
      parameters, state: its weights, and its running statistics or None.
    """

    table: Transformation
    dense: Dense
    parameters: Parameters
    state: Parameters = None

    def outputs(self, rows: str | Path | Frame) -> Matrix:
        """What the network says of new rows, [rows, outputs]: scores of classes, or a standardised number."""
        x = self.table.inputs(rows)
        apply = mlp.network(self.dense.widths, self.dense.activation, self.dense.batch_norm).apply
        pieces = [x[start : start + ROWS] for start in range(0, len(x), ROWS)]
        outputs = [np.asarray(apply(self.parameters, piece, self.state, False)[0]) for piece in pieces]
        return np.concatenate(outputs or [np.empty((0, self.dense.widths[-1]), np.float32)])

    def predict(self, rows: str | Path | Frame) -> pl.Series:
        """The class of each row by name, or its number in the units of the label (`Transformation`)."""
        return self.table.answers(self.outputs(rows))

    def probabilities(self, rows: str | Path | Frame) -> pl.DataFrame:
        """How probable each class is, a column for each (`Transformation`)."""
        return self.table.probabilities(self.outputs(rows))
