"""By what the tuning ranks: means of what is compared, trial by trial; and how the metric begins and ends."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np
import polars as pl

from kobai.basics.errors import UsageError
from kobai.study.cells import Cells, Names
from kobai.study.criterion import COMPARED, Measures
from kobai.study.study import Trial


class Ranking(NamedTuple):
    """Trials by one criterion."""

    trials: list[Trial]
    """Best first."""
    reach: float
    """The largest part of the cells of any trial that has arrived."""


def rankings(
    tuning: Cells, trials: Sequence[Trial], *compared: Callable[[pl.DataFrame], Measures]
) -> list[Ranking]:
    """The trials by each of some criteria: by the mean of what is `compared`, ties by validation loss. The
    cells are read once."""
    scores: dict[Names, list[tuple[float, float]]] = {}
    reach = [0.0] * len(compared)
    for names, cells in tuning.each(*COMPARED):
        losses = cells["validation_loss"].list.last().to_numpy().astype(float)
        loss = losses.mean() if np.isfinite(losses).all() else math.inf
        measured = [compare(cells) for compare in compared]
        scores[names] = [(round(each.x.mean(), 9), loss) for each in measured]
        reach = [max(most, each.arrived.mean()) for most, each in zip(reach, measured, strict=True)]
    named = [(tuple(trial.named.values()), trial) for trial in trials]
    ranked = [sorted(named, key=lambda each: scores[each[0]][i]) for i in range(len(compared))]
    return [Ranking([trial for _, trial in own], most) for own, most in zip(ranked, reach, strict=True)]


def ends_of(tuning: Cells, maximize: bool) -> tuple[float, float]:
    """The median metric at the start, and the best median at the end of any trial."""
    starts, finals = [], []
    for _, cells in tuning.each("validation_metric"):
        metrics = cells["validation_metric"].list
        starts.append(metrics.first().to_numpy().astype(float))
        # NaN, the end of a diverged run, makes the median of its trial NaN: it cannot be the best.
        finals.append(cast(float, metrics.last().cast(pl.Float64).median()))
    every = np.concatenate([np.empty(0), *starts])
    finite = [value for value in finals if math.isfinite(value)]
    every = every[np.isfinite(every)]
    if not finite or not every.size:
        raise UsageError("error.all_diverged")
    return float(np.median(every)), max(finite) if maximize else min(finite)
