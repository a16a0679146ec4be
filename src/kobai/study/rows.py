"""The rows of the table, one an optimizer, and the pairs of optimizer and initial value behind the map."""

import dataclasses
import math

import numpy as np
import polars as pl

from kobai.candidates.values import Hyperparameters, hyperparameters_of, learning_rate, rate_is_factor
from kobai.study import statistics
from kobai.study.criterion import FINAL, ends_of, seconds_to
from kobai.study.outcome import Outcome
from kobai.study.question import Cost, Question
from kobai.study.statistics import Comparison, Estimate
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study, Trial


@dataclasses.dataclass(frozen=True)
class Row:
    """One optimizer at its tuned best, on the fresh seeds."""

    optimizer: str
    learning_rate: float | None
    rate_is_factor: bool
    """Whether that is a factor of the step, since the rule as published has no learning rate."""
    edge: str | None
    """"low" or "high" where the learning rate is the first or last of its grid."""
    hyperparameters: Hyperparameters
    initializer: str
    values: dict[str, str]
    """The name of its value on each axis."""
    reached: int
    seeds: int
    reach_rate: Estimate
    steps: Estimate
    """Steps to the target, the first evaluation that meets it: their restricted geometric mean."""
    stays: Estimate
    """The same of the steps until the target is met for good: at every evaluation from there to the end."""
    kept: int
    """Runs that still meet the target at their end."""
    steps_with_restarts: Estimate
    """Expected steps when a run that misses the target is started again; where none arrives, the lower end of
    the interval alone."""
    diverged: int
    compared: float
    """What decides: the geometric mean of the steps or seconds to the target, or the mean final metric."""
    test_metric: float | None
    """Mean over the runs that did not diverge."""
    cost: float | None
    """At most this part more steps than the best of all needs; None where no bound is told."""
    best: bool
    """Whether it may be the best."""
    not_best: bool
    """Whether it is shown not to be."""
    ratio: Estimate
    """Steps divided by those of the leader, pair by pair."""
    bound: str
    """"≥" where no run arrived, so that the ratio is at least the low end of its interval; "≤" where none of
    the leader's did, so that it is at most the high end; "=" where both arrive alike on every seed."""
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
    """(target, runs that reached it, restricted geometric mean of the steps) for each further target."""


@dataclasses.dataclass(frozen=True)
class Combination:
    """One optimizer with one initial value, at the best rate for the pair, in tuning."""

    optimizer: str
    initializer: str
    learning_rate: float | None
    reach_rate: float
    steps: float
    demonstration: bool


def rows(outcome: Outcome, question: Question) -> tuple[Row, ...]:
    """One row an optimizer, those that need the fewest steps first; `question` is which optimizer."""
    comparisons = {c.name: c for c in question.alternatives}
    most = float(outcome.column("seconds").to_numpy().max(initial=0.0))
    rows = [
        _row(outcome, trial, question.of(name), comparisons.get(name), most)
        for name, trial in outcome.winners.items()
    ]
    order = [cost.name for cost in question.costs]
    place = {name: round(question.of(name).estimate, 9) for name in order}
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                place[row.optimizer],
                row.optimizer != question.choice,
                -row.reached,
                row.curve[-1],
            ),
        )
    )


