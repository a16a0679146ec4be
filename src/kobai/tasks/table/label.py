"""What is to be predicted: classes or numbers, told from the label's column.

Texts and truths are classes. Whole numbers are classes where there are at most `CLASSES` different ones, and
on average `ROWS` rows or more of each; other numbers are numbers.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl

from kobai.basics.arrays import Array, Integers
from kobai.basics.checks import check_name
from kobai.basics.errors import UsageError
from kobai.tasks.table.columns import numbers

CLASSES, ROWS = 20, 5

Level: TypeAlias = str | int | float | bool
"""A class as it stands in the table."""

CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True)
class Label:
    """What is to be predicted.

    Fields:
      name: of its column.
      values: of every row: the number of its class, or a number in the label's own units.
      classes: their names; empty where numbers are predicted.
      levels: the classes as they stand in the table.
      whole: whether classes are told from whole numbers.
    """

    name: str
    values: Array
    classes: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    whole: bool = False

    @property
    def kind(self) -> str:
        return CLASSIFICATION if self.classes else REGRESSION


def known_rows(series: pl.Series) -> Integers:
    """The rows whose label is there, and no infinite number."""
    if series.dtype.is_float():
        return np.flatnonzero(np.isfinite(series.fill_null(np.nan).to_numpy()))
    return np.flatnonzero(series.is_not_null().to_numpy())


def label_of(series: pl.Series, kind: str | None = None) -> Label:
    """The label from its column, without missing values.

    Args:
      kind: "classification" or "regression"; None: told from the values.

    Raises:
      UsageError: for dates and lists, for what is no number and is to be predicted as one, for one value
        everywhere, and for as good as as many classes as rows.
    """
    if kind is not None:
        check_name("kind.label", kind, (CLASSIFICATION, REGRESSION))
    name, dtype = series.name, series.dtype
    if dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    elif not (dtype.is_numeric() or dtype in (pl.Boolean, pl.String)):
        raise UsageError("error.table.label.type", label=name, value=dtype.base_type().__name__)
    count = series.n_unique()
    if count < 2:
        raise UsageError("error.table.label.one", label=name, value=series.first())
    is_number = series.dtype.is_numeric()
    x = numbers(series) if is_number else np.zeros(0)
    whole = is_number and bool((x == np.round(x)).all())
    few = count <= CLASSES and len(series) >= ROWS * count
    if kind == REGRESSION and not is_number:
        raise UsageError("error.table.label.number", label=name, value=series.first())
    if kind == REGRESSION or (kind is None and is_number and not (whole and few)):
        return Label(name, x)
    if count > len(series) / 2:
        raise UsageError("error.table.label.classes", label=name, classes=count, rows=len(series))
    distinct = series.unique().sort()
    values = distinct.search_sorted(series).to_numpy().astype(np.int32)
    return Label(name, values, tuple(map(_written, distinct)), tuple(distinct), whole)


def _written(value: object) -> str:
    """A class as a person writes it: 3 where a table of numbers with gaps has 3.0."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
