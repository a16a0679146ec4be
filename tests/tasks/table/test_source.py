"""Columns in pieces: numbers in single precision, where that holds them."""

import numpy as np
import polars as pl
import pytest

from kobai.tasks.table.source import Numbers


def column(pieces, rows=4):
    numbers = Numbers(rows)
    for piece in pieces:
        numbers.add(pl.Series(piece, strict=False))
    return numbers.series("x")


def test_numbers_grow_and_say_where_one_is_missing():
    series = column([[1.5, None, 2.5], [3.5] * 9], rows=1)
    assert series.to_list() == [1.5, None, 2.5, *[3.5] * 9]
    assert series.dtype == pl.Float32


@pytest.mark.parametrize(
    ("pieces", "dtype"),
    [
        ([[0.1, 0.2, 0.7]], pl.Float32),  # moved by 1e-8, of a deviation of 0.3
        ([[1e9 + 0.5, 1e9 + 1.5]], pl.Float64),
        ([[0.5, 1.5], [1e9 + 0.5, 1e9 + 1.5]], pl.Float64),
        ([[2**24, 3]], pl.Float32),
        ([[2**24 + 1, 3]], pl.Float64),  # the first whole number that single precision has not
        ([[None, None], [1.5]], pl.Float32),
    ],
)
def test_single_precision_where_it_holds_the_numbers(pieces, dtype):
    series = column(pieces)
    assert series.dtype == dtype
    every = [value for piece in pieces for value in piece]
    np.testing.assert_allclose(
        [np.nan if v is None else v for v in series], [np.nan if v is None else v for v in every], rtol=1e-7
    )
