"""What every question gives: a `Result` prints itself, shows itself in a notebook, draws, goes into files.

A kind of result says what it has to say: the methods here that are abstract. The base makes all of it speak
the language of the call, and writes the files.
"""

import abc
import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import polars as pl

from kobai.basics.files import json_text, make_folder, write_frame, write_frames, write_text
from kobai.words import language as speaking
from kobai.words import quoted

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Views(NamedTuple):
    """How a result is shown outside of a terminal: as functions, called when they are asked for."""

    summary: Callable[[], str]
    """What a notebook shows: HTML without style or script."""
    page: Callable[[], str]
    """One self-contained HTML page."""
    figures: "Callable[[], dict[str, go.Figure]]"
    """The figures of the page, by name."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(abc.ABC):
    """The result of a question. Printed, it is an answer and a table; a notebook shows them as HTML.

    Fields:
      table: what was found, one row for each thing that was compared or measured.
      command: the shell command or the Python call that makes the result again, as its page says.
      language: "en" or "ja", which the result speaks; None: the one in use when it is shown.
    """

    files: ClassVar[Mapping[str, str]]
    """The files of its folder, by name: which attribute of the result each of them holds."""

    table: pl.DataFrame
    command: str = ""
    language: str | None = None

    # What a kind of result says, in the language in use

    @abc.abstractmethod
    def _text(self) -> str:
        """What it prints in a terminal."""

    @abc.abstractmethod
    def _views(self) -> Views:
        """How it is shown elsewhere."""

    @abc.abstractmethod
    def _content(self) -> Mapping[str, object]:
        """What its JSON holds."""

    # What every result does

    @property
    def figures(self) -> "dict[str, go.Figure]":
        """The figures of the page, by name (plotly)."""
        with speaking(self.language):
            return self._views().figures()

    def html(self) -> str:
        """One self-contained HTML page."""
        with speaking(self.language):
            return self._views().page()

    def write_html(self, path: Path) -> None:
        """Write the page to a file, and beside it whatever it links to."""
        write_text(path, self.html())

    def to_json(self) -> str:
        """All that was found, as JSON; a number that is not finite is null."""
        with speaking(self.language):
            return json_text(self._content())

    def save(self, folder: str | Path) -> None:
        """Write the files of the result to a folder, which is made if it does not exist.

        Raises `UsageError` for a folder or file that cannot be written.
        """
        folder = make_folder(Path(folder))
        # The tables first, which hold what took long; the page last, which can be made again.
        backwards = list(self.files)[::-1]
        for name in sorted(backwards, key=lambda name: not name.endswith(".parquet")):
            content = getattr(self, self.files[name])
            if isinstance(content, pl.DataFrame):
                write_frame(folder / name, content)
            elif name.endswith(".parquet"):
                write_frames(folder / name, *content)
            elif self.files[name] == "html":
                self.write_html(folder / name)
            else:
                write_text(folder / name, content())

    def __repr__(self) -> str:
        with speaking(self.language):
            return self._text()

    def _repr_html_(self) -> str:
        with speaking(self.language):
            return self._views().summary()


UNSPOKEN = ("backend", "command", "join", "language", "output", "progress", "resume")
"""Arguments that no page tells: they change where a result is made, kept and shown, not what it is."""


class Name:
    """What stands in a call for an argument that cannot be written in a line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def call(function: Callable[..., Result], arguments: Mapping[str, object], names: Mapping[str, str]) -> str:
    """How a call of one of kobai's functions is written: ``kobai.descend('bowl', steps=100)``.

    Arguments that have their usual values are left out.

    Args:
      function: the function, public under its own name.
      arguments: what it was called with, by name.
      names: what stands for an argument that cannot be written in a line, such as ``{"task": "task"}``.
    """
    parts = []
    for i, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        value = arguments.get(name, parameter.default)
        if name in UNSPOKEN:
            continue
        if name in names and not _is_plain(value):
            text = names[name]
        else:
            text = quoted(value.tolist() if hasattr(value, "tolist") else value)
            if text == quoted(parameter.default):
                continue
        parts.append(text if i == 0 and parameter.kind is not parameter.KEYWORD_ONLY else f"{name}={text}")
    return f"kobai.{function.__name__}({', '.join(parts)})"


def _is_plain(value: object) -> bool:
    """Whether a value is written in a few letters: text, a number, None, or a few of these."""
    if isinstance(value, list | tuple):
        return len(value) <= 20 and all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)
