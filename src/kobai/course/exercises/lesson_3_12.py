"""The exercises of lesson 3_12: weights reused, arrays frozen or slowed, steps saved."""

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from kobai.course.cases import moved
from kobai.course.exercise import Case, Exercise, Mistake, Observation, as_numbers, function, observations

Arrays = dict[str, np.ndarray]

# Weights reused


def network(*widths: int) -> Arrays:
    """Parameters of a trained network, as far as anyone can see."""
    random = np.random.default_rng(312 + len(widths))
    params: Arrays = {}
    for i, (n1, n2) in enumerate(zip(widths, widths[1:], strict=False), start=1):
        params |= {f"W{i}": random.normal(size=(n1, n2)), f"b{i}": random.normal(size=n2)}
    return params


SOURCES = [(network(4, 5, 3, 6), 2), (network(3, 4, 2), 5)]


def reuse(
    params: Arrays,
    outputs: int,
    random: np.random.Generator,
    *,
    std: Callable[[int, int], float] = lambda n1, n2: np.sqrt(2 / n1),
    bias: float | None = 0.0,
    layer: Callable[[int], int] = lambda last: last,
    kept: bool = True,
) -> Arrays:
    last = len(params) // 2
    new = {
        key: array.copy() if kept else random.standard_normal(array.shape) for key, array in params.items()
    }
    i = layer(last)
    n1 = len(params[f"W{i}"])
    new[f"W{i}"] = std(n1, outputs) * random.standard_normal((n1, outputs))
    if bias is not None:
        new[f"b{i}"] = np.full(outputs, bias)
    return new


def old_head(params: Arrays, outputs: int, random: np.random.Generator) -> Arrays:
    return copy.deepcopy(params)


def head_alone(params: Arrays, outputs: int, random: np.random.Generator) -> Arrays:
    last = len(params) // 2
    return {key: array for key, array in reuse(params, outputs, random).items() if key.endswith(str(last))}


def shared(params: Arrays, outputs: int, random: np.random.Generator) -> Arrays:
    last = len(params) // 2
    head = reuse(params, outputs, random)
    return {**params, f"W{last}": head[f"W{last}"], f"b{last}": head[f"b{last}"]}


def observe_reuse(answer: Any, seed: int) -> Iterator[Case | Observation]:
    """The new parameters; and whether a training of them would change the source."""
    for case, (params, outputs) in enumerate(SOURCES, start=1):
        params = moved(params, seed)
        source = copy.deepcopy(params)
        yield Case({"params": params, "outputs": outputs, "random": np.random.default_rng(case)})
        new = answer(source, outputs, np.random.default_rng([case, seed]))
        if new is None:
            raise Mistake("nothing_returned", name="reuse")
        if not isinstance(new, dict):
            raise Mistake("reuse.no_dict")
        if not _same(source, params):
            raise Mistake("arguments_changed", name="reuse")
        if any(np.shares_memory(mine, array) for mine in new.values() for array in source.values()):
            raise Mistake("reuse.shared")
        for key in list(params)[:-2]:
            if (
                key in new
                and np.shape(new[key]) == params[key].shape
                and not np.array_equal(new[key], params[key])
            ):
                raise Mistake("reuse.drawn_anew", array=key)
        yield from observations(new, {"name": "reuse", "case": case})


def _same(left: Arrays, right: Arrays) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[key], right[key]) for key in left)


# Frozen and slowed arrays

GRADIENTS = network(3, 2, 4)
STARTS = {key: array + 1 for key, array in GRADIENTS.items()}
FACTORS = [{"W1": 0.0, "b1": 0.25}, {"W2": 0.5}, {}]
RATES = [0.5, 0.5, 0.2]


def update(
    params: Arrays,
    grads: Arrays,
    learning_rate: float,
    factors: dict[str, float],
    *,
    of: Callable[[dict[str, float], str], float] = lambda factors, key: factors.get(key, 1.0),
    sign: int = -1,
) -> None:
    for key in params:
        params[key] += sign * learning_rate * of(factors, key) * grads[key]


def rebound(params: Arrays, grads: Arrays, learning_rate: float, factors: dict[str, float]) -> None:
    for key in params:
        params[key] = params[key] - learning_rate * factors.get(key, 1.0) * grads[key]


def observe_update(answer: Any, seed: int) -> Iterator[Case | Observation]:
    """The arrays after one step with each set of factors; the last time with another learning rate."""
    starts, gradients = moved((STARTS, GRADIENTS), seed)
    for case, (factors, rate) in enumerate(zip(FACTORS, RATES, strict=True), start=1):
        params, grads = copy.deepcopy(starts), copy.deepcopy(gradients)
        held = dict(params)
        yield Case({"params": starts, "grads": gradients, "learning_rate": rate, "factors": factors})
        answer(params, grads, rate, dict(factors))
        if not _same(grads, gradients):
            raise Mistake("arguments_changed", name="update")
        if any(params.get(key) is not held[key] for key in held):
            raise Mistake("rebound", name="update")
        for key in sorted(held):
            place = {"name": "update", "case": case, "array": f"params[{key!r}]"}
            yield Observation(("array", place), as_numbers(held[key], "update"), origin=starts[key])


