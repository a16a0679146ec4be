"""What came of a race of learning rates: printed, drawn, kept in files, in the language of its call."""

import dataclasses
from functools import partial

from kobai.questions.range import terminal
from kobai.questions.range.outcome import RangeOutcome
from kobai.report.result import Result, Views


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RangeResult(Result):
    """Which learning rates work. Printed, an answer and a table with one row for each rate.

    The columns of the table are described at `kobai.questions.range.outcome.RangeOutcome.table`.

    Fields:
      outcome: the race of the rates, and what theory says.
    """

    outcome: RangeOutcome

    files = {"range.html": "html", "range.json": "to_json", "table.parquet": "table"}

    @property
    def suggestion(self) -> float | None:
        """The learning rate to begin with; None where no rate came below the loss at the start."""
        best = self.outcome.race.suggestion
        return None if best is None else best.rate

    @property
    def grid(self) -> list[float]:
        """The rates to tune among: ``kobai.compare(task, learning_rates=result.grid, …)``."""
        return self.outcome.grid

    def _text(self) -> str:
        return terminal.text(self.outcome)

    def _views(self) -> Views:
        from kobai.questions.range import figures, page

        return Views(
            summary=partial(page.summary, self.outcome),
            page=partial(page.page, self.outcome, self.command),
            figures=partial(figures.figures, self.outcome),
        )

    def _content(self) -> dict[str, object]:
        outcome, race = self.outcome, self.outcome.race
        return {
            "task": outcome.task,
            "optimizer": outcome.optimizer,
            "initializer": outcome.initializer,
            "steps": outcome.steps,
            "suggestion": self.suggestion,
            "works": {"from": race.low, "to": race.high, "fails_from": race.failing},
            "theory": dataclasses.asdict(outcome.bound),
            "grid": self.grid,
            "loss_at_start": race.start,
            "rungs": list(race.rungs),
            "seeds": {"of": len(race.alone), "suggest": list(race.alone)},
            "gradients": {"used": outcome.gradients, "of_grid": outcome.of_grid, "share": outcome.share},
            "rows": self.table.to_dicts(),
        }
