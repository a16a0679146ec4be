"""Letters in the columns of a terminal, where a Japanese character takes two: paragraphs and tables.

Rich breaks lines at spaces alone, and so leaves half a line empty where a Japanese phrase does not fit; and
it cuts cells off where a table is too wide. Here a table is stacked instead, and a sign that the terminal's
encoding lacks stands in ASCII.
"""

from collections.abc import Collection, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Span, Text

from kobai.basics.signs import FORMS, lacking, written
from kobai.report.line_ends import WIDE, ends, pieces


class Paragraph:
    """A text for rich, wrapped as its language asks; a text without Japanese as rich wraps it."""

    def __init__(self, text: Text | str) -> None:
        self.text = Text(text) if isinstance(text, str) else text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        text = _written(self.text, console.encoding)
        plain = text.plain
        if options.no_wrap or not WIDE.search(plain):
            yield text
            return
        for line in text.divide(ends(plain, options.max_width)):
            line.rstrip()
            yield line

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        plain = self.text.plain
        if not WIDE.search(plain):
            return Measurement.get(console, options, self.text)
        longest = max(cell_len(piece.rstrip()) for piece in pieces(plain))
        return Measurement(longest, cell_len(plain)).with_maximum(options.max_width)


def _written(text: Text, encoding: str) -> Text:
    """`signs.written` of a text that has styles."""
    places = lacking(text.plain, encoding)
    parts = text.divide(sorted({*places, *(place + 1 for place in places)})) if places else [text]
    whole = Text(style=text.style, end=text.end)
    for part in parts:
        form = FORMS[part.plain] if part.plain in FORMS and lacking(part.plain, encoding) else part.plain
        spans = [Span(0, len(form), span.style) for span in part.spans] if form != part.plain else part.spans
        whole.append_text(Text(form, spans=spans))
    return whole


class Stack:
    """A table for rich. Where it is wider than the terminal, its columns go on below, under the first again.

    Args:
      heads: of the columns; a head may have several lines.
      rows: equally many cells each.
      left: the columns that begin alike, the others end alike.
      folding: columns whose cells may be broken into lines before a column goes below.
      styles: of each row, for rich.
    """

    FOLDED = 10
    """Letters that a folding column keeps at least."""

    def __init__(
        self,
        heads: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        left: Collection[int] = (),
        folding: Collection[int] = (),
        styles: Sequence[str | None] = (),
    ) -> None:
        self.heads, self.rows, self.left, self.folding = heads, rows, left, folding
        self.styles = styles or [None] * len(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        heads = [written(head, console.encoding) for head in self.heads]
        rows = [[written(cell, console.encoding) for cell in row] for row in self.rows]
        for i, columns in enumerate(self._groups([heads, *rows], options.max_width)):
            if i:
                yield Text()
            yield self._table(heads, rows, columns)

    def _groups(self, rows: Sequence[Sequence[str]], most: int) -> list[list[int]]:
        """The columns of each part: as many as there is room for, and the first in every part."""
        widths = [
            max(cell_len(line) for cell in column for line in cell.split("\n"))
            for column in zip(*rows, strict=True)
        ]
        for i in self.folding:
            widths[i] = min(widths[i], max(self.FOLDED, *map(cell_len, rows[0][i].split("\n"))))
        return parts(widths, 1, most)

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> Table:
        grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        for i in columns:
            # In a terminal where not even two columns have room, cells are broken: no digit is lost.
            whole = i not in self.folding and len(columns) > 2
            grid.add_column(
                heads[i], justify="left" if i in self.left else "right", no_wrap=whole, overflow="fold"
            )
        for row, style in zip(rows, self.styles, strict=True):
            grid.add_row(*(row[i] for i in columns), style=style)
        return grid


def parts(widths: Sequence[int], gap: int, most: int) -> list[list[int]]:
    """The columns of each part of a stacked table: as many as fit, and the first in every part."""
    groups: list[list[int]] = [[0]]
    for i in range(1, len(widths)):
        if len(groups[-1]) > 1 and sum(widths[j] + gap for j in groups[-1]) + widths[i] > most:
            groups.append([0])
        groups[-1].append(i)
    return groups


def aligned(rows: Sequence[Sequence[str]], left: int = 0, most: int | None = None) -> list[str]:
    """A table as lines, with its cells in columns two spaces apart.

    Args:
      rows: equally many cells each.
      left: so many columns begin alike, the others end alike.
      most: columns of the terminal; the first cell of a row gives way, so that its line is no longer, and
        where that is not enough, columns go on below, under the first again.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if most is None:
        return _lines(rows, widths, left)
    room = most - sum(widths[1:]) - 2 * (len(widths) - 1)
    widths[0] = min(widths[0], room if room >= 8 else most // 2)
    lines: list[str] = []
    for columns in parts(widths, 2, most):
        part = [[row[i] for i in columns] for row in rows]
        lines += ["", *_lines(part, [widths[i] for i in columns], left)]
    return lines[1:]


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int], left: int) -> list[str]:
    lines = []
    for first, *others in rows:
        first = first if cell_len(first) <= widths[0] else "…" + first[1 - widths[0] :]
        cells = []
        for i, (cell, width) in enumerate(zip([first, *others], widths, strict=True)):
            room = " " * (width - cell_len(cell))
            cells.append(cell + room if i < left else room + cell)
        lines.append("  ".join(cells).rstrip())
    return lines
