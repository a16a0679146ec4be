"""The rows of the table, one an optimizer, and the pairs of optimizer and initial value behind the map."""

import dataclasses
from typing import Any

import numpy as np
import polars as pl

from kobai.candidates.values import hyperparameters_of, learning_rate
from kobai.study import statistics
from kobai.study.outcome import Outcome
from kobai.study.question import Question
from kobai.study.statistics import Comparison, Estimate
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study, Trial


@dataclasses.dataclass(frozen=True)
class Row:
    """One optimizer at its tuned best, on the fresh seeds."""

    optimizer: str
    learning_rate: float | None
    edge: str | None
    """"low" or "high" where the learning rate is the first or last of its grid."""
    hyperparameters: dict[str, Any]
    initializer: str
    values: dict[str, str]
    """The name of its value on each axis."""
    reached: int
    seeds: int
    reach_rate: Estimate
    steps: Estimate
    """Restricted mean steps to the target: the first evaluation that meets it."""
    stays: Estimate
    """Restricted mean steps until the target is met for good: at every evaluation from there to the end."""
    kept: int
    """Runs that still meet the target at their end."""
    steps_with_restarts: Estimate
    """Expected steps when a run that misses the target is started again; where none arrives, the lower end of
    the interval alone."""
    diverged: int
    test_metric: float | None
    """Mean over the runs that did not diverge."""
    ratio: Estimate
    bound: str
    """"≥" where no run arrived, so that the ratio is at least the low end of its interval; "≤" where none of
    the reference did, so that it is at most the high end; "=" where both arrive alike on every seed."""
    p: float | None
    corrected_p: float | None
    working_decades: float | None
    saved: float | None
    """The mean part of the steps that early stopping saved; None where no run could be stopped."""
    skipped: int
    """How many batches of all runs clipping left out because their loss or gradient was not finite."""
    trials: int
    seconds: float
    """The processor time of a run, in seconds of one core."""
    seconds_to_target: float
    """The seconds of one core until the target or, in a run that misses it, until its end."""
    memory: int
    """Numbers remembered for each parameter."""
    curve: tuple[float, ...]
    """Median validation loss over the seeds, at each evaluation."""
    other_targets: tuple[tuple[float, int, float], ...]
    """(target, runs that reached it, restricted mean steps) for each further target."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """One optimizer with one initial value, at the best rate for the pair, in tuning."""

    optimizer: str
    initializer: str
    learning_rate: float | None
    reach_rate: float
    steps: float
    demonstration: bool


def rows(outcome: Outcome, question: Question) -> tuple[Row, ...]:
    comparisons = {c.name: c for c in question.alternatives}
    rows = [_row(outcome, name, trial, comparisons.get(name)) for name, trial in outcome.winners.items()]
    return tuple(sorted(rows, key=lambda row: (row.steps.value, -row.reached, row.curve[-1])))


def _row(outcome: Outcome, name: str, trial: Trial, comparison: Comparison | None) -> Row:
    study = outcome.study
    cells = outcome.cells_of(trial, CONFIRMATION)
    times = outcome.times(cells)
    stays = study.stays(cells, outcome.target)
    restricted = statistics.restricted(times, study.steps)
    reached = np.isfinite(times)
    curves = np.array(cells["validation_loss"].to_list(), float)
    others = []
    for other in study.task.targets[1:]:
        arrival = outcome.times(cells, other)
        mean = statistics.restricted(arrival, study.steps).mean()
        others.append((other, int(np.isfinite(arrival).sum()), float(mean)))
    return Row(
        optimizer=name,
        learning_rate=learning_rate(trial.variant),
        edge=trial.candidate.edge(trial.variant),
        hyperparameters=hyperparameters_of(trial.variant),
        initializer=trial.initializer.name,
        values={value.axis: value.name for value in trial.values},
        reached=int(reached.sum()),
        seeds=len(times),
        reach_rate=statistics.wilson(int(reached.sum()), len(times)),
        steps=statistics.mean_steps(restricted, study.steps),
        stays=statistics.mean_steps(stays, study.steps),
        kept=int(np.isfinite(stays).sum()),
        steps_with_restarts=statistics.steps_with_restarts(times, study.steps),
        diverged=int(cells["diverged_at"].is_not_null().sum()),
        test_metric=test_mean(cells),
        ratio=comparison.ratio if comparison else Estimate(1.0, None, None),
        bound=comparison.bound if comparison else "",
        p=comparison.p if comparison else None,
        corrected_p=comparison.corrected_p if comparison else None,
        working_decades=_working_decades(outcome, trial),
        saved=saved(study, trial, cells),
        skipped=skipped(cells),
        trials=len(trial.candidate.variants) * len(study.initializers) * study.combinations,
        seconds=float(cells["seconds"].to_numpy().mean()),
        seconds_to_target=seconds_to_target(cells, restricted, reached),
        memory=outcome.memory[name],
        curve=tuple(np.median(np.where(np.isfinite(curves), curves, np.inf), axis=0).tolist()),
        other_targets=tuple(others),
    )


def seconds_to_target(cells: pl.DataFrame, restricted: np.ndarray, reached: np.ndarray) -> float:
    """The mean of the seconds until the target; of a run that misses it, all of them."""
    part = np.minimum(restricted / np.maximum(_ends(cells), 1), 1)
    return float((cells["seconds"].to_numpy() * np.where(reached, part, 1)).mean())


def elapsed(cells: pl.DataFrame) -> np.ndarray:
    """Seconds of one core until each evaluation of each run [cells, evaluations].

    Time goes by evenly until a run ends; from there on it stands.
    """
    marks = np.array(cells["evaluated_at"].to_list(), float)
    part = np.minimum(marks / np.maximum(_ends(cells), 1)[:, None], 1)
    return cells["seconds"].to_numpy()[:, None] * part


def _ends(cells: pl.DataFrame) -> np.ndarray:
    """The mark at which each run ends [cells], which may be early: then its curve no longer changes."""
    curves = np.array(cells["validation_loss"].to_list(), float)
    marks = np.array(cells["evaluated_at"][0].to_list(), float)
    changes = (np.diff(curves, axis=1) != 0) & np.isfinite(curves[:, :-1])  # NaN, once lost, is no change
    return marks[changes.shape[1] - changes[:, ::-1].argmax(axis=1)]


def test_mean(cells: pl.DataFrame) -> float | None:
    """The mean test metric of the runs that did not diverge; None where there is none."""
    tested = cells["test_metric"].drop_nulls().to_numpy()
    return float(tested.mean()) if len(tested) else None


def skipped(cells: pl.DataFrame) -> int:
    """How many batches clipping left out, in all runs together."""
    return int(cells["skipped"].sum()) if "skipped" in cells.columns else 0


def saved(study: Study, trial: Trial, cells: pl.DataFrame) -> float | None:
    """The mean part of the budget that was left when early stopping ended a run."""
    if trial.parts.get("early_stopping") is None:
        return None
    ended = cells["stopped_at"].fill_null(study.steps).to_numpy()
    return float(1 - ended.mean() / study.steps)


def _working_decades(outcome: Outcome, winner: Trial) -> float | None:
    """The range of learning rates that work in tuning, with the winner's other hyperparameters."""
    # A rate of 0 is on no scale of decades.
    along = [variant for variant in winner.candidate.along_rate(winner.variant) if learning_rate(variant)]
    if len(along) < 2:
        return None
    reach = []
    for variant in along:
        trial = dataclasses.replace(winner, variant=variant)
        times = outcome.times(outcome.cells_of(trial, TUNING))
        reach.append(np.isfinite(times).mean())
    return statistics.working_range(np.array([learning_rate(variant) for variant in along], float), reach)


def pairs(outcome: Outcome) -> tuple[Pair, ...]:
    best_pairs = []
    for phase in (TUNING, DEMONSTRATION):
        cells = outcome.cells.filter(pl.col("phase") == phase)
        for (name, initializer), group in cells.group_by("optimizer", "initializer", maintain_order=True):
            scored = []
            for _, trial in group.group_by(*outcome.study.columns, maintain_order=True):
                times = outcome.times(trial)
                mean = statistics.restricted(times, outcome.study.steps).mean()
                scored.append((float(mean), -float(np.isfinite(times).mean()), trial["learning_rate"][0]))
            steps, missed, rate = min(scored, key=lambda score: score[:2])
            best_pairs.append(Pair(str(name), str(initializer), rate, -missed, steps, phase == DEMONSTRATION))
    return tuple(best_pairs)
