"""The language in use, and what is said in it: a sentence now, one said later, and one that is raised.

The language belongs to the context (`contextvars`), so that threads and asynchronous tasks that ask at once,
one in English and one in Japanese, each get their own.
"""

import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from kobai.words import en, ja

TABLES = {"en": en.WORDS, "ja": ja.WORDS}

_language: ContextVar[str | None] = ContextVar("language", default=None)
_elsewhere = "en"
"""The language of a context that has chosen none: a notebook runs every cell in a context of its own."""


class UsageError(ValueError):
    """A caller's mistake: names the parameter, the rule, the value received and the remedy.

    Holds the key of its sentence and the values in it, and speaks the language in use when it is shown.
    The command line prints it as one line and exits with 2.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return say(self.key, **{name: _short(value) for name, value in self.values.items()})


MOST = 1000
"""Of a value with more letters than this a sentence shows the first."""


def _short(value: object) -> object:
    """A text in one line, and not longer than a person reads; anything else as it is."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split("\n")) if "\n" in value else value
    return line if len(line) <= MOST else line[:MOST] + "…"


class said:
    """A key said only when the sentence around it is, so that both speak one language."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __format__(self, specification: str) -> str:
        return format(say(self.key), specification)


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
    if not isinstance(language, str) or language not in TABLES:
        raise UsageError("error.language", value=language, known=", ".join(TABLES))


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
    return TABLES[current()].get(f"metric.{name.replace(' ', '_')}", name)
