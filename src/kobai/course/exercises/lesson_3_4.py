"""The exercises of lesson 3_4: activations layer by layer, saturation, standardising."""

from functools import partial

import numpy as np

from kobai.course.exercise import Exercise, function
from kobai.course.families import family

random = np.random.default_rng(34)
X = random.normal(size=(4, 3))
WEIGHTS = [random.normal(size=shape) for shape in ((3, 5), (5, 2), (2, 4))]


def identity_and_half(h):
    return np.where(h > 0, h, 0.5 * h)


def layers(x, weights, f, *, chain=True, apply=True, with_input=False, last=False):
    activations = [x] if with_input else []
    for W in weights:
        h = x @ W
        a = f(h)
        activations.append(a if apply else h)
        x = a if chain else h
    return activations[-1] if last else activations


def layers_scaled_input(x, weights, f):
    return [f(x) @ W for x, W in zip([x, *layers(x, weights, f)], weights, strict=False)]


A = [(np.array([[0.96, -0.99, 0.2], [0.95, -0.5, 1.0]]),), (np.array([0.3, -0.7, 0.71, 0.9, 0.2]), 0.7)]


def saturated(a, limit=0.95):
    return (np.abs(a) > limit).mean()


TRAIN = np.array([[1.0, 5.0, 10.0], [2.0, 5.0, -30.0], [6.0, 5.0, 20.0], [3.0, 5.0, 0.0]])
OTHERS = np.array([[0.0, 5.0, 10.0], [4.0, 5.0, 5.0]])
# A feature that varies, but so little that an ε in the denominator shows, be it as small as 1e-12.
FAINT, FAINT_OTHERS = TRAIN * np.array([1.0, 1.0, 2e-8]), OTHERS * np.array([1.0, 1.0, 2e-8])


def standardize(train, others, *, axis=0, ddof=0, guard=True, own=False, centre=True, variance=False):
    def scaled(x, by):
        mean, std = by.mean(axis=axis, keepdims=True), by.std(axis=axis, ddof=ddof, keepdims=True)
        std = std**2 if variance else std
        return (x - mean * centre) / (np.where(std == 0, 1, std) if guard else std)

    return scaled(train, train), scaled(others, others if own else train)


def standardize_epsilon(train, others, *, size=0.01):
    mean, std = train.mean(axis=0), train.std(axis=0) + size
    return (train - mean) / std, (others - mean) / std


def standardize_epsilon_inside(train, others, *, size):
    mean, std = train.mean(axis=0), np.sqrt(train.var(axis=0) + size)
    return (train - mean) / std, (others - mean) / std


EXERCISES: dict[str, Exercise] = {
    "layers": function(
        "layers",
        layers,
        [(X, WEIGHTS, np.tanh), (X[:2], WEIGHTS[:2], identity_and_half)],
        no_activation=lambda x, weights, f: layers(x, weights, lambda h: h),
        before_activation=partial(layers, apply=False),
        not_chained=partial(layers, chain=False),
        activation_first=layers_scaled_input,
        with_input=partial(layers, with_input=True),
        last_only=partial(layers, last=True),
    ),
    "saturated": function(
        "saturated",
        saturated,
        A,
        no_absolute=lambda a, limit=0.95: (a > limit).mean(),
        count=lambda a, limit=0.95: (np.abs(a) > limit).sum(),
        complement=lambda a, limit=0.95: 1 - (np.abs(a) > limit).mean(),
        at_limit=lambda a, limit=0.95: (np.abs(a) >= limit).mean(),
        percent=lambda a, limit=0.95: 100 * (np.abs(a) > limit).mean(),
        fixed_limit=lambda a, limit=0.95: (np.abs(a) > 0.95).mean(),
    ),
    "standardize": function(
        "standardize",
        standardize,
        [(TRAIN, OTHERS), (OTHERS * 2 + np.array([0.0, -5.0, 2.0]), TRAIN), (FAINT, FAINT_OTHERS)],
        inseparable=("train", "others"),  # which agree on the feature that never varies
        own_statistics=partial(standardize, own=True),
        no_guard=partial(standardize, guard=False),
        sample_std=partial(standardize, ddof=1),
        rows=partial(standardize, axis=1, own=True),
        whole=partial(standardize, axis=None),
        not_centred=partial(standardize, centre=False),
        variance=partial(standardize, variance=True),
        epsilon=standardize_epsilon,
        recognise=family(
            "standardize.epsilon",
            lambda size: partial(standardize_epsilon, size=size),
            lambda size: partial(standardize_epsilon_inside, size=size),
        ),
    ),
}
