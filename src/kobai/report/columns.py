"""A table as plain lines, aligned by the columns that a terminal needs: a Japanese character takes two."""

from collections.abc import Sequence

from rich.cells import cell_len


def columns(rows: Sequence[Sequence[str]], left: int = 0) -> list[str]:
    """The rows with their cells in columns two spaces apart: the first `left` begin, the others end alike."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - cell_len(cell))
            cells.append(cell + room if i < left else room + cell)
        lines.append("  ".join(cells).rstrip())
    return lines
