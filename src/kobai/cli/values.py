"""How the text of an option is read: each reader gets the option, for what it refuses, and the text."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kobai.basics.errors import UsageError

Reader = Callable[[str, str], Any]


def word(option: str, text: str) -> str:  # noqa: ARG001 - every reader has the one signature
    """The text itself."""
    return text


def whole(option: str, text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise UsageError("error.option.whole", option=option, value=text) from None


def number(option: str, text: str) -> float:
    """A number, of an option that takes no list."""
    try:
        return float(text)
    except ValueError:
        raise UsageError("error.option.one_number", option=option, value=text) from None


def limit(option: str, text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError("error.course.limit", option=option, value=text)
    return value


def path(option: str, text: str) -> Path:
    """A file or folder."""
    if text.strip() == "":  # Path would take it for the current folder
        raise UsageError("error.option.empty", option=option)
    return Path(text)


def several(item: Reader) -> Callable[[str, str], list[Any]]:
    """The reader of a list separated by commas."""

    def read(option: str, text: str) -> list[Any]:
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise UsageError("error.option.list", option=option, value=text)
        return [item(option, part) for part in parts]

    return read


def _listed_number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError("error.option.number", option=option, value=text) from None


def _size(option: str, text: str) -> int | str:
    """A whole number, or "full"."""
    try:
        return text if text == "full" else int(text)
    except ValueError:
        raise UsageError("error.option.size", option=option, value=text) from None


names = several(word)
wholes = several(whole)
numbers = several(_listed_number)
sizes = several(_size)


def target(option: str, text: str) -> list[float] | str:
    """Numbers, or "auto"."""
    return text if text == "auto" else numbers(option, text)


def settings(option: str, texts: list[str]) -> dict[str, list[float | str]]:
    """momentum.momentum=0.5,0.9 -> {"momentum.momentum": [0.5, 0.9]}; what is no number stays a word."""
    grids: dict[str, list[float | str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or "." not in name:
            raise UsageError("error.option.set", value=text)
        grids.setdefault(name.strip(), []).extend(several(_number_or_word)(option, values))
    return grids


def _number_or_word(option: str, text: str) -> float | str:  # noqa: ARG001 - every reader's signature
    try:
        return float(text)
    except ValueError:
        return text
