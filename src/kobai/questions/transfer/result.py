"""What came of a transfer: printed, drawn, kept in files, in the language of its call."""

import dataclasses
from functools import partial

from kobai.questions.transfer import table
from kobai.questions.transfer.rows import TransferOutcome
from kobai.report import cut
from kobai.report.result import Result, Views


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TransferResult(Result):
    """What came of a transfer. Printed, an answer and a table with one row for each amount and protocol.

    The columns of the table are described at `kobai.questions.transfer.rows.compared`.

    Fields:
      outcome: the same with the names of the tasks and with what was trained.
    """

    outcome: TransferOutcome

    files = {"transfer.html": "html", "transfer.json": "to_json", "table.parquet": "table"}

    def _text(self) -> str:
        return table.text(self.outcome)

    def _views(self) -> Views:
        from kobai.questions.transfer import figures, page

        return Views(
            summary=partial(page.summary, self.outcome),
            page=partial(page.page, self.outcome, self.command),
            figures=partial(figures.figures, self.outcome),
        )

    def _content(self) -> dict[str, object]:
        outcome = self.outcome
        rows = cut.spread(self.table.to_dicts(), cut.POINTS)
        setup = dataclasses.asdict(outcome.setup).items()
        return {
            "source": outcome.source,
            "target": outcome.target,
            "metric": outcome.metric,
            "new_head": outcome.new_head,
            **{
                name: cut.spread(each, cut.POINTS) if isinstance(each, list | tuple) else each
                for name, each in setup
            },
            "rows": rows,
            "notes": cut.word("rows", len(rows), len(self.table)),
        }
