"""The exercises of lesson 3_11: batch normalization, running statistics, a sweep, the mean of iterates."""

from functools import partial

import numpy as np

from kobai.course.exercise import Exercise, function

random = np.random.default_rng(311)
X, X1 = 3 + 2 * random.normal(size=(4, 3)), random.normal(size=(6, 2)) - 1
GAMMA, GAMMA1 = np.array([1.5, 0.5, -1.0]), np.array([2.0, 0.3])
BETA, BETA1 = np.array([0.2, -1.0, 3.0]), np.array([-0.5, 1.0])
MEAN, MEAN1 = np.array([2.0, 4.0, 3.5]), np.array([0.3, -0.6])
VARIANCE, VARIANCE1 = np.array([1.0, 3.0, 0.4]), np.array([0.5, 2.0])


def scaled(x, mean, variance, gamma, beta, epsilon, *, root=np.sqrt, outside=False, centred=True):
    below = root(variance) + epsilon if outside else root(variance + epsilon)
    return gamma * (x - mean if centred else x) / below + beta


def batch_norm(x, gamma, beta, epsilon, *, axis=0, ddof=0, **slips):
    keep = {"axis": axis, "keepdims": True}
    return scaled(x, x.mean(**keep), x.var(**keep, ddof=ddof), gamma, beta, epsilon, **slips)


def batch_norm_inference(x, gamma, beta, mean, variance, epsilon, **slips):
    return scaled(x, mean, variance, gamma, beta, epsilon, **slips)


# Running statistics


def running_statistics(
    mean, variance, x, w, *, ddof=1, axis=0, old=lambda w: 1 - w, new=lambda w: w, root=False
):
    batch = x.var(axis=axis, ddof=ddof)
    batch = np.sqrt(batch) if root else batch
    return old(w) * mean + new(w) * x.mean(axis=axis), old(w) * variance + new(w) * batch


def about_running_mean(mean, variance, x, w):
    m = len(x)
    around = ((x - mean) ** 2).sum(axis=0) / (m - 1)
    return (1 - w) * mean + w * x.mean(axis=0), (1 - w) * variance + w * around


# Coordinate descent

A2, A3 = np.array([[2.0, 0.6], [0.6, 0.8]]), np.array([[3.0, 0.5, -1.0], [0.5, 2.0, 0.3], [-1.0, 0.3, 1.5]])
SWEEPS = [
    (A2, np.array([1.0, -0.5]), np.array([0.3, -2.0])),
    (A3, np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, -1.0])),
]


def sweep(
    A, b, x, *, order=lambda n: range(n), sign=-1.0, divide=True, renewed=True, own=True, constant=True
):
    now = x.copy()
    for i in order(len(x)):
        slope = A[i] @ (now if renewed else x) - constant * b[i]
        now[i] = own * now[i] + sign * slope / (A[i, i] if divide else 1.0)
    return now


# The mean of iterates

ITERATES = [(random.normal(size=(6, 2)), 3), (random.normal(size=(5, 3)), 2)]


def averages(iterates, start):
    means, mean = [], None
    for t, θ in enumerate(iterates, start=1):
        mean = θ if t <= start else mean + (θ - mean) / (t - start + 1)
        means.append(mean)
    return np.array(means)


def averages_sum(iterates, start):
    before, after = iterates[: start - 1], iterates[start - 1 :]
    return np.concatenate([before, np.cumsum(after, axis=0)])


def averages_over_all(iterates, start):
    sums = averages_sum(iterates, start)
    return np.concatenate([sums[: start - 1], sums[start - 1 :] / np.arange(start, len(sums) + 1)[:, None]])


def averages_zero_before(iterates, start):
    means = averages(iterates, start)
    means[: start - 1] = 0
    return means


EXERCISES: dict[str, Exercise] = {
    "batch_norm": function(
        "batch_norm",
        batch_norm,
        [(X, GAMMA, BETA, 0.1), (X1, GAMMA1, BETA1, 0.01)],
        examples=partial(batch_norm, axis=1),
        everything=partial(batch_norm, axis=None),
        sample=partial(batch_norm, ddof=1),
        epsilon_outside=partial(batch_norm, outside=True),
        no_root=partial(batch_norm, root=lambda v: v),
        no_epsilon=lambda x, gamma, beta, epsilon: batch_norm(x, gamma, beta, 0.0),
        not_centred=partial(batch_norm, centred=False),
        no_scale=lambda x, gamma, beta, epsilon: batch_norm(x, 1.0, beta, epsilon),
        no_shift=lambda x, gamma, beta, epsilon: batch_norm(x, gamma, 0.0, epsilon),
        exchanged=lambda x, gamma, beta, epsilon: batch_norm(x, beta, gamma, epsilon),
    ),
    "running_statistics": function(
        "running_statistics",
        running_statistics,
        [(MEAN, VARIANCE, X, 0.1), (MEAN1, VARIANCE1, X1, 0.3)],
        biased=partial(running_statistics, ddof=0),
        weights=partial(running_statistics, old=lambda w: w, new=lambda w: 1 - w),
        no_decay=partial(running_statistics, old=lambda w: 1.0),
        forgets=partial(running_statistics, old=lambda w: 0.0, new=lambda w: 1.0),
        deviation=partial(running_statistics, root=True),
        around=about_running_mean,
        order=lambda *arguments: running_statistics(*arguments)[::-1],
    ),
    "batch_norm_inference": function(
        "batch_norm_inference",
        batch_norm_inference,
        [(X, GAMMA, BETA, MEAN, VARIANCE, 0.1), (X1, GAMMA1, BETA1, MEAN1, VARIANCE1, 0.01)],
        batch=lambda x, gamma, beta, mean, variance, epsilon: batch_norm(x, gamma, beta, epsilon),
        batch_mean=lambda x, gamma, beta, mean, variance, epsilon: scaled(
            x, x.mean(axis=0), variance, gamma, beta, epsilon
        ),
        epsilon_outside=partial(batch_norm_inference, outside=True),
        no_root=partial(batch_norm_inference, root=lambda v: v),
        not_centred=partial(batch_norm_inference, centred=False),
    ),
    "sweep": function(
        "sweep",
        sweep,
        SWEEPS,
        together=partial(sweep, renewed=False),
        no_division=partial(sweep, divide=False),
        uphill=partial(sweep, sign=1.0),
        backwards=partial(sweep, order=lambda n: reversed(range(n))),
        one_only=partial(sweep, order=lambda n: [0]),
        own_lost=partial(sweep, own=False),
        no_constant=partial(sweep, constant=False),
        solved=lambda A, b, x: np.linalg.solve(A, b),
    ),
    "averages": function(
        "averages",
        averages,
        ITERATES,
        from_first=lambda iterates, start: averages(iterates, 1),
        late=lambda iterates, start: averages(iterates, start + 1),
        early=lambda iterates, start: averages(iterates, start - 1),
        total=averages_sum,
        over_all=averages_over_all,
        zero_before=averages_zero_before,
        shortened=lambda iterates, start: averages(iterates, start)[start - 1 :],
        last_only=lambda iterates, start: averages(iterates, start)[-1],
        iterates=lambda iterates, start: iterates.copy(),
    ),
}
