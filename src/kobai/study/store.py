"""Where trainings are kept: a folder that grows with every question that is asked in it.

A study has a folder, and in it `STORE`. There each finished chunk of cells is one Parquet file, and a cell is
known by what it is (`kobai.engine.identity`), not by which study asked for it: whoever asks for the same cell
later gets it without a training. Beside the cells stand the questions (`kobai.study.record`).

No half-written file ever has a final name, and a file is believed only if it verifies: its name ends with the
checksum of its bytes. What does not verify is set aside in `DAMAGED`, and its cells are computed again.
"""

import contextlib
import hashlib
import io
import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import polars as pl

from kobai.basics import files
from kobai.basics.errors import UsageError
from kobai.basics.notices import notice
from kobai.basics.version import __version__

STORE = "store"
"""The folder of what is kept, in the folder of a study."""

DAMAGED = "damaged"
"""The folder of what stood in `STORE` and did not verify, in the folder of a study."""

FORMAT = 2
"""The number of this way to keep a study. The first kept the chunks of an interrupted study alone."""

MARK = "format.json"
"""The file in `STORE` that says the format, and which kobai has made it."""


DataType: TypeAlias = pl.DataType | type[pl.DataType]
"""What a column of a frame holds."""

WHAT: dict[str, DataType] = {
    "cell": pl.String,
    "task": pl.String,
    "method": pl.String,
    "start": pl.String,
    "strategy": pl.String,
    "seed": pl.Int64,
    "steps": pl.Int64,
    "versions": pl.String,
}
"""What a cell is: its identity, and what people call it."""

MEASURED: dict[str, DataType] = {
    "training_loss": pl.List(pl.Float32),
    "validation_loss": pl.List(pl.Float32),
    "validation_metric": pl.List(pl.Float32),
    "test_loss": pl.Float64,
    "test_metric": pl.Float64,
    "seconds": pl.Float64,
}
"""Losses and metrics are curves over the evaluations, NaN after a divergence; `seconds` are of one core."""

RESULTS: dict[str, DataType] = {
    "diverged_at": pl.Int64,
    "happened": pl.String,
    **MEASURED,
}
"""What came of a cell; `happened` is JSON, what each part of a strategy may make happen by its name, and
the `machine`, by the kind of its processor."""

KEPT = {**WHAT, **RESULTS}
"""The columns of what is kept: one row a cell."""


