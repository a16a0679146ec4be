"""The exercises of lesson 3_2: an affine layer, softmax with cross-entropy, finite differences, the loop."""

from functools import partial

import numpy as np

from kobai.course.cases import moved
from kobai.course.exercise import Case, Exercise, Mistake, Observation, function, observations
from kobai.course.families import family

random = np.random.default_rng(32)
X, W, B = random.normal(size=(4, 3)), random.normal(size=(3, 2)), np.array([0.5, -1.0])
X1, W1, B1 = random.normal(size=(2, 5)), random.normal(size=(5, 5)), random.normal(size=5)
DY, DY1 = random.normal(size=(4, 2)), random.normal(size=(2, 5))


def affine_forward(x, W, b):
    return x @ W + b


def affine_backward(dy, x, W):
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


# Softmax with cross-entropy

SCORES = [
    (np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([0, 2])),
    (np.array([[0.3, -0.2, 0.1, 1.5]]), np.array([3])),
    (np.array([[1000.0, 998.0], [-1000.0, -1001.0], [0.0, 1.0], [800.0, 0.0]]), np.array([0, 0, 1, 0])),
]


def softmax_loss(scores, t, *, shift=True, axis=1, mean=True, divide=True, sign=1.0, one_hot=True):
    scores = scores - scores.max(axis=1, keepdims=True) if shift else scores
    p = np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)
    right = (np.arange(len(scores)), t)
    each = -np.log(p[right])
    ds = p - (np.arange(p.shape[1]) == t[:, None]) if one_hot else p
    ds = ds / len(scores) if divide else ds
    return sign * (each.mean() if mean else each.sum()), sign * ds


