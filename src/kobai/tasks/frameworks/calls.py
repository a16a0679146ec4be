"""How a model is called: with its inputs, in its mode; and what a call changes and draws."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jaxtyping import PyTree

from kobai.networks.network import Inputs

MODES = {
    **dict.fromkeys(("training", "train", "is_training"), True),
    **dict.fromkeys(("deterministic", "inference", "use_running_average"), False),
}
"""What the frameworks call the argument that says the mode, and its value in training."""


def taken(function: Callable[..., Any]) -> set[str]:
    """The arguments that a function takes by name."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a builtin
        return set()
    return {each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}


def mode(function: Callable[..., Any], training: bool) -> dict[str, bool]:
    """The arguments that tell a function its mode, as far as it takes any."""
    return {name: value == training for name, value in MODES.items() if name in taken(function)}


def called(function: Callable[..., Any], x: Inputs, *more: object, **named: object) -> PyTree:
    """A function of the inputs: one array, several by position, or several by name."""
    if isinstance(x, Mapping):
        return function(*more, **x, **named)
    return function(*(x if isinstance(x, tuple) else (x,)), *more, **named)


def changed(call: Callable[[list[PyTree]], Sequence[PyTree]], values: Sequence[PyTree]) -> list[bool]:
    """Which of the values a call gives back as others; it is traced once, and computes nothing."""
    marks: list[bool] = []

    def once(values: list[PyTree]) -> None:
        marks.extend(new is not old for new, old in zip(call(values), values, strict=True))

    jax.eval_shape(once, list(values))
    return marks


def draws(call: Callable[[jax.Array], PyTree]) -> bool:
    """Whether a call draws with the key that it is given; it is traced once, and computes nothing."""
    jaxpr = jax.make_jaxpr(lambda data: call(jax.random.wrap_key_data(data)))(
        jax.random.key_data(jax.random.key(0))
    ).jaxpr
    # A key that is only split or folded draws nothing.
    return any("random_bits" in str(equation) for equation in jaxpr.eqns)
