"""What a study has measured, and what its protocol chose: the facts from which the answer is read."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import polars as pl

from kobai.study.cells import Cells, Names
from kobai.study.criterion import COMPARED, STEPS, Measures, of_steps
from kobai.study.frame import joined, schema
from kobai.study.study import CONFIRMATION, TUNING, Study, Trial


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Every cell of a study, and what the protocol chose from them."""

    study: Study
    phases: Mapping[str, Cells]
    """The cells of each phase."""
    target: float
    stated: bool
    """Whether the target was stated, or derived from the tuning runs."""
    by: str
    """By what candidates are judged, one of `CRITERIA`."""
    turn: str | None
    """Why that, or the target, is not what was asked for, if it is not: "harder", or "final" (hardly any run
    arrives) or "at_once" (nearly all do)."""
    winners: dict[str, Trial]
    """The best trial of each candidate in tuning, by name, best first."""
    leader: str
    """The candidate that leads on the fresh seeds, by name."""
    alternatives: dict[str, dict[str, Trial]]
    """For the leader: the best trial in tuning with each initial value ("initializer"), with each value of
    every axis that has several, and with each value of its own hyperparameters that have several
    ("momentum.momentum"); all with the recommended values of the others, so that what differs is the effect
    of this one."""
    neighbours: list[Trial]
    """The recommended trial at the neighbouring learning rates."""
    memory: dict[str, int]
    """Numbers that each candidate remembers for every parameter, by name."""
    reused: int = 0
    """How many trainings were there before."""
    trained: int = 0
    """How many were new."""
    kept: int = 0
    """How many trainings, of whatever study, its folder held before."""
    planned: int = 0
    """How many fresh seeds there were to be, of a study that was asked for its answer before its end."""

    @functools.cached_property
    def cells(self) -> pl.DataFrame:
        """Every cell, phase by phase, as one frame in memory."""
        return joined({name: cells.frame for name, cells in self.phases.items()}, self.study.axes)

    def __len__(self) -> int:
        """How many cells there are."""
        return sum(map(len, self.phases.values()))

    def column(self, name: str) -> pl.Series:
        """One column of every cell, phase by phase."""
        return pl.concat([self.phases[phase][name] for phase in sorted(self.phases)], rechunk=True)

    def with_cells(self, cells: pl.DataFrame) -> "Outcome":
        """The same study, had it found these cells."""
        parts = cells.partition_by("phase", as_dict=True)
        phases = {str(name): Cells(part, self.study.columns) for (name,), part in parts.items()}
        return dataclasses.replace(self, phases=phases)

    @property
    def initializers(self) -> dict[str, Trial]:
        return self.alternatives["initializer"]

    @property
    def recommended(self) -> Trial:
        """What tuning chose for the leader."""
        return self.winners[self.leader]

    def cells_of(self, trial: Trial, phase: str) -> pl.DataFrame:
        """The cells of one trial in one phase, by seed."""
        return self.in_phase(phase).of(trial)

    def in_phase(self, phase: str) -> Cells:
        """The cells of one phase; none where it had none."""
        nothing = pl.DataFrame(schema=schema(self.study.axes))
        return self.phases.get(phase, Cells(nothing, self.study.columns))

    @functools.cached_property
    def tuned(self) -> dict[Names, np.ndarray]:
        """Steps to the deciding target of the cells of each trial of the tuning, by what names it."""
        every = self.in_phase(TUNING).each("validation_metric", "diverged_at")
        return {names: self.times(cells) for names, cells in every}

    def compared(self, by: str) -> dict[Names, Measures]:
        """What is compared of the cells of each trial of the tuning, by one of `CRITERIA`."""
        study, tuning = self.study, self.in_phase(TUNING)
        if by == STEPS:
            return {names: of_steps(times, study.steps) for names, times in self.tuned.items()}
        every = tuning.each(*COMPARED)
        return {names: study.measures(cells, self.target, by, tuning) for names, cells in every}

    def times(self, cells: pl.DataFrame, target: float | None = None) -> np.ndarray:
        """Steps to `target` (None: the deciding one) of each of these cells: see `Study.times`."""
        return self.study.times(cells, self.target if target is None else target)

    def measures(self, trial: Trial) -> Measures:
        """What is compared of the fresh runs of a trial."""
        fresh = self.in_phase(CONFIRMATION)
        return self.study.measures(fresh.of(trial), self.target, self.by, fresh)

    def is_fixed(self, trial: Trial) -> bool:
        """Whether the seed changes nothing in the runs of a trial (`are_fixed`)."""
        return are_fixed(self.cells_of(trial, CONFIRMATION))


def are_fixed(cells: pl.DataFrame) -> bool:
    """Whether the seed changes nothing: all runs of a trial are one and the same, as with a full batch from a
    constant start."""
    curves = np.array(cells["validation_loss"].to_list(), float)
    return len(curves) > 1 and bool(np.array_equal(curves[1:], curves[:-1], equal_nan=True))
