"""From what the user named to the cells that are run.

A *candidate* is one optimizer under one name with its trials: every combination of hyperparameters that is
tried for it. A name or a class means its default grid of learning rates; an instance means exactly what it
says, and a list in one of its fields is a grid.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from kobai.basics import registry
from kobai.basics.errors import UsageError, unknown
from kobai.candidates.fields import settings_of, values_of
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer, check, is_grid, numbers
from kobai.optimizers.from_optax import FromOptax

Method = Optimizer | Minimizer
"""What trains a network: an update rule on mini-batches, or a minimizer on the full batch."""

LOWEST_EXPONENT = {
    "sgd": -2.5,
    "momentum": -3.5,
    "nesterov": -3.5,
    "nesterov_definition": -3.5,
    "adagrad": -3.0,
    "adadelta": -1.5,
    "rmsprop": -4.5,
    "adam": -4.0,
    "adamw": -4.0,
    "lion": -5.0,
}
"""Where the default grid of each rule begins, as a power of ten: its best rate on the built-in tasks, and the
rates in textbooks, lie well inside."""

RATES = 8
"""Learning rates in a default grid, half a decade apart."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """An optimizer under one name, with one instance for each combination of hyperparameters."""

    name: str
    settings: tuple[Method, ...]

    def learning_rates(self) -> list[float]:
        """The rates tried, ascending."""
        rates = {learning_rate(setting) for setting in self.settings}
        return sorted(rate for rate in rates if rate is not None)

    def neighbours(self, setting: Method) -> list[Method]:
        """The settings at the next learning rates of the grid, with all else as in `setting`."""
        along = self.along_rate(setting)
        if len(along) < 2:
            return []
        i = [learning_rate(other) for other in along].index(learning_rate(setting))
        return along[max(i - 1, 0) : i] + along[i + 1 : i + 2]

    def along_rate(self, setting: Method) -> list[Method]:
        """The settings with all but the learning rate as in `setting`, by rate; none if it has no rate."""
        if learning_rate(setting) is None:
            return []
        others = {**coefficients(setting), "learning_rate": None}
        same = [other for other in self.settings if {**coefficients(other), "learning_rate": None} == others]
        return sorted(same, key=learning_rate)  # type: ignore[arg-type]

    def edge(self, setting: Method) -> str | None:
        """Which end of its grid of several rates the rate stands at: low, high, or None of both."""
        rates = self.learning_rates()
        if len(rates) < 2 or learning_rate(setting) not in (rates[0], rates[-1]):
            return None
        return "low" if learning_rate(setting) == rates[0] else "high"


def coefficients(optimizer: Method) -> dict[str, Any]:
    """Every hyperparameter by name, as Python's own numbers and lists."""
    if isinstance(optimizer, FromOptax):
        found = optimizer.hyperparameters
    else:
        found = {field.name: getattr(optimizer, field.name) for field in dataclasses.fields(optimizer)}
    return {name: np.asarray(v).tolist() if hasattr(v, "dtype") else v for name, v in found.items()}


def as_json(value: Any) -> str:
    """A value as JSON, NumPy's numbers as Python's."""
    return json.dumps(value, default=float)


def learning_rate(optimizer: Method) -> float | None:
    """The learning rate, or None for an optimizer that has none by that name."""
    return coefficients(optimizer).get("learning_rate")


def default_rates(name: str, quick: bool = False) -> list[float]:
    """The default learning rates of the rule `name`, to three figures; `quick`: every second one."""
    rates = [float(f"{10 ** (LOWEST_EXPONENT[name] + k / 2):.3g}") for k in range(RATES)]
    return rates[1::2] if quick else rates


