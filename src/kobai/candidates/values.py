"""The hyperparameters of a method: what they are, and what they may be set to by what a person gives.

A field of a minimizer that has names says so in its metadata: ``{"choices": {"dai_yuan": "DY"}}``, each name
with its short form, which tables show and which may be written too.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypeVar, cast

import numpy as np

from kobai.basics.checks import is_number, is_whole, listed
from kobai.basics.errors import UsageError, quoted
from kobai.candidates.named import Method
from kobai.minimizers.base import Minimizer
from kobai.optimizers.from_optax import FromOptax

T = TypeVar("T")

Value: TypeAlias = float | str | None
"""A value of a hyperparameter: a number, a name, or None where the method is to choose."""


Hyperparameters: TypeAlias = dict[str, Value | list[float]]
"""Hyperparameters by name; of a grid a list."""


def hyperparameters_of(method: Method) -> Hyperparameters:
    """Every hyperparameter by name, as Python's own numbers, and lists where it is a grid."""
    if isinstance(method, FromOptax):
        values: Mapping[str, object] = method.hyperparameters
    else:
        values = {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}
    plain = {name: np.asarray(v).tolist() if hasattr(v, "dtype") else v for name, v in values.items()}
    return cast(Hyperparameters, plain)


def learning_rate(method: Method) -> float | None:
    """The learning rate, or None for a method that has none by that name."""
    return cast(float | None, hyperparameters_of(method).get("learning_rate"))


def rate_is_factor(method: Method) -> bool:
    """Whether its learning rate is a factor of its step, since the rule as published has no learning rate."""
    return getattr(method, "rate_is_factor", False)


def as_json(value: object) -> str:
    """A value as JSON, NumPy's numbers as Python's."""
    return json.dumps(value, default=float)


def values_for(key: str, method: Method, values: object) -> list[Value]:
    """The values for one hyperparameter of a method, in the order given, without repetitions.

    Args:
      key: "lbfgs.pairs", as the user names it.
      method: an instance that has the hyperparameter.
      values: one or several.

    Raises `UsageError` for what the hyperparameter cannot be.
    """
    fields = {field.name: field for field in dataclasses.fields(method)}
    field = fields.get(key.partition(".")[2])
    if field is None or not isinstance(
        method, Minimizer
    ):  # the hyperparameters of an update rule are numbers
        return [*numbers_in(key, values)]
    choices = field.metadata.get("choices")
    if choices:
        return _distinct(_choice(key, choices, value) for value in _several(key, values))
    if field.default is None:
        return _distinct(_number_or_none(key, value) for value in _several(key, values))
    numbers = numbers_in(key, values)
    if not is_whole(field.default):
        return [*numbers]
    if not all(number.is_integer() for number in numbers):
        numerals = ", ".join(f"{number:g}" for number in numbers)
        raise UsageError("error.option.whole", option=key, value=numerals)
    return [int(number) for number in numbers]


def written(method: Method, name: str, value: Value | list[float]) -> str:
    """A value as tables show it: four figures, the short form of a name, a dash for None."""
    if isinstance(value, str):
        fields = (field for field in dataclasses.fields(method) if field.name == name)
        return next(fields).metadata.get("choices", {}).get(value, value)
    return "–" if value is None else f"{value:.4g}" if is_number(value) else str(value)


def numbers_in(name: str, values: object) -> list[float]:
    """A list of numbers, in the order given, without repetitions."""
    items = np.asarray(values, object).ravel().tolist()
    if not all(is_number(item) for item in items):
        raise UsageError("error.numbers", name=name, value=quoted(values))
    if not items:
        raise UsageError("error.empty", name=name)
    return _distinct(float(item) for item in items)


def _choice(key: str, choices: Mapping[str, str], text: object) -> str:
    """The name that is meant: written in full or as its short form, whatever its case."""
    spellings = {_plain(form): name for name, short in choices.items() for form in (name, short)}
    if not isinstance(text, str) or _plain(text) not in spellings:
        known = (name if name == short else f"{name} ({short})" for name, short in choices.items())
        value = f"{text:g}" if is_number(text) else text
        raise UsageError("error.choice", name=key, choices=", ".join(known), value=value)
    return spellings[_plain(text)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").rstrip("+")


def _number_or_none(key: str, item: object) -> float | int | None:
    """A number, whole where it has no fraction; None and "none" leave the choice to the method."""
    if item is None or (isinstance(item, str) and _plain(item) == "none"):
        return None
    [number] = numbers_in(key, [item])
    return int(number) if number.is_integer() else number


def _several(name: str, values: object) -> list[object]:
    items = listed(values)
    if not items:
        raise UsageError("error.empty", name=name)
    return items


def _distinct(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