def _row(outcome: Outcome, trial: Trial, cost: Cost, comparison: Comparison | None, longest: float) -> Row:
    """The row of a winner; `longest` is what the longest of all runs took, in seconds."""
    study = outcome.study
    cells = outcome.cells_of(trial, CONFIRMATION)
    times = outcome.times(cells)
    stays = study.stays(cells, outcome.target)
    restricted = statistics.restricted(times, study.steps)
    reached = np.isfinite(times)
    curves = np.array(cells["validation_loss"].to_list(), float)
    others = []
    for other in study.facts.targets[1:]:
        arrival = outcome.times(cells, other)
        steps = statistics.geometric_mean(arrival, study.steps)
        others.append((other, int(np.isfinite(arrival).sum()), steps))
    return Row(
        optimizer=cost.name,
        learning_rate=learning_rate(trial.variant),
        rate_is_factor=rate_is_factor(trial.variant),
        edge=trial.candidate.edge(trial.variant),
        hyperparameters=hyperparameters_of(trial.variant),
        initializer=trial.initializer.name,
        values={value.axis: value.name for value in trial.values},
        reached=int(reached.sum()),
        seeds=len(times),
        reach_rate=statistics.wilson(int(reached.sum()), len(times)),
        steps=statistics.geometric_steps(times, study.steps),
        stays=statistics.geometric_steps(stays, study.steps),
        kept=int(np.isfinite(stays).sum()),
        steps_with_restarts=statistics.steps_with_restarts(times, study.steps),
        diverged=int(cells["diverged_at"].is_not_null().sum()),
        compared=_compared(outcome, trial),
        test_metric=test_mean(cells),
        cost=cost.high,
        best=cost.member,
        not_best=cost.not_best,
        ratio=comparison.ratio if comparison else Estimate(1.0, None, None),
        bound=comparison.bound if comparison else "",
        p=comparison.p if comparison else None,
        corrected_p=comparison.corrected_p if comparison else None,
        working_decades=_working_decades(outcome, trial),
        saved=saved(study, trial, cells),
        skipped=skipped(cells),
        trials=len(trial.candidate.variants) * len(study.initializers) * study.combinations,
        seconds=float(cells["seconds"].to_numpy().mean()),
        seconds_to_target=float(seconds_to(cells, restricted, reached, longest).mean()),
        memory=outcome.memory[cost.name],
        curve=tuple(np.median(np.where(np.isfinite(curves), curves, np.inf), axis=0).tolist()),
        other_targets=tuple(others),
    )


def _compared(outcome: Outcome, trial: Trial) -> float:
    mean = float(outcome.measures(trial).x.mean())
    if outcome.by == FINAL:
        return -mean if outcome.study.facts.maximize else mean
    return math.exp(mean)


def elapsed(cells: pl.DataFrame) -> np.ndarray:
    """Seconds of one core until each evaluation of each run [cells, evaluations].

    Time goes by evenly until a run ends; from there on it stands.
    """
    marks = np.array(cells["evaluated_at"].to_list(), float)
    part = np.minimum(marks / np.maximum(ends_of(cells), 1)[:, None], 1)
    return cells["seconds"].to_numpy()[:, None] * part


def test_metrics(outcome: Outcome) -> list[float]:
    """The test metrics of which a report tells the meaning."""
    means = [test_mean(outcome.cells_of(trial, CONFIRMATION)) for trial in outcome.winners.values()]
    baselines = (outcome.study.facts.baselines or {}).values()
    return [mean for mean in (*means, *baselines) if mean is not None]


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
        reach.append(np.isfinite(outcome.tuned[tuple(trial.named.values())]).mean())
    return statistics.working_range(np.array([learning_rate(variant) for variant in along], float), reach)


def pairs(outcome: Outcome) -> tuple[Combination, ...]:
    """Each optimizer with each initial value, of the tuning and of what is demonstrated, in their order."""
    study, best = outcome.study, []
    shown = outcome.in_phase(DEMONSTRATION)
    phases = {
        TUNING: outcome.tuned,
        DEMONSTRATION: {names: outcome.times(cells) for names, cells in shown.each()},
    }
    for phase, arrivals in phases.items():
        rates = outcome.in_phase(phase).rates
        scored: dict[tuple[str, str], list[tuple[float, float, float | None]]] = {}
        for names, times in arrivals.items():
            named = dict(zip(study.columns, names, strict=True))
            mean = statistics.geometric_mean(times, study.steps)
            score = mean, -float(np.isfinite(times).mean()), rates[names]
            scored.setdefault((named["optimizer"], named["initializer"]), []).append(score)
        for (optimizer, initializer), scores in scored.items():
            steps, missed, rate = min(scores, key=lambda score: score[:2])
            demonstration = phase == DEMONSTRATION
            best.append(Combination(optimizer, initializer, rate, -missed, steps, demonstration))
    return tuple(best)
