"""How the text of an option is read: each reader gets the option, for what it refuses, and the text."""

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from kobai.basics import registry
from kobai.basics.epochs import is_epochs
from kobai.basics.errors import UsageError

T = TypeVar("T")
Reader: TypeAlias = Callable[[str, str], T]
"""Makes a value of the option, for what it refuses, and the text."""


def word(option: str, text: str) -> str:  # noqa: ARG001 - every reader has the one signature
    """The text itself, whatever it is."""
    return text


def task(option: str, text: str) -> str:  # noqa: ARG001 - every reader has the one signature
    """A task. A name that no task and no file has is refused here, before anything heavy is imported."""
    name = text.partition(":")[0]
    if re.fullmatch(r"[\w-]+", name) and not (os.path.exists(name) or os.path.exists(f"{name}.py")):
        registry.find("kind.task", name.replace("_", "-"), registry.TASKS)
    return text


def whole(option: str, text: str) -> int:
    """A whole number, of an option that takes no list."""
    try:
        return int(text)
    except ValueError:
        raise UsageError("error.option.whole", option=option, value=text) from None


def steps(option: str, text: str) -> int | str:
    """A whole number, or epochs: "5epochs"."""
    if is_epochs(text):
        return text.strip()
    try:
        return int(text)
    except ValueError:
        raise UsageError("error.option.steps", option=option, value=text) from None


def number(option: str, text: str) -> float:
    """A number, of an option that takes no list."""
    try:
        return float(text)
    except ValueError:
        raise UsageError("error.option.one_number", option=option, value=text) from None


def part(option: str, text: str) -> float:
    """A part of something: "10%", or 0.1."""
    digits = text.strip()
    try:
        return float(digits.removesuffix("%")) / 100 if digits.endswith("%") else float(digits)
    except ValueError:
        raise UsageError("error.option.part", option=option, value=text) from None


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


def several(item: Reader[T]) -> Reader[list[T]]:
    """The reader of a list separated by commas."""

    def read(option: str, text: str) -> list[T]:
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


def nodes(option: str, text: str) -> int | list[int]:
    """A whole number, or a list of them where there are several."""
    every = wholes(option, text)
    return every[0] if len(every) == 1 else every


names = several(word)


def each(option: str, texts: list[str]) -> list[str]:
    """What an option says that stands several times."""
    if not all(text.strip() for text in texts):
        raise UsageError("error.option.empty", option=option)
    return texts


wholes = several(whole)
numbers = several(_listed_number)
sizes = several(_size)


def target(option: str, text: str) -> list[float] | str:
    """A list of numbers, or the word "auto"."""
    return text if text == "auto" else numbers(option, text)


def grids(option: str, texts: list[str]) -> dict[str, list[float | str]]:
    """momentum.momentum=0.5,0.9 -> {"momentum.momentum": [0.5, 0.9]}; what is no number stays a word."""
    grids_by_name: dict[str, list[float | str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or "." not in name:
            raise UsageError("error.option.set", value=text)
        grids_by_name.setdefault(name.strip(), []).extend(several(_number_or_word)(option, values))
    return grids_by_name


def _number_or_word(option: str, text: str) -> float | str:  # noqa: ARG001 - every reader's signature
    try:
        return float(text)
    except ValueError:
        return text