# Steps saved

CURVES = [
    (np.array([0.1, 0.3, 0.55, 0.6, 0.7]), np.array([0.2, 0.6, 0.5, 0.65, 0.7]), 0.6, 10, 0),
    (np.array([0.1, 0.2, 0.3, 0.4, 0.45]), np.array([0.1, 0.3, 0.5, 0.5, 0.6]), 0.5, 20, 50),
    (np.array([0.1, 0.4, 0.6, 0.8]), np.array([0.1, 0.2, 0.3, 0.35]), 0.5, 5, 0),
    (np.array([0.1, 0.3, 0.5, 0.6]), np.array([0.55, 0.6, 0.6, 0.6]), 0.5, 10, 5),
]


def arrival(values: np.ndarray, target: float, every: int, missed: float | None = None) -> float:
    met = np.flatnonzero(values >= target)
    return float(every * met[0]) if len(met) else every * (len(values) - 1) if missed is None else missed


def steps_saved(
    scratch: Any, reused: Any, target: float, every: int, spent: int, *, when: Any = arrival
) -> float:
    return float(when(scratch, target, every) - (spent + when(reused, target, every)))


def strictly(values: np.ndarray, target: float, every: int) -> float:
    return arrival(values - 1e-12, target, every)


def staying(values: np.ndarray, target: float, every: int) -> float:
    below = np.flatnonzero(values < target)
    first = below[-1] + 1 if len(below) else 0
    return float(every * min(first, len(values) - 1))


EXERCISES: dict[str, Exercise] = {
    "reuse": Exercise(
        defines="reuse",
        observe=observe_reuse,
        reference=reuse,
        wrong={
            "reuse.shared": shared,
            "reuse.no_dict": lambda *arguments: list(reuse(*arguments).values()),
            "reuse.old_head": old_head,
            "reuse.head_alone": head_alone,
            "reuse.drawn_anew": partial(reuse, kept=False),
            "reuse.first_layer": partial(reuse, layer=lambda last: 1),  # noqa: ARG005
            "reuse.old_bias": partial(reuse, bias=None),
            "reuse.ones": partial(reuse, bias=1.0),
            "reuse.zeros": partial(reuse, std=lambda n1, n2: 0.0),  # noqa: ARG005
            "reuse.unit": partial(reuse, std=lambda n1, n2: 1.0),  # noqa: ARG005
            "reuse.no_root": partial(reuse, std=lambda n1, n2: 2 / n1),  # noqa: ARG005
            "reuse.outputs": partial(reuse, std=lambda n1, n2: np.sqrt(2 / n2)),  # noqa: ARG005
            "nothing_returned": lambda params, outputs, random: None,  # noqa: ARG005
        },
    ),
    "update": Exercise(
        defines="update",
        observe=observe_update,
        reference=update,
        wrong={
            "rebound": rebound,
            "update.all_move": partial(update, of=lambda factors, key: 1.0),  # noqa: ARG005
            "update.missing_frozen": partial(update, of=lambda factors, key: factors.get(key, 0.0)),
            "update.slow_frozen": partial(update, of=lambda factors, key: 0.0 if key in factors else 1.0),
            "update.turned": partial(update, of=lambda factors, key: 1 - factors.get(key, 0.0)),
            "update.only_zero": partial(update, of=lambda factors, key: float(factors.get(key, 1.0) > 0)),
            "update.sign": partial(update, sign=1),
        },
    ),
    "steps_saved": function(
        "steps_saved",
        steps_saved,
        CURVES,
        evaluations=lambda a, b, target, every, spent: steps_saved(a, b, target, 1, spent),  # noqa: ARG005
        strictly=partial(steps_saved, when=strictly),
        stays=partial(steps_saved, when=staying),
        missed_is_zero=partial(steps_saved, when=partial(arrival, missed=0.0)),
        missed_is_last=partial(
            steps_saved, when=lambda v, target, every: arrival(v, target, every, every * len(v))
        ),
        unpaid=lambda a, b, target, every, spent: steps_saved(a, b, target, every, 0),  # noqa: ARG005
        paid_back=lambda a, b, target, every, spent: steps_saved(a, b, target, every, -spent),
        turned=lambda a, b, target, every, spent: -steps_saved(a, b, target, every, spent),
    ),
}
