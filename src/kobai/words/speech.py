"""The language in use, and what is said in it: a sentence now, one said later, and one that is raised.

The language belongs to the context (`contextvars`), so that threads and asynchronous tasks that ask at once,
one in English and one in Japanese, each get their own.
"""

import dataclasses
import functools
import math
import reprlib
import string
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from numbers import Number
from typing import Any

LANGUAGES = ("en", "ja")


class _Tables(Mapping[str, Mapping[str, str]]):
    """The table of each language, read when something is first said in it."""

    def __getitem__(self, language: str) -> Mapping[str, str]:
        return _table(language)

    def __iter__(self) -> Iterator[str]:
        return iter(LANGUAGES)

    def __len__(self) -> int:
        return len(LANGUAGES)


@functools.cache
def _table(language: str) -> Mapping[str, str]:
    if language not in LANGUAGES:
        raise KeyError(language)
    table: Mapping[str, str] = import_module(f"kobai.words.{language}").WORDS
    return table


TABLES = _Tables()

_language: ContextVar[str | None] = ContextVar("language", default=None)
_elsewhere = "en"
"""The language of a context that has chosen none: a notebook runs every cell in a context of its own."""


class UsageError(ValueError):
    """A caller's mistake: names the parameter, the rule, the value received and the remedy.

    Holds the key of its sentence and the values in it, and speaks the language of the call that raised it, or,
    where that named none, the one in use when it is shown. The command line prints it as one line and exits
    with 2.
    """

    language: str | None = None
    """That of the call, which has ended when the mistake is shown; None: that in use."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        with language(self.language):
            return say(self.key, **{name: _short(name, value) for name, value in self.values.items()})

    def speak(self, language: object) -> None:
        """Keep to the language of a call, if it named one that there is; the innermost call's counts."""
        if isinstance(language, str) and language in LANGUAGES:
            self.language = self.language or language


MOST = 1000
"""Of a text with more letters than this a sentence shows the first."""
RECEIVED = 120
"""So many letters are shown of a value that was received."""


def quoted(value: object) -> str:
    """What was received, as Python writes it."""
    try:
        return repr(value)
    except Exception:  # of a whole number with more digits than Python writes, of a class of the person's own
        return _Whatever().repr(value)


class _Whatever(reprlib.Repr):
    """What `repr` cannot write: of a whole number the first digits, of a class of the person's own its name."""

    def repr_int(self, x: int, _: int) -> str:
        more = max(int(abs(x).bit_length() * math.log10(2)) - RECEIVED, 0)  # digits than are shown
        return f"{'-' * (x < 0)}{abs(x) // 10**more}"

    def repr_instance(self, x: object, _: int) -> str:
        try:
            return repr(x)
        except Exception:
            return type(x).__name__


def _short(name: str, value: object) -> object:
    """A value in one line, and not longer than a person reads; a number as it is, for its format."""
    if isinstance(value, int) and abs(value) >= 10**RECEIVED:
        value = quoted(value)
    if isinstance(value, Number | said):
        return value
    line, most = " ".join(str(value).split("\n")), RECEIVED if name == "value" else MOST
    return line if len(line) <= most else line[:most] + "…"


class said:
    """A key said only when the sentence around it is, so that both speak one language."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __format__(self, specification: str) -> str:
        return format(say(self.key), specification)


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence of a result, by its key, said when it is shown; a tuple among its values is said as a list."""

    key: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        lists = {name: value for name, value in self.values.items() if isinstance(value, tuple)}
        joined = {name: say("answer.comma").join(map(str, value)) for name, value in lists.items()}
        return say(self.key, **{**self.values, **joined})


@dataclasses.dataclass(frozen=True)
class Term:
    """What a thing of a kind ("metric", "baseline") is called when it is shown; of the user's own, its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return TABLES[current()].get(f"{self.kind}.{self.name.replace(' ', '_')}", self.name)


def use(language: str) -> None:
    """Make `language` ("en" or "ja") the language of everything said from now on in this context.

    Called in the main thread, it is also the language of contexts that choose none. Raises `UsageError`.
    """
    global _elsewhere
    _check(language)
    _language.set(language)
    if threading.current_thread() is threading.main_thread():
        _elsewhere = language


def current() -> str:
    """The language now in use."""
    return _language.get() or _elsewhere


@contextmanager
def language(name: str | None) -> Iterator[None]:
    """Speak `name` inside the block (None: no change). Raises `UsageError`."""
    if name is not None:
        _check(name)
    before = _language.set(name or current())
    try:
        yield
    finally:
        _language.reset(before)


def _check(language: str) -> None:
    if not isinstance(language, str) or language not in LANGUAGES:
        raise UsageError("error.language", value=language, known=", ".join(LANGUAGES))


class _Counting(string.Formatter):
    """Fills in values as `str.format` does, and counts: ``{n:seed|seeds}`` is "1 seed" or "10 seeds"."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        return f"{value} {one if str(value) == '1' else many}" if bar else format(value, format_spec)


_counting = _Counting()


def say(key: str, **values: object) -> str:
    """The sentence `key` with `values` filled in."""
    return _counting.format(TABLES[current()][key], **values)


def metric(name: str) -> str:
    """What a metric is called; one of the user's own by its own name."""
    return str(Term("metric", name))
