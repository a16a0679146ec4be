"""What came of a descent: printed, drawn, kept in files, in the language of its call."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from kobai.questions.descent import terminal
from kobai.questions.descent.outcome import DescentOutcome, frame, paths_frame
from kobai.report.result import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DescentResult(Result):
    """The paths of several methods. Printed, it is a table with one row a path.

    The columns of the table are described at `kobai.questions.descent.outcome.SCHEMA`.

    Fields:
      outcome: the landscape and every path: ``outcome.rows[i].path.points``.
    """

    outcome: DescentOutcome

    files = {
        "descent.html": "html",
        "descent.json": "to_json",
        "table.parquet": "table",
        "paths.parquet": "paths",
    }

    @property
    def tried(self) -> pl.DataFrame:
        """The table of every learning rate that was tried where `table` has only the best."""
        return frame(self.outcome.tried)

    @property
    def paths(self) -> pl.DataFrame:
        """Every step of every path: row of the table, method, step, evaluations, f, x."""
        return paths_frame(self.outcome.rows)

    def _text(self) -> str:
        return terminal.text(self.outcome)

    def _summary(self) -> str:
        from kobai.questions.descent.page import summary

        return summary(self.outcome)

    def _page(self) -> str:
        from kobai.questions.descent.page import page

        return page(self.outcome, self.command)

    def _figures(self) -> "dict[str, go.Figure]":
        from kobai.questions.descent.figures import figures

        return figures(self.outcome)

    def _content(self) -> dict[str, Any]:
        outcome = self.outcome
        return {
            "landscape": outcome.landscape.name,
            "start": outcome.start,
            "steps": outcome.steps,
            "least": outcome.landscape.least,
            "level": outcome.level,
            "rows": [_row(row) | _end(i, outcome) for i, row in enumerate(self.table.to_dicts())],
            "tried": [_row(row) for row in self.tried.to_dicts()],
        }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "hyperparameters": json.loads(row["hyperparameters"])}


def _end(i: int, outcome: DescentOutcome) -> dict[str, Any]:
    """Where a path ended, how a minimizer stopped, and what it counted."""
    path = outcome.rows[i].path
    return {"point": path.points[-1], "ended": path.ended, "counts": path.counts}
