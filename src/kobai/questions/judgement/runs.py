"""Runs that are judged, wherever they were made: of each its arm, its seed, and the metric by step."""

import dataclasses

import numpy as np

from kobai.words import Note

Array = np.ndarray


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Fields:
      arm: what was trained; runs of one arm differ in nothing but their seed.
      seed: as it is written; None where it was not told.
      steps: where the metric was measured, ascending [evaluations]; one 0 where no step was told.
      values: the metric there, NaN where there was none [evaluations].
    """

    arm: str
    seed: str | None
    steps: Array
    values: Array


@dataclasses.dataclass(frozen=True)
class Runs:
    """All runs that were read.

    Fields:
      metric: its name.
      runs: in the order of their first appearance.
      curves: whether steps were told.
      seeded: whether it is a seed that tells the runs of an arm apart, and no mere number or name of a run.
      notes: what the reader has to say, such as rows that stood there twice.
    """

    metric: str
    runs: tuple[Run, ...]
    curves: bool
    seeded: bool
    notes: tuple[Note, ...] = ()

    @property
    def arms(self) -> list[str]:
        """Their names, in the order of their first appearance."""
        return list(dict.fromkeys(run.arm for run in self.runs))

    def of(self, arm: str) -> list[Run]:
        """The runs of one arm."""
        return [run for run in self.runs if run.arm == arm]
