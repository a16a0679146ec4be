"""By what the tuning ranks: means of what is compared, trial by trial; and how the metric begins and ends."""

import math
from typing import cast

import numpy as np
import polars as pl

from kobai.basics.errors import UsageError
from kobai.study.cells import Cells, Names
from kobai.study.criterion import COMPARED, STEPS
from kobai.study.study import Study, Trial


def rank(study: Study, tuning: Cells, target: float, by: str = STEPS) -> list[Trial]:
    """Everything that is tried, best first: by the mean of what is compared (`Study.measures`), ties by
    validation loss.

    Of steps that is the mean logarithm, the scale of the answer (`statistics.choose`).
    """
    return ranks(study, tuning, target, by)[0][0]


def ranks(
    study: Study, tuning: Cells, target: float, *criteria: str
) -> tuple[list[list[Trial]], list[float]]:
    """Everything that is tried as `rank` has it by each of some criteria, and what part of the cells of each
    trial meets the target; the cells are read once."""
    scores: dict[Names, list[tuple[float, float]]] = {}
    reach = []
    for names, cells in tuning.each(*COMPARED):
        losses = cells["validation_loss"].list.last().to_numpy().astype(float)
        loss = losses.mean() if np.isfinite(losses).all() else math.inf
        measured = [study.measures(cells, target, by, tuning) for by in criteria]
        scores[names] = [(round(each.x.mean(), 9), loss) for each in measured]
        reach.append(np.isfinite(study.times(cells, target)).mean())
    trials = [(tuple(trial.named.values()), trial) for trial in study.trials()]
    ranked = [sorted(trials, key=lambda named: scores[named[0]][i]) for i in range(len(criteria))]
    return [[trial for _, trial in each] for each in ranked], reach


def ends_of(study: Study, tuning: Cells) -> tuple[float, float]:
    """The median metric at the start, and the best median at the end of any trial."""
    starts, finals = [], []
    for _, cells in tuning.each("validation_metric"):
        metrics = cells["validation_metric"].list
        starts.append(metrics.first().to_numpy().astype(float))
        # NaN, the end of a diverged run, makes the median of its trial NaN: it cannot be the best.
        finals.append(cast(float, metrics.last().cast(pl.Float64).median()))
    every = np.concatenate([np.empty(0), *starts])
    finite = [value for value in finals if math.isfinite(value)]
    starts = every[np.isfinite(every)]
    if not finite or not starts.size:
        raise UsageError("error.all_diverged")
    best = max(finite) if study.facts.maximize else min(finite)
    return float(np.median(starts)), best
