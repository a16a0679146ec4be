"""What a study has measured, and what its protocol chose: the facts from which the answer is read."""

import dataclasses

import numpy as np
import polars as pl

from kobai.study.study import CONFIRMATION, Study, Trial


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Every cell of a study, and what the protocol chose from them."""

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

    def cells_of(self, trial: Trial, phase: str) -> pl.DataFrame:
        """The cells of one trial in one phase, by seed."""
        names = [pl.col(column) == name for column, name in trial.named.items()]
        return self.cells.filter(pl.col("phase") == phase, *names).sort("seed")

    def times(self, cells: pl.DataFrame, target: float | None = None) -> np.ndarray:
        """Steps to `target` (None: the deciding one) of each of these cells: see `Study.times`."""
        return self.study.times(cells, self.target if target is None else target)

    def is_fixed(self, trial: Trial) -> bool:
        """Whether the seed changes nothing: all runs of a trial are one and the same, as with a full batch
        from a constant start."""
        curves = np.array(self.cells_of(trial, CONFIRMATION)["validation_loss"].to_list(), float)
        return len(curves) > 1 and bool(np.array_equal(curves[1:], curves[:-1], equal_nan=True))
