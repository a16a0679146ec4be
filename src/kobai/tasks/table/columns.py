"""What becomes of a column: numbers for the network, told from its training rows alone.

`plan` looks at a column and says how it is encoded, or why it is left out. A way to encode it has `width`
columns, and `encode` gives them one after the other.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl

from kobai.basics.arrays import Integers, Vector
from kobai.tasks.table.texts import CONFUSED, without_zone

LEVELS = 50
"""A text column with more levels than this is hashed, into so many columns."""

REPEATED = 0.1
"""Texts of which less than this part occurs again are names, from which nothing can be learned."""

NAMED_IDENTIFIER = re.compile(
    r"(?i:(^|[\s_.-])(id|index|uuid|key)$)|[a-z]I[dD]$|番号$|識別子$|^(column 1|Unnamed: 0)$"
)
"""How a column is called whose whole numbers are names; at last an index that pandas wrote without a name."""

CONSTANT, IDENTIFIER, UNIQUE, EMPTY = "constant", "identifier", "unique", "empty"
"""Why a column is left out: one value everywhere, numbers that name each row, texts that hardly ever occur
again, no value."""
TYPE, ASKED = "type", "asked"
"""Further: lists and such; by wish."""


@dataclass(frozen=True)
class Number:
    """z = (x − mean) / deviation, 0 where a value is missing, and a column that says where.

    Fields:
      mean, deviation: of the training rows; without deviation only where it is missing is told.
      indicator: whether values are missing in training.
    """

    mean: float
    deviation: float
    indicator: bool

    @property
    def width(self) -> int:
        return (self.deviation > 0) + self.indicator

    def encode(self, series: pl.Series) -> Iterator[Vector]:
        z = numbers(series)  # a copy, which is standardised in place
        missing = np.isnan(z)
        if self.deviation > 0:
            z -= self.mean
            z /= self.deviation
            z[missing] = 0.0
            yield z
        if self.indicator:
            yield missing


@dataclass(frozen=True)
class Text:
    """A column for each level, 1 where it stands; more than `LEVELS` share so many columns by their hash.

    Fields:
      count: how many levels the training rows have.
      levels: they themselves in alphabetical order, where each has its column.
      indicator: whether values are missing in training.
    """

    count: int
    levels: tuple[str, ...]
    indicator: bool

    @property
    def is_hashed(self) -> bool:
        return self.count > LEVELS

    @property
    def width(self) -> int:
        return min(self.count, LEVELS) + self.indicator

    def place(self, text: str) -> int:
        """The column of a text; −1 for a level that training has not."""
        if self.is_hashed:
            return zlib.crc32(text.encode()) % LEVELS
        return self.levels.index(text) if text in self.levels else -1

    def unseen(self, series: pl.Series) -> int:
        """In how many rows there stands a level that training has not."""
        if self.is_hashed:
            return 0
        return int((~series.cast(pl.String).drop_nulls().is_in(self.levels)).sum())

    def encode(self, series: pl.Series) -> Iterator[Vector]:
        texts = series.cast(pl.String)
        levels = texts.unique().drop_nulls()
        places = pl.Series([self.place(level) for level in levels], dtype=pl.Int32)
        codes = texts.replace_strict(levels, places, default=-1, return_dtype=pl.Int32).to_numpy()
        for place in range(min(self.count, LEVELS)):
            yield codes == place
        if self.indicator:
            yield texts.is_null().to_numpy()


@dataclass(frozen=True)
class Moment:
    """A date as numbers: the days since 1970, and its month, day, weekday and hour where they vary."""

    numbers: dict[str, Number]

    @property
    def width(self) -> int:
        return sum(number.width for number in self.numbers.values())

    def encode(self, series: pl.Series) -> Iterator[Vector]:
        for name, number in self.numbers.items():
            yield from number.encode(MOMENTS[name](series))


MOMENTS = {
    "days": lambda series: series.cast(pl.Datetime("us")).cast(pl.Int64) / 86_400_000_000,
    "month": lambda series: series.dt.month(),
    "day": lambda series: series.dt.day(),
    "weekday": lambda series: series.dt.weekday(),
    "hour": lambda series: series.dt.hour() if series.dtype == pl.Datetime else series.dt.month() * 0,
}
"""The parts of a date."""

Encoder: TypeAlias = Number | Text | Moment


@dataclass(frozen=True)
class Column:
    """A column of the table, and what becomes of it.

    Fields:
      name: its name.
      encoder: how it is encoded; None: it is left out.
      reason: why it is.
      missing, infinite: in how many rows its value is missing, or infinite and taken as missing.
      unseen: in how many rows there stands a text that training has not.
      word: that stands for missing values beside the numbers of a text file.
      is_confused: whether it holds dates whose day and month may be confused, taken as texts.
    """

    name: str
    encoder: Encoder | None = None
    reason: str = ""
    missing: int = 0
    infinite: int = 0
    unseen: int = 0
    word: str = ""
    is_confused: bool = False


def plan(series: pl.Series, training: Integers, height: int | None = None) -> Column:
    """What becomes of a column, by what stands in its rows for training.

    `height` is how many rows the whole table has, where `series` lacks some: those without a label.
    """
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    kind, name = series.dtype, series.name
    if not (kind.is_numeric() or kind.is_temporal() or kind in (pl.Boolean, pl.String, pl.Null)):
        return Column(name, reason=TYPE)
    series = without_zone(series)
    seen = series.gather(np.asarray(training))
    infinite = int(series.is_infinite().sum()) if kind.is_float() else 0
    lost = series.null_count() + (int(series.is_nan().sum()) if kind.is_float() else 0)
    reason, encoder = _encoder(seen, len(series) if height is None else height)
    unseen = encoder.unseen(series) if isinstance(encoder, Text) else 0
    is_confused = kind == pl.String and bool(seen.drop_nulls().str.contains(CONFUSED.pattern).all())
    return Column(
        name, encoder, reason, lost, infinite, unseen, is_confused=is_confused and lost < len(series)
    )


def _encoder(seen: pl.Series, height: int) -> tuple[str, Encoder | None]:
    """Why the column is left out, or how it is encoded."""
    if seen.dtype == pl.String:
        return _of_text(seen)
    if seen.dtype in (pl.Date, pl.Datetime):
        every = {name: _number(numbers(part(seen))) for name, part in MOMENTS.items()}
        varying = {name: number for name, number in every.items() if number and number.deviation > 0}
        if not varying:
            return EMPTY if seen.null_count() == len(seen) else CONSTANT, None
        first, *others = varying
        rest = {name: Number(varying[name].mean, varying[name].deviation, False) for name in others}
        return "", Moment({first: varying[first], **rest})
    x = numbers(seen)
    number = _number(x)
    if number is None:
        return EMPTY if np.isnan(x).all() else CONSTANT, None
    if seen.dtype.is_numeric() and _is_identifier(seen.name, x, height):
        return IDENTIFIER, None
    return "", number


def _of_text(seen: pl.Series) -> tuple[str, Encoder | None]:
    present = seen.drop_nulls()
    levels = present.unique().sort()
    indicator = len(present) < len(seen)
    if not len(levels):
        return EMPTY, None
    if len(levels) == 1 and not indicator:
        return CONSTANT, None
    if len(levels) > (1 - REPEATED) * len(present) and len(present) > 2:
        return UNIQUE, None
    return "", Text(len(levels), tuple(levels) if len(levels) <= LEVELS else (), indicator)


def _number(x: Vector) -> Number | None:
    """How numbers are standardised; None where all are equal and none is missing, or all are."""
    missing = np.isnan(x)
    present = x[~missing]
    if not present.size or (present.min() == present.max() and not missing.any()):
        return None
    if present.min() == present.max():
        return Number(float(present[0]), 0.0, True)
    return Number(*moments(present), bool(missing.any()))


def moments(x: Vector) -> tuple[float, float]:
    """Mean and deviation of numbers, of which one is not 0."""
    scale = np.abs(x).max()  # squares of numbers beyond 1e154 are infinite
    return float((x / scale).mean() * scale), float((x / scale).std() * scale)


def _is_identifier(name: str, x: Vector, height: int) -> bool:
    """Whether whole numbers are names of the rows: all different, and numbered or called so.

    Numbered: they lie as close together as the table has rows. So many different ones so close would be a
    rare chance for anything that was measured.
    """
    if np.isnan(x).any() or (x != np.round(x)).any() or len(np.unique(x)) < len(x):
        return False
    return bool(x.max() - x.min() < height or NAMED_IDENTIFIER.search(name))


def numbers(series: pl.Series) -> Vector:
    """A column of numbers, truths or times in double precision; what is missing or infinite is NaN."""
    if series.dtype == pl.Boolean:
        series = series.cast(pl.Int8)
    elif series.dtype in (pl.Time, pl.Duration):
        series = series.cast(pl.Int64)
    if not series.dtype.is_numeric():
        series = series.cast(pl.Float64)
    x = np.array(series.to_numpy(), np.float64)  # what is null is NaN there
    x[~np.isfinite(x)] = np.nan
    return x
