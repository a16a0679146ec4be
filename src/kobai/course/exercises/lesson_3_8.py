"""The exercises of lesson 3_8: early stopping, regularization, a surrogate, the sum, maximum likelihood."""

import itertools
from functools import partial

import numpy as np

from kobai.course.exercise import Exercise, function
from kobai.course.families import one_of

# Early stopping

CURVES = [
    (np.array([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.0, 1.0]), 3),
    (np.array([5.0, 4.0, 3.0, 3.5, 2.0, 2.5, 2.2, 2.6, 1.0]), 3),
    (np.array([3.0, 2.0, 1.0]), 2),
    (np.array([2.0, 2.0, 2.0, 1.0]), 2),
    (np.array([5.0, 4.0, 3.0, 3.5, 3.2, 3.4, 3.1, 2.9]), 3),
    (np.array([3.0, 1.0, 2.0, 3.0, 4.0, 0.5]), 3),
    (np.array([3.0, 1.0, 2.0]), 3),  # it ends before it stops, and not at its best
]


def early_stop(values, patience, *, first=1, consecutive_rises=False, equal=False, late=0, total=False):
    best, lowest, waited, before = 0, np.inf, 0, np.inf
    for step, value in enumerate(values, start=1):
        beaten = value < lowest or (equal and value == lowest)
        worse = value > before if consecutive_rises else not beaten
        waited = waited + 1 if worse else (waited if total else 0)
        best, lowest = (step, value) if beaten else (best, lowest)
        before = value
        if worse and waited >= patience + late:
            return best + first - 1, step + first - 1
    return best + first - 1, len(values) + first - 1


def early_stop_reversed(values, patience, *, lowest=np.inf, best=0, counting=False, equal=True):
    """The comparison with the lowest value the wrong way round, whatever the two begin with."""
    waited = 0
    for step, value in enumerate(values, start=1):
        if value > lowest or (equal and value == lowest):
            best, lowest, waited = step, value, 0
            continue
        waited += 1
        if (waited if counting else step - best) >= patience:
            return best, step
    return best, len(values)


def early_stop_from_first(values, patience, **more):
    return early_stop_reversed(values, patience, lowest=values[0], **more)


def all_reversed():
    """Every way to begin."""
    for best, counting, equal in itertools.product((0, 1), (False, True), (False, True)):
        more = {"best": best, "counting": counting, "equal": equal}
        yield partial(early_stop_from_first, **more)
        yield partial(early_stop_reversed, **more)
        yield partial(early_stop_reversed, lowest=-np.inf, **more)


def early_stop_never(values, patience):
    return int(np.argmin(values)) + 1, len(values)


# Regularization

LAYERS = {
    "W1": np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.0]]),
    "b1": np.array([4.0, -1.0]),
    "W2": np.array([[2.0], [-0.5]]),
    "b2": np.array([-3.0]),
}
SLOPES = {
    "W1": np.array([[0.1, 0.7], [-0.4, 0.2], [0.9, -0.6]]),
    "b1": np.array([-0.3, 0.8]),
    "W2": np.array([[-0.7], [1.1]]),
    "b2": np.array([0.25]),
}


def with_l2(grads, params, strength, *, first="W", factor=1.0, slope=np.asarray):
    penalty = {key: factor * strength * slope(params[key]) for key in params if key.startswith(first)}
    return {key: g + penalty.get(key, 0.0) for key, g in grads.items()}


# The surrogate

# Labels are whole numbers, which stay ±1 in a grade. Scores of 0 with either label, small right ones, and
# another error rate if the labels are not looked at.
S, Y = np.array([2.0, -0.5, 0.3, -1.5, 0.0]), np.array([1, -1, -1, -1, 1])
S1, Y1 = np.array([0.7, -2.0, 1.1, 0.0]), np.array([-1, 1, 1, -1])


def two_losses(s, y, *, sign=-1, total=False):
    average = np.sum if total else np.mean
    return average(y * s <= 0), average(np.log(1 + np.exp(sign * y * s)))


def accuracy_instead(s, y):
    return (y * s > 0).mean(), two_losses(s, y)[1]


def zero_is_right(s, y):
    return (y * s < 0).mean(), two_losses(s, y)[1]


def no_label(s, y):
    return two_losses(s, y)[0], np.log(1 + np.exp(-s)).mean()


def no_one(s, y):
    return two_losses(s, y)[0], (-y * s).mean()


# The objective as a sum


def slope(x, t):
    """The gradient of the mean squared error of w·x at w = (1, −1)."""
    error = x @ np.array([1.0, -1.0]) - t
    return 2 * x.T @ error / len(x)


def typical(x, t):
    """No mean: it depends on how the data are split."""
    return np.median(x * t[:, None], axis=0)


random = np.random.default_rng(38)
DATA = random.normal(size=(6, 2)), random.normal(size=6)


def mean_gradient(gradient, x, t, size, *, total=False, first=False, scaled=False, step=None):
    starts = range(0, len(x), step or size)
    gradients = [gradient(x[i : i + size], t[i : i + size]) for i in starts]
    if first:
        return gradients[0]
    gradient = np.sum(gradients, axis=0) if total else np.mean(gradients, axis=0)
    return gradient / size if scaled else gradient


