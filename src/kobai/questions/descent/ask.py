"""Methods let loose on a landscape as one call: ``kobai.descend("bowl")`` shows when each of them arrives."""

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl

from kobai import words
from kobai.basics import files
from kobai.basics.checks import check_count, is_number
from kobai.basics.errors import UsageError, said
from kobai.basics.machine import use_compilation_cache
from kobai.landscapes.landscape import Landscape, any_dimension, load
from kobai.questions.descent import terminal
from kobai.questions.descent.grid import Candidate, grid
from kobai.questions.descent.outcome import (
    Outcome,
    best_rates,
    check_column,
    frame,
    judged,
    ordered,
    paths_frame,
)
from kobai.questions.descent.walk import walk
from kobai.words import language as speaking

STEPS = 1000
MOST_STEPS = 1_000_000
LARGEST = sys.float_info.max
MOST_NUMBERS = 30_000_000
"""So many numbers of all paths are kept at once (240 MB)."""


def descend(
    landscape: Landscape | str | Callable[[Any], Any],
    methods: Iterable[Any] | str | type | Any | None = None,
    *,
    start: Sequence[float] | None = None,
    dimension: int | None = None,
    learning_rates: Sequence[float] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    steps: int = STEPS,
    tolerance: float | None = None,
    sort: str | None = None,
    language: str | None = None,
    command: str | None = None,
) -> "Descent":
    """Which method arrives in how many steps, and does it stay?

    All paths begin at one point and are computed in double precision; those of all update rules and settings
    in one compiled program. A path has arrived where f < tolerance, above the least value if it is known.

    Args:
      landscape: a name (``kobai landscapes``), a `Landscape`, or any function from an array [n] to a scalar
        that JAX can differentiate.
      methods: names, classes or instances of update rules and minimizers, or a single one; a list in a field
        of an instance is a grid. Default: seven update rules and BFGS.
      start: n finite numbers. Default: the landscape's.
      dimension: n, for a name that leaves it open. Default: as many as `start` has, or the landscape's own.
      learning_rates: for every update rule. Default: what the landscape names for it, or the best of 21 from
        0.0001 to 10.
      hyperparameters: further grids, such as ``{"momentum.momentum": [0.5, 0.9]}`` or
        ``{"conjugate_gradient.formula": ["FR", "HS"]}``.
      steps: of an update rule; at most so many of a minimizer.
      tolerance: in place of the landscape's; above 0 where its least value is known.
      sort: a column of the table, ascending. Default: the best first.
      language: "en" or "ja", for this call. Default: the language in use.
      command: what the page says reproduces it. Default: this call.

    Returns:
      A `Descent`: prints the table; holds the paths, frames and figures.

    Raises:
      UsageError: for anything that cannot be meant, before any step.
    """
    command = command or _call(landscape, locals())
    with speaking(language):
        use_compilation_cache()
        found = _landscape(landscape, dimension, start)
        x = _start(found, start)
        check_count("steps", steps, most=MOST_STEPS)
        _check_tolerance(found, tolerance)
        if sort is not None:
            check_column(sort)
        candidates = grid(found, methods, learning_rates, hyperparameters)
        _check_size(candidates, steps, len(x))
        _check_objective(found, x)
        outcome = _outcome(found, x, candidates, steps, found.level(tolerance), sort)
        return Descent(outcome, command, words.current())


def _outcome(
    landscape: Landscape,
    x: tuple[float, ...],
    candidates: list[Candidate],
    steps: int,
    level: float,
    sort: str | None,
) -> Outcome:
    """Walk, judge, keep the best where a rate was searched for, and put in order."""
    settings = [(candidate, setting) for candidate in candidates for setting in candidate.variants]
    paths = walk(landscape.objective, [setting for _, setting in settings], np.array(x), steps)
    rows, tried = [], []
    for candidate in candidates:
        own = [
            judged(candidate.name, setting, path, level)
            for (owner, setting), path in zip(settings, paths, strict=True)
            if owner is candidate
        ]
        rows += best_rates(own) if candidate.searched else own
        tried += own if candidate.searched else []
    return Outcome(landscape, x, steps, level, ordered(rows, sort), tried)


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Descent:
    """The paths of several methods. Printing it shows the table; a notebook shows it as HTML."""

    outcome: Outcome
    """The landscape and every path: ``outcome.rows[i].path.points``."""
    command: str
    language: str
    """The language it speaks."""

    @property
    def table(self) -> pl.DataFrame:
        """One row a path; the columns are described at `kobai.questions.descent.outcome.SCHEMA`."""
        return frame(self.outcome.rows)

    @property
    def tried(self) -> pl.DataFrame:
        """The same of every learning rate that was tried where the table has only the best."""
        return frame(self.outcome.tried)

    @property
    def paths(self) -> pl.DataFrame:
        """Every step of every path: row of the table, method, step, evaluations, f, x."""
        return paths_frame(self.outcome.rows)

    @property
    def figures(self) -> dict[str, Any]:
        """The figures of the page, by name (plotly): paths (in two dimensions), descent."""
        from kobai.questions.descent.figures import figures

        with speaking(self.language):
            return figures(self.outcome)

    def html(self) -> str:
        """One self-contained page with the paths to be played."""
        from kobai.questions.descent.page import page

        with speaking(self.language):
            return page(self.outcome, self.command)

    def to_json(self) -> str:
        """The table and what was asked, as JSON; a number that is not finite is null."""
        made = self.outcome
        found = {
            "landscape": made.landscape.name,
            "start": made.start,
            "steps": made.steps,
            "least": made.landscape.least,
            "level": made.level,
            "rows": [_row(row) | _ends(i, made) for i, row in enumerate(self.table.to_dicts())],
            "tried": [_row(row) for row in self.tried.to_dicts()],
        }
        return json.dumps(found, ensure_ascii=False, indent=1) + "\n"

    def save(self, folder: str | Path) -> None:
        """Write descent.html, descent.json, table.parquet and paths.parquet to a folder that exists."""
        folder = Path(folder)
        files.write_frame(folder / "table.parquet", self.table)
        files.write_frame(folder / "paths.parquet", self.paths)
        files.write_text(folder / "descent.json", self.to_json())
        files.write_text(folder / "descent.html", self.html())

    def __repr__(self) -> str:
        with speaking(self.language):
            return terminal.text(self.outcome)

    def _repr_html_(self) -> str:
        from kobai.questions.descent.page import summary

        with speaking(self.language):
            return summary(self.outcome)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _finite(value) for name, value in row.items()} | {
        "coefficients": json.loads(row["coefficients"])
    }