def softmax_log_epsilon(scores, t, small=1e-7):
    """The logarithm of p + ε, as some books write it."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    _, ds = softmax_loss(scores, t)
    return -np.log(p[np.arange(len(scores)), t] + small).mean(), ds


def softmax_over_classes_too(scores, t):
    loss, ds = softmax_loss(scores, t)
    return loss / scores.shape[1], ds / scores.shape[1]


# Finite differences


def cubic(x):
    return float((x**3).sum() + x.flat[0] * x.flat[-1])


def numerical_gradient(f, x, h=1e-4, *, restore=True, forward=False, double=True, one=False):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept if forward else kept - h
        below = f(x)
        if restore:
            x[index] = kept
        gradient[index] = (above - below) / (2 * h if double and not forward else h)
        if one:
            break
    return gradient


def all_at_once(f, x, h=1e-4):
    return np.full_like(x, (f(x + h) - f(x - h)) / (2 * h))


def waves(x):
    return float(np.sin(50 * x).sum())


# A large h, so that every way to difference gives other numbers; and the default on waves.
POINTS = [
    (cubic, np.array([1.0, -2.0, 0.5]), 0.1),
    (cubic, np.array([[0.3, 1.2], [-0.7, 2.0]]), 0.05),
    (waves, np.array([0.3, 1.2])),
]


# The training loop


class Line:
    """A stand-in for a network: one weight and one bias, squared error."""

    def __init__(self):
        self.params = {"w": np.array([0.5]), "b": np.array([0.0])}

    def gradient(self, x, t):
        error = self.params["w"] * x + self.params["b"] - t
        return float((error**2).mean()), {
            "w": np.array([2 * (error * x).mean()]),
            "b": np.array([2 * error.mean()]),
        }


class Accelerating:
    """A stand-in for a rule, with a memory: it steps further at every call."""

    learning_rate = 0.05

    def __init__(self):
        self.t = 0

    def update(self, params, grads):
        self.t += 1
        for key in params:
            params[key] -= self.learning_rate * self.t * grads[key]


LINE_X = np.array([1.0, 2.0, -1.0, 0.5, 3.0])
LINE_T = np.array([2.0, 3.0, -1.5, 1.0, 5.0])
BATCHES = [np.array([0, 1]), np.array([2, 3, 4]), np.array([1, 4]), np.array([0])]


def observe_train(answer, seed):
    network, optimizer = Line(), Accelerating()
    x, t = moved((LINE_X, LINE_T), seed)
    yield Case({"x": x, "t": t, "batches": BATCHES})
    losses = answer(network, optimizer, x.copy(), t.copy(), [batch.copy() for batch in BATCHES])
    place = {"name": "train", "case": 1}
    if losses is None:
        raise Mistake("nothing_returned", name="train")
    if optimizer.t == 0:
        still = all(np.array_equal(array, Line().params[key]) for key, array in network.params.items())
        raise Mistake("train.no_update" if still else "train.by_hand")
    yield from observations(np.asarray(losses) if isinstance(losses, list | tuple) else losses, place)
    for key, array in network.params.items():
        yield Observation(("array", {**place, "array": f"network.params[{key!r}]"}), array.copy())


def train(network, optimizer, x, t, batches, *, whole=False, late=False, first=False, twice=False):
    losses = []
    for batch in batches:
        batch = batches[0] if first else batch
        own = (x, t) if whole else (x[batch], t[batch])
        loss, grads = network.gradient(*own)
        optimizer.update(network.params, grads)
        if twice:
            optimizer.update(network.params, grads)
        losses.append(network.gradient(*own)[0] if late else loss)
    return losses


def train_without_update(network, optimizer, x, t, batches):
    return [network.gradient(x[batch], t[batch])[0] for batch in batches]


def train_by_hand(network, optimizer, x, t, batches):
    losses = []
    for batch in batches:
        loss, grads = network.gradient(x[batch], t[batch])
        for key in network.params:
            network.params[key] -= optimizer.learning_rate * grads[key]
        losses.append(loss)
    return losses


def train_last_loss(network, optimizer, x, t, batches):
    return train(network, optimizer, x, t, batches)[-1]


def train_mean_loss(network, optimizer, x, t, batches):
    return np.mean(train(network, optimizer, x, t, batches))


def train_nothing_returned(network, optimizer, x, t, batches):
    train(network, optimizer, x, t, batches)


EXERCISES: dict[str, Exercise] = {
    "affine_forward": function(
        "affine_forward",
        affine_forward,
        [(X, W, B), (X1, W1, B1)],
        no_bias=lambda x, W, b: x @ W,
        elementwise_bias=lambda x, W, b: x @ W * b,
        minus_bias=lambda x, W, b: x @ W - b,
    ),
    "affine_backward": function(
        "affine_backward",
        affine_backward,
        [(DY, X, W), (DY1, X1, W1)],
        mean=lambda dy, x, W: (dy @ W.T, x.T @ dy / len(x), dy.mean(axis=0)),
        bias_mean=lambda dy, x, W: (dy @ W.T, x.T @ dy, dy.mean(axis=0)),
        bias_axis=lambda dy, x, W: (dy @ W.T, x.T @ dy, dy.sum(axis=1)),
        bias_no_sum=lambda dy, x, W: (dy @ W.T, x.T @ dy, dy),
        transposed=lambda dy, x, W: (dy @ W.T, dy.T @ x, dy.sum(axis=0)),
        order=lambda dy, x, W: (x.T @ dy, dy @ W.T, dy.sum(axis=0)),
    ),
    "softmax_loss": function(
        "softmax_loss",
        softmax_loss,
        SCORES,
        no_shift=partial(softmax_loss, shift=False),
        no_mean=partial(softmax_loss, mean=False, divide=False),
        gradient_no_mean=partial(softmax_loss, divide=False),
        loss_no_mean=partial(softmax_loss, mean=False),
        axis=partial(softmax_loss, axis=0),
        sign=partial(softmax_loss, sign=-1.0),
        no_one_hot=partial(softmax_loss, one_hot=False),
        over_classes=softmax_over_classes_too,
        log_epsilon=softmax_log_epsilon,
        recognise=family("softmax_loss.log_epsilon", lambda size: partial(softmax_log_epsilon, small=size)),
    ),
    "numerical_gradient": function(
        "numerical_gradient",
        numerical_gradient,
        POINTS,
        if_changed="numerical_gradient.not_restored",
        forward=partial(numerical_gradient, forward=True),
        not_doubled=partial(numerical_gradient, double=False),
        not_restored=partial(numerical_gradient, restore=False),
        first_only=partial(numerical_gradient, one=True),
        all_at_once=all_at_once,
    ),
    "train": Exercise(
        defines="train",
        observe=observe_train,
        reference=train,
        wrong={
            "train.no_update": train_without_update,
            "train.by_hand": train_by_hand,
            "train.whole": partial(train, whole=True),
            "train.late": partial(train, late=True),
            "train.first": partial(train, first=True),
            "train.twice": partial(train, twice=True),
            "train.last": train_last_loss,
            "train.mean": train_mean_loss,
            "nothing_returned": train_nothing_returned,
        },
    ),
}
