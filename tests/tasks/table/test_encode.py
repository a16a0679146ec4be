"""The encoded parts, in pieces of rows as in one; rows that stand in two parts."""

import numpy as np
import polars as pl
import pytest

from kobai.tasks.table.columns import plan
from kobai.tasks.table.encode import Blocks, Known, encoded
from kobai.tasks.table.source import InMemory
from kobai.tasks.table.split import split


@pytest.mark.parametrize("rows", [2**16, 7, 1])
def test_matrices_in_pieces_are_the_same(monkeypatch, rows):
    monkeypatch.setattr(Blocks, "ROWS", rows)
    whole = np.arange(60, dtype=np.float32).reshape(20, 3)
    parts = [np.array([0, 3, 19]), np.array([1, 2]), np.setdiff1d(np.arange(20), [0, 1, 2, 3, 19])]
    blocks = Blocks(parts, 3)
    for i, piece in enumerate(blocks.pieces):
        for column in range(3):
            blocks.write(i, column, whole[piece, column])
    for matrix, part in zip(blocks.matrices(), parts, strict=True):
        np.testing.assert_array_equal(matrix, whole[part])
        assert matrix.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("rows", [2**16, 7])
@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64, pl.Int64, pl.String])
def test_rows_that_stand_in_training_as_well_are_counted(monkeypatch, rows, dtype):
    """−0 is 0 and a missing value one; 1e9 + 0.25 is not 1e9, which single precision would have it."""
    monkeypatch.setattr(Blocks, "ROWS", rows)
    x = pl.Series("x", [1, 2, 3, 4, 5] * 4).cast(dtype)
    if dtype == pl.Float64:
        x = pl.Series("x", [-0.0, 0.0, None, None, 1e9] * 4)
        x[0] = 1e9 + 0.25
    y = pl.Series("y", ["a"] * 20)
    parts = split(np.zeros(20, int), 0.2, 0.2, 0)
    known = Known(InMemory({"x": [x]}), np.arange(20))
    train = [str(x[int(i)]).replace("-", "") for i in parts.train]
    expected = sum(str(x[int(i)]).replace("-", "") in train for part in parts[1:] for i in part)
    assert encoded(known, [plan(x, parts.train)], y, parts).repeated == expected
