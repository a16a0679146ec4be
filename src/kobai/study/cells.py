"""The cells of a phase of a study, sorted by trial and then by seed: a frame, or files from which it is read.

Whoever reads them asks for one trial, or goes from trial to trial; so no more than about `AT_ONCE` cells need
be in memory with their curves, however many there are.
"""

import contextlib
import functools
import itertools
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from kobai.basics import files
from kobai.study.store import DataType
from kobai.study.study import Trial

AT_ONCE = 50_000
"""So many cells with their curves are in memory at once, or those of one trial."""

GROUP = 2048
"""Cells that are written, and so read, together."""

PREFIX, HELD = "kobai-", "held"
"""How the name of a folder of cells begins, and the file in it that its process holds locked."""

Names = tuple[str, ...]
"""What names a trial, in the order of `Study.columns`."""

Span = tuple[int, int]
"""Where the cells of a trial begin, and where those of the next one."""


class Cells:
    """The cells of a phase, one row each, in memory.

    Args:
      frame: sorted so that the cells of a trial lie side by side, by seed.
      names: the columns that name a trial.
    """

    def __init__(self, frame: pl.DataFrame, names: Sequence[str]) -> None:
        self._frame, self.names, self.columns = frame, tuple(names), frame.columns

    def __len__(self) -> int:
        return len(self._frame)

    def __getitem__(self, column: str) -> pl.Series:
        """One column of all cells."""
        return self._frame[column]

    @functools.cached_property
    def spans(self) -> dict[Names, Span]:
        """Where the cells of each trial are, in their order."""
        starts = self._frame.select(~pl.struct(self.names).eq_missing(pl.struct(self.names).shift()))
        first = np.flatnonzero(starts.to_series().fill_null(True).to_numpy())
        last = np.append(first, len(self))[1:]
        keys = self._frame.select(self.names)[first].iter_rows()
        return dict(zip(keys, zip(first.tolist(), last.tolist(), strict=True), strict=True))

    @property
    def rates(self) -> dict[Names, float | None]:
        """The learning rate of each trial."""
        first = [first for first, _ in self.spans.values()]
        return dict(zip(self.spans, self["learning_rate"].gather(first), strict=True))

    def rows(self, first: int, last: int, *columns: str) -> pl.DataFrame:
        """The cells from `first` to before `last`; with all columns, if none are said."""
        rows = self._frame.slice(first, last - first)
        return rows.select(columns) if columns else rows

    def of(self, trial: Trial) -> pl.DataFrame:
        """The cells of one trial, by seed."""
        return self.rows(*self._span(trial))

    def count(self, trial: Trial) -> int:
        """How many cells a trial has."""
        first, last = self._span(trial)
        return last - first

    def _span(self, trial: Trial) -> Span:
        return self.spans.get(tuple(trial.named.values()), (0, 0))

    @functools.cached_property
    def together(self) -> list[list[tuple[Names, Span]]]:
        """The spans of those trials that are read at once."""
        groups = itertools.groupby(self.spans.items(), lambda item: item[1][0] // AT_ONCE)
        return [list(spans) for _, spans in groups]

    def each(self, *columns: str) -> Iterator[tuple[Names, pl.DataFrame]]:
        """The cells of one trial after another, with what names it."""
        for spans in self.together:
            (_, (start, _)), (_, (_, end)) = spans[0], spans[-1]
            part = self.rows(start, end, *columns)
            for names, (first, last) in spans:
                yield names, part.slice(first - start, last - first)

    def parts(self) -> Iterator[pl.DataFrame]:
        """All cells, in frames one behind the other."""
        for spans in self.together:
            (_, (start, _)), (_, (_, end)) = spans[0], spans[-1]
            yield self.rows(start, end)

    @property
    def frame(self) -> pl.DataFrame:
        """All cells as one frame."""
        return self._frame

    def filter(self, keep: pl.Expr) -> "Cells":
        """Those for which an expression of what names a trial, and of the seed, holds."""
        return Cells(self._frame.filter(keep), self.names)


class Labels:
    """What there is to say of a cell before it is trained, by its place: the number of its trial times the
    number of seeds, and the number of its seed.

    Args:
      trials: [trials], sorted: the columns of a frame that a trial decides.
      seeds: [seeds], ascending.
    """

    def __init__(self, trials: pl.DataFrame, seeds: np.ndarray) -> None:
        self.trials, self.seeds = trials, seeds

    def __len__(self) -> int:
        return len(self.trials) * len(self.seeds)

    def at(self, places: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        """Those of the columns that are labels, at some places."""
        trial, seed = np.divmod(places, len(self.seeds))
        own = [self.trials[column][trial] for column in columns if column in self.trials.columns]
        seeds = [pl.Series("seed", self.seeds[seed], pl.Int64)] if "seed" in columns else []
        return pl.DataFrame([*own, *seeds])


class Folder:
    """A folder that is there as long as anybody knows of it, and gone with the process at the latest.

    A process that was killed leaves its own behind. A file in it is locked as long as the process lives: the
    next that makes a folder removes those of which it is not.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        unlocked = self.path / "new"
        held = unlocked.open("wb")
        weakref.finalize(self, _remove, self.path, held)
        files.lock(held.fileno())
        with contextlib.suppress(OSError):  # where an open file keeps its name, none is told to be left
            unlocked.rename(self.path / HELD)  # under this name it was never unlocked
        if not _is_left(self.path):  # else there are no locks here, and no telling
            for path in self.path.parent.glob(f"{PREFIX}*"):
                if _is_left(path):
                    shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path, held: BinaryIO) -> None:
    held.close()
    shutil.rmtree(path, ignore_errors=True)


def _is_left(path: Path) -> bool:
    """Whether no process holds this folder any more, which is no other user's."""
    try:
        with (path / HELD).open("rb") as file:
            return files.lock(file.fileno())
    except OSError:
        return False


class Spooled(Cells):
    """The cells of a phase, in files of a folder of their own, which goes when they are forgotten.

    Args:
      labels: of every place.
      schema: of the frame.
      names: the columns that name a trial.
      runs: the files, each with the places of its rows, ascending.
      places: of the cells, ascending.
      folder: of the files.
    """

    def __init__(
        self,
        labels: Labels,
        schema: Mapping[str, DataType],
        names: Sequence[str],
        runs: Sequence[tuple[Path, np.ndarray]],
        places: np.ndarray,
        folder: Folder,
    ) -> None:
        self.labels, self.schema, self.runs, self.places, self._folder = labels, schema, runs, places, folder
        self.names, self.columns = tuple(names), list(schema)
        self._columns: dict[str, pl.Series] = {}
        self._latest: tuple[int, pl.DataFrame] = 0, pl.DataFrame()

    def __len__(self) -> int:
        return len(self.places)

    def of(self, trial: Trial) -> pl.DataFrame:
        """The cells of one trial, by seed; those of its neighbours are read with them, and had at hand."""
        first, last = self._span(trial)
        if first == last:
            return self.rows(0, 0)
        start, part = self._latest
        if not start <= first <= last <= start + len(part):
            spans = next(each for each in self.together if each[0][1][0] <= first < each[-1][1][1])
            start, end = spans[0][1][0], spans[-1][1][1]
            part = self.rows(start, end)
            self._latest = start, part
        return part.slice(first - start, last - first)

    def __getitem__(self, column: str) -> pl.Series:
        """One column of all cells."""
        if column not in self._columns:
            self._columns[column] = self.rows(0, len(self), column)[column]
        return self._columns[column]

    @functools.cached_property
    def spans(self) -> dict[Names, Span]:
        """Where the cells of each trial are, in their order."""
        trials, first = np.unique(self.places // len(self.labels.seeds), return_index=True)
        last = np.append(first, len(self))[1:]
        keys = self.labels.trials[trials].select(self.names).iter_rows()
        return dict(zip(keys, zip(first.tolist(), last.tolist(), strict=True), strict=True))

    def rows(self, first: int, last: int, *columns: str) -> pl.DataFrame:
        """The cells from `first` to before `last`; with all columns, if none are said."""
        columns, places = columns or tuple(self.columns), self.places[first:last]
        labels = self.labels.at(places, columns)
        measured = [column for column in columns if column not in labels.columns]
        if not measured:
            return labels.select(columns)
        results = self._measured(places, measured)
        return results.hstack(labels.get_columns()).select(columns)

    def _measured(self, places: np.ndarray, columns: Sequence[str]) -> pl.DataFrame:
        """What came of the cells at some places, ascending."""
        parts, found = [pl.DataFrame(schema={name: self.schema[name] for name in columns})], [places[:0]]
        for path, own in self.runs if len(places) else ():
            first, last = np.searchsorted(own, (places[0], places[-1] + 1))
            if last > first:
                parts.append(pl.scan_parquet(path).select(columns).slice(first, last - first).collect())
                found.append(own[first:last])
        at = np.concatenate(found)
        order = np.argsort(at)
        return pl.concat(parts)[order[np.searchsorted(at, places, sorter=order)]]

    @property
    def frame(self) -> pl.DataFrame:
        """All cells as one frame."""
        return pl.concat([pl.DataFrame(schema=self.schema), *self.parts()])

    def filter(self, keep: pl.Expr) -> "Spooled":
        """Those for which an expression of what names a trial, and of the seed, holds."""
        kept = self.rows(0, len(self), *self.names, "seed").select(keep).to_series().to_numpy()
        places = self.places[kept]
        return Spooled(self.labels, self.schema, self.names, self.runs, places, self._folder)


def gathered(
    labels: Labels, schema: Mapping[str, DataType], names: Sequence[str], parts: Iterable[pl.DataFrame]
) -> Cells:
    """Cells that come in parts, in any order: more than can be in memory at once are written to files.

    Args:
      labels: of every place.
      schema: of the frame.
      names: the columns that name a trial.
      parts: the columns of the frame that are no labels, and `place`; no place is in two of them.
    """
    if len(labels) <= AT_ONCE:
        every = pl.concat(parts).sort("place")
        own = labels.at(every["place"].to_numpy(), list(schema))
        return Cells(every.hstack(own.get_columns()).select(*schema), names)
    folder, runs = Folder(), []
    for number, part in enumerate(parts):
        part, path = part.sort("place"), folder.path / f"{number}.parquet"
        with files.naming(path):
            part.drop("place").write_parquet(path, compression="lz4", row_group_size=GROUP, statistics=False)
        runs.append((path, part["place"].to_numpy()))
    places = np.sort(np.concatenate([own for _, own in runs]))
    return Spooled(labels, schema, names, runs, places, folder)
