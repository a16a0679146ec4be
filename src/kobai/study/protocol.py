"""The protocol of a study: tune every candidate on a few seeds, then confirm the winners on fresh ones.

`run(study)` gives the frame of all its cells and the plan that they followed; `answer.py` reads them.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from kobai import initializers as initial_values
from kobai.errors import UsageError, check_count, is_number
from kobai.full_batch import FullBatch
from kobai.initializers import Initializer
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.stabilizers.averaging import Averaging
from kobai.strategy import Strategy, check_steps
from kobai.study import statistics
from kobai.study.axes import Axis, Value, strategy
from kobai.study.grid import Candidate, Method, as_json, coefficients
from kobai.study.runner import Progress, Runner
from kobai.sweep import evaluated_at
from kobai.tasks.task import Task

FIRST_CONFIRMATION_SEED = 1000
"""Tuning seeds count from 0, confirmation seeds from here: no seed both chooses and judges."""

MOST = {
    "steps": 10**9,
    "evaluate_every": 10**9,
    "seeds": 10**5,
    "tuning_seeds": FIRST_CONFIRMATION_SEED,
}
"""More is a slip of the hand: the program counts in 32 bits, and the list of cells is held in memory."""

MOST_EVALUATIONS = 10**6
"""In a run: each cell keeps its curves."""

TUNING, CONFIRMATION, DEMONSTRATION = "tuning", "confirmation", "demonstration"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that decides what is run."""

    task: Task
    candidates: Sequence[Candidate]
    initializers: Sequence[Initializer]
    steps: int = 500
    evaluate_every: int = 10
    seeds: int = 10
    tuning_seeds: int = 3
    threads: int | None = None
    axes: Sequence[Axis] = ()
    tasks: Mapping[tuple[str, ...], Task] = dataclasses.field(default_factory=dict)
    """The task of each combination of values that make another one, by their names. Empty: `task` alone."""

    @property
    def variants(self) -> Mapping[tuple[str, ...], Task]:
        """Every task that is trained, by the values that make it."""
        return self.tasks or {(): self.task}

    @property
    def averages(self) -> list[Averaging]:
        """What is evaluated beside every iterate."""
        parts = [value.part for axis in self.axes if axis.name == "average" for value in axis.values]
        return [part for part in parts if part is not None]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that name a trial."""
        return ("optimizer", "hyperparameters", "initializer", *(axis.name for axis in self.axes))

    @property
    def combinations(self) -> int:
        """How many combinations of the values of all axes there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    def trials(self) -> list["Trial"]:
        """Everything that is tried: candidate × setting × initializer × a value of every axis."""
        return [
            Trial(candidate, setting, initializer, values)
            for candidate in self.candidates
            for setting in candidate.settings
            for initializer in self.initializers
            for values in itertools.product(*(axis.values for axis in self.axes))
        ]

    def strategies(self) -> list[Strategy]:
        """Every strategy that a cell may have; none where no axis asks for any."""
        combinations = itertools.product(*(axis.values for axis in self.axes))
        made = (strategy({v.axis: v.part for v in values}, self.averages) for values in combinations)
        return [found for found in dict.fromkeys(made) if found != Strategy()]

    def check(self) -> None:
        """Refuse what cannot be run. Raises `UsageError`."""
        for name, most in MOST.items():
            check_count(name, getattr(self, name), most)
        if self.threads is not None:
            check_count("threads", self.threads)
        if self.evaluate_every > self.steps:
            raise UsageError("error.evaluate_every", value=self.evaluate_every, steps=self.steps)
        if self.steps // self.evaluate_every > MOST_EVALUATIONS:
            raise UsageError(
                "error.evaluations", value=self.evaluate_every, steps=self.steps, most=MOST_EVALUATIONS
            )
        check_steps(self.strategies(), self.steps)
        for task in self.variants.values():
            task.check()
            self._check_minimizers(task)
            task.check_start(self.starts(task)[0])
            self._check_numbers(task.flatten(task.parameters).dtype)

    def _check_numbers(self, dtype: Any) -> None:
        """Refuse numbers that would be infinite in the precision of the parameters."""
        rules = [(c.name, setting) for c in self.candidates for setting in c.settings]
        given = [(name, coefficients(rule)) for name, rule in rules if isinstance(rule, Optimizer)]
        parts = [(value.axis, value.part) for axis in self.axes for value in axis.values]
        given += [(name, vars(part)) for name, part in parts if dataclasses.is_dataclass(part)]
        most = float(jnp.finfo(dtype).max)
        for owner, numbers in given:
            for name, value in numbers.items():
                if is_number(value) and most < abs(value) < math.inf:
                    raise UsageError("error.precision", owner=owner, name=name, value=value, dtype=dtype)

    def _check_minimizers(self, task: Task) -> None:
        """Refuse minimizers on what is no function of the parameters, or beside what only rules know."""
        for name, minimizer in self.minimizers.items():
            FullBatch(task, minimizer, evaluated_at(1, 1)).check(name)
            for axis in self.axes:
                if axis.name not in ("activation", "batch_norm"):
                    raise UsageError("error.minimizer.axis", name=name, axis=axis.name.replace("_", "-"))

    @property
    def minimizers(self) -> dict[str, Minimizer]:
        """The candidates that are minimizers, by name."""
        return {
            candidate.name: candidate.settings[0]
            for candidate in self.candidates
            if isinstance(candidate.settings[0], Minimizer)
        }

    @property
    def examples(self) -> int:
        """How many training examples there are."""
        return len(jax.tree.leaves(self.task.train)[0])

    @property
    def epoch(self) -> float:
        """Steps in which as many examples are looked at as there are."""
        return self.examples / self.task.batch_size

    def starts(self, task: Task) -> list[Any]:
        """The parameters of one seed with each initializer."""
        try:
            return [
                initializer.fill(task.parameters, 0, layout=task.layout) for initializer in self.initializers
            ]
        except UsageError:
            raise
        except Exception as problem:  # of the user's own layout
            sentence = f"{type(problem).__name__}: {problem}"
            raise UsageError("error.task.layout", task=task.name, problem=sentence) from problem

    @property
    def confirmation_seeds(self) -> list[int]:
        return list(range(FIRST_CONFIRMATION_SEED, FIRST_CONFIRMATION_SEED + self.seeds))


