"""Optimizers of optax by name, as a command line has them: ``optax.lion``, ``optax.contrib.muon``.

Every argument that is a number by default, or None, can be given values by name; numbers with a fraction by
default are hyperparameters, and whole ones a switch of the program.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from kobai.basics import registry
from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError, unknown
from kobai.optimizers.from_optax import RATELESS, FromOptax, from_optax, is_optimizer, name_of

PREFIX = "optax."

USUAL = registry.rates_from(-4.0)
"""The learning rates of a rule of which nothing is known: Adam's."""

FACTORS = registry.rates_from(-2.0)
"""Those of one that finds a rate itself."""


def named(text: str) -> tuple[FromOptax, tuple[float, ...]]:
    """The rule that is meant by "optax.lion" or "optax.contrib.muon", and its default learning rates.

    They are those of kobai's own rule of the name, if there is one. Raises `UsageError` where optax is not
    installed, has no such function, or the rule needs what the engine does not give.
    """
    factory = _factory(text)
    name = name_of(factory)
    known = registry.OPTIMIZERS.get(name)
    rates = known.learning_rates if known else FACTORS if name in RATELESS else USUAL
    arguments = _arguments(factory)
    if "learning_rate" not in arguments:
        return from_optax(factory), ()
    return from_optax(factory, learning_rate=rates[len(rates) // 2]), rates


def settable(rule: FromOptax) -> list[str]:
    """The arguments that can be given values by name."""
    defaults = _arguments(rule.factory)
    return [*dict.fromkeys([*rule.hyperparameters, *(n for n, v in defaults.items() if _is_plain(v))])]


def with_values(rule: FromOptax, values: Mapping[str, Any]) -> FromOptax:
    """The rule with other values of arguments; one that is whole by default takes whole numbers."""
    defaults = _arguments(rule.factory)
    given = {name: _like(rule, name, value, defaults.get(name)) for name, value in values.items()}
    return from_optax(rule.factory, **{**rule.hyperparameters, **dict(rule.switches), **given})


def _factory(text: str) -> Callable[..., Any]:
    try:
        import optax
    except ImportError as missing:
        raise UsageError("error.optax.missing", name=text) from missing
    room, name = (optax, text.removeprefix(PREFIX))
    if name.startswith("contrib."):
        room, name = optax.contrib, name.removeprefix("contrib.")
    factory = getattr(room, name, None) if name.isidentifier() and not name.startswith("_") else None
    if not inspect.isfunction(factory):
        within = text.rpartition(".")[0]
        every = [each for each in dir(room) if inspect.isfunction(getattr(room, each))]
        raise unknown("kind.optimizer", text, [f"{within}.{each}" for each in every if _is_rule(room, each)])
    return factory


def _is_rule(room: Any, name: str) -> bool:
    return not name.startswith("_") and is_optimizer(getattr(room, name))


def _arguments(factory: Callable[..., Any]) -> dict[str, Any]:
    """The arguments by name with their defaults; one that has none has the default None."""
    every = inspect.signature(factory).parameters.values()
    return {each.name: None if each.default is each.empty else each.default for each in every}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool) or is_number(value)


def _like(rule: FromOptax, name: str, value: Any, default: object) -> Any:
    """A number as the argument has it: whole, or True or False, where its default is."""
    if isinstance(default, bool | int) and not isinstance(default, float) and is_number(value):
        if not float(value).is_integer():
            raise UsageError("error.option.whole", option=f"{rule.name}.{name}", value=f"{value:g}")
        return bool(value) if isinstance(default, bool) else int(value)
    return value
