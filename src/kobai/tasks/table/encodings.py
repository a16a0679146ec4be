"""In what a text file is encoded: UTF-8, or what Excel and older systems write, which is made UTF-8 first."""

import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kobai.basics.errors import UsageError

UTF_16 = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""The marks with which such a file begins."""

JAPANESE = {"Shift_JIS": "cp932", "EUC-JP": "euc_jp"}
"""Encodings that bear no mark, and what Python calls them."""

WIDE, NARROW = re.compile("[぀-ヿ一-鿿]"), re.compile("[｡-ﾟ]")
"""Kana and kanji, and the half-width kana that other encodings look like in Shift_JIS."""

PIECE = 2**23
"""So many bytes or letters are read at once."""


@contextlib.contextmanager
def in_utf_8(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """The file, opened, in UTF-8, its lines ended by line feeds; and how it was encoded, "" for UTF-8.

    Raises `UsageError` for what is in none of the encodings.
    """
    with path.open("rb") as file:
        encoding, has_returns = _encoding(path, file)
        file.seek(0)
        if not encoding and not has_returns:
            yield file, ""
            return
        with tempfile.TemporaryFile() as copy:
            text = io.TextIOWrapper(file, JAPANESE.get(encoding, encoding or "utf-8"))
            try:
                while letters := text.read(PIECE):
                    copy.write(letters.encode())
            except UnicodeDecodeError as problem:
                byte = f"0x{problem.object[problem.start]:02x}"
                place = file.tell() - len(problem.object) + problem.start
                raise UsageError("error.table.encoding", path=path, byte=byte, place=place) from None
            text.detach()
            copy.seek(0)
            yield copy, encoding


def _encoding(path: Path, file: BinaryIO) -> tuple[str, bool]:
    """How a file is encoded, "" for UTF-8; and whether its lines are ended by carriage returns alone."""
    start = file.read(PIECE)
    if start[:2] in UTF_16:
        return UTF_16[start[:2]], False
    has_returns = b"\r" in start and b"\n" not in start
    place = _fault(file, start)
    if place is None:
        return "", has_returns
    for name, codec in JAPANESE.items():
        file.seek(0)
        with contextlib.suppress(UnicodeDecodeError):
            text = file.read(PIECE).decode(codec, "strict" if len(start) < PIECE else "ignore")
            if len(WIDE.findall(text)) > len(NARROW.findall(text)):
                return name, has_returns
    file.seek(place)
    raise UsageError("error.table.encoding", path=path, byte=f"0x{file.read(1)[0]:02x}", place=place)


def _fault(file: BinaryIO, start: bytes) -> int | None:
    """The place of the first byte that is not UTF-8; `start` was read."""
    place, rest, block = 0, b"", start
    while block:
        text = rest + block
        block = file.read(PIECE)
        try:
            text.decode()
            rest = b""
        except UnicodeDecodeError as problem:
            if not block or problem.end < len(text) or problem.reason != "unexpected end of data":
                return place + problem.start
            rest = text[problem.start :]
        place += len(text) - len(rest)
    return None
