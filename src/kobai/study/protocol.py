"""The protocol of a study: tune every candidate on a few seeds, then confirm the winners on fresh ones.

`run(study)` gives the frame of all its cells and the plan that they followed; `answer.py` reads them.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
import polars as pl

import kobai
from kobai import initializers as initial_values
from kobai.errors import UsageError, check_count
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.study import statistics
from kobai.study.grid import Candidate, coefficients, learning_rate
from kobai.study.store import SCHEMA, Chunks, write_frame
from kobai.sweep import Cell, Run, Sweep, evaluated_at
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
        self.task.check()
        self.task.check_start(self.starts()[0])

    def starts(self) -> list[Any]:
        """The parameters of one seed with each initializer."""
        try:
            return [
                initializer.fill(self.task.parameters, 0, layout=self.task.layout)
                for initializer in self.initializers
            ]
        except UsageError:
            raise
        except Exception as problem:  # of the user's own layout
            sentence = f"{type(problem).__name__}: {problem}"
            raise UsageError("error.task.layout", task=self.task.name, problem=sentence) from problem

    @property
    def confirmation_seeds(self) -> list[int]:
        return list(range(FIRST_CONFIRMATION_SEED, FIRST_CONFIRMATION_SEED + self.seeds))


@dataclasses.dataclass(frozen=True)
class Trial:
    """One combination that is tried: a candidate, its hyperparameters, an initializer."""

    candidate: Candidate
    setting: Optimizer
    initializer: Initializer


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
    initializers: dict[str, Trial]
    """For the recommended candidate: the best trial with each initial value."""
    neighbours: list[Trial]
    """For the recommended candidate: its winner at the neighbouring learning rates."""
    memory: dict[str, int]
    """Numbers that each candidate remembers for every parameter, by name."""

    @property
    def recommended(self) -> Trial:
        """The winner of tuning: the reference, fixed before the fresh seeds."""
        return next(iter(self.winners.values()))


class Progress(Protocol):
    """What is told of a running study."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, cells: int) -> None: ...


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a study: `kept` cells are in `path` (None: nowhere)."""

    def __init__(self, kept: int, path: Path | None) -> None:
        super().__init__(f"{kept} cells kept in {path}")
        self.kept, self.path = kept, path


def run(study: Study, progress: Progress, folder: Path | None = None) -> Outcome:
    """Run the whole protocol of a study that was checked. Raises `Interrupted` on Ctrl-C."""
    runner = Runner(study, progress, folder)
    try:
        trials = [
            Trial(candidate, setting, initializer)
            for candidate in study.candidates
            for setting in candidate.settings
            for initializer in study.initializers
        ]
        tuning = runner.run(TUNING, trials, list(range(study.tuning_seeds)))
        target = study.task.targets[0] if study.task.targets else _derived_target(study.task, tuning)
        ranked = rank(study, trials, tuning, target)
        winners = _best(ranked, lambda trial: trial.candidate.name)
        first = next(iter(winners.values()))
        own = [trial for trial in ranked if trial.candidate is first.candidate]
        by_initializer = _best(own, lambda trial: trial.initializer.name)
        neighbours = [
            Trial(first.candidate, setting, first.initializer)
            for setting in first.candidate.neighbours(first.setting)
        ]
        confirmed = _distinct([*winners.values(), *by_initializer.values(), *neighbours])
        confirmed.sort(key=lambda trial: study.candidates.index(trial.candidate))
        runner.run(CONFIRMATION, confirmed, study.confirmation_seeds)
        constant = initial_values.constant()
        if all(initializer.name != constant.name for initializer in study.initializers):
            demonstration = [Trial(trial.candidate, trial.setting, constant) for trial in winners.values()]
            runner.run(DEMONSTRATION, demonstration, [0])
    except KeyboardInterrupt as stop:
        raise runner.interrupted() from stop
    return Outcome(
        study=study,
        cells=runner.frame(),
        target=target,
        stated=bool(study.task.targets),
        winners=winners,
        initializers=by_initializer,
        neighbours=neighbours,
        memory={name: runner.sweep.memory(trial.setting) for name, trial in winners.items()},
    )


class Runner:
    """Runs the cells of a study chunk by chunk and keeps their frames."""

    def __init__(self, study: Study, progress: Progress, folder: Path | None) -> None:
        self.study, self.progress, self.folder = study, progress, folder
        settings = [setting for candidate in study.candidates for setting in candidate.settings]
        self.sweep = Sweep(
            study.task,
            settings,
            steps=study.steps,
            evaluate_every=study.evaluate_every,
            threads=study.threads,
        )
        self.chunks = Chunks(folder, fingerprint(study, self.sweep) if folder else "")
        self.rows = evaluated_at(study.steps, study.evaluate_every)
        self.frames: list[pl.DataFrame] = []

    def run(self, phase: str, trials: Sequence[Trial], seeds: Sequence[int]) -> pl.DataFrame:
        """Every trial with every seed; the frame of this phase."""
        todo = [(trial, seed) for trial in trials for seed in seeds]
        self.progress.phase(phase, len(todo))
        frames = []
        size = self.sweep.chunk
        rest = []
        for i in range(0, len(todo), size):
            part = todo[i : i + size]
            kept = self.chunks.get(_identity(phase, part))
            if kept is None:
                rest += part
            else:
                frames.append(kept)
                self.progress.advance(len(part))
        self.frames += frames
        cells = [Cell(trial.setting, trial.initializer, seed) for trial, seed in rest]
        for positions, runs in self.sweep.run(cells):
            part = [rest[i] for i in positions]
            frame = self._frame(phase, part, runs)
            self.chunks.put(_identity(phase, part), frame)
            frames.append(frame)
            self.frames.append(frame)
            self.progress.advance(len(part))
        return pl.concat(frames)

    def _frame(self, phase: str, part: Sequence[tuple[Trial, int]], runs: Sequence[Run]) -> pl.DataFrame:
        rows = [
            {
                **_described(phase, trial, seed),
                "evaluated_at": self.rows,
                **{name: getattr(result, name) for name in SCHEMA if hasattr(result, name)},
            }
            for (trial, seed), result in zip(part, runs, strict=True)
        ]
        return pl.DataFrame(rows, schema=SCHEMA)

    def frame(self) -> pl.DataFrame:
        """Every cell so far, in an order that does not depend on the threads."""
        order = ["phase", "optimizer", "initializer", "hyperparameters", "seed"]
        return pl.concat(self.frames or [pl.DataFrame(schema=SCHEMA)]).sort(order)

    def interrupted(self) -> Interrupted:
        """Keep what is finished."""
        frame = self.frame()
        if self.folder and len(frame):
            write_frame(self.folder / "cells.parquet", frame)
        return Interrupted(len(frame), self.folder)


def rank(study: Study, trials: Sequence[Trial], tuning: pl.DataFrame, target: float) -> list[Trial]:
    """The trials, best first: by restricted mean steps to the target, ties by final validation loss."""
    scores = {}
    for key, cells in tuning.group_by("optimizer", "hyperparameters", "initializer"):
        steps = statistics.restricted(times(study, cells, target), study.steps).mean()
        losses = np.array([curve[-1] for curve in cells["validation_loss"].to_list()], float)
        scores[key] = (steps, losses.mean() if np.isfinite(losses).all() else math.inf)
    return sorted(trials, key=lambda trial: scores[trial_key(trial)])


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


def trial_key(trial: Trial) -> tuple[str, str, str]:
    """What a trial is called in the columns optimizer, hyperparameters, initializer."""
    return trial.candidate.name, _json(coefficients(trial.setting)), trial.initializer.name


def cells_of(cells: pl.DataFrame, trial: Trial, phase: str) -> pl.DataFrame:
    """The cells of one trial in one phase, by seed."""
    optimizer, hyperparameters, initializer = trial_key(trial)
    return cells.filter(
        pl.col("phase") == phase,
        pl.col("optimizer") == optimizer,
        pl.col("hyperparameters") == hyperparameters,
        pl.col("initializer") == initializer,
    ).sort("seed")


def fingerprint(study: Study, sweep: Sweep) -> str:
    """A hash of what a kept chunk depends on: program, data, initial values, budget, kobai's version."""
    task = study.task
    digest = hashlib.sha256(sweep.text().encode())
    starts = [task.flatten(start) for start in study.starts()]
    for leaf in jax.tree.leaves(
        (task.train, task.validation, task.test, task.state, task.parameters, starts)
    ):
        if hasattr(leaf, "shape"):
            digest.update(f"{leaf.dtype}{leaf.shape}".encode() + np.asarray(leaf).tobytes())
    digest.update(_json([study.steps, study.evaluate_every, kobai.__version__]).encode())
    return digest.hexdigest()