def candidates(
    optimizers: Iterable[Any] | str | type | Method | None = None,
    learning_rates: Sequence[float] | None = None,
    axes: Mapping[str, Any] | None = None,
    quick: bool = False,
) -> list[Candidate]:
    """The candidates of a comparison.

    Args:
      optimizers: names, classes or instances, or a single one. Default: `registry.DEFAULT_OPTIMIZERS`.
      learning_rates: for every candidate in place of its own.
      axes: further grids, ``{"momentum.momentum": [0.5, 0.9]}``: candidate, field, values (`fields`).
      quick: every second default rate.
    """
    given: Any = registry.DEFAULT_OPTIMIZERS if optimizers is None else optimizers
    alone = isinstance(given, str | type) or not isinstance(given, Iterable)
    chosen = [given] if alone else list(given)
    if not chosen:
        raise UsageError("error.empty", name="optimizers")
    grids = [_grid(item, quick) for item in chosen]
    names = distinct([name for name, _, _ in grids])
    extra = checked_axes(axes, names)
    own = {name: _axes_of(name, template, extra) for name, (_, template, _) in zip(names, grids, strict=True)}
    if learning_rates is not None and all(isinstance(template, Minimizer) for _, template, _ in grids):
        raise UsageError("error.rates.unused", names=", ".join(names))
    made = []
    for name, (_, template, grid) in zip(names, grids, strict=True):
        if learning_rates is not None and "learning_rate" in coefficients(template):
            grid = {**grid, "learning_rate": values_of("learning_rates", learning_rates)}
        made.append(Candidate(name, _product(template, {**grid, **own[name]})))
    return made


def checked_axes(axes: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """The further grids. Refuses what is no mapping from ``candidate.field``, for one of these candidates."""
    if axes is None:
        return {}
    if not (isinstance(axes, Mapping) and all(isinstance(key, str) for key in axes)):
        raise UsageError("error.coefficients", value=repr(axes))
    for key in axes:
        if key.partition(".")[0] not in names:
            raise unknown("kind.candidate", key.partition(".")[0], names)
    return axes


def _grid(item: Any, quick: bool) -> tuple[str, Method, dict[str, list[Any]]]:
    """(name, an instance to fill in, field -> values) of one thing the user named."""
    if isinstance(item, str):
        if item in registry.MINIMIZERS:
            return item, registry.minimizer_class(item)(), {}
        if item not in registry.OPTIMIZERS:
            raise unknown("kind.optimizer", item, [*registry.OPTIMIZERS, *registry.MINIMIZERS])
        return item, registry.optimizer_class(item)(), {"learning_rate": default_rates(item, quick)}
    if isinstance(item, type) and issubclass(item, Optimizer | Minimizer):
        name = registered(item)
        return _grid(name or item(), quick)
    if isinstance(item, Optimizer | Minimizer):
        if isinstance(item, Optimizer) and jax.tree_util.all_leaves([item]):
            raise UsageError("error.optimizer.plain", value=type(item).__name__)
        grid = {key: list(numbers(value)) for key, value in coefficients(item).items() if is_grid(value)}
        name = getattr(item, "name", None) or registered(type(item)) or type(item).__name__.lower()
        return name, item, grid
    raise UsageError("error.optimizer.type", value=repr(item))


def registered(cls: type) -> str | None:
    """The name of a class in the tables of methods."""
    if issubclass(cls, Minimizer):
        return next((name for name in registry.MINIMIZERS if registry.minimizer_class(name) is cls), None)
    return next((name for name in registry.OPTIMIZERS if registry.optimizer_class(name) is cls), None)


def _product(template: Method, grid: Mapping[str, Sequence[Any]]) -> tuple[Method, ...]:
    combinations = itertools.product(*grid.values())
    return tuple(_with(template, dict(zip(grid, values, strict=True))) for values in combinations)


def _with(template: Method, values: dict[str, Any]) -> Method:
    if isinstance(template, FromOptax):
        check(template.name, {name: value for name, value in values.items() if name == "learning_rate"})
        return dataclasses.replace(template, hyperparameters={**template.hyperparameters, **values})
    return dataclasses.replace(template, **values)


def _axes_of(name: str, template: Method, axes: Mapping[str, Any]) -> dict[str, list[Any]]:
    own = {}
    for key, values in axes.items():
        candidate, _, field = key.partition(".")
        if candidate == name:
            if field not in coefficients(template):
                raise unknown("kind.field", key, [f"{name}.{known}" for known in coefficients(template)])
            own[field] = settings_of(key, template, values)
    return own


def distinct(names: Sequence[str]) -> list[str]:
    """adam, adam -> adam, adam_2."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return distinct
