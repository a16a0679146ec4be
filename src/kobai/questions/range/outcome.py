"""What was found of the learning rates of a rule on a task."""

import dataclasses
import math

import polars as pl

from kobai.questions.range.bounds import Bound
from kobai.questions.range.race import Race, Reached

BELOW, ABOVE = 2, 2
"""So many rates below and above the suggestion, half a decade apart, are given to a comparison."""

SUGGESTED, WORKS, SLOW, FAILS = "suggested", "works", "slow", "fails"
"""What is said of a rate."""


@dataclasses.dataclass(frozen=True)
class RangeOutcome:
    """The race of the rates, and what stands beside it.

    Fields:
      task, optimizer, initializer: their names.
      steps: of the training that the rate is for.
      race: what came of the rates.
      bound: what theory says.
      of_grid: gradients of the tuning that a comparison makes for this rule with one initializer.
    """

    task: str
    optimizer: str
    initializer: str
    steps: int
    race: Race
    bound: Bound
    of_grid: int

    @property
    def gradients(self) -> int:
        """What it took in all: the race, and the curvature."""
        return self.race.gradients + self.bound.gradients

    @property
    def share(self) -> float:
        """The same as a part of the tuning of a comparison."""
        return self.gradients / self.of_grid

    @property
    def agreeing(self) -> int:
        """How many of the seeds by themselves would suggest the same rate."""
        best = self.race.suggestion
        return 0 if best is None else list(self.race.alone).count(best.rate)

    @property
    def grid(self) -> list[float]:
        """The rates to give to a comparison: about the suggestion, without those that fail."""
        suggestion = self.race.suggestion
        if suggestion is None:
            return []
        fine = [each.rate for each in self.race.reached if self.verdict(each) != FAILS]
        place = fine.index(suggestion.rate)
        return fine[max(place - BELOW, 0) : place + ABOVE + 1]

    def verdict(self, reached: Reached) -> str:
        """What is said of a rate."""
        race = self.race
        if race.suggestion is None:
            return FAILS if reached.fails(race.start) else SLOW
        if reached is race.suggestion:
            return SUGGESTED
        if race.failing is not None and reached.rate >= race.failing:
            return FAILS
        return WORKS if race.low is not None and reached.rate >= race.low else SLOW

    def table(self) -> pl.DataFrame:
        """One row a rate, ascending: ``learning_rate``, ``steps`` that it ran, ``loss`` after the first rung,
        ``final_loss`` after its last one (null where it diverged), ``verdict``."""
        first = self.race.rungs[0]
        rows = [
            (each.rate, each.steps, *_known(each.losses[first], each.losses[each.steps]), self.verdict(each))
            for each in self.race.reached
        ]
        schema = {
            "learning_rate": pl.Float64,
            "steps": pl.Int64,
            "loss": pl.Float64,
            "final_loss": pl.Float64,
            "verdict": pl.String,
        }
        return pl.DataFrame(rows, schema, orient="row")


def _known(*losses: float) -> list[float | None]:
    return [loss if math.isfinite(loss) else None for loss in losses]
