"""Files that are written whole or not at all, so that no half-written one ever has a final name."""

import contextlib
import io
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def json_text(content: Any) -> str:
    """`content` as JSON that people can read; a number that is not finite is null, as JSON has none."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n"


def _finite(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy, which need not be imported for it
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, and leave nothing behind. Raises `UsageError`."""
    with naming(path), tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
        pass


def make_folder(path: Path) -> Path:
    """Make a folder, if it does not exist, with all that it is in. Raises `UsageError` where it cannot be."""
    with naming(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def open_folder(path: Path, containing: str | None = None) -> Path:
    """Make a folder for new files; what `check_folder` refuses is refused.

    Raises `UsageError` also for one that cannot be written; then nothing is left behind.
    """
    new = check_folder(path, containing)
    try:
        check_writable(make_folder(path) / "report.html")
    except UsageError:
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    return path


def check_folder(path: Path, containing: str | None = None) -> list[Path]:
    """The folders that `open_folder` would make.

    Args:
      path: a folder that is new or empty.
      containing: the name of a folder in it, if what was begun there is to go on.

    Raises `UsageError` for any other folder, and for a file.
    """
    with naming(path):
        if path.exists() and not path.is_dir():
            raise UsageError("error.output.file", path=path)
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        if not new and any(path.iterdir()):
            if containing is None:
                raise UsageError("error.output.full", path=path)
            if not (path / containing).is_dir():
                raise UsageError("error.output.other", path=path)
    return new


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
