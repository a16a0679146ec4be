"""What a study would take: how many trainings, how long, how large. Nothing is trained but what is timed.

The pace is that of trainings which are kept already; where there are none, each candidate is trained for a
moment, as many at once as there are threads, and the first of them on each other task, whose steps may be
longer. Each candidate has a pace of its own, which counts as often as it is trained; one that is not known
takes as long as its gradients do at the pace of the others.
"""

import dataclasses
import functools
import io
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl

from kobai.basics.machine import pool
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer
from kobai.study import statistics
from kobai.study.asked import Asked, check_tasks, questions, tasks_named
from kobai.study.estimate import gradients_of
from kobai.study.runner import sweeps_of
from kobai.study.runs import cell_of, together
from kobai.study.store import KEPT, Store
from kobai.study.study import TUNING, Study, Trial

MOMENT = 1.0
"""Seconds for which a candidate is timed, if its training does not end before."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a study would take.

    Fields:
      trainings, tuning: of the whole, and of its first phase; how many the others have, depends on the first.
      kept: how many of them are there.
      seconds_each: of one training, on one core, in the mean.
      measured: whether that was measured for the plan; else it is read from what is kept.
      seconds: of what is left, here.
      threads: how many trainings run at once, here.
      trainings_at_most, seconds_at_most: of a study that grows, if it is not clear before its last look; of
        another one as above.
      bytes: of the folder, when the study has ended.
      bytes_at_most: of the folder, before its files are put into one.
    """

    trainings: int
    tuning: int
    kept: int
    seconds_each: float
    measured: bool
    seconds: float
    threads: int
    trainings_at_most: int
    seconds_at_most: float
    bytes: int
    bytes_at_most: int

    @property
    def left(self) -> int:
        return max(self.trainings - self.kept, 0)

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**dataclasses.asdict(self), "left": self.left}

    def __add__(self, other: "Plan") -> "Plan":
        """Two studies, one after the other."""
        own, others = dataclasses.asdict(self), dataclasses.asdict(other)
        added = [name for name in own if name not in ("seconds_each", "measured", "threads")]
        return dataclasses.replace(self, **{name: own[name] + others[name] for name in added})


