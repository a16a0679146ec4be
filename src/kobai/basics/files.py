"""Files that are written whole or not at all, so that no half-written one ever has a final name."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kobai.basics.errors import UsageError, remedy

if TYPE_CHECKING:
    import polars as pl


def write(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all: beside its place first, then renamed.

    Raises `UsageError` that names the file when the disk is full or the folder cannot be written.
    """
    with naming(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_frame(path: Path, frame: "pl.DataFrame") -> None:
    """Write a frame as Parquet, whole or not at all."""
    parquet = io.BytesIO()  # polars itself reports a full disk in an error of its own
    frame.write_parquet(parquet)
    write(path, parquet.getbuffer())


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    write(path, text.encode())


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, and leave nothing behind. Raises `UsageError`."""
    with naming(path), tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
        pass


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say which path it was that the system refused."""
    try:
        yield
    except OSError as problem:
        values = {"problem": problem.strerror or problem, "remedy": remedy(problem)}
        raise UsageError("error.write", path=path, **values) from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
