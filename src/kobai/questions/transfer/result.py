"""What came of a transfer: printed, drawn, kept in files, in the language of its call."""

import dataclasses
from typing import TYPE_CHECKING, Any

from kobai.questions.transfer import table
from kobai.questions.transfer.rows import TransferOutcome
from kobai.report.result import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


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

    def _summary(self) -> str:
        from kobai.questions.transfer.page import summary

        return summary(self.outcome)

    def _page(self) -> str:
        from kobai.questions.transfer.page import page

        return page(self.outcome, self.command)

    def _figures(self) -> "dict[str, go.Figure]":
        from kobai.questions.transfer.figures import figures

        return figures(self.outcome)

    def _content(self) -> dict[str, Any]:
        outcome = self.outcome
        return {
            "source": outcome.source,
            "target": outcome.target,
            "metric": outcome.metric,
            "new_head": outcome.new_head,
            **dataclasses.asdict(outcome.setup),
            "rows": self.table.to_dicts(),
        }
