"""Exercises that ask for an update rule: a class with ``update(params, grads)`` on dicts changed in place.

The reference is kobai's own rule. A wrong answer is either its own class written with a wrong formula, of the
signature ``formula(h, g, t, *memory) -> (Δ, new memory)`` (h: the hyperparameters), or the right formula in a
class that handles the arrays wrongly (`MISHANDLED`): those slips are the same for every rule.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from kobai.course.cases import AUTHORS, moved
from kobai.course.exercise import Case, Exercise, Mistake, Observation, as_numbers
from kobai.optimizers.base import Optimizer

Formula = Callable[..., tuple[Any, tuple[Any, ...]]]

STEPS = 3
SHAPES = {"W": (2, 3), "b": (3,)}


def right(h: Any, g: Any, t: Any, *memory: Any) -> tuple[Any, tuple[Any, ...]]:
    """kobai's own formula."""
    return h.rule(g, t, *memory)


def rule(kind: type[Optimizer], settings: list[dict[str, float]], **wrong: Formula) -> Exercise:
    """An exercise that asks for the class of an update rule, called as kobai's is.

    It is observed on an instance for each of `settings`, and on one with the defaults, whose gradients are of
    all sizes down to 1e-10, so that an ε as small as the defaults shows.

    Args:
      kind: kobai's rule.
      settings: hyperparameters of two instances; coefficients so large that every slip shows in the numbers.
      wrong: a wrong formula ``name=…``; its sentence is ``course.wrong.name``.
    """
    name = kind.__name__

    def observe(answer: Any, seed: int) -> Iterator[Case | Observation]:
        if not isinstance(answer, type):
            raise Mistake("no_class", name=name, value=type(answer).__name__)
        instances = [_with_other_numbers(setting, seed) for setting in settings] + [{}]
        yield Case(instances[0])
        _handling(answer, instances[0], seed)
        rules = [answer(**setting) for setting in instances[:-1]] + [_by_default(answer, kind, settings[0])]
        params = [_start(i, seed) for i in range(len(rules))]
        for step in range(STEPS):
            for i, own in enumerate(rules):
                grads = _gradients(i, step, seed)
                yield Case({**instances[i], **{f"grads[{key!r}]": g.copy() for key, g in grads.items()}})
                own.update(params[i], grads)
                for key, before in _start(i, seed).items():
                    place = {"step": step + 1, "array": key, "instance": i + 1}
                    yield Observation(("rule", place), as_numbers(params[i][key], name), origin=before)

    slips: dict[str, Any] = {mistake: written(kind, formula) for mistake, formula in wrong.items()}
    if kind.memories:
        slips["state_lost"] = written(kind, right, forgetting=True)
    slips |= {
        mistake: make(kind)
        for mistake, make in MISHANDLED.items()
        if kind.memories or mistake not in NEED_MEMORY
    }
    return Exercise(defines=name, observe=observe, reference=written(kind, right), wrong=slips)


def _by_default(answer: type, kind: type[Optimizer], names: Iterable[str]) -> Any:
    """An instance with the defaults; of a class that has none, with those of kobai's rule."""
    try:
        return answer()
    except TypeError:
        return answer(**{name: getattr(kind(), name) for name in names})


def _with_other_numbers(setting: dict[str, float], seed: int) -> dict[str, float]:
    """The hyperparameters of a seed: rates and ε times a number, decays with 1 − ρ times a number."""
    if seed == AUTHORS:
        return setting
    random = np.random.default_rng([seed, len(setting)])
    factor = {key: random.uniform(0.75, 1.3) for key in setting}
    decays = [key for key in setting if key.startswith(("decay", "momentum"))]
    return {
        key: 1 - (1 - value) * factor[key] if key in decays else value * factor[key]
        for key, value in setting.items()
    }


