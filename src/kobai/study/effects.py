"""The effect of an axis: one row a value, and what it changes against the first value, the baseline.

So is that of a hyperparameter of the recommended optimizer for which several values were tried.

The comparison is within the recommended optimizer and the recommended values of the other axes, each value at
the learning rate and initial value that tuning chose for it, on the fresh seeds. Runs of one seed are a pair:
the same initial draw, the same examples in the same order.
"""

import dataclasses

import numpy as np
import polars as pl

from kobai.candidates.values import learning_rate, rate_is_factor
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
    rate_is_factor: bool
    """Whether that is a factor of the step, since the rule as published has no learning rate."""
    edge: str | None
    """"low" or "high" where the learning rate is the first or last of its grid."""
    initializer: str
    reached: int
    seeds: int
    steps: Estimate
    """Steps to the target, their restricted geometric mean."""
    stays: Estimate
    """The same of the steps from which on the target stays met to the end."""
    kept: int
    """How many runs meet it at their end."""
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


def effects(outcome: Outcome, axis: str) -> tuple[Effect, ...]:
    """The rows of an axis, or of a hyperparameter of the leader, its values as they were given."""
    alternatives = outcome.alternatives[axis]
    trials = [alternatives[value] for value in _values(outcome, axis) if value in alternatives]
    cells = [outcome.cells_of(trial, CONFIRMATION) for trial in trials]
    return tuple(
        _effect(outcome, axis, trial, own, cells[0]) for trial, own in zip(trials, cells, strict=True)
    )


def _values(outcome: Outcome, axis: str) -> list[str]:
    """The names of the values in the order in which they were given."""
    axes = {each.name: [value.name for value in each.values] for each in outcome.study.axes}
    if axis in axes:
        return axes[axis]
    candidate = outcome.recommended.candidate
    return list(candidate.several[axis.removeprefix(f"{candidate.name}.")].values())


def _effect(outcome: Outcome, axis: str, trial: Trial, cells: pl.DataFrame, baseline: pl.DataFrame) -> Effect:
    study = outcome.study
    times, stays = outcome.times(cells), study.stays(cells, outcome.target)
    tested, reference = (frame["test_metric"].to_numpy().astype(float) for frame in (cells, baseline))
    return Effect(
        value=trial.settings[axis],
        learning_rate=learning_rate(trial.variant),
        rate_is_factor=rate_is_factor(trial.variant),
        edge=trial.candidate.edge(trial.variant),
        initializer=trial.initializer.name,
        reached=int(np.isfinite(times).sum()),
        seeds=len(times),
        steps=statistics.geometric_steps(times, study.steps),
        stays=statistics.geometric_steps(stays, study.steps),
        kept=int(np.isfinite(stays).sum()),
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
