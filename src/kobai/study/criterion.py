"""By what candidates are judged: the steps to the target, the final metric, or the seconds to the target."""

import dataclasses
from typing import Protocol

import numpy as np
import polars as pl

from kobai.basics.checks import listed
from kobai.basics.errors import UsageError, unknown
from kobai.study import statistics

STEPS, FINAL, SECONDS = "steps", "final", "seconds"
CRITERIA = (STEPS, FINAL, SECONDS)

BY_END = ("final", "at_once")
"""Why the end decides where it was not asked for."""


def criteria(by: object) -> list[str]:
    """What decides, the first in full. Raises `UsageError` for what is no criterion."""
    names = [STEPS] if by is None else listed(by)
    if not names:
        raise UsageError("error.empty", name="by")
    for name in names:
        if name not in CRITERIA:
            raise unknown("kind.criterion", name, CRITERIA)
    return list(dict.fromkeys(map(str, names)))


COMPARED = ("validation_metric", "validation_loss", "diverged_at", "seconds", "evaluated_at")
"""The columns from which is read what is compared."""


class Columns(Protocol):
    """What gives its columns by name."""

    def __getitem__(self, name: str, /) -> pl.Series: ...


@dataclasses.dataclass(frozen=True)
class Measures:
    """What is compared of some runs [runs], on a scale on which small is good and differences count."""

    x: np.ndarray
    """Logarithms of steps or of seconds; or the final metric, with a minus where more is better."""
    arrived: np.ndarray
    """Whether each met the target; by the final metric, whether it did not diverge."""


def of_steps(times: np.ndarray, budget: int) -> Measures:
    """What is compared of steps to the target [runs], inf where never."""
    return Measures(statistics.log_steps(times, budget), np.asarray(times) <= budget)


def of_seconds(cells: pl.DataFrame, times: np.ndarray, budget: int, longest: float) -> Measures:
    """What is compared of the seconds until steps `times` [runs], inf where the target was not met.

    A run that misses it counts as the `longest` of all: with its own seconds, a rule whose steps are cheap
    would win by never arriving.

    A target that is met at the start counts as one step, as it does in `statistics.log_steps`.
    """
    reached = np.isfinite(times)
    seconds = seconds_to(cells, np.maximum(statistics.restricted(times, budget), 1), reached, longest)
    return Measures(np.log(np.maximum(seconds, 1e-9)), reached)


def seconds_to(
    cells: pl.DataFrame, restricted: np.ndarray, reached: np.ndarray, longest: float
) -> np.ndarray:
    """The seconds of one core until the target [runs]; of a run that misses it those of the `longest`.

    Time goes by evenly until a run ends.
    """
    part = np.minimum(restricted / np.maximum(ends_of(cells), 1), 1)
    return np.where(reached, cells["seconds"].to_numpy() * part, longest)


def longest(cells: Columns) -> float:
    """The budget in time: the seconds of the longest of all runs that are compared."""
    return float(cells["seconds"].to_numpy().max(initial=0.0))


def ends_of(cells: pl.DataFrame) -> np.ndarray:
    """The mark at which each run ends [runs], which may be early: then its curve no longer changes."""
    curves = np.array(cells["validation_loss"].to_list(), float)
    marks = np.array(cells["evaluated_at"][0].to_list(), float)
    changes = (np.diff(curves, axis=1) != 0) & np.isfinite(curves[:, :-1])  # NaN, once lost, is no change
    return marks[changes.shape[1] - changes[:, ::-1].argmax(axis=1)]


def of_end(cells: pl.DataFrame, maximize: bool) -> Measures:
    """The validation metric at the end; a run that diverged has learned nothing, and counts as its start."""
    curves = np.array(cells["validation_metric"].to_list(), float).reshape(len(cells), -1)
    lost = cells["diverged_at"].is_not_null().to_numpy() | ~np.isfinite(curves[:, -1])
    ends = np.where(lost, curves[:, 0], curves[:, -1])
    return Measures(-ends if maximize else ends, ~lost)
