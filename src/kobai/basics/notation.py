"""How parts are written by a person: a name and its numbers, "norm:1", "cosine", "patience:10:0.001"."""

import inspect
from collections.abc import Callable, Mapping
from typing import TypeGuard, TypeVar

from kobai.basics.errors import UsageError, said, unknown

Part = TypeVar("Part")


def parse(kind: str, text: str, constructors: Mapping[str, Callable[..., Part]]) -> Part:
    """What is written as `text`: the constructor of that name, called with the numbers behind it.

    `kind` is the key of the thing's name in `words`. Raises `UsageError` for a name that does not exist (with
    the nearest that does), for too few or too many numbers, and for what is no number.
    """
    name, *values = str(text).strip().lower().replace("_", "-").split(":")
    if name not in constructors:
        raise unknown(kind, name, constructors)
    parameters = inspect.signature(constructors[name]).parameters
    needed = [p for p in parameters.values() if p.default is p.empty]
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        numbers = None
    if numbers is None or not len(needed) <= len(numbers) <= len(parameters):
        counts = range(len(needed), len(parameters) + 1)
        forms = [":".join([name, *map(str.upper, list(parameters)[:count])]) for count in counts]
        raise UsageError("error.spelling", kind=said(kind), value=text, forms=", ".join(forms))
    return constructors[name](*numbers)


def is_text(value: object) -> TypeGuard[str]:
    """Whether `value` is a text that a file can hold: no half of a pair of surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def written(name: str, *numbers: float) -> str:
    """The canonical spelling, which `parse` reads back: "norm:1"."""
    return ":".join([name, *(f"{float(number)!r}".removesuffix(".0") for number in numbers)])
