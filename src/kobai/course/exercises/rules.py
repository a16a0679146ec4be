"""Exercises that ask for an update rule: a class with ``update(params, grads)`` on dicts changed in place.

The reference is kobai's own rule. A wrong answer is either its own class written with a wrong formula, of the
signature ``formula(h, g, t, *memory) -> (Δ, new memory)`` (h: the hyperparameters), or the right formula in a
class that handles the arrays wrongly (`MISHANDLED`): those slips are the same for every rule.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kobai.course.exercise import Exercise, Mistake, Seen, as_numbers
from kobai.optimizers.base import Optimizer

Formula = Callable[..., tuple[Any, tuple[Any, ...]]]

STEPS = 3
SHAPES = {"W": (2, 3), "b": (3,)}


def right(h: Any, g: Any, t: Any, *memory: Any) -> tuple[Any, tuple[Any, ...]]:
    """kobai's own formula."""
    return h.rule(g, t, *memory)


def rule(kind: type[Optimizer], settings: list[dict[str, float]], **wrong: Formula) -> Exercise:
    """An exercise that asks for the class of an update rule, called as kobai's is.

    Args:
      kind: kobai's rule.
      settings: hyperparameters of two instances; coefficients so large that every slip shows in the numbers.
      wrong: a wrong formula ``name=…``; its sentence is ``course.wrong.name``.
    """
    name = kind.__name__

    def observe(answer: Any) -> Iterator[Seen]:
        if not isinstance(answer, type):
            raise Mistake("no_class", name=name, value=type(answer).__name__)
        _handling(answer, settings[0])
        rules = [answer(**setting) for setting in settings]
        params = [_start(i) for i in range(len(rules))]
        for step in range(STEPS):
            for i, own in enumerate(rules):
                own.update(params[i], _gradients(i, step))
                for key in SHAPES:
                    place = {"step": step + 1, "array": key, "instance": i + 1}
                    yield Seen(("rule", place), as_numbers(params[i][key], name).copy())

    named: dict[str, Any] = {mistake: written(kind, formula) for mistake, formula in wrong.items()}
    if kind.memories:
        named["state_lost"] = written(kind, right, forgetting=True)
    handled = {
        mistake: make(kind)
        for mistake, make in MISHANDLED.items()
        if kind.memories or mistake not in NEED_MEMORY
    }
    return Exercise(defines=name, observe=observe, reference=written(kind, right), wrong=named | handled)


def _handling(answer: Any, setting: dict[str, float]) -> None:
    """Raise `Mistake` where an answer handles the arrays wrongly, whatever its formula."""
    name = answer.__name__
    params = _start(0)
    held = dict(params)  # the arrays themselves, as the layers of a network hold them
    first = answer(**setting)
    for step in range(STEPS):
        grads = _gradients(0, step)
        returned = first.update(params, grads)
        if any(not np.array_equal(grads[key], _gradients(0, step)[key]) for key in SHAPES):
            raise Mistake("gradient_changed", name=name)
    start = _start(0)
    if all(np.array_equal(held[key], start[key]) for key in SHAPES):
        if any(key not in params or not np.array_equal(params[key], start[key]) for key in SHAPES):
            raise Mistake("rebound", name=name)
        raise Mistake("unchanged" if returned is None else "returned", name=name)

    again = _start(0)
    second = answer(**setting)
    for step in range(STEPS):
        second.update(again, _gradients(0, step))
    if any(not np.array_equal(again[key], params[key], equal_nan=True) for key in SHAPES):
        raise Mistake("shared", name=name)

    # A network may compute every gradient into the same arrays.
    refilled, buffer = _start(0), _gradients(0, 0)
    third = answer(**setting)
    for step in range(STEPS):
        for key, g in _gradients(0, step).items():
            buffer[key][...] = g
        third.update(refilled, buffer)
    if any(not np.array_equal(refilled[key], params[key], equal_nan=True) for key in SHAPES):
        raise Mistake("aliased", name=name)


def _start(instance: int) -> dict[str, np.ndarray]:
    """The parameters before the first step of an instance: fixed numbers of either sign."""
    return {
        key: np.linspace(-1.0, 1.5, int(np.prod(shape))).reshape(shape) + 0.3 * instance
        for key, shape in SHAPES.items()
    }


def _gradients(instance: int, step: int) -> dict[str, np.ndarray]:
    """The gradients of a step: none zero, of either sign, another direction and length at each step."""
    turned: float = (0.7, -1.1, 0.4)[step] * (1 + 0.5 * instance)
    return {
        key: turned * np.cos(np.arange(np.prod(shape)) + 1.7 * step).reshape(shape) + 0.2
        for key, shape in SHAPES.items()
    }


def written(
    kind: type[Optimizer], formula: Formula, *, forgetting: bool = False, counting_arrays: bool = False
) -> type:
    """The class that a learner would write with this formula.

    Two slips: `forgetting` never keeps the memory, `counting_arrays` counts t for each array instead of step.
    """

    class Answer:
        def __init__(self, **settings: float) -> None:
            self.h = kind(**settings)
            self.memory: dict[str, tuple[Any, ...]] = {}
            self.t = 0

        def recall(self, key: str, p: Any) -> tuple[Any, ...]:
            return self.memory.get(key) or tuple(np.zeros_like(p) for _ in kind.memories)

        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            self.t += not counting_arrays
            for key, p in params.items():
                self.t += counting_arrays
                Δ, memory = formula(self.h, grads[key], self.t, *self.recall(key, p))
                p += Δ
                if not forgetting:
                    self.memory[key] = memory

    Answer.__name__ = kind.__name__
    return Answer


# The right formula in a class that handles the arrays wrongly


def _rebound(kind: type[Optimizer]) -> type:
    class Rebound(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            new = {key: p.copy() for key, p in params.items()}
            super().update(new, grads)
            params.update(new)

    return Rebound


def _unchanged(kind: type[Optimizer]) -> type:
    class Unchanged(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            super().update({key: p.copy() for key, p in params.items()}, grads)

    return Unchanged


def _returned(kind: type[Optimizer]) -> type:
    class Returned(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> dict[str, Any]:
            new = {key: p.copy() for key, p in params.items()}
            super().update(new, grads)
            return new

    return Returned


def _gradient_changed(kind: type[Optimizer]) -> type:
    class GradientChanged(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            super().update(params, grads)
            for g in grads.values():
                g *= -0.1

    return GradientChanged


def _shared(kind: type[Optimizer]) -> type:
    class Shared(written(kind, right)):  # type: ignore[misc]
        everybodys: dict[str, Any] = {}

        def __init__(self, **settings: float) -> None:
            super().__init__(**settings)
            self.memory = self.everybodys

    return Shared


def _aliased(kind: type[Optimizer]) -> type:
    class Aliased(written(kind, right)):  # type: ignore[misc]
        memory: dict[str, Any]
        first: dict[str, Any]

        def recall(self, key: str, p: Any) -> tuple[Any, ...]:
            """The memory is the array of the first gradient itself."""
            return self.memory[key] if key in self.memory else (self.first[key],) * len(kind.memories)

        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            self.first = copy.copy(grads) if self.t == 0 else self.first
            super().update(params, grads)
            self.memory = {key: (self.first[key],) * len(kind.memories) for key in self.memory}

    return Aliased


MISHANDLED = {
    "rebound": _rebound,
    "unchanged": _unchanged,
    "returned": _returned,
    "gradient_changed": _gradient_changed,
    "shared": _shared,
    "aliased": _aliased,
}
NEED_MEMORY = ("shared", "aliased")
