"""What came of a transfer: printed, drawn, kept in files, in the language of its call."""

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from kobai.basics import files
from kobai.questions.transfer import table
from kobai.words import language as speaking

if TYPE_CHECKING:
    import plotly.graph_objects


@dataclasses.dataclass(frozen=True)
class Setup:
    """With what it was trained."""

    optimizer: str = "adam"
    learning_rates: tuple[float, ...] = ()
    source_learning_rate: float = 0.0
    initializer: str = "he"
    steps: int = 300
    source_steps: int = 500
    slow: float = 0.0
    tuning_seeds: int = 2
    seeds: int = 10


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Transfer:
    """What came of a transfer. Printed, an answer and a table.

    Fields:
      frame: one row for each amount and protocol. ``metric`` and ``metric_scratch``: means of the final
        metrics; ``difference`` (positive: better) and ``ratio`` of the steps to ``target`` (below 1: faster),
        each with ``_low`` and ``_high``, 95 %; ``p`` of the measure that decides, ``corrected_p`` by Holm;
        ``verdict``: "helps", "harms" or "open".
      source, target: names of the tasks.
      metric: what the metric is called.
      setup: with what it was trained.
      new_head: whether the heads differ in shape, so that every protocol made it new.
      command: what the page says reproduces it.
      language: that it speaks; None: the one in use when it is shown.
    """

    frame: pl.DataFrame
    source: str
    target: str
    metric: str
    setup: Setup = Setup()
    new_head: bool = False
    command: str = ""
    language: str | None = None

    def __repr__(self) -> str:
        with speaking(self.language):
            return table.text(self)

    def _repr_html_(self) -> str:
        from kobai.questions.transfer.page import summary

        with speaking(self.language):
            return summary(self)

    def figure(self) -> "plotly.graph_objects.Figure":
        """By the amount of target data: the metric of each protocol and from scratch, and the difference."""
        from kobai.questions.transfer.page import figure

        with speaking(self.language):
            return figure(self)

    def html(self) -> str:
        """One self-contained page."""
        from kobai.questions.transfer.page import page

        with speaking(self.language):
            return page(self)

    def to_json(self) -> str:
        """The table and with what it was made, as JSON; a number that is not finite is null."""
        found = {
            "source": self.source,
            "target": self.target,
            "metric": self.metric,
            "new_head": self.new_head,
            **dataclasses.asdict(self.setup),
            "rows": [{name: _finite(value) for name, value in row.items()} for row in self.frame.to_dicts()],
        }
        return json.dumps(found, ensure_ascii=False, indent=1) + "\n"

    def save(self, folder: str | Path) -> None:
        """Write transfer.html, transfer.json and table.parquet to a folder that exists."""
        folder = Path(folder)
        files.write_frame(folder / "table.parquet", self.frame)
        files.write_text(folder / "transfer.json", self.to_json())
        files.write_text(folder / "transfer.html", self.html())


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