class Store:
    """The cells that are kept in the folder of a study, or in memory, by what they are.

    Args:
      folder: of the study; None: nothing is kept, but for `cells`.
      cells: a frame of columns `KEPT`, as if it had been kept.
      reading: whether the folder is left as it is.
      joined: whether other processes keep cells in the folder at the same time.

    All that the folder keeps is verified first; what does not verify is said, and set aside.
    """

    def __init__(
        self,
        folder: Path | None = None,
        cells: pl.DataFrame | None = None,
        *,
        reading: bool = False,
        joined: bool = False,
    ) -> None:
        self.folder = folder / STORE if folder else None
        self.cells = pl.DataFrame(schema=KEPT) if cells is None else cells
        self.places: dict[str, Path] = {}
        self.reading, self._lock = reading, threading.Lock()
        self._seen: set[str] = set()
        self._written: set[Path] = set()
        if self.folder is not None and self.folder.is_dir() and not (reading or joined):
            files.remove_leftovers(self.folder)  # of others that are at work no lock may be seen from here
        self.refresh()

    def __bool__(self) -> bool:
        """Whether to ask what a cell is: something is kept, or is going to be."""
        return self.folder is not None or len(self.cells) > 0

    def get(self, cells: Sequence[str]) -> pl.DataFrame:
        """Those of the cells that are kept, one row each, by their identities."""
        wanted = pl.col("cell").is_in(list(cells))
        paths = dict.fromkeys(path for path, _ in itertools.groupby(map(self.places.get, cells)))
        try:
            kept = self._read([path for path in paths if path is not None], cells)
        except FileNotFoundError:  # another process has put many files into one
            gone = {path for path in self.places.values() if not path.exists()}
            self.places = {cell: path for cell, path in self.places.items() if path not in gone}
            self.refresh()
            return self.get(cells)
        return once(pl.concat([self.cells.filter(wanted), kept]))

    def _read(self, paths: Sequence[Path], cells: Sequence[str]) -> pl.DataFrame:
        """Those of the cells that stand in some files."""
        if not paths:
            return self.cells.clear()
        wanted = pl.LazyFrame({"cell": list(cells)}, schema={"cell": pl.String}).unique()
        every = pl.scan_parquet(list(paths))
        return every.join(wanted, on="cell", how="semi", maintain_order="left").collect()

    def parts(self, cells: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Those of the cells that are kept, in frames of as many as a large file has; each cell once."""
        own: dict[Path | None, list[str]] = {None: []}
        for path, together in itertools.groupby(cells, self.places.get):
            own.setdefault(path, []).extend(together)
        yield self.get(own.pop(None))  # they may be in memory
        counts = {path: len(cells) for path, cells in own.items() if path is not None}
        for paths in _parts(list(counts), counts):
            yield self.get([cell for path in paths for cell in own[path]])

    def put(self, frame: pl.DataFrame, coming: Callable[[Path], object] | None = None) -> None:
        """Keep some cells, a frame of columns `KEPT`; those that are kept already stay what they are.

        Before anything is written, `coming` is told in which file the cells are going to be.
        """
        if self.folder is not None:
            frame = frame.filter([cell not in self.places for cell in frame["cell"]])
            if len(frame):
                path = self.write(frame, coming)
                self._seen.add(path.name)
                self.places |= dict.fromkeys(frame["cell"], path)

    def write(self, frame: pl.DataFrame, coming: Callable[[Path], object] | None = None) -> Path:
        """The file of some cells, whole."""
        folder = self.open()
        parquet = io.BytesIO()
        frame.write_parquet(parquet)
        path = folder / f"cells-{checksum(parquet.getvalue())}.parquet"
        if coming is not None:
            coming(path)
        files.write(path, parquet.getvalue())
        self._written.add(path)
        return path

    def open(self) -> Path:
        """The folder, which is made where there is none."""
        assert self.folder is not None
        with files.naming(self.folder):
            self.folder.mkdir(exist_ok=True)
        if not (mark := self.folder / MARK).exists():
            files.write_text(mark, files.json_text({"format": FORMAT, "kobai": __version__}))
        return self.folder

    def compact(self, own: bool = False) -> None:
        """Put small files of cells together, or those alone that this process has written, so many cells that
        memory holds them. Whoever is killed here leaves cells twice, which does no harm."""
        counts = Counter(self.places.values())
        small = [
            path
            for path, cells in counts.items()
            if cells < CELLS_OF_A_FILE and (path in self._written or not own)
        ]
        if len(small) <= MOST_FILES:
            return
        for paths in _parts(small, counts):
            frame = pl.concat([pl.read_parquet(path) for path in paths]).unique("cell", maintain_order=True)
            whole = self.write(frame)
            for path in paths:
                if path != whole:
                    path.unlink(missing_ok=True)
            self.places |= dict.fromkeys(frame["cell"], whole)

    def every(self) -> pl.DataFrame:
        """What each kept cell is: the columns `WHAT`."""
        paths = dict.fromkeys(self.places.values())
        frames = [pl.read_parquet(path, columns=list(WHAT)) for path in paths]
        return pl.concat([self.cells.select(*WHAT), *frames]).unique("cell", maintain_order=True)

    def unused(self, wanted: pl.DataFrame, versions: str) -> dict[str, int]:
        """How many cells other versions have computed, by these versions; none, where none of them is wanted.

        Args:
          wanted: what cells are that are not kept: columns of `WHAT`.
          versions: of the one that wants them.
        """
        others = self.every().filter(pl.col("versions") != versions)
        alike = [name for name in WHAT if name not in ("cell", "versions")]
        if others.join(wanted, on=alike, how="semi").is_empty():
            return {}
        return dict(others.group_by("versions").len().sort("versions").iter_rows())

    def refresh(self) -> bool:
        """Look at the files that were not there at the last look; whether any of them are there.

        What is not whole is set aside.
        """
        if self.folder is None or not self.folder.is_dir():
            return False
        with self._lock:
            names = {path.name for path in self.folder.iterdir() if not path.name.endswith(files.LEFTOVER)}
            new, self._seen = sorted(names - self._seen), names
            wrong = []
            for path in (self.folder / name for name in new):
                cells = _cells(path)
                if cells is None and os.path.lexists(path):  # not gone meanwhile
                    wrong.append(path)
                self.places |= dict.fromkeys(cells or (), path)
            self._tell(wrong, self.folder)
        return bool(new)

    def _tell(self, wrong: Sequence[Path], folder: Path) -> None:
        """Say what is not whole, and set it aside."""
        if wrong and self.reading:
            notice("study.damaged.read", count=len(wrong), path=folder)
        elif wrong:
            for path in wrong:
                _set_aside(path)
            notice("study.damaged", count=len(wrong), path=folder, place=folder.parent / DAMAGED)


def once(cells: pl.DataFrame) -> pl.DataFrame:
    """Each cell once."""
    is_twice = cells["cell"].n_unique() < len(cells)  # to look is cheap, to take them out is not
    return cells.unique("cell", maintain_order=True) if is_twice else cells


MOST_FILES = 8
"""More small files than this are put together, when a study has ended."""

CELLS_OF_A_FILE = 50_000
"""A file of so many cells, some 50 MB, is not put into a larger one."""


def _parts(paths: Sequence[Path], counts: Mapping[Path, int]) -> Iterator[list[Path]]:
    """The files in groups, each of which has enough cells for a file; the last may have fewer."""
    part: list[Path] = []
    cells = 0
    for path in paths:
        part.append(path)
        cells += counts[path]
        if cells >= CELLS_OF_A_FILE:
            yield part
            part, cells = [], 0
    if part:
        yield part


def _cells(path: Path) -> Iterable[str] | None:
    """The identities of the cells in a file, none in one that is no matter of cells; None: it is damaged."""
    content = content_of(path)
    if content is None:
        return None
    if path.name == MARK:
        return () if mark_of(content) else None
    kind, _, rest = path.name.partition("-")
    if rest.partition(".")[0] != checksum(content):
        return None
    if kind != "cells":
        return () if kind in ("question", "why") else None
    try:
        if dict(pl.read_parquet_schema(io.BytesIO(content))) != KEPT:
            return None
        names: list[str] = pl.read_parquet(io.BytesIO(content), columns=["cell"])["cell"].to_list()
    except pl.exceptions.PolarsError:
        return None
    return names


def mark_of(content: bytes | None) -> dict[str, object] | None:
    """What the mark of a store says; None where it says nothing."""
    try:
        mark = json.loads(content or b"")
        return mark if isinstance(mark["format"], int) and isinstance(mark["kobai"], str) else None
    except (ValueError, LookupError, TypeError):
        return None


def checksum(content: bytes) -> str:
    """Of the bytes of a file: 32 letters."""
    return hashlib.sha256(content).hexdigest()[:32]


def content_of(path: Path) -> bytes | None:
    """The bytes of a file; None where there are none to be had."""
    try:
        return path.read_bytes() if path.is_file() else None  # to open a FIFO would wait for ever
    except OSError:
        return None


OLDER = ("results.parquet", "cells.parquet", "answer.json")
"""The files of a finished study of the first format."""


def folder_of(output: str | Path | None, resume: bool) -> Path | None:
    """The folder of a study, new or with what was trained before; `resume`: it has to be there."""
    if output is None:
        if resume:
            raise UsageError("error.resume")
        return None
    if resume and not (Path(output).is_dir() and is_store(Path(output))):
        raise UsageError("error.output.other", path=output)
    return files.open_folder(Path(output), known=is_store)


def is_store(folder: Path) -> bool:
    """Whether a study is kept in this folder.

    Raises `UsageError` where it is kept as another version of kobai does, and says which one reads it.
    """
    mark = mark_of(content_of(folder / STORE / MARK))
    if mark is not None and mark["format"] != FORMAT:
        raise UsageError("error.store.newer", path=folder, kobai=mark["kobai"], format=mark["format"])
    if (folder / STORE).is_dir():
        return True
    if (folder / "chunks").is_dir() or all((folder / name).is_file() for name in OLDER):
        raise UsageError("error.store.older", path=folder, kobai=__version__)
    return False


def _set_aside(path: Path) -> None:
    """Move what did not verify to `DAMAGED`, under a name that is still free."""
    place = path.parent.parent / DAMAGED
    with files.naming(place):
        place.mkdir(exist_ok=True)
        target, number = place / path.name, 1
        while os.path.lexists(target):
            number += 1
            target = place / f"{path.name}.{number}"
        with contextlib.suppress(FileNotFoundError):  # another process was first
            path.rename(target)
