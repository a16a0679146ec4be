"""The columns of a text file, piece by piece: its separator, its rows, and the types of its columns."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import polars as pl

from kobai.basics.errors import UsageError
from kobai.tasks.table.encodings import in_utf_8
from kobai.tasks.table.source import InMemory, Numbers, broken, check_names
from kobai.tasks.table.texts import MISSING

SEPARATORS = ",;\t|"

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some systems write before a text in UTF-8."""

PIECE = 2**23
"""So many bytes of a file are read at once."""

Types: TypeAlias = dict[str, pl.DataType | type[pl.DataType]]
"""The type of each column of a file: whole numbers, numbers, or texts."""


class _Dialect(NamedTuple):
    """How a CSV file is written.

    Fields:
      names: of its columns.
      separator: what stands between them.
      start: the byte with which the first row begins, below the names.
    """

    names: list[str]
    separator: str
    start: int


class _TooNarrow(Exception):
    """A row does not fit the types that the rows before it have; `types` are those that fit all of them."""

    def __init__(self, types: Types) -> None:
        super().__init__()
        self.types = types


def separated(
    path: Path,
    whole: Collection[str] = (),
    texts: Collection[str] = (),
    words: Mapping[str, str] | None = None,
) -> InMemory:
    """The columns of a text file, which is read again where a later row is of wider types.

    Args:
      path: of the file.
      whole: columns that are kept in full precision, and in which every word counts.
      texts: columns that are texts, whatever they look like.
      words: of columns, the word that says that there is no value.

    Raises `UsageError` for a file that cannot be read as a table.
    """
    with in_utf_8(path) as (file, encoding):
        dialect = _dialect(path, next(_pieces(file), b""))
        file.seek(dialect.start)
        types = _types(path, next(_pieces(file), b""), dialect)
        types |= {name: pl.String for name in texts if name in types}
        while True:
            file.seek(dialect.start)
            try:
                columns = _columns(path, file, dialect, types, whole)
            except _TooNarrow as row:
                types = row.types
            else:
                return InMemory(
                    columns,
                    encoding=encoding,
                    decimal_comma=dialect.separator == ";",
                    written=True,
                    whole=whole,
                    texts=texts,
                    words=words or {},
                )


def _columns(
    path: Path, file: BinaryIO, dialect: _Dialect, types: Types, whole: Collection[str]
) -> dict[str, list[pl.Series] | Numbers]:
    """The columns of a file: numbers of a large one in single precision, where that holds them."""
    bytes_ = path.stat().st_size
    columns: dict[str, list[pl.Series] | Numbers] = {}
    for frame in _frames(path, file, dialect, types):
        if not columns:
            rows = bytes_ * len(frame) // PIECE + len(frame)  # about as many as the first piece tells
            large = [name for name, kind in types.items() if kind != pl.String and name not in whole]
            columns = {name: [] for name in types}
            columns |= {name: Numbers(rows) for name in large if bytes_ > PIECE}
        for name, pieces in columns.items():
            pieces.add(frame[name]) if isinstance(pieces, Numbers) else pieces.append(frame[name])
    return columns


def _frames(path: Path, file: BinaryIO, dialect: _Dialect, types: Types) -> Iterator[pl.DataFrame]:
    """The rows of a file, piece by piece. Raises `_TooNarrow`."""
    for piece in _pieces(file):
        try:
            yield _parsed(piece, dialect, schema=types)
        except pl.exceptions.PolarsError as problem:
            own = _types(path, piece, dialect)
            wider = {name: _wider(types[name], own[name]) for name in types}
            if wider == types:
                raise broken(path, problem) from problem
            raise _TooNarrow(wider) from problem


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file in pieces that end where a row does: at the end of a line, outside of quotes."""
    rest = b""
    while block := file.read(PIECE):
        text = rest + block
        end = text.rfind(b"\n")
        while end >= 0 and text.count(b'"', 0, end) % 2:
            end = text.rfind(b"\n", 0, text.rfind(b'"', 0, end))
        if end >= 0:
            yield text[: end + 1]
        rest = text[end + 1 :]
    if rest:
        yield rest


def _dialect(path: Path, first: bytes) -> _Dialect:
    """The separator that makes the most columns of the first row, and their names."""
    mark = len(BYTE_ORDER_MARK) if first.startswith(BYTE_ORDER_MARK) else 0
    text = first[mark:].decode()
    blank = len(text) - len(text.lstrip("\r\n"))
    known = "\t" if path.suffix.lower() in (".tsv", ".tab") else SEPARATORS
    heads: dict[str, tuple[list[str], int]] = {}
    for sign in known:
        lines = io.StringIO(text[blank:], newline="")
        try:
            heads[sign] = next(csv.reader(lines, delimiter=sign), []), lines.tell()
        except csv.Error as problem:
            raise broken(path, problem) from problem
    separator = max(heads, key=lambda sign: len(heads[sign][0]))
    head, length = heads[separator]
    names = [name.strip() or f"column {i}" for i, name in enumerate(head, start=1)]
    start = mark + len(text[: blank + length].encode())
    if not any(map(str.strip, head)):
        raise UsageError("error.table.empty", path=path)
    check_names(path, names)
    return _Dialect(names, separator, start)


def _parsed(piece: bytes, dialect: _Dialect, **more: Any) -> pl.DataFrame:
    sign, missing = dialect.separator, list(MISSING)
    how: dict[str, Any] = {
        "separator": sign,
        "null_values": missing,
        "has_header": False,
        "missing_columns": "insert",
    }
    return pl.read_csv(piece, **how, **more)


def _types(path: Path, piece: bytes, dialect: _Dialect) -> Types:
    """The types of the columns as the rows of a piece have them."""
    if not piece.strip():
        raise UsageError("error.table.empty", path=path)
    try:
        frame = _parsed(piece, dialect, infer_schema_length=None)
    except pl.exceptions.PolarsError as problem:
        alone = next((line for line in piece.splitlines() if line.count(b'"') % 2), None)
        if alone is not None:
            raise UsageError("error.table.quote", path=path, line=alone.decode()[:60]) from problem
        raise broken(path, problem) from problem
    if len(frame.columns) > len(dialect.names):
        counts = {"columns": len(frame.columns), "names": len(dialect.names)}
        raise UsageError("error.table.ragged", path=path, **counts)
    kinds = dict(zip(dialect.names, frame.dtypes, strict=False))
    return {name: _plain(kinds.get(name, pl.String())) for name in dialect.names}


def _plain(kind: pl.DataType) -> pl.DataType | type[pl.DataType]:
    """The type in which a column is read: truths and dates are read as texts, and understood later."""
    return pl.Int64 if kind == pl.Int64 else pl.Float64 if kind.is_numeric() else pl.String


def _wider(one: pl.DataType | type[pl.DataType], other: pl.DataType | type[pl.DataType]) -> Any:
    """The type that holds the values of both."""
    if one == other:
        return one
    return pl.String if pl.String in (one, other) else pl.Float64
