"""From the methods that the user named to the settings that are tried on a landscape.

An update rule needs a learning rate. It is, in this order: what the user says (``learning_rates``, an axis,
an instance), what the landscape names for the rule, or the best of `RATES`, found by trying them all. A
minimizer needs none.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kobai.basics import registry
from kobai.basics.errors import UsageError, unknown
from kobai.candidates.fields import values_of
from kobai.candidates.grid import candidates, checked_axes, coefficients, distinct, registered
from kobai.landscapes.landscape import Landscape
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer

Method = Optimizer | Minimizer

DEFAULT = (*registry.DEFAULT_OPTIMIZERS, "bfgs")
"""What is tried when nobody says otherwise."""

RATES = tuple(float(f"{10 ** (k / 4):.3g}") for k in range(-16, 5))
"""Learning rates from 0.0001 to 10, a quarter of a decade apart, of which the best is shown."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A method under one name, with one object for each combination of its coefficients."""

    name: str
    settings: tuple[Method, ...]
    searched: bool = False
    """Whether only the best setting is to be shown."""


def grid(
    landscape: Landscape,
    chosen: Iterable[Any] | str | type | Method | None = None,
    learning_rates: Sequence[float] | None = None,
    axes: Mapping[str, Any] | None = None,
) -> list[Candidate]:
    """The candidates of a descent.

    Args:
      landscape: names learning rates of its own for some rules.
      chosen: names, classes or instances of update rules and minimizers, or a single one. Default: `DEFAULT`.
      learning_rates: for every update rule.
      axes: further grids, ``{"momentum.momentum": [0.5, 0.9]}``: method, field, values.

    Raises `UsageError` for what cannot be meant.
    """
    if isinstance(chosen, str | type | Method):
        chosen = [chosen]
    items = [_made(item) for item in (DEFAULT if chosen is None else chosen)]
    if not items:
        raise UsageError("error.empty", name="methods")
    names = distinct([_name(item) for item, _ in items])
    extra = checked_axes(axes, names)
    rates = None if learning_rates is None else values_of("learning_rates", learning_rates)
    if rates is not None and all(isinstance(item, Minimizer) for item, _ in items):
        raise UsageError("error.rates.unused", names=", ".join(names))
    return [
        _candidate(landscape, name, item, by_name, rates, extra)
        for name, (item, by_name) in zip(names, items, strict=True)
    ]


def _made(item: Any) -> tuple[Method, bool]:
    """(an instance, whether it was only named and its learning rate is still open)."""
    if isinstance(item, str):
        if item in registry.MINIMIZERS:
            return registry.minimizer_class(item)(), True
        if item not in registry.OPTIMIZERS:
            raise unknown("kind.method", item, (*registry.OPTIMIZERS, *registry.MINIMIZERS))
        return registry.optimizer_class(item)(), True
    if isinstance(item, type) and issubclass(item, Optimizer | Minimizer):
        return item(), registered(item) is not None or issubclass(item, Minimizer)
    if isinstance(item, Optimizer | Minimizer):
        return item, False
    raise UsageError("error.method.type", value=repr(item))


def _name(item: Method) -> str:
    if isinstance(item, Optimizer):
        return getattr(item, "name", None) or registered(type(item)) or type(item).__name__.lower()
    known = (name for name, cls in registry.MINIMIZERS.items() if cls == type(item).__name__)
    return next(known, type(item).__name__.lower())


def _candidate(
    landscape: Landscape,
    name: str,
    item: Method,
    by_name: bool,
    rates: list[float] | None,
    axes: Mapping[str, Any],
) -> Candidate:
    own = {key: values for key, values in axes.items() if key.partition(".")[0] == name}
    # `candidates` would call a second adam adam_2 only beside the first.
    inside = {f"{_name(item)}.{key.partition('.')[2]}": values for key, values in own.items()}
    if isinstance(item, Minimizer):
        [made] = candidates([item], None, inside)
        return Candidate(name, made.settings)
    open_rate = by_name and rates is None and f"{name}.learning_rate" not in own
    if open_rate and name in landscape.learning_rates:
        rates, open_rate = [landscape.learning_rates[name]], False
    [made] = candidates([item], RATES if open_rate else rates, inside)
    return Candidate(name, made.settings, searched=open_rate and len(made.learning_rates()) > 1)


def options(method: Method) -> dict[str, Any]:
    """Every coefficient of a method by name, as Python's own numbers."""
    if isinstance(method, Optimizer):
        return coefficients(method)
    return {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}
