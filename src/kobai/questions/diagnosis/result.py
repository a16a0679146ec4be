"""What came of a diagnosis: printed, drawn, kept in files, in the language of its call."""

import dataclasses
from functools import partial

import polars as pl

from kobai.questions.diagnosis import table, terminal
from kobai.questions.diagnosis.outcome import Diagnosis, layers_frame, steps_frame
from kobai.report.result import Result, Views


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DiagnosisResult(Result):
    """What is wrong with a training. Printed, its troubles with evidence and remedy, strongest first.

    The columns of the table are described at `kobai.questions.diagnosis.outcome.SCHEMA`.

    Fields:
      diagnosis: the same with all that was measured: ``diagnosis.case.records[0].gradients``.
    """

    diagnosis: Diagnosis

    files = {
        "diagnosis.html": "html",
        "diagnosis.json": "to_json",
        "table.parquet": "table",
        "steps.parquet": "steps",
        "layers.parquet": "layers",
    }

    @property
    def troubles(self) -> list[dict[str, object]]:
        """Each trouble by name, layer, step, evidence, remedy, strongest first; []: nothing is wrong."""
        return table.contents(self.diagnosis)

    @property
    def steps(self) -> pl.DataFrame:
        """Every step of every seed and trained array: loss, and lengths of gradient, update and weights."""
        return steps_frame(self.diagnosis)

    @property
    def layers(self) -> pl.DataFrame:
        """Every layer of units at every look: values, shares of dead and saturated ones, gradient."""
        return layers_frame(self.diagnosis)

    def _text(self) -> str:
        return terminal.text(self.diagnosis)

    def _views(self) -> Views:
        from kobai.questions.diagnosis import figures, page

        return Views(
            summary=partial(page.summary, self.diagnosis),
            page=partial(page.page, self.diagnosis, self.command),
            figures=partial(figures.figures, self.diagnosis),
        )

    def _content(self) -> dict[str, object]:
        return table.content(self.diagnosis)