@dataclasses.dataclass(frozen=True)
class Trial:
    """One combination that is tried: a candidate, its hyperparameters, an initializer, further values."""

    candidate: Candidate
    setting: Method
    initializer: Initializer
    values: tuple[Value, ...] = ()
    """Of each axis of the study, in its order."""

    @property
    def named(self) -> dict[str, str]:
        """What it is called in the columns of a frame."""
        return {
            "optimizer": self.candidate.name,
            "hyperparameters": as_json(coefficients(self.setting)),
            "initializer": self.initializer.name,
            **{value.axis: value.name for value in self.values},
        }

    @property
    def task(self) -> tuple[str, ...]:
        """The names of the values that make its task."""
        return tuple(value.name for value in self.values if value.of_task)

    @property
    def parts(self) -> dict[str, Any]:
        """What its values are, by axis."""
        return {value.axis: value.part for value in self.values}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a study has found: every cell, and what the protocol chose from them."""

    study: Study
    cells: pl.DataFrame
    target: float
    stated: bool
    """Whether the target was stated, or derived from the tuning runs."""
    winners: dict[str, Trial]
    """The best trial of each candidate in tuning, by name, best first."""
    alternatives: dict[str, dict[str, Trial]]
    """For the recommended candidate: the best trial with each initial value ("initializer"), and with each
    value of every axis that has several; all with the recommended values of the other axes, so that what
    differs is the effect of this one."""
    neighbours: list[Trial]
    """For the recommended candidate: its winner at the neighbouring learning rates."""
    memory: dict[str, int]
    """Numbers that each candidate remembers for every parameter, by name."""

    @property
    def initializers(self) -> dict[str, Trial]:
        return self.alternatives["initializer"]

    @property
    def recommended(self) -> Trial:
        """The winner of tuning: the reference, fixed before the fresh seeds."""
        return next(iter(self.winners.values()))


def run(study: Study, progress: Progress, folder: Path | None = None) -> Outcome:
    """Run the whole protocol of a study that was checked. Raises `Interrupted` on Ctrl-C."""
    runner = Runner(study, progress, folder)
    try:
        trials = study.trials()
        tuning = runner.run(TUNING, trials, list(range(study.tuning_seeds)))
        target = study.task.targets[0] if study.task.targets else _derived_target(study, tuning)
        ranked = rank(study, trials, tuning, target)
        winners = _best(ranked, lambda trial: trial.candidate.name)
        first = next(iter(winners.values()))
        alternatives = _alternatives(study, ranked, first)
        neighbours = [
            dataclasses.replace(first, setting=setting)
            for setting in first.candidate.neighbours(first.setting)
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
        memory={name: runner.sweeps[trial.task].memory(trial.setting) for name, trial in winners.items()},
    )


def rank(study: Study, trials: Sequence[Trial], tuning: pl.DataFrame, target: float) -> list[Trial]:
    """The trials, best first: by restricted mean steps to the target, ties by final validation loss."""
    scores = {}
    for key, cells in tuning.group_by(*study.columns):
        steps = statistics.restricted(times(study, cells, target), study.steps).mean()
        losses = np.array([curve[-1] for curve in cells["validation_loss"].to_list()], float)
        scores[key] = (steps, losses.mean() if np.isfinite(losses).all() else math.inf)
    return sorted(trials, key=lambda trial: scores[tuple(trial.named.values())])


def times(study: Study, cells: pl.DataFrame, target: float) -> np.ndarray:
    """Steps to the target of each cell [cells]; inf where it never got there, or diverged at any time.

    Curves are kept in single precision, and the target is rounded as they are: a metric that is exactly the
    target meets it.
    """
    curves = np.array(cells["validation_metric"].to_list(), float).reshape(len(cells), -1)
    found = statistics.steps_to_target(
        evaluated_at(study.steps, study.evaluate_every),
        curves,
        float(np.float32(target)),
        study.task.maximize,
    )
    return np.where(cells["diverged_at"].is_not_null().to_numpy(), np.inf, found)


def cells_of(cells: pl.DataFrame, trial: Trial, phase: str) -> pl.DataFrame:
    """The cells of one trial in one phase, by seed."""
    named = [pl.col(column) == name for column, name in trial.named.items()]
    return cells.filter(pl.col("phase") == phase, *named).sort("seed")


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
    found = {}
    for name in varied:
        own = [
            trial
            for trial in ranked
            if trial.candidate is first.candidate and others(trial, name) == others(first, name)
        ]
        found[name] = _best(own, lambda trial, name=name: trial.named[name])
    return found


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
