"""From a name, a class or an instance to a method: the one way by which a person says what is meant.

A name or a class leaves the learning rate open, and the default grid of the rule is tried. An instance means
exactly what it says; a list in one of its fields is a grid.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import jax

from kobai.basics import registry
from kobai.basics.checks import NAME, check_arguments, listed
from kobai.basics.errors import UsageError, quoted
from kobai.candidates import of_optax
from kobai.candidates.lists import LISTS
from kobai.initializers import Initializer, parse
from kobai.minimizers.base import Minimizer
from kobai.optimizers.base import Optimizer

Method = Optimizer | Minimizer
"""What trains a network: an update rule on mini-batches, or a minimizer on the full batch."""

MethodSource: TypeAlias = str | type[Optimizer] | type[Minimizer] | Method
"""How a caller says a method: its name, its class, or an instance."""

Methods: TypeAlias = MethodSource | Iterable[MethodSource]
"""One method or several."""

TABLES = (registry.OPTIMIZERS, registry.MINIMIZERS)
"""Where the names of methods stand."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """A method as a person named it."""

    name: str
    """The name in the registry, the name that the instance carries itself, or the name of its class."""
    method: Method
    """The instance that was given; of a name or a class, one with the usual hyperparameters."""
    learning_rates: tuple[float, ...] = ()
    """The default grid of an update rule that was given by its name or class; else none."""


def spelled_out(items: Methods) -> list[MethodSource]:
    """The methods that were named, each name once; in place of the name of a list stands what is in it."""
    every: list[MethodSource] = []
    each: list[MethodSource] = listed(items)
    for item in each:
        within = LISTS.get(item, (item,)) if isinstance(item, str) else (item,)
        every += [own for own in within if not (isinstance(own, str) and own in every)]
    return every


def named(item: object, kind: str = "optimizer") -> Choice:
    """The method that is meant by a name, a class or an instance.

    `kind` is what a mistake calls it: "optimizer", or "method" where update rules and minimizers are equals.
    Raises `UsageError` for a name that does not exist, for what is no method, and for a class that lacks the
    decorator `kobai.optimizers.hyperparameters`.
    """
    if isinstance(item, str) and item.startswith(of_optax.PREFIX):
        rule, rates = of_optax.named(item)
        return Choice(rule.name, rule, rates)
    entry = registry.entry_of(f"kind.{kind}", item, *TABLES)
    if entry is not None:
        return Choice(entry.name, entry.load()(), entry.learning_rates)
    if isinstance(item, type) and issubclass(item, Method):
        return named(item(), kind)
    if not isinstance(item, Method):
        raise UsageError(f"error.{kind}.type", value=quoted(item))
    if isinstance(item, Optimizer) and jax.tree_util.all_leaves([item]):
        raise UsageError("error.optimizer.plain", value=type(item).__name__)
    name = _name(item)
    check_arguments(type(item).__name__, {"name": name}, {"name": NAME})
    return Choice(name, item)


def distinct(names: list[str]) -> list[str]:
    """adam, adam -> adam, adam_2."""
    counts: dict[str, int] = {}
    numbered = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        numbered.append(name if counts[name] == 1 else f"{name}_{counts[name]}")
    return numbered


def _name(method: Method) -> str:
    known = registry.home_of(type(method), *TABLES)
    return getattr(method, "name", None) or (known.name if known else type(method).__name__.lower())


def starts(choice: Sequence[str | Initializer] | str | Initializer) -> list[Initializer]:
    """The initial values that are meant by names or objects, one or several; each once.

    Raises `UsageError` where there is none, and where two that differ have one name.
    """
    items: list[str | Initializer] = listed(choice)
    every = [parse(item) for item in items]
    if not every:
        raise UsageError("error.empty", name="initializers")
    distinct = {initializer.name: initializer for initializer in every}
    for initializer in every:
        check_arguments("Initializer", vars(initializer), {"name": NAME})
        if distinct[initializer.name] != initializer:
            raise UsageError("error.initializer.same", name=initializer.name)
    return list(distinct.values())
