"""Files that are written whole or not at all, so that no half-written one ever has a final name."""

import contextlib
import errno
import glob
import io
import json
import math
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from kobai.basics.errors import UsageError, remedy

if TYPE_CHECKING:
    import polars as pl

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]


LEFTOVER = ".kobai-part"
"""How the name of a file ends that is not yet whole."""
LOCK = ".kobai-lock"
"""The file in a folder that whoever works there holds locked: its process and machine."""
CLAIMS = ".kobai-claims"
"""The folder in a folder where several processes say which of them does what."""


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place first, then renamed.

    A link is followed: what it leads to is replaced, and the link stays. What cannot be replaced (a FIFO, a
    device, this program's own output) is written through.

    Raises `UsageError` that names the file when the disk is full or the folder cannot be written.
    """
    with naming(path):
        if (status := _status(path)) is not None and not _replaceable(status):
            _write_through(path, status, content)
        else:
            _replace(Path(os.path.realpath(path)), lambda file: file.write(content), status)


def _replace(path: Path, fill: Callable[[BinaryIO], object], before: os.stat_result | None) -> None:
    """Put a whole file where there was none, or another, whose permissions it gets."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=LEFTOVER, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            lock(file.fileno())  # as long as this process writes it, none other takes it for a leftover
            fill(file)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(name, stat.S_IMODE(before.st_mode) if before else 0o666 & ~_umask())
            os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_through(path: Path, status: os.stat_result, content: bytes) -> None:
    """Write to what stands there, without making, replacing or cutting it."""
    stream = _own_stream(status)
    if stream is None:
        handle = os.open(path, os.O_WRONLY)
    else:  # behind what was printed before, where opening it once more would begin at its start
        stream.flush()
        handle = os.dup(stream.fileno())
    with os.fdopen(handle, "wb", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]


def _status(path: Path) -> os.stat_result | None:
    """What stands at the end of all links; None: nothing."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _replaceable(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and _own_stream(status) is None


def _own_stream(status: os.stat_result) -> TextIO | None:
    """The output of this program that it is, as with ``--json /dev/stdout``."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none of the system's
            if os.path.samestat(os.fstat(stream.fileno()), status):
                return stream
    return None


def lock(handle: int, shared: bool = False) -> bool:
    """Whether this process now holds the lock of an open file: alone, or `shared` with others that share it.

    The system ends the lock with its process. Where it has no such locks, nobody could hold one.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # not on this file system
        return True
    return True


def remove_leftovers(folder: Path, of: str = "*") -> None:
    """Remove what a killed process left half-written; what another still writes is locked, and stays.

    Args:
      folder: where.
      of: the name of the file that was to be written. Default: any.
    """
    for path in folder.glob(f".{of}.*{LEFTOVER}"):
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            try:
                if lock(handle):
                    path.unlink()
            finally:
                os.close(handle)


def write_frame(path: Path, frame: "pl.DataFrame") -> None:
    """Write a frame as Parquet, whole or not at all."""
    parquet = io.BytesIO()  # polars itself reports a full disk in an error of its own
    frame.write_parquet(parquet)
    write(path, parquet.getvalue())


def write_frames(path: Path, schema: "pl.Schema", frames: "Iterable[pl.DataFrame]") -> None:
    """Write frames of one schema, one behind the other, as one Parquet file, whole or not at all.

    Memory holds a few of them at once.
    """
    import polars as pl
    from polars.io.plugins import register_io_source

    rows = register_io_source(lambda *_: iter(frames), schema=schema)

    def fill(file: BinaryIO) -> None:
        try:
            rows.sink_parquet(file)
        except pl.exceptions.ComputeError as problem:  # so polars reports a full disk
            number = re.search(r"os error (\d+)", str(problem))
            code = int(number[1]) if number else errno.EIO
            raise OSError(code, os.strerror(code)) from problem

    with naming(path):
        _replace(Path(os.path.realpath(path)), fill, _status(path))


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    write(path, text.encode())


def json_text(content: object) -> str:
    """`content` as JSON that people can read; a number that is not finite is null, as JSON has none."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n"


def _finite(value: object) -> object:
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy, which need not be imported for it
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, and leave nothing behind. Raises `UsageError`.

    What a killed process left of this file is removed. A FIFO or a device is not opened: that alone may wait
    for a reader, or tell one that all was written.
    """
    with naming(path):
        status = _status(path)
        if status is not None and not _replaceable(status):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        place = Path(os.path.realpath(path))
        with tempfile.NamedTemporaryFile(prefix=f".{place.name}.", suffix=LEFTOVER, dir=place.parent):
            pass
        remove_leftovers(place.parent, glob.escape(place.name))


def make_folder(path: Path) -> Path:
    """Make a folder, if it does not exist, with all that it is in. Raises `UsageError` where it cannot be.

    What a killed process left half-written in it is removed.
    """
    with naming(path):
        path.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    return path


def open_folder(path: Path, known: Callable[[Path], bool] | None = None) -> Path:
    """Make a folder for files; what `check_folder` refuses is refused.

    Raises `UsageError` also for one that cannot be written; then nothing is left behind.
    """
    new = check_folder(path, known)
    try:
        check_writable(make_folder(path) / "report.html")
    except UsageError:
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    return path


def check_folder(path: Path, known: Callable[[Path], bool] | None = None) -> list[Path]:
    """The folders that `open_folder` would make.

    Args:
      path: a folder that is new or empty, but for what a killed process left there.
      known: whether one that is not empty may be used all the same.

    Raises `UsageError` for any other folder, and for a file.
    """
    with naming(path):
        if path.exists() and not path.is_dir():
            raise UsageError("error.output.file", path=path)
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        if not new and not _is_empty(path) and not (known and known(path)):
            raise UsageError("error.output.full", path=path)
    return new


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but locks and what a killed process left half-written."""
    return all(path.name in (LOCK, CLAIMS) or path.name.endswith(LEFTOVER) for path in folder.iterdir())


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
