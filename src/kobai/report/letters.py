"""Letters in the columns of a terminal, where a Japanese character takes two: paragraphs and plain tables.

Rich breaks lines at spaces alone, and so leaves half a line empty where a Japanese phrase does not fit.
"""

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

WIDE = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uff60]")
"""Japanese: a line may end before or after any of these, but for what `FIRST` and `LAST` say."""
FIRST = frozenset("。、,.:;!?%)]}」』】・ー々…っゃゅょぁぃぅぇぉッャュョァィゥェォ！？：；）］｝％")
"""What never begins a line."""
LAST = frozenset("([{「『【（［｛")
"""What never ends one."""


class Paragraph:
    """A text for rich, wrapped as its language asks; a text without Japanese as rich wraps it."""

    def __init__(self, text: Text | str) -> None:
        self.text = Text(text) if isinstance(text, str) else text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        plain = self.text.plain
        if options.no_wrap or not WIDE.search(plain):
            yield self.text
            return
        for line in self.text.divide(ends(plain, options.max_width)):
            line.rstrip()
            yield line

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        plain = self.text.plain
        if not WIDE.search(plain):
            return Measurement.get(console, options, self.text)
        longest = max(cell_len(piece.rstrip()) for piece in pieces(plain))
        return Measurement(longest, cell_len(plain)).with_maximum(options.max_width)


def ends(text: str, width: int) -> list[int]:
    """Where the lines of `text` end, but for the last: offsets of characters."""
    offsets, column, position = [], 0, 0
    for piece in pieces(text):
        if column and column + cell_len(piece.rstrip()) > width:
            offsets.append(position)
            column = 0
        column = 0 if piece.endswith("\n") else column + cell_len(piece)
        position += len(piece)
    return offsets


def pieces(text: str) -> list[str]:
    """`text` cut wherever a line may end; an interval, 65 [59–71], stays whole."""
    cuts = [i for i in range(1, len(text)) if _breakable(text[i - 1], text[i])]
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _breakable(before: str, after: str) -> bool:
    if before == "\n":
        return True
    if before == " ":
        return after not in " ["
    if after in " \n" or before in LAST or after in FIRST or before.isdecimal():  # 10回 is one word
        return False
    return bool(WIDE.match(before) or WIDE.match(after))


def aligned(rows: Sequence[Sequence[str]], left: int = 0, most: int | None = None) -> list[str]:
    """A table as lines, with its cells in columns two spaces apart.

    Args:
      rows: equally many cells each.
      left: so many columns begin alike, the others end alike.
      most: columns of the terminal; the first cell of a row gives way, so that its line is no longer.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if most is not None:
        widths[0] = min(widths[0], max(8, most - sum(widths[1:]) - 2 * (len(widths) - 1)))
    lines = []
    for first, *others in rows:
        first = first if cell_len(first) <= widths[0] else "…" + first[1 - widths[0] :]
        cells = []
        for i, (cell, width) in enumerate(zip([first, *others], widths, strict=True)):
            room = " " * (width - cell_len(cell))
            cells.append(cell + room if i < left else room + cell)
        lines.append("  ".join(cells).rstrip())
    return lines