def _ends(i: int, outcome: Outcome) -> dict[str, Any]:
    """Where a path ended, how a minimizer stopped, and what it counted."""
    path = outcome.rows[i].path
    point = [_finite(x) for x in path.points[-1].tolist()]
    return {"point": point, "ended": path.ended, "counts": path.counts}


# What is given


def _landscape(given: Any, dimension: int | None, start: Any) -> Landscape:
    if isinstance(given, str):
        if dimension is None and start is not None and any_dimension(given):
            dimension = len(_numbers(start))
        return load(given, dimension)
    if not (isinstance(given, Landscape) or callable(given)):
        raise UsageError("error.landscape.type", value=repr(given))
    if dimension is not None:
        raise UsageError("error.landscape.function", value=dimension)
    if isinstance(given, Landscape):
        return given
    if start is None:
        raise UsageError("error.start.missing")
    return Landscape(getattr(given, "__name__", "f"), given, start=_numbers(start))


def _start(landscape: Landscape, start: Any) -> tuple[float, ...]:
    x = landscape.start if start is None else _numbers(start)
    if len(x) != landscape.dimension:
        values = {"name": landscape.name, "dimension": landscape.dimension, "value": len(x)}
        raise UsageError("error.start.dimension", **values)
    return x


def _numbers(start: Any) -> tuple[float, ...]:
    x = np.asarray(start, object)
    if x.ndim != 1 or not x.size or not all(is_number(value) and abs(value) <= LARGEST for value in x):
        raise UsageError("error.start.numbers", value=repr(start))
    return tuple(map(float, x))


def _check_tolerance(landscape: Landscape, tolerance: Any) -> None:
    if tolerance is None:
        return
    if not (is_number(tolerance) and math.isfinite(tolerance)):
        raise UsageError("error.tolerance", value=repr(tolerance))
    if landscape.least is not None and tolerance <= 0:
        values = {"name": landscape.name, "least": landscape.least, "value": tolerance}
        raise UsageError("error.tolerance.positive", **values)


def _check_size(candidates: list[Candidate], steps: int, dimension: int) -> None:
    paths = sum(len(candidate.variants) for candidate in candidates)
    if paths * (steps + 1) * (dimension + 1) > MOST_NUMBERS:
        raise UsageError("error.too_large", paths=paths, steps=steps, dimension=dimension)


def _check_objective(landscape: Landscape, x: tuple[float, ...]) -> None:
    """Refuse a function that gives no number, or none at the start."""
    name = landscape.name
    with jax.enable_x64(True):
        try:
            shape = jax.eval_shape(landscape.objective, np.array(x)).shape
            if shape == ():
                f, g = jax.jit(jax.value_and_grad(landscape.objective))(np.array(x))
        except Exception as problem:
            first = f"{type(problem).__name__}: {problem}".split("\n")[0]
            raise UsageError("error.objective.raises", name=name, problem=first) from problem
    if shape != ():
        raise UsageError("error.objective.scalar", name=name, shape=shape)
    for part, found in (("value", f), ("gradient", g)):
        bad = np.asarray(found)[~np.isfinite(found)].ravel()
        if bad.size:
            values = {"name": name, "start": x, "part": said(f"descend.part.{part}"), "value": bad[0]}
            raise UsageError("error.start.domain", **values)


def _call(landscape: Any, given: Mapping[str, Any]) -> str:
    """This call as it was written; `f`: a function of one's own."""
    named = repr(landscape) if isinstance(landscape, str) else "f"
    left_out = {"landscape", "command", "language"} | ({"steps"} if given["steps"] == STEPS else set())
    parts = [
        f"{name}={value.tolist() if hasattr(value, 'tolist') else value!r}"
        for name, value in given.items()
        if name not in left_out and value is not None
    ]
    return f"kobai.descend({', '.join([named, *parts])})"
