"""How much of a large result is shown: what a person reads, with a word about the rest.

The terminal and the page show so many rows, columns and lines; JSON holds so many points of a curve. The
Parquet files hold everything.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import polars as pl

from kobai.report.panels import thinned
from kobai.words import say

ROWS = 40
"""So many rows of a table, and lines of a figure, are shown."""
COLUMNS = 12
"""So many columns of a table that has one for each thing asked for."""
POINTS = 2000
"""So many points of the curves of a table, and rows of a list, stand in JSON."""
NUMBERS = 40_000
"""So many coordinates of all points together stand in JSON."""
LETTERS = 600
"""So many letters of a list that stands in a sentence."""

T = TypeVar("T")


def first(items: Sequence[T], most: int = ROWS, always: Iterable[T] = ()) -> list[T]:
    """The first of the items in their order, and those that are shown in any case."""
    chosen = list(always)
    return [item for i, item in enumerate(items) if i < most or item in chosen]


def spread(items: Sequence[T], most: int = ROWS) -> list[T]:
    """So many of the items, evenly from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, most).round()]


def curves(table: pl.DataFrame, heights: Sequence[str], most: int = POINTS) -> pl.DataFrame:
    """About so many rows of a table whose columns `heights` are curves: their ends and spikes among them."""
    places = [thinned(table[height], most // len(heights)) for height in heights]
    return table[np.unique(np.concatenate(places))]


def p_value(p: float) -> str:
    """.023; below .001 only that, and 1 where it rounds to it."""
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0") if p < 0.9995 else "1"


def listed(text: str) -> str:
    """A list in a sentence; a long one cut at a comma, or where there is none."""
    if len(text) <= LETTERS:
        return text
    begin, comma, _ = text[:LETTERS].rpartition(", ")
    return f"{begin if comma else text[:LETTERS]}{comma}…"


def word(what: str, shown: int, all: int, file: str = "table.parquet") -> list[str]:
    """The sentence about what is not shown of "rows", "columns", …; none where all is."""
    return [say(f"cut.{what}", shown=shown, all=all, file=file)] if shown < all else []
