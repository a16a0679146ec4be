"""From what the user named to what is tried.

A *candidate* is one method under one name with its variants: an instance for every combination of
hyperparameters that is tried for it.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from kobai.basics import registry
from kobai.basics.errors import UsageError, quoted, unknown
from kobai.candidates.named import Choice, Method, Methods, distinct, named, spelled_out
from kobai.candidates.of_optax import settable, with_values
from kobai.candidates.values import (
    Hyperparameters,
    Value,
    as_json,
    hyperparameters_of,
    learning_rate,
    numbers_in,
    values_for,
    written,
)
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import check, is_grid, numbers
from kobai.optimizers.from_optax import FromOptax

SLOWEST = float(np.finfo(np.float32).tiny)
"""Slower than any rate that moves a parameter: below this, single precision has no full number."""

Grids: TypeAlias = Mapping[str, Value | Iterable[Value]]
"""What a caller says of hyperparameters: one value or several, by ``candidate.hyperparameter``."""

Grid: TypeAlias = Mapping[str, Sequence[Value]]
"""The values that are tried for each hyperparameter, by its name."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A method under one name, with one instance for each combination of hyperparameters."""

    name: str
    variants: tuple[Method, ...]

    def learning_rates(self) -> list[float]:
        """The rates tried, ascending."""
        rates = {learning_rate(variant) for variant in self.variants}
        return sorted(rate for rate in rates if rate is not None)

    def neighbours(self, variant: Method) -> list[Method]:
        """The variants at the next learning rates of the grid, with all else as in `variant`."""
        along = self.along_rate(variant)
        if len(along) < 2:
            return []
        i = [learning_rate(other) for other in along].index(learning_rate(variant))
        return along[max(i - 1, 0) : i] + along[i + 1 : i + 2]

    def along_rate(self, variant: Method) -> list[Method]:
        """The variants with all but the learning rate as in `variant`, by rate; none if it has no rate."""
        if learning_rate(variant) is None:
            return []
        same = [other for other in self.variants if self._but_rate(other) == self._but_rate(variant)]
        return sorted(same, key=learning_rate)  # type: ignore[arg-type]

    def _but_rate(self, variant: Method) -> Hyperparameters:
        return {**hyperparameters_of(variant), **dict.fromkeys(("learning_rate", *self.tied))}

    @functools.cached_property
    def tied(self) -> list[str]:
        """The rates of groups of arrays, where every variant has the learning rate for them."""
        every = [hyperparameters_of(variant) for variant in self.variants]
        return [
            name for name in rates_of_groups(every[0]) if all(v[name] == v["learning_rate"] for v in every)
        ]

    @functools.cached_property
    def several(self) -> dict[str, dict[str, str]]:
        """The hyperparameters that have several values, but for the rate; the name of each, by its JSON."""
        tried: dict[str, dict[str, str]] = {}
        for variant in self.variants:
            for name, value in hyperparameters_of(variant).items():
                if name != "learning_rate" and name not in self.tied:
                    tried.setdefault(name, {})[as_json(value)] = written(variant, name, value)
        return {
            name: shown if len(set(shown.values())) == len(shown) else dict(zip(shown, shown, strict=True))
            for name, shown in tried.items()
            if len(shown) > 1
        }

    def settings(self, variant: Method) -> dict[str, str]:
        """What a variant has of each hyperparameter that has several values, as tables show it."""
        values = hyperparameters_of(variant)
        return {name: shown[as_json(values[name])] for name, shown in self.several.items()}

    def edge(self, variant: Method) -> str | None:
        """Which end of its grid of several rates the rate stands at: low, high, or None of both."""
        rates = self.learning_rates()
        if len(rates) < 2 or learning_rate(variant) not in (rates[0], rates[-1]):
            return None
        return "low" if learning_rate(variant) == rates[0] else "high"


def default_rates(name: str, every: int = 1) -> list[float]:
    """The default learning rates of the rule `name`, or one in `every` of them."""
    return list(thinned(registry.OPTIMIZERS[name].learning_rates, every))


def thinned(rates: Sequence[float], every: int) -> Sequence[float]:
    """One in `every` (1, 2, 4 or 8) of eight learning rates; those about the middle are the last to go."""
    second = rates[1::2]
    return {1: rates, 2: second, 4: second[1:3], 8: second[1:2]}[every]