def _distinct(trials: Sequence[Trial]) -> list[Trial]:
    return list({trial_key(trial): trial for trial in trials}.values())


def _best(ranked: Sequence[Trial], key: Any) -> dict[str, Trial]:
    best: dict[str, Trial] = {}
    for trial in ranked:
        best.setdefault(key(trial), trial)
    return best


def _derived_target(task: Task, tuning: pl.DataFrame) -> float:
    ends = tuning.select(
        "optimizer",
        "hyperparameters",
        "initializer",
        start=pl.col("validation_metric").list.first().cast(pl.Float64),
        end=pl.col("validation_metric").list.last().cast(pl.Float64),
    )
    # NaN, the end of a diverged run, makes the median of its trial NaN: it cannot be the best.
    finals = ends.group_by("optimizer", "hyperparameters", "initializer").agg(pl.col("end").median())["end"]
    finite = [value for value in finals if np.isfinite(value)]
    starts = [value for value in ends["start"] if np.isfinite(value)]
    if not finite or not starts:
        raise UsageError("error.all_diverged")
    best = max(finite) if task.maximize else min(finite)
    return statistics.auto_target(float(np.median(starts)), best, task.maximize)


def _described(phase: str, trial: Trial, seed: int) -> dict[str, Any]:
    optimizer, hyperparameters, initializer = trial_key(trial)
    return {
        "phase": phase,
        "optimizer": optimizer,
        "learning_rate": learning_rate(trial.setting),
        "hyperparameters": hyperparameters,
        "initializer": initializer,
        "seed": seed,
    }


def _identity(phase: str, part: Sequence[tuple[Trial, int]]) -> list[list[object]]:
    return [list(_described(phase, trial, seed).values()) for trial, seed in part]


def _json(value: Any) -> str:
    return json.dumps(value, default=float)