def _handling(answer: Any, setting: dict[str, float], seed: int) -> None:
    """Raise `Mistake` where an answer handles the arrays wrongly, whatever its formula."""
    name = answer.__name__
    params = _start(0, seed)
    held = dict(params)  # the arrays themselves, as the layers of a network hold them
    first = answer(**setting)
    for step in range(STEPS):
        grads = _gradients(0, step, seed)
        returned = first.update(params, grads)
        if any(not np.array_equal(grads[key], _gradients(0, step, seed)[key]) for key in SHAPES):
            raise Mistake("gradient_changed", name=name)
    start = _start(0, seed)
    if all(np.array_equal(held[key], start[key]) for key in SHAPES):
        if any(key not in params or not np.array_equal(params[key], start[key]) for key in SHAPES):
            raise Mistake("rebound", name=name)
        if returned is not None:
            raise Mistake("returned", name=name)
        if not _writes(answer(**setting), seed):
            raise Mistake("unchanged", name=name)

    again = _start(0, seed)
    second = answer(**setting)
    for step in range(STEPS):
        second.update(again, _gradients(0, step, seed))
    if any(not np.array_equal(again[key], params[key], equal_nan=True) for key in SHAPES):
        raise Mistake("shared", name=name)

    # A network may compute every gradient into the same arrays.
    refilled, buffer = _start(0, seed), _gradients(0, 0, seed)
    third = answer(**setting)
    for step in range(STEPS):
        for key, g in _gradients(0, step, seed).items():
            buffer[key][...] = g
        third.update(refilled, buffer)
    if any(not np.array_equal(refilled[key], params[key], equal_nan=True) for key in SHAPES):
        raise Mistake("aliased", name=name)


def _writes(instance: Any, seed: int) -> bool:
    """Whether `update` writes into the parameters at all: a step of 0 is taken, and changes nothing."""
    params = _start(0, seed)
    for array in params.values():
        array.flags.writeable = False
    try:
        instance.update(params, _gradients(0, 0, seed))
    except ValueError as problem:
        return "read-only" in str(problem)
    return False


def _start(instance: int, seed: int) -> dict[str, np.ndarray]:
    """The parameters before the first step of an instance: numbers of either sign."""
    return {
        key: moved(np.linspace(-1.0, 1.5, int(np.prod(shape))).reshape(shape) + 0.3 * instance, seed)
        for key, shape in SHAPES.items()
    }


def _gradients(instance: int, step: int, seed: int) -> dict[str, np.ndarray]:
    """The gradients of a step: none zero, of either sign, another direction and length at each step.

    Those of the third instance, which has the defaults, are of all sizes.
    """
    turned: float = (0.7, -1.1, 0.4)[step] * (1 + 0.5 * instance)
    size = 10.0 ** -(4 * np.arange(6) % 11) if instance == 2 else np.ones(6)
    return {
        key: moved(
            (
                size[: np.prod(shape)] * (turned * np.cos(np.arange(np.prod(shape)) + 1.7 * step) + 0.2)
            ).reshape(shape),
            seed,
        )
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
    class Answer(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            new = {key: p.copy() for key, p in params.items()}
            super().update(new, grads)
            params.update(new)

    return Answer


def _unchanged(kind: type[Optimizer]) -> type:
    class Answer(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            super().update({key: p.copy() for key, p in params.items()}, grads)

    return Answer


def _returned(kind: type[Optimizer]) -> type:
    class Answer(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> dict[str, Any]:
            new = {key: p.copy() for key, p in params.items()}
            super().update(new, grads)
            return new

    return Answer


def _gradient_changed(kind: type[Optimizer]) -> type:
    class Answer(written(kind, right)):  # type: ignore[misc]
        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            super().update(params, grads)
            for g in grads.values():
                g *= -0.1

    return Answer


def _shared(kind: type[Optimizer]) -> type:
    class Answer(written(kind, right)):  # type: ignore[misc]
        everybodys: dict[str, Any] = {}

        def __init__(self, **settings: float) -> None:
            super().__init__(**settings)
            self.memory = self.everybodys

    return Answer


def _aliased(kind: type[Optimizer]) -> type:
    class Answer(written(kind, right)):  # type: ignore[misc]
        memory: dict[str, Any]
        first: dict[str, Any]

        def recall(self, key: str, p: Any) -> tuple[Any, ...]:
            """The memory is the array of the first gradient itself."""
            return self.memory[key] if key in self.memory else (self.first[key],) * len(kind.memories)

        def update(self, params: dict[str, Any], grads: dict[str, Any]) -> None:
            self.first = copy.copy(grads) if self.t == 0 else self.first
            super().update(params, grads)
            self.memory = {key: (self.first[key],) * len(kind.memories) for key in self.memory}

    return Answer


MISHANDLED = {
    "rebound": _rebound,
    "unchanged": _unchanged,
    "returned": _returned,
    "gradient_changed": _gradient_changed,
    "shared": _shared,
    "aliased": _aliased,
}
NEED_MEMORY = ("shared", "aliased")
