"""The frame of a study: one row a cell, with the names of its trial, its phase, and what came of it."""

import json
from collections.abc import Iterable, Mapping

import polars as pl

from kobai.basics.machine import processor
from kobai.candidates.values import as_json
from kobai.study.axes import OF_PARTS, Axis
from kobai.study.store import MEASURED, RESULTS, DataType

SCHEMA: dict[str, DataType] = {
    "phase": pl.String,
    "optimizer": pl.String,
    "learning_rate": pl.Float64,
    "hyperparameters": pl.String,
    "initializer": pl.String,
    "seed": pl.Int64,
    "diverged_at": pl.Int64,
    "evaluated_at": pl.List(pl.Int32),
    **MEASURED,
    "machine": pl.String,
}
"""The curves are over `evaluated_at`; `hyperparameters` is JSON; `machine` is the kind of processor that took
`seconds`, null where that is not known."""


def happenings() -> list[str]:
    """The columns of all that parts of a strategy make happen: the step of an end, the batches left
    out and those whose gradient was cut."""
    return [name for field in OF_PARTS.values() for name in field.happens]


def happened(fields: Mapping[str, object], counts: Mapping[str, int]) -> str:
    """What happened in a run with these fields and counts, and the kind of processor that it had, as JSON."""
    events = {name: fields.get(name, counts[name]) for name in happenings()}
    return as_json({**events, "machine": processor()})


def schema(axes: Iterable[Axis]) -> dict[str, DataType]:
    """The columns of a frame of cells: one more for each axis, and for what an axis makes happen."""
    names = [axis.name for axis in axes]
    columns: dict[str, DataType] = {}
    for column, kind in SCHEMA.items():
        columns[column] = kind
        if column == "initializer":
            columns |= dict.fromkeys(names, pl.String)
        if column == "diverged_at":
            columns |= {happens: pl.Int64 for name in names for happens in _happens(name)}
    return columns


def _happens(axis: str) -> tuple[str, ...]:
    """The columns that say what an axis made happen in a run: the step of its end, the batches left out."""
    return OF_PARTS[axis].happens if axis in OF_PARTS else ()


def order(axes: Iterable[Axis]) -> list[str]:
    """By what the cells of a phase are sorted: it depends on nothing but what they are."""
    return ["optimizer", "initializer", "hyperparameters", *(axis.name for axis in axes), "seed"]


def results(kept: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """What came of cells as they are kept: `cell`, and those of the columns of a frame that are results."""
    happened: dict[str, dict[str, object]] = {"": {}}  # of no cell: polars gives a type to one text at least
    happened |= {text: json.loads(text) for text in kept["happened"].unique()}
    own = {name: pl.Int64 for name in happenings() if name in columns}
    events = [
        pl.col("happened")
        .replace_strict({text: each.get(name) for text, each in happened.items()}, return_dtype=kind)
        .alias(name)
        for name, kind in {"machine": pl.String, **own}.items()
    ]
    return kept.select("cell", *(name for name in RESULTS if name != "happened"), *events)


def joined(phases: Mapping[str, pl.DataFrame], axes: Iterable[Axis]) -> pl.DataFrame:
    """The cells of all phases, each of which is sorted: one behind the other, by name."""
    return pl.concat([pl.DataFrame(schema=schema(axes)), *(phases[name] for name in sorted(phases))])
