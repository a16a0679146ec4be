"""Parts as a person writes them: a name and its numbers, "norm:1", "cosine", "patience:10:0.001"."""

import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from kobai.errors import UsageError, said, unknown

COUNT = ("rule.count", lambda n: 1 <= n < math.inf and n == int(n))
"""What a count may be: the key of the rule in words, and the rule."""


def parse(kind: str, text: str, constructors: Mapping[str, Callable[..., Any]]) -> Any:
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
        forms = [":".join([name, *map(str.upper, list(parameters)[:n])]) for n in _counts(needed, parameters)]
        raise UsageError("error.spelling", kind=said(kind), value=text, forms=", ".join(forms))
    return constructors[name](*numbers)


def written(name: str, *numbers: float) -> str:
    """The canonical spelling, which `parse` reads back: "norm:1"."""
    return ":".join([name, *(f"{float(number)!r}".removesuffix(".0") for number in numbers)])


def check_number(owner: str, name: str, value: Any, rule: str, holds: Callable[[Any], bool]) -> None:
    """Refuse what is no number, or breaks the rule whose key in `words` is given. Raises `UsageError`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not holds(value):
        raise UsageError("error.range", owner=owner, name=name, rule=said(rule), value=repr(value))


def check_fields(part: Any, rules: Mapping[str, tuple[str, Callable[[Any], bool]]]) -> None:
    """`check_number` for each field of `part` that `rules` names; an array may be traced, or anything."""
    for name, (rule, holds) in rules.items():
        value = getattr(part, name)
        if isinstance(value, np.generic) or not hasattr(value, "dtype"):
            check_number(type(part).__name__, name, value, rule, holds)


def _counts(needed: list, parameters: Mapping[str, Any]) -> range:
    return range(len(needed), len(parameters) + 1)
