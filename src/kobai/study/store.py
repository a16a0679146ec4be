"""Where results are kept: frames of cells, written so that no half-written file ever has a final name.

A study has a folder. While it runs, each finished chunk is one Parquet file in ``chunks/``, under a name that
hashes the task, the cells and kobai's version; a study that was interrupted goes on from them.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import polars as pl

from kobai.errors import UsageError

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


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Write a file whole or not at all: beside its place first, then renamed.

    Raises `UsageError` that names the file when the disk is full or the folder cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise UsageError("error.write", path=path, problem=problem.strerror or problem) from problem


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet, whole or not at all."""
    write(path, frame.write_parquet)


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    write(path, lambda file: file.write(text.encode()))


def open_folder(path: Path, resume: bool = False) -> Path:
    """Make the folder of a study; refuse one that cannot be written, or holds anything and is not resumed."""
    try:
        if path.exists() and not path.is_dir():
            raise UsageError("error.output.file", path=path)
        path.mkdir(parents=True, exist_ok=True)
        if not resume and any(path.iterdir()):
            raise UsageError("error.output.full", path=path)
    except OSError as problem:
        raise UsageError("error.write", path=path, problem=problem.strerror or problem) from problem
    write_text(path / ".writable", "")
    (path / ".writable").unlink()
    return path


class Chunks:
    """The finished chunks of a study, by what they computed. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, fingerprint: str) -> None:
        self.folder = folder / "chunks" if folder else None
        self.fingerprint = fingerprint
        if self.folder:
            self.folder.mkdir(exist_ok=True)

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
            write_frame(path, frame)

    def remove(self) -> None:
        """Drop the chunks, once the study's own files hold everything."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
