"""What came of a judgement: printed, drawn, kept in files, in the language of its call."""

import dataclasses
from collections.abc import Mapping
from functools import partial

from kobai.questions.judgement import table, terminal
from kobai.questions.judgement.outcome import Judgement, content
from kobai.report.result import Result, Views


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class JudgementResult(Result):
    """What came of a judgement. Printed, the verdicts and a table with one row an arm.

    The columns of the table are described at `kobai.questions.judgement.outcome.SCHEMA`.

    Fields:
      judgement: the same with its numbers: ``judgement.verdicts[0].verdict``.
    """

    judgement: Judgement

    files = {"judgement.html": "html", "judgement.json": "to_json", "table.parquet": "table"}

    @property
    def code(self) -> int:
        """0 better, 1 not better, 3 undecided: of the arm asked about, or of any."""
        return self.judgement.code

    @property
    def verdicts(self) -> dict[str, str]:
        """ "better", "worse", "equivalent" or "undecided", by arm."""
        return {each.arm: each.verdict for each in self.judgement.verdicts}

    @property
    def best_set(self) -> list[str]:
        """The arms that may be the best."""
        return list(self.judgement.best.members)

    @property
    def warnings(self) -> list[str]:
        """What is to be read with care, as sentences."""
        return list(map(str, self.judgement.warnings))

    def _text(self) -> str:
        return terminal.text(self.judgement)

    def _views(self) -> Views:
        from kobai.questions.judgement import figures, page

        return Views(
            summary=partial(page.summary, self.judgement),
            page=partial(page.page, self.judgement, self.command),
            figures=partial(figures.figures, self.judgement),
        )

    def _content(self) -> Mapping[str, object]:
        return content(self.judgement, table.warnings(self.judgement))
