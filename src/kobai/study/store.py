"""Where results are kept: frames of cells, written so that no half-written file ever has a final name.

A study has a folder. While it runs, each finished chunk is one Parquet file in ``chunks/``, under a name that
hashes the task, the cells and kobai's version; a study that was interrupted goes on from them.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from kobai.basics.files import naming, write_frame

CHUNKS = "chunks"
"""The folder of what is finished, in the folder of a study."""

SCHEMA: dict[str, Any] = {
    "phase": pl.String,
    "optimizer": pl.String,
    "learning_rate": pl.Float64,
    "hyperparameters": pl.String,
    "initializer": pl.String,
    "seed": pl.Int64,
    "diverged_at": pl.Int64,
    "evaluated_at": pl.List(pl.Int32),
    "training_loss": pl.List(pl.Float32),
    "validation_loss": pl.List(pl.Float32),
    "validation_metric": pl.List(pl.Float32),
    "test_loss": pl.Float64,
    "test_metric": pl.Float64,
    "seconds": pl.Float64,
}
"""One row a cell. Losses and metrics are curves over `evaluated_at`, NaN after a divergence;
`hyperparameters` is JSON; `seconds` are of one core."""


class Chunks:
    """The finished chunks of a study, by what they computed. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, fingerprint: str) -> None:
        self.folder = folder / CHUNKS if folder else None
        self.fingerprint = fingerprint

    def _path(self, cells: Sequence[Sequence[object]]) -> Path | None:
        if self.folder is None:
            return None
        text = json.dumps([self.fingerprint, cells])
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.parquet"

    def get(self, cells: Sequence[Sequence[object]]) -> pl.DataFrame | None:
        """The frame of these cells, if an earlier session finished them."""
        path = self._path(cells)
        return pl.read_parquet(path) if path and path.exists() else None

    def put(self, cells: Sequence[Sequence[object]], frame: pl.DataFrame) -> None:
        """Keep the frame of these cells."""
        path = self._path(cells)
        if path:
            with naming(path):
                path.parent.mkdir(exist_ok=True)
            write_frame(path, frame)


def remove_chunks(folder: Path) -> None:
    """Drop the chunks of the study in `folder`, once its own files hold everything."""
    shutil.rmtree(folder / CHUNKS, ignore_errors=True)
