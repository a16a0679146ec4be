"""The columns of a table, each asked for by its name, wherever they are.

Columns are asked for one at a time, and given back (`release`): a Parquet file is never in memory as a whole,
and of a CSV file only its numbers, in single precision where that holds them.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import DTypeLike

from kobai.basics.errors import UsageError
from kobai.tasks.table.pages import pages
from kobai.tasks.table.texts import stripped, understood


class Columns(Protocol):
    """The columns of a table, each asked for by its name.

    Fields:
      names: of the columns, in the table's order.
      height: how many rows there are.
      encoding: how the text of a file is encoded; "" for UTF-8, and where there is no text.
      words: of the columns of numbers in which one word stands beside them, that word (unknown, -).
    """

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def height(self) -> int: ...
    @property
    def encoding(self) -> str: ...
    @property
    def words(self) -> Mapping[str, str]: ...

    def column(self, name: str) -> pl.Series:
        """A column: numbers, truths, dates, or texts that are none of them; null where a value is missing."""

    def release(self, name: str) -> None:
        """Let go of a column, which is not asked for again."""


class Lazy:
    """The columns of a Parquet file or a lazy frame, each read when it is asked for."""

    encoding = ""
    words: Mapping[str, str] = {}

    def __init__(self, name: str, scan: pl.LazyFrame) -> None:
        self.name, self.scan = name, scan
        try:
            self.names = list(scan.collect_schema())
            self.height = scan.select(pl.len()).collect().item()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise broken(name, problem) from problem

    def column(self, name: str) -> pl.Series:
        try:
            return self.scan.select(pl.col(name)).collect().to_series()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise broken(self.name, problem) from problem

    def release(self, name: str) -> None:
        """Nothing of it is held."""


class Numbers:
    """A column of numbers that is read piece by piece: in single precision, where that holds them.

    Args:
      rows: how many there may be; it grows where there are more.
    """

    PRECISION = 1e-6
    """Single precision holds numbers if it moves none of them by more than this part of their deviation, and
    whole numbers if it moves none at all."""

    def __init__(self, rows: int) -> None:
        self.values, self.length = pages((rows,)), 0

    def add(self, series: pl.Series) -> None:
        if self.values.dtype == np.float32 and not self._holds(series):
            self._move(len(self.values), np.float64)
        end = self.length + len(series)
        if end > len(self.values):
            self._move(max(end, 2 * len(self.values)), self.values.dtype)
        kind = pl.Float32 if self.values.dtype == np.float32 else pl.Float64
        self.values[self.length : end] = series.cast(kind).fill_null(np.nan).to_numpy()
        self.length = end

    def _move(self, rows: int, dtype: DTypeLike) -> None:
        values = pages((rows,), dtype)
        values[: self.length] = self.values[: self.length]
        self.values = values

    def _holds(self, series: pl.Series) -> bool:
        moved = (series.cast(pl.Float32).cast(pl.Float64) - series).abs().max()
        spread = 0.0 if series.dtype.is_integer() else series.std() or 0.0
        return moved is None or bool(moved <= self.PRECISION * spread)  # type: ignore[operator]

    def series(self, name: str) -> pl.Series:
        """The column, null where a number is missing."""
        return pl.Series(name, self.values[: self.length], nan_to_null=True)


class InMemory:
    """Columns that are held, each in one piece or several of types that may differ.

    Args:
      columns: by name, the pieces of each, or numbers.
      encoding: as in `Columns`.
      decimal_comma: whether a comma stands in numbers for the point.
      written: whether texts are what stood in a file, and may be numbers, truths or dates.
      whole: columns in which no word is a missing number.
      texts: columns that are texts, whatever they look like.
      words: of columns, the word that says that there is no value.
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[pl.Series] | Numbers],
        *,
        encoding: str = "",
        decimal_comma: bool = False,
        written: bool = False,
        whole: Collection[str] = (),
        texts: Collection[str] = (),
        words: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.names, self.encoding = list(columns), encoding
        self.words = dict(words)
        self.decimal_comma, self.written, self.whole, self.texts = decimal_comma, written, whole, texts
        self.pieces = {
            name: pieces if isinstance(pieces, Numbers) else list(pieces) for name, pieces in columns.items()
        }
        first = next(iter(self.pieces.values()), [])
        self.height = first.length if isinstance(first, Numbers) else sum(map(len, first))

    def column(self, name: str) -> pl.Series:
        pieces = self.pieces[name]
        if isinstance(pieces, Numbers):
            return pieces.series(name)
        if len(pieces) > 1:
            frames = [piece.alias(name).to_frame() for piece in pieces]
            pieces = [pl.concat(frames, how="vertical_relaxed", rechunk=True).to_series()]
        [series] = pieces
        if self.written and series.dtype == pl.String:
            series = stripped(series, self.words.get(name, ""))
        if self.written and series.dtype == pl.String and name not in self.texts:
            series, word = understood(series, self.decimal_comma, one_word=name not in self.whole)
            if word:
                self.words[name] = word
        self.pieces[name] = [series]
        return series

    def release(self, name: str) -> None:
        del self.pieces[name]


def check_names(path: object, names: Sequence[str]) -> None:
    """Refuse a name that two columns have."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError("error.table.twice", path=path, names=", ".join(twice))


def broken(name: object, problem: Exception) -> UsageError:
    """What cannot be read as a table, with the first line of what its reader says."""
    first = next(iter(str(problem).splitlines()), type(problem).__name__)
    return UsageError("error.table.broken", path=name, problem=first)
