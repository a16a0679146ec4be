"""A table as columns, from a CSV, TSV or Parquet file, or from a frame of polars or pandas."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeAlias, TypeGuard

import polars as pl

from kobai.basics.errors import UsageError
from kobai.tasks.table.of_pandas import OfPandas, PandasFrame, is_pandas
from kobai.tasks.table.separated import separated
from kobai.tasks.table.source import Columns, InMemory, Lazy

__all__ = ["Columns", "Frame", "is_table", "read"]

Frame: TypeAlias = pl.DataFrame | pl.LazyFrame | PandasFrame
"""A table in memory."""

SEPARATED = (".csv", ".tsv", ".tab", ".txt")
PARQUET = (".parquet", ".pq")
"""How the names of files end."""


def is_table(source: object) -> TypeGuard[str | Path | Frame]:
    """Whether `source` is a frame, or names a file that holds a table."""
    if isinstance(source, str | Path):
        return Path(source).suffix.lower() in SEPARATED + PARQUET
    return isinstance(source, pl.DataFrame | pl.LazyFrame) or is_pandas(source)


def read(
    source: str | Path | Frame,
    whole: Collection[str] = (),
    texts: Collection[str] = (),
    words: Mapping[str, str] | None = None,
) -> Columns:
    """The columns of a table.

    Args:
      source: a file, or a frame of polars or pandas.
      whole: columns that are kept in full precision, and in which every word of a text file counts.
      texts: columns of a text file that are texts, whatever they look like.
      words: of columns of a text file, the word that says that there is no value.

    Raises:
      UsageError: for what is no table, and a file that is not there or cannot be read.
    """
    if isinstance(source, str | Path):
        return _file(Path(source), whole, texts, words or {})
    if isinstance(source, pl.LazyFrame):
        return Lazy("LazyFrame", source)
    if isinstance(source, pl.DataFrame):
        return InMemory({series.name: [series] for series in source})
    if is_pandas(source):
        return OfPandas(source)
    raise UsageError("error.table.type", value=type(source).__name__)


def _file(path: Path, whole: Collection[str], texts: Collection[str], words: Mapping[str, str]) -> Columns:
    suffix = path.suffix.lower()
    if suffix not in SEPARATED + PARQUET:
        raise UsageError("error.table.suffix", path=path, known=", ".join(SEPARATED + PARQUET))
    if not os.path.isfile(path):  # pathlib raises where the name is too long for a file
        raise UsageError("error.table.file", path=path)
    try:
        if suffix in PARQUET:
            return Lazy(str(path), pl.scan_parquet(path, glob=False))
        return separated(path, whole, texts, words)
    except OSError as problem:
        raise UsageError(
            "error.table.unreadable", path=path, problem=problem.strerror or problem
        ) from problem
