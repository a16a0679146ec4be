"""What the fields of a method may be set to, read from what a person gives: numbers, whole numbers, names.

A field of a minimizer that has names says so in its metadata: ``{"choices": {"dai_yuan": "DY"}}``, each name
with its short form, which tables show and which may be written too.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kobai.basics.checks import is_number, is_whole
from kobai.basics.errors import UsageError
from kobai.minimizers.base import Minimizer


def settings_of(key: str, method: Any, values: Any) -> list[Any]:
    """The values for one field of a method, in the order given, without repetitions.

    Args:
      key: "lbfgs.pairs", as the user names it.
      method: an instance that has the field.
      values: one or several.

    Raises `UsageError` for what the field cannot be.
    """
    fields = {field.name: field for field in dataclasses.fields(method)}
    field = fields.get(key.partition(".")[2])
    if field is None or not isinstance(method, Minimizer):  # the coefficients of an update rule are numbers
        return values_of(key, values)
    names = field.metadata.get("choices")
    if names:
        return _distinct(_chosen(key, names, item) for item in _several(key, values))
    if field.default is None:
        return _distinct(_number_or_none(key, item) for item in _several(key, values))
    found = values_of(key, values)
    if not is_whole(field.default):
        return found
    if not all(value.is_integer() for value in found):
        raise UsageError("error.option.whole", option=key, value=", ".join(f"{value:g}" for value in found))
    return [int(value) for value in found]


def written(method: Any, name: str, value: Any) -> str:
    """A value of a field as tables show it: four figures, the short form of a name, a dash for None."""
    if isinstance(value, str):
        fields = (field for field in dataclasses.fields(method) if field.name == name)
        return next(fields).metadata.get("choices", {}).get(value, value)
    return "–" if value is None else f"{value:.4g}" if is_number(value) else str(value)


def values_of(name: str, values: Any) -> list[float]:
    """A list of numbers, in the order given, without repetitions."""
    given = np.asarray(values, object).ravel().tolist()
    if not all(is_number(value) for value in given):
        raise UsageError("error.numbers", name=name, value=repr(values))
    if not given:
        raise UsageError("error.empty", name=name)
    return _distinct(float(value) for value in given)


def _chosen(key: str, names: Mapping[str, str], given: Any) -> str:
    """The name that is meant: written in full or as its short form, whatever its case."""
    meant = {_plain(form): name for name, short in names.items() for form in (name, short)}
    if not isinstance(given, str) or _plain(given) not in meant:
        known = (name if name == short else f"{name} ({short})" for name, short in names.items())
        shown = f"{given:g}" if is_number(given) else given
        raise UsageError("error.choice", name=key, choices=", ".join(known), value=shown)
    return meant[_plain(given)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").rstrip("+")


def _number_or_none(key: str, given: Any) -> float | int | None:
    """A number, whole where it has no fraction; None and "none" leave the choice to the method."""
    if given is None or (isinstance(given, str) and _plain(given) == "none"):
        return None
    [value] = values_of(key, [given])
    return int(value) if value.is_integer() else value


def _several(name: str, values: Any) -> list[Any]:
    single = values is None or isinstance(values, str) or not isinstance(values, Iterable)
    items = [values] if single else list(values)
    if not items:
        raise UsageError("error.empty", name=name)
    return items


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
