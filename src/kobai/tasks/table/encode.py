"""A table as numbers: one array for each part of the rows, written column by column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from kobai.basics.arrays import Integers, Matrix, Vector
from kobai.tasks.table.columns import Column
from kobai.tasks.table.pages import pages
from kobai.tasks.table.source import Columns
from kobai.tasks.table.split import Parts

FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""An odd number by which the hash of a row is multiplied before the next column is added."""


@dataclass(frozen=True)
class Encoded:
    """The inputs of a network.

    Fields:
      parts: the encoded rows for training, validation and test.
      repeated: how many rows for validation and test stand among those for training, in every column.
    """

    parts: Sequence[Matrix]
    repeated: int


class Known:
    """The columns of a table without the rows whose label is not known."""

    def __init__(self, columns: Columns, rows: Integers) -> None:
        self.columns, self.rows = columns, rows

    def column(self, name: str) -> pl.Series:
        series = self.columns.column(name)
        return series if len(self.rows) == self.columns.height else series.gather(np.asarray(self.rows))


def encoded(known: Known, plan: Sequence[Column], label: pl.Series, parts: Parts) -> Encoded:
    """The parts of a table as `plan` has it, in single precision; each column is released once it is done."""
    blocks = Blocks(parts, width(plan))
    hashes = np.concatenate([_hashes(label[piece]) for piece in blocks.pieces])
    place = 0
    for column in plan:
        if column.encoder is not None:
            series = known.column(column.name)
            for i, piece in enumerate(blocks.pieces):
                hashes[piece] *= FACTOR
                hashes[piece] += _hashes(series[piece])
                for k, values in enumerate(column.encoder.encode(series[piece])):
                    blocks.write(i, place + k, values)
            place += column.encoder.width
        known.columns.release(column.name)
    known_hashes = np.sort(hashes[parts.train])
    repeated = sum(_among(known_hashes, hashes[rows]) for rows in (parts.validation, parts.test))
    return Encoded(blocks.matrices(), repeated)


def width(plan: Sequence[Column]) -> int:
    """How many inputs the columns make."""
    return sum(column.encoder.width for column in plan if column.encoder)


class Blocks:
    """Matrices that are written column by column and then laid out row by row, without being there twice.

    The rows of the table are written in pieces. Of each piece there is a block for each matrix, in which a
    column lies in one piece, so that memory is taken as columns are written, and given back block by block
    as `matrices` copies them.

    Args:
      parts: the rows of each matrix, ascending.
      columns: of each.
    """

    ROWS = 2**16
    """Of a piece."""

    def __init__(self, parts: Sequence[Integers], columns: int) -> None:
        starts = range(0, sum(map(len, parts)), self.ROWS)
        self.pieces = [slice(start, start + self.ROWS) for start in starts]
        self.rows = [
            [rows[slice(*np.searchsorted(rows, (piece.start, piece.stop)))] - piece.start for rows in parts]
            for piece in self.pieces
        ]
        self.blocks = [[pages((columns, len(rows))) for rows in each] for each in self.rows]
        self.shapes = [(len(rows), columns) for rows in parts]

    def write(self, piece: int, column: int, values: Vector) -> None:
        """A column of all rows of a piece."""
        for block, rows in zip(self.blocks[piece], self.rows[piece], strict=True):
            block[column] = values[rows]

    def matrices(self) -> Sequence[Matrix]:
        """The matrices, [rows, columns] each; what was written is let go."""
        matrices, ends = [pages(shape) for shape in self.shapes], [0] * len(self.shapes)
        for blocks in self.blocks:
            for i, matrix in enumerate(matrices):
                block = blocks[i]
                matrix[ends[i] : ends[i] + block.shape[1]] = block.T
                ends[i] += block.shape[1]
            blocks.clear()
        return matrices


def _among(ordered: np.ndarray, values: np.ndarray) -> int:
    """How many of the values stand among those in order."""
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return int((ordered[places] == values).sum())


def _hashes(series: pl.Series) -> np.ndarray:
    """A whole number for each value, equal for equal values."""
    if series.dtype.is_float():
        x = series.to_numpy() + 0  # −0 is 0
        x[np.isnan(x)] = np.nan
        return x.view(np.uint32 if x.itemsize == 4 else np.uint64).astype(np.uint64)
    return series.hash(seed=0).to_numpy()
