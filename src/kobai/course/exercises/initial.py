"""What the lessons on initial values share: weights of one standard deviation, the spread of each layer."""

import numpy as np

from kobai.course.exercise import function


def scaled(std):
    """The function that a learner writes for this standard deviation, a function of n₁ and n₂."""

    def initial(n1, n2, random):
        return std(n1, n2) * random.standard_normal((n1, n2))

    return initial


def initializer(name, std, **wrong):
    """An exercise that asks for initial weights of the standard deviation ``std(n₁, n₂)``; n₁ ≠ n₂ always."""
    cases = [(6, 3, np.random.default_rng(1)), (2, 5, np.random.default_rng(2))]
    return function(name, scaled(std), cases, **{key: scaled(other) for key, other in wrong.items()})


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
