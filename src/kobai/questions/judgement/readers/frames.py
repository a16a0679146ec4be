"""From a long table to runs: one row a run, or one row a run and step."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from kobai.basics.errors import UsageError, quoted, unknown
from kobai.questions.judgement.runs import Run, Runs
from kobai.words import Note

GROUPS = ("group", "arm", "method", "variant", "algorithm", "condition", "name")
SEEDS = ("seed", "random_seed", "rng_seed", "run", "run_id", "trial", "repeat", "replicate", "rep")
STEPS = (
    *("step", "steps", "global_step", "num_steps", "n_steps", "train_step", "training_step"),
    *("iteration", "iterations", "iter", "iters", "num_iterations", "updates", "num_updates"),
    *("epoch", "epochs", "num_epochs"),
)
"""Names of such a column where it was not told, as `plain` has them; the first that is there."""
MISSING = ["", "na", "n/a", "#n/a", "<na>", "none", "null", "-"]
"""What a table writes where there is no value; of a run of one row it is one that failed."""
MOST = 0.5
"""Where more of what a column of text holds are numbers, it is one of numbers, and the words are failures."""


FORMATS = (".csv", ".txt", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json")
"""Endings of the files that are read."""


class Columns(NamedTuple):
    """Which column is what; None: by its name, or none."""

    metric: str | None = None
    group: str | None = None
    seed: str | None = None
    step: str | None = None


def read(path: Path) -> pl.DataFrame:
    """The table in a file, by the end of its name."""
    try:
        match path.suffix.lower():
            case ".csv" | ".txt":
                return pl.read_csv(path, infer_schema_length=None)
            case ".tsv":
                return pl.read_csv(path, separator="\t", infer_schema_length=None)
            case ".parquet":
                return pl.read_parquet(path)
            case ".jsonl" | ".ndjson" | ".json":
                return pl.read_ndjson(path, infer_schema_length=None)
            case _:
                raise UsageError("error.judge.format", path=path)
    except OSError as problem:
        raise UsageError("error.judge.file", path=path, problem=problem.strerror or problem) from None
    except pl.exceptions.PolarsError as problem:
        raise UsageError("error.judge.unreadable", path=path, problem=str(problem).split("\n")[0]) from None


def runs_of(tables: Sequence[tuple[str, pl.DataFrame]], columns: Columns) -> Runs:
    """The runs of one table, or of one for each arm.

    Args:
      tables: (what an arm is called where no column says it, table) each.
      columns: which column is what.

    Raises `UsageError` for a column that is not there or cannot be told.
    """
    single, runs, notes = len(tables) == 1, [], []
    metrics, curves, seeded = set(), False, True
    for name, table in tables:
        if table.is_empty():
            raise UsageError("error.judge.empty", name=name)
        own = _told(table, columns, single)
        metrics.add(own.metric)
        curves = curves or own.step is not None
        seeded = seeded and (own.seed == columns.seed is not None or "seed" in str(own.seed).lower())
        found, doubled = _runs(name, table, own)
        runs += found
        if doubled:
            notes.append(Note("judge.trap.rows", {"count": doubled, "name": name}))
    if len(metrics) > 1:
        raise UsageError("error.judge.metrics", names=", ".join(sorted(map(str, metrics))))
    return Runs(str(metrics.pop()), tuple(runs), curves, seeded, tuple(notes))


def _told(table: pl.DataFrame, columns: Columns, single: bool) -> Columns:
    """The columns of one table: those that were named, else those that are called so."""
    known = table.columns
    for option, name in columns._asdict().items():
        if name is not None and name not in known:
            raise unknown(f"kind.judge.{option}", name, known)

    exact = dict(zip(known, known, strict=True))
    written = {plain(name): name for name in reversed(known)} | exact

    def usual(names: Iterable[str]) -> str | None:
        return next((written[name] for name in names if name in written), None)

    group = columns.group or (usual(GROUPS) if single else None)
    if group is None and single:
        raise UsageError("error.judge.group", known=", ".join(known))
    seed, step = columns.seed or usual(SEEDS), columns.step or usual(STEPS)
    metric = columns.metric
    if metric is None:
        others = [name for name in known if name not in (group, seed, step) and _has_numbers(table[name])]
        if len(others) != 1:
            raise UsageError("error.judge.metric", known=", ".join(others or known))
        metric = others[0]
    return Columns(metric, group, seed, step)


def plain(name: str) -> str:
    """The name of a column without case, signs, or what stands before it: trainer/global_step, "Step"."""
    words = re.sub(r"[\s.-]+", "_", name.strip().lower())
    return re.sub(r"^(train|trainer|training)/", "", words).strip("_")


def _has_numbers(column: pl.Series) -> bool:
    """Whether a column holds numbers, though a run that crashed may have left a word there."""
    if column.dtype != pl.String:
        return column.dtype.is_numeric()
    written = column.to_frame().select(_present(column.name))[:, 0].drop_nulls()
    numbers = written.cast(pl.Float64, strict=False)
    return numbers.count() > MOST * len(written)


def _present(name: str) -> pl.Expr:
    """The text in a column, null where it is one of those that stand for no value."""
    text = pl.col(name).str.strip_chars()
    return pl.when(~text.str.to_lowercase().is_in(MISSING)).then(text)


def _runs(name: str, table: pl.DataFrame, columns: Columns) -> tuple[list[Run], int]:
    """The runs of a table, and how many rows say again what another has said."""
    metric, group, seed, step = columns
    for each in filter(None, columns):
        if table.schema[each].is_nested() or table.schema[each].is_object():
            raise UsageError("error.judge.nested", name=each)
    written = _present(str(metric)) if table.schema[str(metric)] == pl.String else pl.col(str(metric))
    number = written.cast(pl.Float64, strict=False).fill_null(np.nan)  # a word is no number
    value = pl.when(written.is_not_null()).then(number).alias("value")
    chosen = table.select(
        (pl.lit(name) if group is None else pl.col(group).cast(pl.String)).alias("arm"),
        (pl.lit(None, pl.String) if seed is None else pl.col(seed).cast(pl.String)).alias("seed"),
        (pl.lit(0.0) if step is None else pl.col(step).cast(pl.Float64, strict=False)).alias("step"),
        value,
    )
    if chosen["arm"].null_count():
        raise UsageError("error.judge.nobody", name=group, count=chosen["arm"].null_count())
    if chosen["step"].null_count() or chosen["step"].is_nan().any():
        raise UsageError("error.judge.step", name=step)
    ends = chosen.group_by("arm").agg(pl.col("step").n_unique())["step"]
    if step is None or (
        seed is None and ends.max() == 1
    ):  # of an arm that has one step, it is how long it was
        return _of_rows(chosen, seed)
    runs, doubled = [], 0
    for (arm, of_seed), rows in chosen.group_by("arm", "seed", maintain_order=True):
        last = rows.unique("step", keep="last", maintain_order=True).sort("step")
        if seed is None and len(last) < len(rows):
            raise UsageError("error.judge.seed", name=arm, step=step)
        doubled += len(rows) - len(last)
        # A logger that writes several metrics leaves rows without this one: they are no measurements.
        measured = last.drop_nulls("value")
        measured = last[-1:] if measured.is_empty() else measured
        values = measured["value"].fill_null(np.nan).to_numpy()
        runs.append(Run(str(arm), of_seed, measured["step"].to_numpy(), values))
    return runs, doubled


def _of_rows(chosen: pl.DataFrame, seed: str | None) -> tuple[list[Run], int]:
    """The runs of a table that has a row for each, and how many rows say again what another has said."""
    single = chosen
    if seed is not None:
        single = chosen.unique(["arm", "seed", "value"], maintain_order=True)
        again = single.filter(pl.struct("arm", "seed").is_duplicated())
        if len(again):
            name, of_seed = again.row(0)[:2]
            count = len(again.filter(arm=name, seed=of_seed))
            raise UsageError("error.judge.repeated", name=name, column=seed, seed=of_seed, count=count)
    runs = [
        Run(row["arm"], row["seed"], np.array([row["step"]]), np.array([row["value"]], float))
        for row in single.iter_rows(named=True)
    ]
    return runs, len(chosen) - len(single)


def named(path: Path) -> str:
    """What the arm of a file is called."""
    return path.stem


def from_mapping(source: Mapping[object, Any], metric: str | None) -> Runs:
    """The runs of ``{"main": [0.31, 0.29], "new": {0: 0.28, 1: 0.30}}``: values, or values by seed."""
    runs = []
    for arm, values in source.items():
        seeded = isinstance(values, dict)
        pairs = values.items() if seeded else enumerate(_listed(arm, values))
        for seed, value in pairs:
            try:
                number = float("nan") if value is None else float(value)
            except (TypeError, ValueError, OverflowError):
                raise UsageError("error.judge.value", name=arm, value=quoted(value)) from None
            runs.append(Run(str(arm), str(seed) if seeded else None, np.zeros(1), np.array([number])))
    if not runs:
        raise UsageError("error.judge.empty", name=quoted(source))
    return Runs(metric or "metric", tuple(runs), False, True)


def _listed(arm: object, values: Any) -> list[Any]:
    try:
        return list(values)
    except TypeError:
        raise UsageError("error.judge.value", name=arm, value=quoted(values)) from None
