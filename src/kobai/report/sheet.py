"""A small table under its title, with notes below: for the terminal, a notebook and a page of its own."""

import abc
import dataclasses
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kobai.report import cut, document, panels
from kobai.report.document import definitions, escaped, scrolling, sections
from kobai.report.letters import aligned
from kobai.report.result import Result, Views
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

    def shown(self) -> "Sheet":
        """As much of it as a person reads, with a word about the rest; the first column always."""
        columns = [0, *cut.spread(range(1, len(self.heads)), cut.COLUMNS)]
        rows = cut.spread(self.rows)
        missing = [
            *cut.word("rows", len(rows), len(self.rows)),
            *cut.word("columns", len(columns), len(self.heads)),
        ]
        return dataclasses.replace(
            self,
            title=cut.listed(self.title),
            heads=[self.heads[i] for i in columns],
            rows=[[row[i] for i in columns] for row in rows],
            notes=[*missing, *self.notes],
        )

    def text(self) -> str:
        """The sheet for a terminal."""
        few = self.shown()
        table = aligned([few.heads, *few.rows], few.left, LINE)
        return "\n".join([few.title, "", *table, "", *few.notes])

    def summary(self) -> str:
        """The sheet for a notebook."""
        few = self.shown()
        return few._table() + document.notes(few.notes)

    def page(self, figures: "Mapping[str, go.Figure]", command: str) -> str:
        """The sheet as a page, with figures, each under the words ``report.NAME.title`` and ``.caption``."""
        few = self.shown()
        lines = list(_lines(figures))
        for figure in figures.values():
            figure.update_layout(title=None, showlegend=False)  # the page has them in its own letters
        places = [document.figure(name, [say(f"report.{name}.caption")]) for name in figures]
        evidence = document.evidence(
            "sheet",
            chips=lines,
            figures="".join(places),
            command=command,
            setup=sections({"report.settings.versions": definitions(document.versions())}),
        )
        table = f'<section aria-labelledby="table"><h2 id="table">{html.escape(say("sheet.table"))}</h2>'
        return document.page(
            title=few.title,
            headline=say("report.space").join(few.notes),
            main=f"{table}{few._table()}</section>{evidence}",
            data=document.data(figures),
        )

    def _table(self) -> str:
        return scrolling(self.heads, escaped(self.rows), self.title, range(self.left))


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SheetResult(Result):
    """The result of a small question, which a sheet and its figures say."""

    @abc.abstractmethod
    def _sheet(self) -> Sheet:
        """Its title, table and notes."""

    @abc.abstractmethod
    def _figures(self) -> "dict[str, go.Figure]":
        """The figures of its page, by name."""

    def _text(self) -> str:
        return self._sheet().text()

    def _views(self) -> Views:
        return Views(
            summary=lambda: self._sheet().summary(),
            page=lambda: self._sheet().page(self._figures(), self.command),
            figures=self._figures,
        )


def _lines(figures: "Mapping[str, go.Figure]") -> Iterator[tuple[str, str]]:
    """Every line that can be hidden, and how its name is marked."""
    names = dict.fromkeys(trace.meta for figure in figures.values() for trace in figure.data if trace.meta)
    for i, name in enumerate(names):
        yield name, panels.swatch(i)
