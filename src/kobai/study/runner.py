"""Running the trials of a study: as few trainings as give them all, chunk by chunk, kept as frames.

Trials that differ in their average alone are one training, which gives the rows of all of them. Each task of
the study (an activation, a batch size, …) has a `Sweep` of its own; all have the same seeds and draws. What
is kept already, by whatever question, is not trained again.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeAlias

import polars as pl

from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.basics.notices import notice
from kobai.basics.progress import Progress
from kobai.candidates.values import as_json
from kobai.engine.backends import THREADS, Backend
from kobai.engine.cell import Cell
from kobai.engine.identity import versions_named
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep
from kobai.initializers import constant as constant_start
from kobai.stabilizers.averaging import Averaging
from kobai.study import record
from kobai.study.asked import Asked, Phase, check_tasks, in_order, questions, tasks_named
from kobai.study.cells import Cells
from kobai.study.estimate import Estimate, mean_gradients, weighed
from kobai.study.frame import happened, happenings
from kobai.study.joined import Joined, Work
from kobai.study.outcome import Outcome
from kobai.study.runs import SharedRun, cell_of, count_missing, missing
from kobai.study.store import CELLS_OF_A_FILE, KEPT, RESULTS, WHAT, Store, once
from kobai.study.study import CONFIRMATION, Study, Trial
from kobai.tasks.task import Task


class Interruption(KeyboardInterrupt):
    """Ctrl-C during a study: `kept` cells are in `path` (None: nowhere)."""

    def __init__(self, kept: int, path: Path | None) -> None:
        super().__init__(f"{kept} cells kept in {path}")
        self.kept, self.path = kept, path


Place: TypeAlias = Backend | Joined
"""Where cells are run: a backend, or this process among those that share them."""


AT_ONCE = 50_000
"""So many runs are asked of a backend at once: the list of its cells is not longer."""

Finished: TypeAlias = tuple[list[SharedRun], Sequence[Run] | None]
"""Runs of the engine, and what came of them; None: another process has stored that."""


def sweep_of(study: Study, task: Task, *, keep_model: bool = False) -> Sweep:
    """The engine for one task of a study, and all that is tried in it."""
    return Sweep(
        task,
        [variant for candidate in study.candidates for variant in candidate.variants],
        steps=study.steps,
        evaluate_every=study.evaluate_every,
        threads=study.threads,
        strategies=study.strategies(),
        keep_model=keep_model,
    )


def sweeps_of(study: Study) -> dict[tuple[str, ...], Sweep]:
    """The engine of each task of a study."""
    return {names: sweep_of(study, task) for names, task in study.variants.items()}


class Runner:
    """Runs the cells of a study chunk by chunk and keeps their frames.

    Args:
      study: what is run.
      progress: what is told how far it is.
      folder: of the study; None: nothing is kept.
      backend: the place where cells are run.
      store: what is kept. Default: that of the folder.
      command: what makes the report of this study again.
    """

    def __init__(
        self,
        study: Study,
        progress: Progress,
        folder: Path | None,
        backend: Place = THREADS,
        store: Store | None = None,
        command: str = "",
    ) -> None:
        self.study, self.progress, self.folder, self.backend = study, progress, folder, backend
        self.sweeps = sweeps_of(study)
        is_joined = isinstance(backend, Joined)
        self.store = Store(folder, joined=is_joined) if store is None else store
        self.asked = self._asked(folder, command) if folder else None
        self.phases: dict[str, Phase] = {}
        self._found: dict[str, tuple[Phase, Cells]] = {}
        self.frames: list[pl.DataFrame] = []
        self.held, self.is_let_go = 0, False
        self.there: set[str] = set()
        self.reused, self.trained, self.kept = 0, 0, len(self.store.places)
        self.unused_are_told = False
        self.batches = {names: task.accumulate for names, task in study.variants.items()}
        self.estimate = Estimate(
            progress,
            steps=study.steps,
            trainings=study.trainings,
            gradients=mean_gradients(study.candidates, self.batches.values()),
            programs=len(self.sweeps),
            threads=next(iter(self.sweeps.values())).threads,
        )
        for sweep in self.sweeps.values() if study.allowance is None else ():
            sweep.pace.watch = self.estimate
        interruption.keeps(0, folder)

    def _asked(self, folder: Path, command: str) -> Asked:
        """What is asked in the folder. Refuses another task than those of the folder."""
        tasks = tasks_named(self.sweeps)
        before, among = questions(self.store), self.study.among
        check_tasks(folder, before, tasks, among)
        return Asked.of(self.study, tasks, command, list(dict.fromkeys([*among, *in_order(before)])))

    def run(self, phase: str, trials: Sequence[Trial], seeds: Sequence[int]) -> Cells:
        """Every trial with every seed: the cells of this phase. What was run before is not run again."""
        trials = list({tuple(trial.named.values()): trial for trial in trials}.values())
        cells = [self.identities(trial, seeds) for trial in trials]
        self.phases[phase] = Phase.of(trials, seeds, cells)
        if self.asked is not None:
            self.asked.phases = self.phases
            self.asked.write(self.store)
        is_shared = isinstance(self.backend, Joined)
        new = count_missing(trials, cells, seeds, self.there)
        self.progress.phase(phase, new)
        self._find([cell for own in cells for cell in own if cell not in self.there])
        rest = list(missing(trials, cells, seeds, self.there))
        self._tell_unused(rest)
        self.estimate.kept(new - len(rest))
        self._count(new - len(rest), reused=True)
        every = list(missing(trials, cells, seeds, ())) if is_shared else rest
        for part, runs in self._shared(every) if is_shared else self._trained(rest):
            if runs is None:
                frame = self.store.get([cell for run in part for cell in run.names])
            else:
                frame = self._frame(part, runs)
                self.store.put(frame, functools.partial(interruption.coming, len(part)))
            self._hold(frame)
            self._count(len(part), reused=runs is None)
            if phase == CONFIRMATION and self.complete(phase):
                interruption.can_answer(True)
                if self.study.allowance is not None and self.study.allowance.is_over():
                    interruption.wind_up()
            self.estimate.finished(weighed((run.trials[0] for run in part), self.batches))
        return self.found(phase)[phase]

    def complete(self, phase: str) -> list[int]:
        """The first seeds of a phase with which every trial of it has been run."""
        own = self.phases[phase]
        columns = zip(own.seeds, zip(*own.cells, strict=True), strict=True)
        whole = itertools.takewhile(lambda column: self.there.issuperset(column[1]), columns)
        return [seed for seed, _ in whole]

    def _tell_unused(self, rest: Sequence[SharedRun]) -> None:
        """Say once that trainings which are made now are kept already, but computed by other versions."""
        if not rest or self.folder is None or self.unused_are_told:
            return
        rows = [_described(self.study, trial, run.seed) for run in rest for trial in run.trials]
        wanted = pl.DataFrame(rows, schema={name: kind for name, kind in WHAT.items() if name != "cell"})
        ours = versions_named()
        for theirs, cells in self.store.unused(wanted, ours).items():
            others = [each for each in theirs.split(", ") if each not in ours.split(", ")]
            notice("study.unused", cells=cells, versions=", ".join(others))
            self.unused_are_told = True

    def identities(self, trial: Trial, seeds: Sequence[int]) -> list[str]:
        """What a trial is with each seed (`kobai.engine.identity`); where nothing is kept, its name."""
        if not self.store:
            return [f"{trial.named} {seed}" for seed in seeds]
        return self.sweeps[trial.task].identity.of_seeds(cell_of(trial, 0), seeds)

    def _trained(self, rest: Sequence[SharedRun]) -> Iterator[Finished]:
        """What the backend gives. Refuses one that leaves a cell out, or gives another than it was asked."""
        assert not isinstance(self.backend, Joined)
        for names, sweep in self.sweeps.items():
            if interruption.is_winding_up():
                return
            own = [training for training in rest if training.trials[0].task == names]
            for first in range(0, len(own), AT_ONCE):
                yield from self._asked_of(self.backend, sweep, own[first : first + AT_ONCE])

    def _asked_of(self, backend: Backend, sweep: Sweep, todo: Sequence[SharedRun]) -> Iterator[Finished]:
        """What a backend gives of some runs of one task."""
        cells = self._cells(todo)
        waiting = set(range(len(cells)))
        for positions, runs in backend.run(sweep, cells):
            if len(runs) != len(positions) or not len({*positions} & waiting) == len(positions):
                raise UsageError("error.backend.runs", cells=len(cells), value=list(positions))
            waiting -= {*positions}
            yield [todo[i] for i in positions], runs
        if waiting and not interruption.is_winding_up():
            raise UsageError("error.backend.missing", cells=len(cells), value=min(waiting))

    def _cells(self, runs: Sequence[SharedRun]) -> list[Cell]:
        return [cell_of(run.trials[0], run.seed, self.study.averages) for run in runs]

    def _shared(self, every: Sequence[SharedRun]) -> Iterator[Finished]:
        """What this process trains among those that have joined, and what it finds of the others."""
        assert isinstance(self.backend, Joined)
        groups = {task: [run for run in every if run.trials[0].task == task] for task in self.sweeps}
        work = [
            Work(
                self.sweeps[task],
                self._cells(group),
                [frozenset(run.names) for run in group],
            )
            for task, group in groups.items()
        ]
        for i, positions, runs in self.backend.run(self.store, work):
            group = list(groups.values())[i]
            yield [group[j] for j in positions], runs

    def _count(self, trainings: int, reused: bool = False) -> None:
        """First the frame, then the word that it is there: whoever is told may interrupt."""
        self.reused += trainings * reused
        self.trained += trainings * (not reused)
        interruption.keeps(self.reused + self.trained, self.folder)
        self.progress.advance(trainings)

    def _frame(self, part: Sequence[SharedRun], runs: Sequence[Run]) -> pl.DataFrame:
        """What came of some runs, as it is kept."""
        rows = [
            {
                "cell": name,
                **_described(self.study, trial, training.seed),
                **{name: value for name, value in self._read(trial, run).items() if name in RESULTS},
                "happened": happened(vars(run), run.counts),
            }
            for training, run in zip(part, runs, strict=True)
            for trial, name in zip(training.trials, training.names, strict=True)
        ]
        return pl.DataFrame(rows, schema=KEPT)

    def _read(self, trial: Trial, run: Run) -> dict[str, object]:
        """What came of a trial in a run: of the iterate, or of the average that it asks for."""
        average = trial.parts.get("average")
        if not isinstance(average, Averaging):
            return vars(run)
        return vars(run) | vars(run.averages[self.study.averages.index(average)])

    def found(self, *phases: str) -> dict[str, Cells]:
        """Every cell so far by phase, or those of some phases, in an order that depends on no threads."""
        found = {}
        for name in phases or tuple(self.phases):
            phase = self.phases[name]
            before, cells = self._found.get(name, (None, None))
            if before is not phase or cells is None:
                cells = phase.found(name, self._kept(phase), self.study.axes, self.study.marks)
                if len(cells) == len(phase.every):
                    self._found[name] = phase, cells
            found[name] = cells
        return found

    def _kept(self, phase: Phase) -> Iterator[pl.DataFrame]:
        """What came of the cells of a phase, as far as they are there."""
        if self.is_let_go:
            return self.store.parts([cell for cell in phase.every if cell in self.there])
        return iter([once(pl.concat([pl.DataFrame(schema=KEPT), *self.frames]))])

    def _find(self, cells: Sequence[str]) -> None:
        """Those of the cells that are kept: in the folder they are left, from memory they are had at hand."""
        in_folder = [cell for cell in cells if cell in self.store.places]
        self.there.update(in_folder)
        self.is_let_go = self.is_let_go or bool(in_folder)
        if len(self.store.cells):
            self._hold(self.store.get(cells))

    def _hold(self, frame: pl.DataFrame) -> None:
        """Have some cells at hand; so many as a large file holds are put into one, and let go."""
        self.frames.append(frame)
        self.there.update(frame["cell"])
        self.held += len(frame)
        if self.held >= CELLS_OF_A_FILE:
            self.held = 0
            if self.folder is None:
                self.frames = [pl.concat(self.frames, rechunk=True)]
            else:
                self.store.compact(own=isinstance(self.backend, Joined))
                self.frames, self.is_let_go = [], True

    def finish(self, study: Study, memory: dict[str, int], metrics: Sequence[float], planned: int) -> None:
        """Say in the folder that the question is answered: by `study`, which may have grown or ended before
        the `planned` fresh seeds; `metrics` are those of which the report speaks."""
        if self.asked is not None:
            self.asked.study = record.written(study, metrics)
            if planned:
                self.asked.end(study.confirmation_seeds, {*self.there, *self.store.places}, planned)
            self.asked.memory, self.asked.finished = memory, True
            self.asked.write(self.store)
            with (
                self.backend.share.last() if isinstance(self.backend, Joined) else nullcontext(True) as alone
            ):
                if alone:
                    self.store.compact()

    def interrupted(self) -> Interruption:
        """What is finished is kept already."""
        return Interruption(self.reused + self.trained, self.folder)


def _described(study: Study, trial: Trial, seed: int) -> dict[str, object]:
    """What people call a cell."""
    named = trial.named
    axes = {axis.name: named[axis.name] for axis in study.axes}
    return {
        "task": study.facts.name,
        "method": f"{named['optimizer']} {named['hyperparameters']}",
        "start": named["initializer"],
        "strategy": as_json(axes),
        "seed": seed,
        "steps": study.steps,
        "versions": versions_named(),
    }


def kept_of(outcome: Outcome) -> Store:
    """The cells of an outcome, as if they had been kept, in memory."""
    study = outcome.study
    sweeps = sweeps_of(study)
    constant = [
        dataclasses.replace(trial, initializer=constant_start()) for trial in outcome.winners.values()
    ]
    trials = {tuple(trial.named.values()): trial for trial in (*study.trials(), *constant)}
    rows = []
    for row in outcome.cells.iter_rows(named=True):
        trial = trials[tuple(row[column] for column in study.columns)]
        cell = sweeps[trial.task].identity.of(cell_of(trial, row["seed"]))
        events = {name: row[name] for name in (*happenings(), "machine") if name in row}
        described = _described(study, trial, row["seed"])
        rows.append({"cell": cell, **described, "happened": as_json(events), **row})
    columns = [[row.get(name) for row in rows] for name in KEPT]
    return Store(cells=pl.DataFrame(dict(zip(KEPT, columns, strict=True)), schema=KEPT))
