"""The exercises of lesson 3_6: ReLU and the mean square, He's initial values, the spread of a network."""

import numpy as np

from kobai.course.exercise import Exercise, function
from kobai.course.exercises.initial import initializer, scaled

random = np.random.default_rng(36)
H = [(random.normal(size=(3, 4)),), (random.normal(size=7) - 0.4,)]
X = random.normal(size=(5, 4))

HE = scaled(lambda n1, n2: (2 / n1) ** 0.5)
LECUN = scaled(lambda n1, n2: (1 / n1) ** 0.5)


def relu(h):
    return np.maximum(h, 0)


def spread(
    x, widths, f, initial, random, *, chain=True, skip=0, first=False, mean_square=False, before=False
):
    for n1, n2 in list(zip(widths, widths[1:], strict=False))[skip:]:
        h = x @ initial(n1, n2, random)
        a = f(h)
        if first:
            return a.std()
        x = a if chain else h
    last = h if before else a
    return np.sqrt((last**2).mean()) if mean_square else last.std()


def spread_backwards(x, widths, f, initial, random):
    """Weights drawn from the last layer to the first."""
    pairs = list(zip(widths, widths[1:], strict=False))
    weights = [initial(n1, n2, random) for n1, n2 in reversed(pairs)]
    for W in reversed(weights):
        x = f(x @ W)
    return x.std()


def spread_all(x, widths, f, initial, random):
    stds = []
    for n1, n2 in zip(widths, widths[1:], strict=False):
        x = f(x @ initial(n1, n2, random))
        stds.append(x.std())
    return stds


CASES = [
    (X, [4, 3, 6, 2], relu, HE, np.random.default_rng(1)),
    (X, [4, 5, 3], np.tanh, LECUN, np.random.default_rng(2)),
]


def with_options(**options):
    return lambda *case: spread(*case, **options)


EXERCISES: dict[str, Exercise] = {
    "relu_factor": function(
        "relu_factor",
        lambda h: (relu(h) ** 2).mean() / (h**2).mean(),
        H,
        variance=lambda h: relu(h).var() / h.var(),
        std=lambda h: np.sqrt((relu(h) ** 2).mean() / (h**2).mean()),
        positive_only=lambda h: (h[h > 0] ** 2).mean() / (h**2).mean(),
        upside_down=lambda h: (h**2).mean() / (relu(h) ** 2).mean(),
        no_square=lambda h: relu(h).mean() / np.abs(h).mean(),
        share=lambda h: (h > 0).mean(),
    ),
    "he": initializer(
        "he",
        lambda n1, n2: (2 / n1) ** 0.5,
        xavier=lambda n1, n2: (2 / (n1 + n2)) ** 0.5,
        one=lambda n1, n2: (1 / n1) ** 0.5,
        n2=lambda n1, n2: (2 / n2) ** 0.5,
        variance=lambda n1, n2: 2 / n1,
        two_outside=lambda n1, n2: 2 / n1**0.5,
        divided=lambda n1, n2: (n1 / 2) ** 0.5,
    ),
    "spread": function(
        "spread",
        spread,
        CASES,
        not_chained=with_options(chain=False),
        first_only=with_options(first=True),
        mean_square=with_options(mean_square=True),
        before_activation=with_options(before=True),
        backwards=spread_backwards,
        all_layers=spread_all,
    ),
}
