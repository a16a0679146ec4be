"""What a study has measured, and what its protocol chose: the facts from which the answer is read."""

import dataclasses
import functools

import numpy as np
import polars as pl

from kobai.study.criterion import Measures
from kobai.study.study import CONFIRMATION, Study, Trial


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Every cell of a study, and what the protocol chose from them."""

    study: Study
    cells: pl.DataFrame
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
    def phases(self) -> dict[str, pl.DataFrame]:
        """The cells of each phase; what lies together in `cells` is not copied."""
        runs = self.cells["phase"].rle().struct.unnest()
        if runs["value"].n_unique() < len(runs):
            return {
                str(name): part for (name,), part in self.cells.partition_by("phase", as_dict=True).items()
            }
        ends = runs["len"].cum_sum()
        return {
            name: self.cells.slice(end - length, length)
            for name, length, end in zip(runs["value"], runs["len"], ends, strict=True)
        }

    @property
    def initializers(self) -> dict[str, Trial]:
        return self.alternatives["initializer"]

    @property
    def recommended(self) -> Trial:
        """What tuning chose for the leader."""
        return self.winners[self.leader]

    def cells_of(self, trial: Trial, phase: str) -> pl.DataFrame:
        """The cells of one trial in one phase, by seed."""
        return cells_of(self.in_phase(phase), trial)

    def in_phase(self, phase: str) -> pl.DataFrame:
        """The cells of one phase; none where it had none."""
        return self.phases.get(phase, self.cells.clear())

    def times(self, cells: pl.DataFrame, target: float | None = None) -> np.ndarray:
        """Steps to `target` (None: the deciding one) of each of these cells: see `Study.times`."""
        return self.study.times(cells, self.target if target is None else target)

    def measures(self, trial: Trial) -> Measures:
        """What is compared of the fresh runs of a trial."""
        fresh = self.in_phase(CONFIRMATION)
        return self.study.measures(cells_of(fresh, trial), self.target, self.by, fresh)

    def is_fixed(self, trial: Trial) -> bool:
        """Whether the seed changes nothing in the runs of a trial (`are_fixed`)."""
        return are_fixed(self.cells_of(trial, CONFIRMATION))


def cells_of(cells: pl.DataFrame, trial: Trial) -> pl.DataFrame:
    """The cells of one trial among those of a phase, by seed."""
    return cells.filter(*(pl.col(column) == name for column, name in trial.named.items())).sort("seed")


def are_fixed(cells: pl.DataFrame) -> bool:
    """Whether the seed changes nothing: all runs of a trial are one and the same, as with a full batch from a
    constant start."""
    curves = np.array(cells["validation_loss"].to_list(), float)
    return len(curves) > 1 and bool(np.array_equal(curves[1:], curves[:-1], equal_nan=True))
