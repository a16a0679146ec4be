"""What came of a descent: printed, drawn, kept in files, in the language of its call."""

import dataclasses
import json
from functools import partial

import polars as pl

from kobai.questions.descent import terminal
from kobai.questions.descent.outcome import DescentOutcome, frame, paths_frame
from kobai.questions.descent.walk import Path
from kobai.report import cut
from kobai.report.result import Result, Views


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
        "tried.parquet": "tried",
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

    def _views(self) -> Views:
        from kobai.questions.descent import figures, page

        return Views(
            summary=partial(page.summary, self.outcome),
            page=partial(page.page, self.outcome, self.command),
            figures=partial(figures.figures, self.outcome),
        )

    def _content(self) -> dict[str, object]:
        outcome = self.outcome
        rows, tried = (cut.first(table.to_dicts(), cut.POINTS) for table in (self.table, self.tried))
        paths = [row.path for row in outcome.rows[: len(rows)]]
        numbers = max(cut.NUMBERS // (len(rows) + 1), 1)
        missing = [
            *cut.word("first", len(rows), len(self.table)),
            *cut.word("first", len(tried), len(self.tried), "tried.parquet"),
            *cut.word("coordinates", min(numbers, len(outcome.start)), len(outcome.start), "paths.parquet"),
        ]
        return {
            "landscape": outcome.landscape.name,
            "start": outcome.start[:numbers],
            "steps": outcome.steps,
            "least": outcome.landscape.least,
            "level": outcome.level,
            "rows": [_row(row) | _end(path, numbers) for row, path in zip(rows, paths, strict=True)],
            "tried": [_row(row) for row in tried],
            "notes": missing,
        }


def _row(row: dict[str, object]) -> dict[str, object]:
    return {**row, "hyperparameters": json.loads(str(row["hyperparameters"]))}


def _end(path: Path, numbers: int) -> dict[str, object]:
    """Where a path ended, so many numbers of it, how a minimizer stopped, and what it counted."""
    return {"point": path.points[-1][:numbers], "ended": path.ended, "counts": path.counts}
