"""What is read off the paths: when each arrived, whether it stayed, what it cost; the table of it all."""

import dataclasses
import json

import numpy as np
import polars as pl

from kobai.basics.checks import check_name
from kobai.candidates.named import Method
from kobai.candidates.values import Hyperparameters, hyperparameters_of, learning_rate
from kobai.landscapes.landscape import Landscape
from kobai.questions.descent.walk import Path
from kobai.report import cut

BEYOND = 1e6
"""A path has diverged that ends this many times higher than its start (or higher than 1), or at no number."""

SCHEMA: dict[str, type[pl.DataType]] = {
    "method": pl.String,
    "learning_rate": pl.Float64,
    "hyperparameters": pl.String,
    "first": pl.Int64,
    "stays": pl.Int64,
    "value": pl.Float64,
    "evaluations": pl.Int64,
    "status": pl.String,
    "diverged_at": pl.Int64,
}
"""One row a path. `hyperparameters`: all but the learning rate, as JSON; `first`, `stays`: the first step
below the level, and the first from which on it stays below; null where there is none; `value`: f at the end;
`evaluations`: in gradients, until `first`, or all where it never arrives; `status`: reached, left (and not
stayed), not_reached, diverged, or how a minimizer stopped that did not arrive."""


@dataclasses.dataclass(frozen=True, eq=False)
class PathRow:
    """One variant of a method: its path, and what is read off it."""

    method: str
    variant: Method
    path: Path
    first: int | None
    stays: int | None
    evaluations: int
    status: str
    diverged_at: int | None

    @property
    def value(self) -> float:
        """f at the end of the path; ±∞ for one that left the numbers upwards or downwards."""
        return float(_beyond_numbers(self.path.values)[-1])

    @property
    def learning_rate(self) -> float | None:
        return learning_rate(self.variant)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """Every hyperparameter but the learning rate."""
        return {
            name: value for name, value in hyperparameters_of(self.variant).items() if name != "learning_rate"
        }

    def cells(self) -> dict[str, float | str | None]:
        """The row as the table has it."""
        values = {name: getattr(self, name) for name in SCHEMA}
        return {**values, "hyperparameters": json.dumps(self.hyperparameters, default=str)}


def judge(method: str, variant: Method, path: Path, level: float) -> PathRow:
    """Read a path: arrived is f < level."""
    values = _beyond_numbers(path.values)
    below = values < level
    first = int(np.argmax(below)) if below.any() else None
    above = np.flatnonzero(~below)
    stays = None if not below[-1] else int(above[-1]) + 1 if above.size else 0
    bound = BEYOND * max(1.0, abs(float(values[0])))
    diverged = bool(values[-1] > bound)
    diverged_at = int(np.argmax(values > bound)) if diverged else None
    if diverged:
        status = "diverged"
    elif first is not None:
        status = "left" if stays is None else "reached"
    elif path.ended in (None, "iteration_limit"):
        status = "not_reached"
    else:
        status = str(path.ended)
    until = first if first is not None else diverged_at
    evaluations = path.total if until is None else int(path.spent[until])
    return PathRow(method, variant, path, first, stays, evaluations, status, diverged_at)


def _beyond_numbers(values: np.ndarray) -> np.ndarray:
    """The values with ±∞ from the first that is no finite number: down where the path fell far, else up."""
    lost = np.flatnonzero(~np.isfinite(values))
    if not lost.size:
        return values
    heights = values.copy()
    fell = lost[0] > 0 and values[lost[0] - 1] < -BEYOND
    heights[lost[0] :] = -np.inf if fell or values[lost[0]] == -np.inf else np.inf
    return heights


def best(rows: list[PathRow]) -> PathRow:
    """The row that arrives to stay in the fewest steps; else arrives; else ends lowest, soonest."""
    return min(rows, key=rank)


def best_rates(rows: list[PathRow]) -> list[PathRow]:
    """The best row of those that differ in their learning rate alone."""
    groups: dict[str, list[PathRow]] = {}
    for row in rows:
        groups.setdefault(str(row.cells()["hyperparameters"]), []).append(row)
    return [best(group) for group in groups.values()]


def rank(row: PathRow) -> tuple[object, ...]:
    """Sorts the better row before the worse."""
    value = float(f"{row.value:.6g}") if np.isfinite(row.value) else np.inf
    with np.errstate(invalid="ignore"):  # ∞ − ∞, of a path that left the numbers
        unsettled = np.flatnonzero(~(np.abs(row.path.values - row.value) <= 1e-3 * (1 + abs(row.value))))
    settled = int(unsettled[-1]) if unsettled.size else 0
    return (_last(row.stays), _last(row.first), row.status == "diverged", value, settled)


def _last(value: float | str | None) -> tuple[bool, float | str]:
    """Sorts what is missing behind everything else."""
    return (value is None, 0 if value is None else value)


def check_column(column: str) -> None:
    """Refuse a column that the table has not."""
    check_name("kind.column", column, SCHEMA)


def ordered(rows: list[PathRow], column: str | None) -> list[PathRow]:
    """The rows, ascending in `column` and what is missing last; without one the best first."""
    if column is None:
        return sorted(rows, key=rank)
    check_column(column)
    return sorted(rows, key=lambda row: _last(_comparable(row.cells()[column])))


def _comparable(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and np.isnan(value) else value


@dataclasses.dataclass(frozen=True, eq=False)
class DescentOutcome:
    """All paths over one landscape, in the order of the table."""

    landscape: Landscape
    start: tuple[float, ...]
    steps: int
    level: float
    """Arrived is f below this."""
    rows: list[PathRow]
    tried: list[PathRow]
    """Every variant of the rules whose learning rate was searched for; `rows` has the best of each."""

    total: int = 0
    """How many rows there are in all, where these are those that are shown; else 0."""

    def shown(self) -> "DescentOutcome":
        """The first rows, as many as a person reads; itself where there are no more."""
        return dataclasses.replace(self, rows=cut.first(self.rows), total=len(self.rows))

    @property
    def searched(self) -> dict[str, int]:
        """How many variants were tried of each rule whose best alone is shown."""
        names = [row.method for row in self.tried]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def frame(rows: list[PathRow]) -> pl.DataFrame:
    """The rows as a table."""
    return pl.DataFrame([row.cells() for row in rows], schema=SCHEMA)


def paths_frame(rows: list[PathRow]) -> pl.DataFrame:
    """Every step of every path: row (of the table, from 0), method, step, evaluations, f, x (a list)."""
    return pl.concat(
        pl.DataFrame(
            {
                "row": np.full(len(row.path.values), i),
                "method": [row.method] * len(row.path.values),
                "step": np.arange(len(row.path.values)),
                "evaluations": row.path.spent,
                "f": row.path.values,
                "x": row.path.points.tolist(),
            },
            schema_overrides={"x": pl.List(pl.Float64)},
        )
        for i, row in enumerate(rows)
    )
