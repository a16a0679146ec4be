"""Where results are kept: frames of cells, written so that no half-written file ever has a final name.

A study has a folder. While it runs, each finished chunk is one Parquet file in ``chunks/``, and a study that
was interrupted goes on from them. Beside them stands what the study asks: another question is told from it.

A file is believed only if it verifies: its name ends with the checksum of its bytes, and a chunk says of what
study it is (a hash of programs, data and versions) and of which cells. What does not verify is set aside in
``damaged/`` and computed again.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.basics.notices import notice
from kobai.words import say

CHUNKS = "chunks"
"""The folder of what is finished, in the folder of a study."""

DAMAGED = "damaged"
"""The folder of what stood in `CHUNKS` and did not verify."""

QUESTION = "question"
"""How the name of the file begins that says what the study asks, beside its chunks."""

LOCK = ".kobai-lock"
"""The file in the folder of a study that whoever works there holds locked: its process and machine."""

IDENTITY = "kobai"
"""The key of a chunk's identity among the metadata of its Parquet file."""

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
    """The finished chunks of a study, by what they computed. Without a folder nothing is kept.

    All that the folder keeps is verified first; what does not verify is set aside, and said.

    Args:
      folder: of the study.
      fingerprint: a hash of all that a chunk depends on beside its cells.
      question: what the study asks, by name, for whoever asks something else later.

    Raises `UsageError` where the folder keeps the work of a study that asks something else, and says what.
    """

    def __init__(
        self, folder: Path | None = None, fingerprint: str = "", question: Mapping[str, object] | None = None
    ) -> None:
        self.folder = folder / CHUNKS if folder else None
        self.fingerprint = fingerprint
        self.question = files.json_text({**(question or {}), "fingerprint": fingerprint}).encode()
        if self.folder is not None and self.folder.is_dir():
            files.remove_leftovers(self.folder)
            self._check_question(self.folder)
            self._verify(self.folder)

    def get(self, cells: Sequence[Sequence[object]]) -> pl.DataFrame | None:
        """The frame of these cells, if an earlier session finished them."""
        if self.folder is None:
            return None
        path = next(self.folder.glob(f"{_hash(self._identity(cells).encode())}-*.parquet"), None)
        return pl.read_parquet(path) if path else None

    def put(self, cells: Sequence[Sequence[object]], frame: pl.DataFrame) -> None:
        """Keep the frame of these cells."""
        if self.folder is None:
            return
        with files.naming(self.folder):
            self.folder.mkdir(exist_ok=True)
        if not (path := self.folder / _question_name(self.question)).exists():
            files.write(path, self.question)
        identity = self._identity(cells)
        parquet = io.BytesIO()
        frame.write_parquet(parquet, metadata={IDENTITY: identity})
        files.write(self.folder / _name(identity, parquet.getbuffer()), parquet.getbuffer())

    def _identity(self, cells: Sequence[Sequence[object]]) -> str:
        return json.dumps([self.fingerprint, cells])

    def _check_question(self, folder: Path) -> None:
        """Refuse to go on with the work of another question."""
        for path in folder.glob(f"{QUESTION}-*.json"):
            content = _content(path)
            if content is not None and path.name == _question_name(content) and content != self.question:
                differences = _differences(json.loads(content), json.loads(self.question))
                raise UsageError("error.resume.other", path=folder.parent, differences=differences)

    def _verify(self, folder: Path) -> None:
        """Set aside what is not whole, or not of this study."""
        wrong = [path for path in sorted(folder.iterdir()) if not self._is_own(path)]
        for path in wrong:
            _set_aside(path)
        if wrong:
            notice("study.damaged", count=len(wrong), path=folder, place=folder.parent / DAMAGED)

    def _is_own(self, path: Path) -> bool:
        content = _content(path)
        if content is None:
            return False
        try:
            if path.name == _question_name(content):
                return content == self.question
            identity = pl.read_parquet_metadata(io.BytesIO(content))[IDENTITY]
            return path.name == _name(identity, content) and json.loads(identity)[0] == self.fingerprint
        except (ValueError, LookupError, TypeError, pl.exceptions.PolarsError):
            return False


def _question_name(content: bytes) -> str:
    return f"{QUESTION}-{_hash(content)}.json"


def _name(identity: str, content: bytes | memoryview) -> str:
    """The name of a chunk's file: what it is, and the checksum of its bytes."""
    return f"{_hash(identity.encode())}-{_hash(content)}.parquet"


def _hash(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _content(path: Path) -> bytes | None:
    """The bytes of a file; None where there are none to be had."""
    try:
        return path.read_bytes() if path.is_file() else None  # to open a FIFO would wait for ever
    except OSError:
        return None


def _differences(kept: Mapping[str, object], asked: Mapping[str, object]) -> str:
    """What two studies ask differently: "steps: 500 → 300"."""
    names = [name for name in {**kept, **asked} if kept.get(name) != asked.get(name)]
    if names == ["fingerprint"]:  # all has the same names, but the programs or the data are others
        return say("error.resume.task")
    changes = ((name, kept.get(name), asked.get(name)) for name in names if name != "fingerprint")
    return "; ".join(f"{name}: {_short(before)} → {_short(after)}" for name, before, after in changes)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _set_aside(path: Path) -> None:
    """Move what did not verify to `DAMAGED`, under a name that is still free."""
    place = path.parent.parent / DAMAGED
    with files.naming(place):
        place.mkdir(exist_ok=True)
        target, number = place / path.name, 1
        while os.path.lexists(target):
            number += 1
            target = place / f"{path.name}.{number}"
        path.rename(target)


def remove_chunks(folder: Path) -> None:
    """Drop the chunks of the study in `folder`, once its own files hold everything."""
    shutil.rmtree(folder / CHUNKS, ignore_errors=True)


@contextlib.contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """Work in the folder of a study as the only process.

    The lock is the system's, and ends with its process: what a killed one left behind locks nobody out.

    Raises `UsageError` that names the process which is at work there.
    """
    if folder is None:
        yield
        return
    path = folder / LOCK
    with files.naming(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    try:
        if not files.lock(handle):
            holder = os.read(handle, 1000).decode(errors="replace").strip()
            raise UsageError("error.output.busy", path=folder, process=holder or "?")
        os.truncate(handle, 0)
        os.write(handle, f"{os.getpid()} ({socket.gethostname()})".encode())
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)