def candidates(
    optimizers: Methods | None = None,
    learning_rates: Sequence[float] | None = None,
    hyperparameters: Grids | None = None,
    every: int = 1,
) -> list[Candidate]:
    """The candidates of a comparison.

    Args:
      optimizers: names, classes or instances, or a single one. Default: `registry.DEFAULT_OPTIMIZERS`.
      learning_rates: for every candidate in place of its own.
      hyperparameters: further grids, ``{"momentum.momentum": [0.5, 0.9]}``: by candidate and hyperparameter.
      every: of the default rates one in so many: see `thinned`.
    """
    choices = choices_of("optimizers", registry.DEFAULT_OPTIMIZERS if optimizers is None else optimizers)
    names = distinct([choice.name for choice in choices])
    further = checked_hyperparameters(hyperparameters, names)
    own = [grid_of(name, choice.method, further) for name, choice in zip(names, choices, strict=True)]
    rates = checked_rates(learning_rates, choices, names)
    return [
        Candidate(
            name,
            variants(choice, thinned(choice.learning_rates, every), rates, grid),
        )
        for name, choice, grid in zip(names, choices, own, strict=True)
    ]


def choices_of(name: str, items: Methods, kind: str = "optimizer") -> list[Choice]:
    """The methods that were named, one or several. Raises `UsageError`, also where there are none."""
    choices = [named(item, kind) for item in spelled_out(items)]
    if not choices:
        raise UsageError("error.empty", name=name)
    return choices


def checked_rates(
    learning_rates: object, choices: Sequence[Choice], names: Sequence[str]
) -> list[float] | None:
    """The learning rates for every candidate. Refuses those that no candidate has a use for."""
    if learning_rates is None:
        return None
    if all(isinstance(choice.method, Minimizer) for choice in choices):
        raise UsageError("error.rates.unused", names=", ".join(names))
    return numbers_in("learning_rates", learning_rates)


def checked_hyperparameters(grids: object, names: Sequence[str]) -> Grids:
    """The further grids. Refuses what is no mapping from ``candidate.hyperparameter``, for one of these."""
    if grids is None:
        return {}
    if not (isinstance(grids, Mapping) and all(isinstance(key, str) for key in grids)):
        raise UsageError("error.hyperparameters", value=quoted(grids))
    for key in grids:
        if key.partition(".")[0] not in names:
            raise unknown("kind.candidate", key.partition(".")[0], names)
    return grids


def grid_of(name: str, method: Method, grids: Grids) -> Grid:
    """Those of the further grids that are the candidate `name`'s, which tries variants of `method`."""
    own = {}
    for key, values in grids.items():
        candidate, _, hyperparameter = key.partition(".")
        if candidate == name:
            known = settable(method) if isinstance(method, FromOptax) else hyperparameters_of(method)
            if hyperparameter not in known:
                raise unknown("kind.hyperparameter", key, [f"{name}.{each}" for each in known])
            own[hyperparameter] = values_for(key, method, values)
    return own


def variants(
    choice: Choice, usual: Sequence[float], rates: Sequence[float] | None, further: Grid
) -> tuple[Method, ...]:
    """One variant for each combination of the values that are tried.

    Args:
      choice: what was named; a list in a field of an instance is a grid.
      usual: the learning rates for a rule of which no more was named than what it is.
      rates: the learning rates asked for, in place of any other; None: none were.
      further: values for other hyperparameters.
    """
    values = hyperparameters_of(choice.method)
    grid: dict[str, Sequence[Value]] = {
        name: list(numbers(value)) for name, value in values.items() if is_grid(value)
    }
    if choice.learning_rates:
        grid["learning_rate"] = usual
    if rates is not None and "learning_rate" in values:
        grid["learning_rate"] = rates
    grid.update(further)
    tied = [name for name in rates_of_groups(values) if name not in grid and choice.learning_rates]
    combinations = [dict(zip(grid, each, strict=True)) for each in itertools.product(*grid.values())]
    every = tuple(
        _variant(choice.method, {**each, **dict.fromkeys(tied, each["learning_rate"])} if tied else each)
        for each in combinations
    )
    for variant in every:
        _check_rate(choice.name, learning_rate(variant))
    return every


def rates_of_groups(values: Hyperparameters) -> list[str]:
    """The hyperparameters that are learning rates of some arrays, beside that of the others."""
    return [name for name in values if name.endswith("_learning_rate")]


def _check_rate(owner: str, rate: float | None) -> None:
    """Refuse a learning rate at which nothing moves, in a study: a formula may be asked for a step of 0."""
    if rate is not None and not rate >= SLOWEST:
        raise UsageError("error.rate.nothing", owner=owner, value=rate, least=SLOWEST)


def _variant(method: Method, values: dict[str, Value]) -> Method:
    if isinstance(method, FromOptax):
        check(method.name, {name: value for name, value in values.items() if name == "learning_rate"})
        if set(values) <= set(method.hyperparameters):
            return dataclasses.replace(method, hyperparameters={**method.hyperparameters, **values})
        return with_values(method, values)
    return dataclasses.replace(method, **values)
