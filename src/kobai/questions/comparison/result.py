"""What a comparison found: printed, drawn, kept in files, in the language of its call."""

import dataclasses
from typing import TYPE_CHECKING, Any

import polars as pl

from kobai.questions.comparison import terminal
from kobai.report.result import Result
from kobai.study.answer import Answer, answer
from kobai.study.outcome import Outcome
from kobai.words import current

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ComparisonResult(Result):
    """What a comparison found. Printed, three answers and a table with one row an optimizer, best first.

    Fields:
      outcome: the study and every training run.
      answer: what it says, with the evidence.
    """

    outcome: Outcome
    answer: Answer

    files = {
        "report.html": "html",
        "results.parquet": "table",
        "cells.parquet": "cells",
        "answer.json": "to_json",
    }

    @classmethod
    def of(cls, outcome: Outcome, command: str) -> "ComparisonResult":
        """The result of a study, in the language in use."""
        reading = answer(outcome)
        return cls(
            table=reading.table(), command=command, language=current(), outcome=outcome, answer=reading
        )

    @property
    def cells(self) -> pl.DataFrame:
        """Every training run: one row a cell, curves as lists."""
        return self.outcome.cells

    def _text(self) -> str:
        return terminal.text(self.answer)

    def _summary(self) -> str:
        from kobai.questions.comparison.page import summary

        return summary(self.answer)

    def _page(self) -> str:
        from kobai.questions.comparison.page import page

        return page(self.outcome, self.answer, self.command)

    def _figures(self) -> "dict[str, go.Figure]":
        from kobai.questions.comparison.figures import figures

        return figures(self.outcome, self.answer)

    def _content(self) -> dict[str, Any]:
        return self.answer.content()
