"""Where the lines of a text end in a terminal: at spaces, and in Japanese between letters as its rules allow.

Needs nothing of rich but how wide a letter is: the help of the command line is wrapped by it.
"""

import re

from rich.cells import cell_len

WIDE = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uff60]")
"""Japanese: a line may end before or after any of these, but for what `FIRST` and `LAST` say."""
FIRST = frozenset("。、,.:;!?%)]}」』】・ー々…っゃゅょぁぃぅぇぉッャュョァィゥェォ！？：；）］｝％")
"""What never begins a line."""
LAST = frozenset("([{「『【（［｛")
"""What never ends one."""


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
