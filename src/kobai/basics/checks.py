"""What an argument may be: each check refuses anything else with a `UsageError` that says what it got.

A number is an integer or a float of Python or NumPy; True and False are none, although Python counts them so.
"""

import math
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias, TypeGuard, TypeVar, cast, overload

from kobai.basics.errors import UsageError, quoted, said, unknown
from kobai.basics.notation import is_text

T = TypeVar("T")

Rule: TypeAlias = tuple[str, Callable[[Any], bool]]
"""What an argument may be: the key of the rule in words, and the rule."""

COUNT: Rule = ("rule.count", lambda n: 1 <= n < math.inf and n == int(n))

MOST = 10**15
"""A larger count than this is a slip of the hand, of whatever it is one."""


def is_whole(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number of Python or NumPy."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a real number of Python or NumPy, and no whole one that no float can hold."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    if isinstance(value, Integral):
        return abs(int(value)) <= sys.float_info.max
    return not isinstance(value, Rational)  # no array can hold a fraction


def is_truth(value: object) -> bool:
    """Whether `value` is True or False, of Python or NumPy."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    return isinstance(value, bool) or (str(dtype) == "bool" and shape == ())


def is_place(value: object) -> bool:
    """Whether `value` can name a file or a folder: a text or a path that is not empty."""
    name = os.fspath(value) if isinstance(value, os.PathLike) else value
    return is_text(name) and name != "" and "\0" not in name


TEXT: Rule = ("rule.text", is_text)
NAME: Rule = ("rule.name", lambda value: is_text(value) and value.strip() != "")
PLACE: Rule = ("rule.place", is_place)
TRUTH: Rule = ("rule.flag", is_truth)
FUNCTION: Rule = ("rule.function", callable)
MAPPING: Rule = ("rule.mapping", lambda value: isinstance(value, Mapping))


def check_arguments(owner: str, values: Mapping[str, object], rules: Mapping[str, Rule]) -> None:
    """Refuse what breaks its rule, among those `values` that `rules` names."""
    for name, (rule, holds) in rules.items():
        if not holds(values[name]):
            raise UsageError(
                "error.range", owner=owner, name=name, rule=said(rule), value=quoted(values[name])
            )


@overload
def listed(values: str) -> list[str]: ...
@overload
def listed(values: T | Iterable[T]) -> list[T]: ...
def listed(values: T | Iterable[T]) -> list[T]:
    """One or several as a list: a text, bytes, a mapping or a class is one, whatever Python iterates over."""
    alone = isinstance(values, str | bytes | bytearray | Mapping | type) or not isinstance(values, Iterable)
    several = not alone and getattr(values, "shape", None) != ()
    return list(cast(Iterable[T], values)) if several else [cast(T, values)]


def check_number(owner: str, name: str, value: object, rule: str, holds: Callable[[float], bool]) -> None:
    """Refuse what is no number, or breaks the rule whose key in `words` is given."""
    if not is_number(value) or not holds(value):
        raise UsageError("error.range", owner=owner, name=name, rule=said(rule), value=quoted(value))


def check_fields(part: object, rules: Mapping[str, Rule]) -> None:
    """`check_number` for each field of `part` that `rules` names; an array may be traced, or anything."""
    import numpy as np  # not above: the table of initial values answers without it

    for name, (rule, holds) in rules.items():
        value = getattr(part, name)
        if isinstance(value, np.generic) or not hasattr(value, "dtype"):
            check_number(type(part).__name__, name, value, rule, holds)


def check_count(name: str, value: object, most: int = MOST) -> None:
    """Refuse anything but a whole number of at least 1 and at most `most`."""
    if not is_whole(value) or value < 1:
        raise UsageError("error.count", name=name, value=quoted(value))
    if value > most:
        raise UsageError("error.most", name=name, value=value, most=most)


def check_seed(name: str, value: object) -> None:
    """Refuse anything but a whole number of 32 bits."""
    if not is_whole(value) or not 0 <= value < 2**32:
        raise UsageError("error.seed.range", name=name, most=2**32 - 1, value=quoted(value))


def check_several(name: str, values: object) -> None:
    """Refuse anything but a list, a tuple or an array of at least one value; one alone is none."""
    if isinstance(values, str):
        raise UsageError("error.several.text", name=name, value=quoted(values))
    if not isinstance(values, Collection) or getattr(values, "shape", None) == ():
        raise UsageError("error.several", name=name, value=quoted(values))
    if len(values) == 0:
        raise UsageError("error.empty", name=name)


def check_name(kind: str, value: object, known: Iterable[str]) -> None:
    """Refuse anything but one of the names in `known`; `kind` as in `unknown`."""
    if not isinstance(value, str) or value not in known:
        raise unknown(kind, value, known)