def plan(study: Study, folder: Path | None = None) -> Plan:
    """What a study that was checked would take, with what is kept in a folder, which stays as it is.

    Raises `UsageError` for the folder of another task.
    """
    store, sweeps = Store(folder, reading=True), sweeps_of(study)
    sweep = next(iter(sweeps.values()))
    kept, known = _kept(study, sweeps, store)
    each = _mean(study, known or _timed(study, sweeps))
    size = functools.partial(_size, len(study.marks))
    most = (
        study.trainings
        if study.within is None
        else dataclasses.replace(study, seeds=statistics.LOOKS[-1]).trainings
    )
    return Plan(
        trainings=study.trainings,
        tuning=study.tuning_seeds * len(together(study.trials())),
        kept=kept,
        seconds_each=each,
        measured=not known,
        seconds=max(study.trainings - kept, 0) * each / sweep.threads,
        threads=sweep.threads,
        trainings_at_most=most,
        seconds_at_most=max(most - kept, 0) * each / sweep.threads,
        bytes=size(most),
        bytes_at_most=-(-most // sweep.chunk) * size(sweep.chunk),
    )


def _kept(
    study: Study, sweeps: Mapping[tuple[str, ...], Sweep], store: Store
) -> tuple[int, dict[str, float]]:
    """How many trainings of the study are kept, and the seconds of one of each candidate, by its name."""
    if not store.places:
        return 0, {}
    tasks = tasks_named(sweeps)
    asked = questions(store)
    assert store.folder is not None
    check_tasks(store.folder.parent, asked, tasks, study.among)
    before = [each.phases for each in asked if each.question == Asked.of(study, tasks).question]
    phases = before[-1] if before else {}
    later = [cell for name, phase in phases.items() if name != TUNING for cell in phase.every]
    trials, seeds = study.trials(), range(study.tuning_seeds)
    cells = [sweeps[trial.task].identity.of_seeds(cell_of(trial, 0), seeds) for trial in trials]
    runs = [names for group in together(trials) for names in zip(*(cells[i] for i in group), strict=True)]
    whole = [cells for cells in runs if all(cell in store.places for cell in cells)]
    first = dict.fromkeys([*(cells[0] for cells in whole), *(cell for cell in later if cell in store.places)])
    names = {cell: trial.candidate.name for trial, own in zip(trials, cells, strict=True) for cell in own}
    rows = store.get(list(first)).drop_nulls("seconds").select("cell", "method", "seconds").rows()
    of_methods = {method: names[cell] for cell, method, _ in rows if cell in names}
    seconds: dict[str, list[float]] = {}
    for _, method, each in rows:
        if method in of_methods:
            seconds.setdefault(of_methods[method], []).append(each)
    return len(first), {name: float(np.mean(own)) for name, own in seconds.items()}


def _mean(study: Study, known: Mapping[str, float]) -> float:
    """Seconds of a training in the mean of about all of a study, from those of a training of candidates."""
    names = {each.name: each for each in study.candidates}
    known = {name: seconds for name, seconds in known.items() if name in names}
    taken = {name: gradients_of(each.variants[0]) for name, each in names.items()}
    pace = np.mean([seconds / taken[name] for name, seconds in known.items()])
    tuned = (
        study.tuning_seeds * len(together(study.trials())) / sum(len(c.variants) for c in study.candidates)
    )
    weights = [tuned * len(each.variants) + study.seeds for each in study.candidates]
    seconds = [float(known.get(name, pace * taken[name])) for name in names]
    return float(np.average(seconds, weights=weights))


class _Count(threading.local):
    """How many gradients were taken in this thread."""

    gradients = 0.0

    def started(self) -> None: ...

    def block(self, gradients: float) -> None:
        self.gradients += gradients


def _timed(study: Study, sweeps: Mapping[tuple[str, ...], Sweep]) -> dict[str, float]:
    """Seconds of a training of each candidate in the mean of all tasks, by its first steps on the first of
    them and what the first candidate takes on the others."""
    trials = study.trials()
    count = Counter(trial.task for trial in trials)
    first, *others = count
    own = _timed_on(study, sweeps[first], [trial for trial in trials if trial.task == first])
    name = trials[0].candidate.name
    seconds = {first: own[name]}
    for task in others:
        alone = [trial for trial in trials if trial.task == task and trial.candidate.name == name]
        seconds[task] = _timed_on(study, sweeps[task], alone)[name]
    mean = float(np.average([seconds[task] for task in count], weights=[*count.values()]))
    return {name: each * mean / seconds[first] for name, each in own.items()}


def _timed_on(study: Study, sweep: Sweep, trials: Sequence[Trial]) -> dict[str, float]:
    """Seconds of a training of each candidate on one task, as many at once as there will be."""
    cells = [cell_of(trial, 0, study.averages) for trial in trials]
    # Of each candidate the first that is tried.
    every = dict(zip((trial.candidate.name for trial in trials[::-1]), cells[::-1], strict=True))
    chunks = {name: [cell] for name, cell in every.items()}
    if sweep.population:  # one of a family, which is the pace of all
        chunks = {trials[0].candidate.name: [cells[i] for i in sweep.chunks(cells)[0]]}
    sweep.pace.watch = count = _Count()
    sweep.compile()
    x64 = bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]

    def seconds(chunk: Sequence[Cell]) -> float:
        before, began = count.gradients, time.perf_counter()
        with jax.enable_x64(x64):  # a minimizer, which counts no steps, is trained to its end
            sweep.train(chunk, lambda: _is_of_rule(chunk) and time.perf_counter() - began > MOMENT)
        took, rule = time.perf_counter() - began, chunk[0].optimizer
        if not isinstance(rule, Optimizer):
            return took
        whole = study.steps * rule.gradients * sweep.task.accumulate
        return took / max(count.gradients - before, 1) * whole

    with pool(sweep.threads) as threads:
        return dict(zip(chunks, threads.map(seconds, chunks.values()), strict=True))


def _is_of_rule(chunk: Sequence[Cell]) -> bool:
    return not isinstance(chunk[0].optimizer, Minimizer)


def _size(evaluations: int, cells: int) -> int:
    """Bytes of a file of so many cells, whose curves are noise, which no compression makes smaller."""
    one, more = _bytes(evaluations, 1), _bytes(evaluations, SAMPLE)
    return one + (cells - 1) * (more - one) // (SAMPLE - 1)


SAMPLE = 17
"""Cells from which the size of a file is told."""


def _bytes(evaluations: int, cells: int) -> int:
    draw = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {}
    for name, kind in KEPT.items():
        if kind == pl.String:
            columns[name] = [draw.bytes(16).hex() for _ in range(cells)]
        elif isinstance(kind, pl.List):
            columns[name] = [draw.random(evaluations) for _ in range(cells)]
        else:
            columns[name] = [1] * cells
    parquet = io.BytesIO()
    pl.DataFrame(columns, KEPT).write_parquet(parquet)
    return parquet.tell()
