"""What the lessons on initial values share: weights of one standard deviation, the spread of each layer."""

import copy

import numpy as np

from kobai.course.exercise import Mistake, function


def scaled(std):
    """The function that a learner writes for this standard deviation, a function of n₁ and n₂."""

    def initial(n1, n2, random):
        return std(n1, n2) * random.standard_normal((n1, n2))

    return initial


def uniform(std):
    """The same, of a uniform distribution of that standard deviation."""

    def initial(n1, n2, random):
        bound = 3**0.5 * std(n1, n2)
        return random.uniform(-bound, bound, (n1, n2))

    return initial


def initializer(name, std, **wrong):
    """An exercise that asks for initial weights of the standard deviation ``std(n₁, n₂)``; n₁ ≠ n₂ always."""
    cases = [(6, 3, np.random.default_rng(1)), (2, 5, np.random.default_rng(2))]

    def recognise(exercise, trace, expected, seed):  # noqa: ARG001
        """Whether all numbers were drawn uniformly, between whatever bounds."""
        pairs = zip(trace, expected, strict=True)
        return Mistake(f"{name}.uniform") if all(_is_uniform(*pair) for pair in pairs) else None

    answers = {key: scaled(other) for key, other in wrong.items()} | {"uniform": uniform(std)}
    return function(name, scaled(std), cases, recognise=recognise, **answers)


def _is_uniform(own, right):
    """Whether the numbers are those that the generator draws between 0 and 1, stretched and shifted."""
    drawn = copy.deepcopy(right.inputs["random"]).random(own.value.shape)
    with np.errstate(all="ignore"):
        return abs(np.corrcoef(own.value.ravel(), drawn.ravel())[0, 1]) > 1 - 1e-6


def layer_stds(x, weights, f, *, ddof=0, variance=False, chain=True, before=False):
    """The standard deviation of the activations of each layer."""
    stds = []
    for W in weights:
        h = x @ W
        std = (h if before else f(h)).std(ddof=ddof)
        stds.append(std**2 if variance else std)
        x = f(h) if chain else h
    return stds


random = np.random.default_rng(35)
STACKS = [
    (random.normal(size=(4, 3)), [random.normal(size=s) for s in ((3, 5), (5, 2), (2, 4))], np.tanh),
    (
        random.normal(size=(3, 2)),
        [random.normal(size=s) for s in ((2, 2), (2, 3))],
        lambda h: np.maximum(h, 0),
    ),
]
