"""Every sentence a person reads, one table per language with equal keys.

``say(key, **values)`` gives the sentence in the current language; ``use("ja")`` changes the language.
The tables are `en.WORDS` and `ja.WORDS`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kobai.words import en, ja

TABLES = {"en": en.WORDS, "ja": ja.WORDS}
_current = "en"


def use(language: str) -> None:
    """Make `language` ("en" or "ja") the language of everything said from now on. Raises `UsageError`."""
    global _current
    if language not in TABLES:
        from kobai.errors import UsageError  # which speaks through this module

        raise UsageError("error.language", value=language, known=", ".join(TABLES))
    _current = language


def current() -> str:
    """The language now in use."""
    return _current


@contextmanager
def language(name: str | None) -> Iterator[None]:
    """Speak `name` inside the block (None: no change)."""
    before = _current
    use(name or before)
    try:
        yield
    finally:
        use(before)


def metric(name: str) -> str:
    """What a metric is called; one of the user's own by its own name."""
    return TABLES[_current].get(f"metric.{name.replace(' ', '_')}", name)


def say(key: str, **values: object) -> str:
    """The sentence `key` with `values` filled in."""
    return TABLES[_current][key].format(**values)
