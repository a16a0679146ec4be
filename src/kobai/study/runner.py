"""Running the trials of a study: as few trainings as give them all, chunk by chunk, kept as frames.

Trials that differ in their average alone are one training, which gives the rows of all of them. Each task of
the study (an activation, a batch size, …) has a `Sweep` of its own; all have the same seeds and draws.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl

from kobai.basics import interruption
from kobai.basics.files import write_frame
from kobai.basics.progress import Progress
from kobai.basics.version import __version__
from kobai.candidates.values import as_json, hyperparameters_of, learning_rate
from kobai.engine.backends import THREADS, Backend
from kobai.engine.cell import Cell
from kobai.engine.run import Run, evaluated_at
from kobai.engine.sweep import Sweep
from kobai.stabilizers.averaging import Averaging
from kobai.study.axes import OF_PARTS, Axis, strategy
from kobai.study.store import SCHEMA, Chunks
from kobai.study.study import Study, Trial


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a study: `kept` cells are in `path` (None: nowhere)."""

    def __init__(self, kept: int, path: Path | None) -> None:
        super().__init__(f"{kept} cells kept in {path}")
        self.kept, self.path = kept, path


@dataclasses.dataclass(frozen=True)
class SharedRun:
    """One run of the engine: a seed, and the trials that it answers. They differ in their average alone."""

    trials: tuple[Trial, ...]
    seed: int

    @property
    def task(self) -> tuple[str, ...]:
        return self.trials[0].task

    def cell(self, averages: Sequence[Averaging]) -> Cell:
        trial = self.trials[0]
        return Cell(trial.variant, trial.initializer, self.seed, strategy(trial.parts, averages))


def shared_runs(trials: Sequence[Trial], seeds: Sequence[int]) -> list[SharedRun]:
    """Every trial with every seed, as few runs as give them all."""
    together: dict[tuple, list[Trial]] = {}
    for trial in trials:
        key = tuple(name for column, name in trial.named.items() if column != "average")
        together.setdefault(key, []).append(trial)
    return [SharedRun(tuple(group), seed) for group in together.values() for seed in seeds]


class Runner:
    """Runs the cells of a study chunk by chunk and keeps their frames.

    Args:
      backend: the place where cells are run.
    """

    def __init__(
        self,
        study: Study,
        progress: Progress,
        folder: Path | None,
        backend: Backend = THREADS,
    ) -> None:
        self.study, self.progress, self.folder, self.backend = study, progress, folder, backend
        variants = [variant for candidate in study.candidates for variant in candidate.variants]
        strategies = study.strategies()
        self.sweeps = {
            names: Sweep(
                task,
                variants,
                steps=study.steps,
                evaluate_every=study.evaluate_every,
                threads=study.threads,
                strategies=strategies,
            )
            for names, task in study.variants.items()
        }
        self.chunks = Chunks(folder, fingerprint(study, self.sweeps), question(study)) if folder else Chunks()
        self.rows = evaluated_at(study.steps, study.evaluate_every)
        self.schema = schema(study.axes)
        self.frames: list[pl.DataFrame] = []
        self.cells = 0
        interruption.keeps(0, None)

    def run(self, phase: str, trials: Sequence[Trial], seeds: Sequence[int]) -> pl.DataFrame:
        """Every trial with every seed; the frame of this phase."""
        todo = shared_runs(trials, seeds)
        self.progress.phase(phase, len(todo))
        frames: list[pl.DataFrame] = []
        for names, sweep in self.sweeps.items():
            own = [training for training in todo if training.task == names]
            frames += self._run(phase, sweep, own)
        return pl.concat(frames)

    def _run(self, phase: str, sweep: Sweep, todo: Sequence[SharedRun]) -> Iterator[pl.DataFrame]:
        """The frames of one task's chunks, those first that were kept."""
        rest: list[SharedRun] = []
        for i in range(0, len(todo), sweep.chunk):
            part = todo[i : i + sweep.chunk]
            frame = self.chunks.get(_identity(phase, part))
            if frame is None:
                rest += part
            else:
                self._keep(frame, len(part))
                yield frame
        cells = [training.cell(self.study.averages) for training in rest]
        for positions, runs in self.backend.run(sweep, cells):
            part = [rest[i] for i in positions]
            frame = self._frame(phase, part, runs)
            self.chunks.put(_identity(phase, part), frame)
            self._keep(frame, len(part))
            yield frame

    def _keep(self, frame: pl.DataFrame, trainings: int) -> None:
        """First the frame, then the word that it is there: whoever is told may interrupt."""
        self.frames.append(frame)
        self.cells += len(frame)
        interruption.keeps(self.cells, self.folder)
        self.progress.advance(trainings)

    def _frame(self, phase: str, part: Sequence[SharedRun], runs: Sequence[Run]) -> pl.DataFrame:
        rows = [
            {
                **_described(phase, trial, training.seed),
                "evaluated_at": self.rows,
                **{name: value for name, value in self._read(trial, run).items() if name in self.schema},
            }
            for training, run in zip(part, runs, strict=True)
            for trial in training.trials
        ]
        return pl.DataFrame(rows, schema=self.schema)

    def _read(self, trial: Trial, run: Run) -> dict[str, object]:
        """What came of a trial in a run: of the iterate, or of the average that it asks for."""
        columns = {_happens(axis.name) for axis in self.study.axes} - vars(run).keys()
        values = vars(run) | {name: run.counts[name] for name in columns if name}
        average = trial.parts.get("average")
        return values if average is None else values | vars(run.averages[self.study.averages.index(average)])

    def frame(self) -> pl.DataFrame:
        """Every cell so far, in an order that does not depend on the threads."""
        names = [axis.name for axis in self.study.axes]
        order = ["phase", "optimizer", "initializer", "hyperparameters", *names, "seed"]
        return pl.concat(self.frames or [pl.DataFrame(schema=self.schema)]).sort(order)

    def interrupted(self) -> Interrupted:
        """Keep what is finished."""
        frame = self.frame()
        if self.folder and len(frame):
            write_frame(self.folder / "cells.parquet", frame)
        return Interrupted(len(frame), self.folder)


