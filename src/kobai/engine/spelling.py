"""Cells as plain values that travel: what JSON can hold, and an equal cell made of it elsewhere.

kobai's own methods and parts are spelled by their names and numbers, and read back by the constructors that a
user calls. Nothing is pickled: what is a user's own (a class, a function, a schedule) cannot be spelled, even
where it bears the name of a built-in one, since whoever reads it would run something else.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import numpy as np

from kobai import initializers
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.candidates.named import TABLES, Method
from kobai.engine.parts import PARTS, Field, fields_of
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.optimizers.from_optax import FromOptax, from_optax
from kobai.schedules import Schedule
from kobai.stabilizers.averaging import Averaging

Spelling: TypeAlias = dict[str, Any]
"""A plain value, as JSON has it: dicts by name, lists, strings, numbers, True, False, None."""

FIELDS = fields_of(PARTS)
"""The fields of a strategy that are parts; the other is a truth value, and spelled as it is."""


# Methods: optimizers and minimizers.


def spell_method(method: Method) -> Spelling:
    """A registered method by its name and its fields; an optax one by its factory and its arguments."""
    if isinstance(method, FromOptax):
        arguments = {**method.hyperparameters, **dict(method.switches)}
        spelling: Spelling = {"optax": method.name, "fields": _plain(method, arguments)}
    else:
        fields = {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}
        home = registry.home_of(type(method), *TABLES)
        if home is None:
            raise _own(method)
        spelling = {"name": home.name, "fields": _plain(method, fields)}
    if _value(lambda: read_method(spelling)) != method:
        raise _own(method)
    return spelling


def read_method(spelling: Spelling) -> Method:
    """The method that is spelled so."""
    if "optax" in spelling:
        import optax

        name = spelling["optax"]
        return from_optax(getattr(optax, name, None) or getattr(optax.contrib, name), **spelling["fields"])
    entry = registry.find("kind.optimizer", spelling["name"], *TABLES)
    return entry.load()(**spelling["fields"])


def _plain(owner: object, fields: Mapping[str, object]) -> Spelling:
    """The fields as Python's own values, NumPy's and JAX's numbers too; anything else is the user's own."""
    arrays = (np.generic, np.ndarray, jax.Array)
    values = {name: value.tolist() if isinstance(value, arrays) else value for name, value in fields.items()}
    for value in values.values():
        finite = not isinstance(value, float) or math.isfinite(value)
        if not (finite and isinstance(value, bool | int | float | str | type(None))):
            raise _own(owner)
    return values


# Initial values and strategies.


def spell_initializer(initializer: Initializer) -> str:
    """The name of a built-in initializer: "he", "normal:0.01"."""
    return _named(initializer, initializers.parse)


def spell_strategy(strategy: Strategy) -> Spelling:
    """The fields that do something, each as `read_strategy` reads it."""
    spelling: Spelling = {}
    for field in dataclasses.fields(Strategy):
        value = getattr(strategy, field.name)
        if value == field.default:
            continue
        if field.name not in FIELDS:
            spelling[field.name] = value
        elif isinstance(value, tuple):
            spelling[field.name] = [_part(item, FIELDS[field.name]) for item in value]
        else:
            spelling[field.name] = _part(value, FIELDS[field.name])
    return spelling


def read_strategy(spelling: Spelling) -> Strategy:
    """The strategy that is spelled so."""
    fields: Spelling = {}
    for name, value in spelling.items():
        if name not in FIELDS:
            fields[name] = value
        elif isinstance(value, dict):
            fields[name] = FIELDS[name].kind(**value)
        else:
            read = FIELDS[name].read
            fields[name] = tuple(map(read, value)) if isinstance(value, list) else read(value)
    return Strategy(**fields)


def _part(part: Any, field: Field) -> str | Spelling:
    """A part by its name, or one that is made of numbers by those that differ from their defaults."""
    if field.named:
        return _named(part, field.read)
    kind = type(part)
    if kind is not field.kind:
        raise _own(part)
    fields = {each.name: (getattr(part, each.name), each.default) for each in dataclasses.fields(part)}
    return _plain(part, {name: value for name, (value, default) in fields.items() if value != default})


def _named(part: Schedule | Averaging | Initializer, read: Callable[[str], object]) -> str:
    """The name of a part, where it reads back as the very same part."""
    if not _same(_value(lambda: read(part.name)), part):
        raise _own(part)
    return part.name


def _same(first: Any, second: Any) -> bool:
    """Whether two parts are the same, down to the code of their functions and what these close over."""
    if type(first) is not type(second):
        return False
    if callable(first) and hasattr(first, "__code__"):
        cells = [function.__closure__ or () for function in (first, second)]
        contents = zip(*([cell.cell_contents for cell in closure] for closure in cells), strict=False)
        return first.__code__ is second.__code__ and all(_same(*pair) for pair in contents)
    if dataclasses.is_dataclass(first):
        return all(_same(getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(first))
    return bool(first == second)


def _value(read: Callable[[], object]) -> object:
    """The value that is read, or None where it cannot be read."""
    try:
        return read()
    except Exception:  # a name or an argument that the constructor does not know
        return None


def _own(part: object) -> UsageError:
    return UsageError("error.cell.spelling", value=getattr(part, "name", type(part).__name__))
