"""Which reader a source asks for: a mapping, a frame, a file, several files, a folder, an address."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from kobai.basics.checks import is_place, listed
from kobai.basics.errors import UsageError, quoted
from kobai.questions.judgement.readers import folders, frames, optuna
from kobai.questions.judgement.readers.frames import Columns
from kobai.questions.judgement.runs import Runs

DATABASES = (".db", ".sqlite", ".sqlite3")
"""Endings of the file of a study of Optuna."""


def load(source: object, columns: Columns) -> Runs:
    """The runs of a source. Raises `UsageError` for what none of the readers reads."""
    if isinstance(source, Mapping):
        return frames.from_mapping(dict(source), columns.metric)
    if isinstance(source, pl.DataFrame):
        return frames.runs_of([("", source)], columns)
    if hasattr(source, "to_dict") and hasattr(source, "columns"):  # of pandas
        return frames.runs_of([("", _from_pandas(source))], columns)
    if isinstance(source, str) and optuna.ADDRESS.match(source):
        return frames.runs_of([("", optuna.read(source))], columns)
    paths = [_path(each) for each in listed(source)]
    if not paths:
        raise UsageError("error.judge.source", value=quoted(source))
    if len(paths) == 1:
        return _alone(paths[0], columns)
    names = [frames.named(path) for path in paths]
    for name in names:
        if names.count(name) > 1 and columns.group is None:
            raise UsageError("error.judge.names", name=name)
    if columns.group is not None and len(paths) > 1:
        together = pl.concat([frames.read(path) for path in paths], how="diagonal_relaxed")
        return frames.runs_of([("", together)], columns)
    return frames.runs_of(
        [(name, frames.read(path)) for name, path in zip(names, paths, strict=True)], columns
    )


def _alone(path: Path, columns: Columns) -> Runs:
    """The runs of a file; of a folder that some program has left, or of one with a file for each arm."""
    if path.suffix in DATABASES:
        return frames.runs_of([("", optuna.read(optuna.address(path)))], columns)
    if not path.is_dir():
        return frames.runs_of([(frames.named(path), frames.read(path))], columns)
    tracked = folders.read(path)
    if tracked is not None:
        return frames.runs_of([("", tracked)], columns)
    files = sorted(each for each in path.iterdir() if _is_table(each))
    if not files:
        raise UsageError("error.judge.folder", path=path)
    return load(files, columns)


def _is_table(path: Path) -> bool:
    """Whether a file of a folder may hold runs: by its ending, and no verdict that `--json` wrote there."""
    if path.suffix.lower() not in frames.FORMATS:
        return False
    if path.suffix.lower() != ".json":
        return True
    try:
        written = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError):  # lines of JSON, or what its reader will refuse
        return True
    return not (isinstance(written, dict) and {"verdicts", "exit_code"} <= written.keys())


def _path(source: object) -> Path:
    if not is_place(source):
        raise UsageError("error.judge.source", value=quoted(source))
    path = Path(source)  # type: ignore[arg-type]
    if not path.exists():
        raise UsageError("error.judge.missing", path=path)
    return path


def _from_pandas(frame: Any) -> pl.DataFrame:
    """A frame of pandas, column by column, which needs no pyarrow; NaN is how pandas says: no value."""
    columns = {str(name): list(column) for name, column in frame.to_dict("list").items()}
    return pl.DataFrame(columns, strict=False, nan_to_null=True)
