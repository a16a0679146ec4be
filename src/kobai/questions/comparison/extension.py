"""A comparison that grows: the same question with more in it, which trains only what is new."""

from collections.abc import Mapping, Sequence
from typing import Any

from kobai.basics.checks import is_whole, listed
from kobai.basics.errors import UsageError, unknown
from kobai.study.outcome import Outcome

ADDED = ("optimizers", "initializers", "learning_rates", "also")
"""Arguments of `compare` to whose values more are added; so are those of every axis."""

OF_TASK = ("task", "data", "loss", "metric", "roles")
"""Arguments that make another task."""


def extended(arguments: Mapping[str, Any], outcome: Outcome, more: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compare` with more in them.

    Raises `UsageError` for what `compare` does not know, for what makes another task, and for fewer seeds.
    """
    result = {**arguments, "command": None}
    axes = [axis.name for axis in outcome.study.axes]
    for name, value in more.items():
        if name not in arguments or name in OF_TASK:
            raise unknown("kind.argument", name, [each for each in arguments if each not in OF_TASK])
        if name in ("seeds", "tuning_seeds"):
            before = getattr(outcome.study, name)
            if is_whole(value) and value < before:
                raise UsageError("error.extend.fewer", name=name, value=value, before=before)
            if name == "seeds":  # a number of its own takes the place of what ended the earlier ones
                result |= {"until_clear": False, "within": None, "budget": None}
        result[name] = _joined(name, arguments, outcome, value) if name in (*ADDED, *axes) else value
    return result


def _joined(name: str, arguments: Mapping[str, Any], outcome: Outcome, value: Any) -> list[Any]:
    """The values that there were, and behind them those that are new."""
    usual: dict[str, Sequence[Any]] = {
        "optimizers": [candidate.name for candidate in outcome.study.candidates],
        "initializers": list(outcome.study.initializers),
        "also": [],
    }
    if arguments[name] is None and name not in usual:
        raise UsageError("error.extend.rates")
    before = listed(usual[name] if arguments[name] is None else arguments[name])
    return [*before, *(new for new in listed(value) if not any(new is old or new == old for old in before))]
