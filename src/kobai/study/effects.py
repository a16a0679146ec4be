"""The effect of an axis: one row a value, and what it changes against the first value, the baseline.

The comparison is within the recommended optimizer and the recommended values of the other axes, each value at
the learning rate and initial value that tuning chose for it, on the fresh seeds. Runs of one seed are a pair:
the same initial draw, the same examples in the same order.
"""

import dataclasses

import numpy as np
import polars as pl

from kobai.candidates.values import learning_rate
from kobai.study import statistics
from kobai.study.outcome import Outcome
from kobai.study.rows import saved, skipped, test_mean
from kobai.study.statistics import Estimate
from kobai.study.study import CONFIRMATION, Trial


@dataclasses.dataclass(frozen=True)
class Effect:
    """One value of an axis, with the recommended optimizer at what was tuned for it, on the fresh seeds."""

    value: str
    learning_rate: float | None
    edge: str | None
    """"low" or "high" where the learning rate is the first or last of its grid."""
    initializer: str
    reached: int
    seeds: int
    steps: Estimate
    """Restricted mean steps to the target."""
    diverged: int
    test_metric: float | None
    """Mean over the runs that did not diverge."""
    difference: Estimate
    """The test metric minus the baseline's on the same seed; 0 for the baseline itself."""
    gap: float | None
    """Mean of final validation loss minus training loss; None for an average, which is never trained on."""
    saved: float | None
    """The mean part of the steps that early stopping saved; None where no run could be stopped."""
    skipped: int
    """How many batches of all runs clipping left out."""


def effects(outcome: Outcome) -> dict[str, tuple[Effect, ...]]:
    """The rows of each axis with several values, in the order in which they were given."""
    several = [axis for axis in outcome.study.axes if len(axis.values) > 1]
    tables = {}
    for axis in several:
        trials = [outcome.alternatives[axis.name][value.name] for value in axis.values]
        cells = [outcome.cells_of(trial, CONFIRMATION) for trial in trials]
        tables[axis.name] = tuple(
            _effect(outcome, axis.name, trial, own, cells[0])
            for trial, own in zip(trials, cells, strict=True)
        )
    return tables


def _effect(outcome: Outcome, axis: str, trial: Trial, cells: pl.DataFrame, baseline: pl.DataFrame) -> Effect:
    study = outcome.study
    times = outcome.times(cells)
    tested, reference = (frame["test_metric"].to_numpy().astype(float) for frame in (cells, baseline))
    return Effect(
        value=trial.named[axis],
        learning_rate=learning_rate(trial.variant),
        edge=trial.candidate.edge(trial.variant),
        initializer=trial.initializer.name,
        reached=int(np.isfinite(times).sum()),
        seeds=len(times),
        steps=statistics.mean_steps(times, study.steps),
        diverged=int(cells["diverged_at"].is_not_null().sum()),
        test_metric=test_mean(cells),
        difference=statistics.paired_difference(tested, reference),
        gap=_gap(trial, cells),
        saved=saved(study, trial, cells),
        skipped=skipped(cells),
    )


def _gap(trial: Trial, cells: pl.DataFrame) -> float | None:
    """The mean over the runs of validation loss minus training loss, of the weights that a run ends with.

    The training loss is the mean over the steps before an evaluation, in training mode, without penalties.
    """
    if trial.parts.get("average") is not None:
        return None
    training, validation = (
        np.array(cells[f"{part}_loss"].to_list(), float) for part in ("training", "validation")
    )
    end = np.full(len(cells), validation.shape[1] - 1)
    if trial.parts.get("early_stopping") is not None:  # then the end repeats the evaluation that was restored
        end = (validation == validation[:, -1:]).argmax(axis=1)
    gaps = validation[:, -1] - training[np.arange(len(cells)), end]
    gaps = gaps[np.isfinite(gaps)]
    return float(gaps.mean()) if gaps.size else None
