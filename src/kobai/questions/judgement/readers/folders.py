"""Folders that programs of tracking leave: event files of TensorBoard, offline runs of W&B, runs of MLflow.

Each becomes one long table: a row a run and step, with the arm as `group`, the `seed`, the name of the `run`,
its settings, and a column for each metric.
"""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from kobai.basics.errors import UsageError
from kobai.questions.judgement.readers import names, wire

Rows: TypeAlias = list[dict[str, Any]]


def read(folder: Path) -> pl.DataFrame | None:
    """The table of a folder; None where no such program has left anything in it."""
    readers: tuple[tuple[str, Callable[[Path], Rows]], ...] = (
        ("*.wandb", wandb),
        ("*events.out.tfevents.*", tensorboard),
        ("meta.yaml", mlflow),
    )
    for pattern, reader in readers:
        if next(folder.rglob(pattern), None) is not None:
            rows = reader(folder)
            if not rows:
                raise UsageError("error.judge.empty", name=folder)
            return pl.DataFrame(rows, infer_schema_length=None, strict=False)
    return None


def _completed(rows: Rows) -> Rows:
    """With `group` and `seed` from the names of the runs, where their settings do not say them."""
    split = names.split(dict.fromkeys(row["run"] for row in rows))
    for row in rows:
        arm, seed = split[row["run"]]
        row["group"] = str(row.get("group") or arm)
        row["seed"] = str(row["seed"]) if row.get("seed") is not None else seed
        row["run"] = row.pop("id", row["run"])  # names may be the same
    if all(row["seed"] is None for row in rows):
        for row in rows:  # what tells the runs apart is then their name
            del row["seed"]
    return rows


# TensorBoard


def tensorboard(folder: Path) -> Rows:
    """A run is a folder with event files, called by its path."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for path in sorted(folder.rglob("*events.out.tfevents.*")):
        place = path.parent.relative_to(folder).as_posix()
        run = folder.resolve().name if place == "." else place
        for step, tag, value in _scalars(path):
            rows.setdefault((run, step), {"run": run, "step": step})[tag] = value
    return _completed(list(rows.values()))


def _scalars(path: Path) -> Iterator[tuple[int, str, float]]:
    """(step, tag, value) of every scalar of an event file. Its last record may be half-written."""
    content, place = path.read_bytes(), 0
    while place + 12 <= len(content):
        (size,) = struct.unpack_from("<Q", content, place)
        event = content[place + 12 : place + 12 + size]
        place += size + 16
        if len(event) < size:
            return
        try:
            for summary in wire.texts(event, 5):
                for each in wire.texts(summary, 1):
                    value = _scalar(each)
                    if value is not None:
                        yield wire.whole(event, 2), wire.texts(each, 1)[0].decode(), value
        except (ValueError, IndexError):
            raise UsageError("error.judge.damaged", path=path) from None


def _scalar(value: bytes) -> float | None:
    """The number of a summary: its simple value, or a tensor of one float; None of a picture."""
    simple = [each for each in wire.texts(value, 2) if len(each) == 4]
    if simple:
        return wire.real(simple[0])
    for tensor in wire.texts(value, 8):
        kind = wire.whole(tensor, 1)  # 1: float32, 2: float64
        written = wire.texts(tensor, 4) + wire.texts(tensor, {1: 5, 2: 6}.get(kind, 0))
        size = {1: 4, 2: 8}.get(kind)
        if written and len(written[0]) == size:
            return wire.real(written[0])
    return None


# Weights & Biases


BLOCK = 32_768


def wandb(folder: Path) -> Rows:
    """A run is a file of an offline run, with its settings; its group, or its name, tells the arm."""
    rows: Rows = []
    for path in sorted(folder.rglob("*.wandb")):
        try:
            rows += _history(path)
        except (ValueError, struct.error):
            raise UsageError("error.judge.damaged", path=path) from None
    return _completed(rows)


def _history(path: Path) -> Iterator[dict[str, Any]]:
    known: dict[str, Any] = {"run": path.stem, "id": path.stem}
    for record in _records(path.read_bytes()):
        for run in wire.texts(record, 17):
            known |= _settings(wire.texts(run, 4))
            named, group = wire.texts(run, 8), wire.texts(run, 6)
            known["run"] = named[0].decode() if named and named[0] else path.stem
            if group and group[0]:
                known["group"] = group[0].decode()
        known |= _settings(wire.texts(record, 5))
        for history in wire.texts(record, 2):
            logged = {key: _number(value) for key, value in _json_items(history, 1).items()}
            step = [wire.whole(each, 1) for each in wire.texts(history, 2)]
            measured = {key: value for key, value in logged.items() if value is not None}
            yield {**known, **measured, "step": step[0] if step else logged.get("_step")}


def _settings(configs: list[bytes]) -> dict[str, Any]:
    """Settings by name, plain ones alone, and none of the program itself."""
    items = {key: value for config in configs for key, value in _json_items(config, 1).items()}
    return {
        key: value
        for key, value in items.items()
        if not (key.startswith("_") or isinstance(value, dict | list))
    }


def _json_items(message: bytes, number: int) -> dict[str, Any]:
    """Names with their values, which are written as JSON."""
    items = {}
    for item in wire.texts(message, number):
        key = wire.texts(item, 1) or [b"/".join(wire.texts(item, 2))]
        items[key[0].decode()] = json.loads((wire.texts(item, 16) or [b"null"])[0])
    return items


def _number(value: object) -> float | None:
    """A metric: a number, or how JSON writes one that is not finite; None of anything else."""
    if isinstance(value, str):
        return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _records(content: bytes) -> Iterator[bytes]:
    """The records of a log in LevelDB's format, behind a head of seven bytes: parts in blocks of 32 KiB."""
    place, parts = 7, b""
    while place + 7 <= len(content):
        left = BLOCK - place % BLOCK
        if left < 7:  # a block's end that has no room for a head
            place += left
            continue
        size, kind = struct.unpack_from("<HB", content, place + 4)
        part = content[place + 7 : place + 7 + size]
        if kind == 0 or len(part) < size:  # not written any further
            return
        place += 7 + size
        parts = part if kind in (1, 2) else parts + part
        if kind in (1, 4):
            yield parts


# MLflow


def mlflow(folder: Path) -> Rows:
    """A run is a folder with metrics: a file each, of lines "time value step"; parameters are columns."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for meta in sorted(folder.rglob("meta.yaml")):
        run = meta.parent
        if not (run / "metrics").is_dir() or "lifecycle_stage: deleted" in meta.read_text("utf-8"):
            continue
        named = run / "tags" / "mlflow.runName"
        name = named.read_text("utf-8").strip() if named.is_file() else run.name
        known = {path.name: path.read_text("utf-8").strip() for path in sorted((run / "params").glob("*"))}
        for path in sorted(each for each in (run / "metrics").rglob("*") if each.is_file()):
            metric = path.relative_to(run / "metrics").as_posix()
            for line in path.read_text("utf-8").split("\n"):
                try:
                    _, value, *step = line.split()
                    place = int(step[0]) if step else 0
                    number = float(value)
                except ValueError:  # the last line, half-written, or empty
                    continue
                row = rows.setdefault(
                    (run.name, place), {**known, "run": name, "id": run.name, "step": place}
                )
                row[metric] = number
    return _completed(list(rows.values()))
