"""Frames of pandas as columns; pandas is not imported for it."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

import numpy as np
import polars as pl

from kobai.tasks.table.source import check_names


class PandasColumn(Protocol):
    """A column of pandas, as far as it is read here."""

    dtype: Any
    dt: Any

    def isna(self) -> "PandasColumn": ...
    def tolist(self) -> list[Any]: ...
    def to_numpy(self) -> np.ndarray: ...


class PandasFrame(Protocol):
    """A frame of pandas, as far as it is read here."""

    columns: Any
    iloc: Any

    def __len__(self) -> int: ...


def is_pandas(source: object) -> TypeGuard[PandasFrame]:
    """Whether it is a frame of pandas."""
    kind = type(source)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


class OfPandas:
    """The columns of a frame of pandas, each made one of polars when it is asked for."""

    encoding = ""
    words: Mapping[str, str] = {}

    def __init__(self, frame: PandasFrame) -> None:
        self.frame, self.height = frame, len(frame)
        self.names = [str(name) for name in frame.columns]
        check_names("DataFrame", self.names)

    def column(self, name: str) -> pl.Series:
        return _series(name, self.frame.iloc[:, self.names.index(name)])

    def release(self, name: str) -> None:
        """It is the frame's."""


def _series(name: str, column: PandasColumn) -> pl.Series:
    """A column of pandas as one of polars: numbers as they are, all else value by value."""
    dtype = column.dtype  # NumPy's, or one of pandas' own, which has a kind too
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return pl.Series(name, column.to_numpy())
    missing = column.isna().to_numpy()
    if getattr(dtype, "kind", "O") == "M":
        times = column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(dtype, "tz", None) else column
        return pl.Series(name, times.to_numpy().astype("datetime64[us]"))
    values = [None if lost else value for value, lost in zip(column.tolist(), missing, strict=True)]
    present = [value for value in values if value is not None]
    for kinds, chosen in ((bool, pl.Boolean), (int, pl.Int64), ((int, float), pl.Float64)):
        if all(isinstance(value, kinds) and isinstance(value, bool) == (kinds is bool) for value in present):
            return pl.Series(name, values, dtype=chosen)
    return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
