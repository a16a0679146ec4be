"""A small table under its title, with notes below: for the terminal, a notebook and a page of its own."""

import dataclasses
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kobai.report import document, panels
from kobai.report.document import definitions, escaped, scrolling, sections
from kobai.report.letters import aligned
from kobai.words import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

LINE = 80
"""Columns of a terminal."""


@dataclasses.dataclass(frozen=True)
class Sheet:
    """What a short result says: a title, a table, notes.

    Fields:
      rows: cells as letters, one for each head.
      left: so many columns begin alike, the others end alike.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    left: int = 1

    def text(self) -> str:
        """The sheet for a terminal."""
        table = aligned([self.heads, *self.rows], self.left, LINE)
        return "\n".join([self.title, "", *table, "", *self.notes])

    def summary(self) -> str:
        """The sheet for a notebook."""
        return self._table() + document.notes(self.notes)

    def page(self, figures: "Mapping[str, go.Figure]", command: str) -> str:
        """The sheet as a page, with figures, each under the words ``report.NAME.title`` and ``.caption``."""
        lines = list(_lines(figures))
        for figure in figures.values():
            figure.update_layout(title=None, showlegend=False)  # the page has them in its own letters
        places = [document.figure(name, [say(f"report.{name}.caption")]) for name in figures]
        evidence = document.evidence(
            "sheet",
            chips=lines,
            figures="".join(places),
            command=command,
            settings=sections({"report.settings.versions": definitions(document.versions())}),
        )
        table = f'<section aria-labelledby="table"><h2 id="table">{html.escape(say("sheet.table"))}</h2>'
        return document.page(
            title=self.title,
            headline=say("report.space").join(self.notes),
            main=f"{table}{self._table()}</section>{evidence}",
            data=document.data(figures),
        )

    def _table(self) -> str:
        return scrolling(self.heads, escaped(self.rows), self.title, range(self.left))


def _lines(figures: "Mapping[str, go.Figure]") -> Iterator[tuple[str, str]]:
    """Every line that can be hidden, and how its name is marked."""
    names = dict.fromkeys(trace.meta for figure in figures.values() for trace in figure.data if trace.meta)
    for i, name in enumerate(names):
        yield name, panels.swatch(i)