def mean_over_everything(gradient, x, t, size):
    return np.mean([gradient(x[i : i + size], t[i : i + size]) for i in range(0, len(x), size)])


# Maximum likelihood

X, X1 = np.array([1.0, 2.0, 3.0, 4.0, 10.0]), np.array([-0.5, 0.7, 0.1])


def log_likelihood(x, mean, std, *, mean_of=False, half=2, scale=1.0, constant=True, power=1):
    each = -((x - mean) ** 2) / (half * std**2) - scale * np.log(std) * power
    each = each - np.log(2 * np.pi) / 2 if constant else each
    return each.mean() if mean_of else each.sum()


POINTS = np.array([-0.5, 0.2, 1.1, 1.7]), np.array([0.3, 1.4, 1.2, 2.6])


def regression_likelihood(theta, x, y, std, *, bias=1.0, **more):
    return log_likelihood(y, theta[0] * x + bias * theta[1], std, **more)


EXERCISES: dict[str, Exercise] = {
    "early_stop": function(
        "early_stop",
        early_stop,
        CURVES,
        from_zero=partial(early_stop, first=0),
        rises=partial(early_stop, consecutive_rises=True),
        equal=partial(early_stop, equal=True),
        late=partial(early_stop, late=1),
        early=partial(early_stop, late=-1),
        reversed=early_stop_reversed,
        impatient=lambda values, patience: early_stop(values, min(patience, 1)),
        total=partial(early_stop, total=True),
        never=early_stop_never,
        order=lambda values, patience: early_stop(values, patience)[::-1],
        recognise=one_of({"early_stop.reversed": [*all_reversed()]}),
    ),
    "with_l2": function(
        "with_l2",
        with_l2,
        [(SLOPES, LAYERS, 0.3), (SLOPES, LAYERS, 1.5)],
        biases=partial(with_l2, first=("W", "b")),
        only_biases=partial(with_l2, first="b"),
        doubled=partial(with_l2, factor=2.0),
        nothing=partial(with_l2, factor=0.0),
        sign=partial(with_l2, factor=-1.0),
        l1=partial(with_l2, slope=np.sign),
        decayed_gradient=lambda grads, params, strength: {
            key: g * (1 + strength) if key[0] == "W" else g for key, g in grads.items()
        },
    ),
    "two_losses": function(
        "two_losses",
        two_losses,
        [(S, Y), (S1, Y1)],
        accuracy=accuracy_instead,
        zero_is_right=zero_is_right,
        sign=partial(two_losses, sign=1),
        no_mean=partial(two_losses, total=True),
        no_label=no_label,
        no_one=no_one,
        order=lambda s, y: two_losses(s, y)[::-1],
    ),
    "mean_gradient": function(
        "mean_gradient",
        mean_gradient,
        [(typical, *DATA, 2), (slope, *DATA, 3), (slope, *DATA, 2)],
        total=partial(mean_gradient, total=True),
        first_only=partial(mean_gradient, first=True),
        divided_twice=partial(mean_gradient, scaled=True),
        overlapping=partial(mean_gradient, step=1),
        one_number=mean_over_everything,
    ),
    "log_likelihood": function(
        "log_likelihood",
        log_likelihood,
        [(X, 4.0, 3.0), (X1, 0.2, 0.5)],
        mean=partial(log_likelihood, mean_of=True),
        no_half=partial(log_likelihood, half=1),
        no_log_std=partial(log_likelihood, scale=0.0),
        variance=partial(log_likelihood, power=2),
        no_constant=partial(log_likelihood, constant=False),
        negative=lambda x, mean, std: -log_likelihood(x, mean, std),
        likelihood=lambda x, mean, std: np.exp(log_likelihood(x, mean, std)),
    ),
    "fit_normal": function(
        "fit_normal",
        lambda x: (x.mean(), x.var()),
        [(X,), (X1,)],
        sample=lambda x: (x.mean(), x.var(ddof=1)),
        std=lambda x: (x.mean(), x.std()),
        total=lambda x: (x.mean(), ((x - x.mean()) ** 2).sum()),
        median=lambda x: (np.median(x), ((x - np.median(x)) ** 2).mean()),
        not_centred=lambda x: (x.mean(), (x**2).mean()),
    ),
    "regression_likelihood": function(
        "regression_likelihood",
        regression_likelihood,
        [(np.array([0.8, 1.0]), *POINTS, 0.4), (np.array([-0.5, 2.0]), *POINTS, 1.7)],
        mean=partial(regression_likelihood, mean_of=True),
        no_half=partial(regression_likelihood, half=1),
        no_log_std=partial(regression_likelihood, scale=0.0),
        variance=partial(regression_likelihood, power=2),
        no_constant=partial(regression_likelihood, constant=False),
        negative=lambda *case: -regression_likelihood(*case),
        swapped=lambda theta, *rest: regression_likelihood(theta[::-1], *rest),
        no_intercept=partial(regression_likelihood, bias=0.0),
    ),
}
