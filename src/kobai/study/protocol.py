"""The protocol of a study: tune every candidate on a few seeds, then confirm the winners on fresh ones.

`run(study)` gives the frame of all its cells and the plan that they followed; `answer.py` reads them.
"""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kobai import initializers as initial_values
from kobai.basics.errors import UsageError
from kobai.basics.progress import Progress
from kobai.engine.backends import THREADS, Backend
from kobai.study import statistics
from kobai.study.axes import Value
from kobai.study.outcome import Outcome
from kobai.study.runner import Runner
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study, Trial


def run(study: Study, progress: Progress, folder: Path | None = None, backend: Backend = THREADS) -> Outcome:
    """Run the whole protocol of a study that was checked. Raises `Interrupted` on Ctrl-C.

    Args:
      progress: what is told how far the study is.
      folder: where finished chunks are kept; None: nowhere.
      backend: the place where cells are run.
    """
    runner = Runner(study, progress, folder, backend)
    try:
        trials = study.trials()
        tuning = runner.run(TUNING, trials, list(range(study.tuning_seeds)))
        target = study.task.targets[0] if study.task.targets else _derived_target(study, tuning)
        ranked = rank(study, trials, tuning, target)
        winners = _best(ranked, lambda trial: trial.candidate.name)
        first = next(iter(winners.values()))
        alternatives = _alternatives(study, ranked, first)
        neighbours = [
            dataclasses.replace(first, variant=variant)
            for variant in first.candidate.neighbours(first.variant)
        ]
        others = [trial for best in alternatives.values() for trial in best.values()]
        confirmed = _distinct([*winners.values(), *others, *neighbours])
        confirmed.sort(key=lambda trial: study.candidates.index(trial.candidate))
        runner.run(CONFIRMATION, confirmed, study.confirmation_seeds)
        constant = initial_values.constant()
        if all(initializer.name != constant.name for initializer in study.initializers):
            demonstration = [dataclasses.replace(trial, initializer=constant) for trial in winners.values()]
            runner.run(DEMONSTRATION, demonstration, [0])
    except KeyboardInterrupt as stop:
        raise runner.interrupted() from stop
    return Outcome(
        study=study,
        cells=runner.frame(),
        target=target,
        stated=bool(study.task.targets),
        winners=winners,
        alternatives=alternatives,
        neighbours=neighbours,
        memory={name: runner.sweeps[trial.task].memory(trial.variant) for name, trial in winners.items()},
    )


def rank(study: Study, trials: Sequence[Trial], tuning: pl.DataFrame, target: float) -> list[Trial]:
    """The trials, best first: by restricted mean steps to the target, ties by final validation loss."""
    scores = {}
    for key, cells in tuning.group_by(*study.columns):
        steps = statistics.restricted(study.times(cells, target), study.steps).mean()
        losses = np.array([curve[-1] for curve in cells["validation_loss"].to_list()], float)
        scores[key] = (steps, losses.mean() if np.isfinite(losses).all() else math.inf)
    return sorted(trials, key=lambda trial: scores[tuple(trial.named.values())])


def _distinct(trials: Sequence[Trial]) -> list[Trial]:
    return list({tuple(trial.named.values()): trial for trial in trials}.values())


def _best(ranked: Sequence[Trial], key: Any) -> dict[str, Trial]:
    best: dict[str, Trial] = {}
    for trial in ranked:
        best.setdefault(key(trial), trial)
    return best


def _alternatives(study: Study, ranked: Sequence[Trial], first: Trial) -> dict[str, dict[str, Trial]]:
    """What is tried beside `first`, as `Outcome` has it."""

    def others(trial: Trial, name: str) -> list[Value]:
        return [value for value in trial.values if value.axis != name]

    varied = ["initializer", *(axis.name for axis in study.axes if len(axis.values) > 1)]
    alternatives = {}
    for name in varied:
        own = [
            trial
            for trial in ranked
            if trial.candidate is first.candidate and others(trial, name) == others(first, name)
        ]
        alternatives[name] = _best(own, lambda trial, name=name: trial.named[name])
    return alternatives


def _derived_target(study: Study, tuning: pl.DataFrame) -> float:
    task = study.task
    ends = tuning.select(
        *study.columns,
        start=pl.col("validation_metric").list.first().cast(pl.Float64),
        end=pl.col("validation_metric").list.last().cast(pl.Float64),
    )
    # NaN, the end of a diverged run, makes the median of its trial NaN: it cannot be the best.
    finals = ends.group_by(*study.columns).agg(pl.col("end").median())["end"]
    finite = [value for value in finals if np.isfinite(value)]
    starts = [value for value in ends["start"] if np.isfinite(value)]
    if not finite or not starts:
        raise UsageError("error.all_diverged")
    best = max(finite) if task.maximize else min(finite)
    return statistics.auto_target(float(np.median(starts)), best, task.maximize)