def schema(axes: Iterable[Axis]) -> dict[str, Any]:
    """The columns of a frame of cells: one more for each axis, and for what an axis makes happen."""
    names = [axis.name for axis in axes]
    columns: dict[str, Any] = {}
    for column, kind in SCHEMA.items():
        columns[column] = kind
        if column == "initializer":
            columns |= dict.fromkeys(names, pl.String)
        if column == "diverged_at":
            columns |= {happens: pl.Int64 for happens in map(_happens, names) if happens}
    return columns


def _happens(axis: str) -> str | None:
    """The column that says what an axis made happen in a run: the step of its end, the batches left out."""
    return OF_PARTS[axis].happens if axis in OF_PARTS else None


def fingerprint(study: Study, sweeps: Mapping[tuple[str, ...], Sweep]) -> str:
    """A hash of what a kept chunk depends on: programs, data, initial values and states, budget, versions.

    States begin on the host, and random numbers are drawn there by NumPy: no program tells of them.
    """
    digest = hashlib.sha256()
    for names, sweep in sweeps.items():
        task = study.variants[names]
        digest.update(sweep.text().encode())
        starts = [task.flatten(start) for start in study.starts(task)]
        states = [sweep.program.start(rule, starts[0]).memory for rule in sweep.kinds.values()]
        for leaf in jax.tree.leaves(
            (task.train, task.validation, task.test, task.state, task.parameters, starts, states)
        ):
            if hasattr(leaf, "shape"):
                digest.update(f"{leaf.dtype}{leaf.shape}".encode() + np.asarray(leaf).tobytes())
    for each in study.strategies():  # what the names of a schedule and an average do not tell
        if each.schedule is not None:
            digest.update(each.schedule.factors(0, study.steps, study.steps).tobytes())
        for averaging in each.averages:
            digest.update(np.asarray(averaging.weight(np.arange(1, study.steps + 1))).tobytes())
    versions = [__version__, np.__version__]
    digest.update(as_json([study.steps, study.evaluate_every, *versions]).encode())
    return digest.hexdigest()


def question(study: Study) -> dict[str, object]:
    """What a study asks, in words and numbers: all that two studies can differ in but programs and data."""
    settings = {
        candidate.name: [hyperparameters_of(setting) for setting in candidate.variants]
        for candidate in study.candidates
    }
    return {
        "task": study.task.name,
        "target": study.task.targets,
        "steps": study.steps,
        "evaluate_every": study.evaluate_every,
        "seeds": study.seeds,
        "tuning_seeds": study.tuning_seeds,
        **{f"optimizer {name}": values for name, values in settings.items()},
        "initializers": [initializer.name for initializer in study.initializers],
        **{axis.name: [value.name for value in axis.values] for axis in study.axes},
        "kobai": __version__,
        "numpy": np.__version__,
        "jax": jax.__version__,
    }


def _described(phase: str, trial: Trial, seed: int) -> dict[str, object]:
    return {"phase": phase, **trial.named, "learning_rate": learning_rate(trial.variant), "seed": seed}


def _identity(phase: str, part: Sequence[SharedRun]) -> list[list[object]]:
    return [
        list(_described(phase, trial, training.seed).values())
        for training in part
        for trial in training.trials
    ]
