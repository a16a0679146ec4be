"""The exercises of lesson 3_13: loss and metric of one's own, statistics of a comparison, sick trainings."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.course.cases import AUTHORS, with_other_probabilities
from kobai.course.exercise import Case, Exercise, Mistake, Observation, function, quiz
from kobai.study import statistics

# Loss and metric. All numbers are sums of a few powers of two, and means are over 4 or 8 examples: exact in
# float32, in which JAX computes, however the formula is written.

FORECASTS = [
    (np.array([[1.0], [2.5], [0.0], [-1.0]]), np.array([1.25, 2.0, 1.5, -1.125]), 0.25),
    (
        np.array([[0.5], [0.5], [1.0], [3.0], [-2.0], [0.0], [1.5], [-0.5]]),
        np.array([0.0, 1.5, 1.0, 2.875, -4.0, 0.25, 2.0, -0.25]),
        0.5,
    ),
]


def other_forecasts(cases: Any, seed: int) -> Any:
    """The forecasts with as many others added, all in another unit: as exact as those of the author.

    In one of them another number of errors than of their squares lies within the tolerance.
    """
    if seed == AUTHORS:
        return cases
    random = np.random.default_rng(seed)
    while True:
        fresh = []
        for y, t, tolerance in cases:
            unit = 2.0 ** random.choice([-2, -1, 1, 2])
            others = random.integers(-16, 17, len(t)) / 4
            errors = random.integers(-16, 17, len(t)) / 8
            y = np.concatenate([y, (others + errors)[:, None]])
            fresh.append((unit * y, unit * np.concatenate([t, others]), unit * tolerance))
        if any(_within(abs(y[:, 0] - t), most) != _within((y[:, 0] - t) ** 2, most) for y, t, most in fresh):
            return fresh


def _within(values: Any, most: float) -> int:
    return int((values <= most).sum())


def loss_and_metric(
    y: Any,
    t: Any,
    tolerance: Any,
    *,
    error: Callable[[Any, Any], Any] = lambda y, t: y[:, 0] - t,
    loss: Callable[[Any], Any] = lambda e: (e**2).mean(),
    within: Callable[[Any, Any], Any] = lambda e, tolerance: (jnp.abs(e) <= tolerance).mean(),
) -> tuple[Any, Any]:
    e = error(y, t)
    return loss(e), within(e, tolerance)


def in_numpy(y: Any, t: Any, tolerance: Any) -> tuple[Any, Any]:
    e = np.asarray(y)[:, 0] - t
    return (e**2).mean(), (np.abs(e) <= tolerance).mean()


def observe_forecast(answer: Any, seed: int) -> Iterator[Case | Observation]:
    """Loss and metric of some forecasts; and whether JAX can trace them."""
    yield from of_pair.observe(answer, seed)
    y, t, tolerance = FORECASTS[0]
    try:
        jax.eval_shape(lambda y: answer(y, t, tolerance), y)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        raise Mistake("loss_and_metric.numpy") from None


of_pair = function(
    "loss_and_metric",
    loss_and_metric,
    FORECASTS,
    fresh=other_forecasts,
    broadcast=partial(loss_and_metric, error=lambda y, t: y - t),
    total=partial(
        loss_and_metric,
        loss=lambda e: (e**2).sum(),
        within=lambda e, tolerance: (jnp.abs(e) <= tolerance).sum(),
    ),
    total_loss=partial(loss_and_metric, loss=lambda e: (e**2).sum()),
    count=partial(loss_and_metric, within=lambda e, tolerance: (jnp.abs(e) <= tolerance).sum()),
    root=partial(loss_and_metric, loss=lambda e: jnp.sqrt((e**2).mean())),
    absolute=partial(loss_and_metric, loss=lambda e: jnp.abs(e).mean()),
    strictly=partial(loss_and_metric, within=lambda e, tolerance: (jnp.abs(e) < tolerance).mean()),
    one_side=partial(loss_and_metric, within=lambda e, tolerance: (e <= tolerance).mean()),
    misses=partial(loss_and_metric, within=lambda e, tolerance: (jnp.abs(e) > tolerance).mean()),
    order=lambda y, t, tolerance: loss_and_metric(y, t, tolerance)[::-1],
    squares_within=partial(loss_and_metric, within=lambda e, tolerance: (e**2 <= tolerance).mean()),
    relative=lambda y, t, tolerance: (
        loss_and_metric(y, t, tolerance)[0],
        (jnp.abs(y[:, 0] - t) <= tolerance * jnp.abs(t)).mean(),
    ),
    each=partial(loss_and_metric, loss=lambda e: e**2, within=lambda e, tolerance: jnp.abs(e) <= tolerance),
)

# Restricted mean

NEVER = np.inf
TIMES = [
    (np.array([60.0, NEVER, 70.0, 50.0, 90.0]), 500.0),
    (np.array([120.0, 399.5, 80.0, np.nan, 610.0, 400.5]), 400.0),
    (np.array([40.0, 30.0, 80.0]), 100.0),
]


def restricted_mean(times: Any, budget: float) -> float:
    return float(statistics.restricted(times, budget).mean())


def arrived_alone(times: Any, budget: float) -> float:
    return float(times[times <= budget].mean())


# A paired sign-flip test. The sums are exact, so that ties are ties.

DIFFERENCES = [
    (np.array([3.0, 1.0, 2.0, -1.0]),),
    (np.array([-0.5, -2.0, -1.5, -0.25, -3.0, 0.5]),),
    (np.array([0.0, 0.0, 0.0]),),
    (np.array([1.0, 4.0, 2.0, 0.5, 8.0]),),
]


def other_differences(cases: Any, seed: int) -> Any:
    """Differences of the same signs and other sizes, whose sums are exact, too."""
    if seed == AUTHORS:
        return cases
    random = np.random.default_rng(seed)
    return [(np.sign(case) * (np.abs(case) + random.integers(0, 4, len(case)) / 8),) for (case,) in cases]


def flips(differences: Any) -> np.ndarray:
    signs = np.array(list(itertools.product([1, -1], repeat=len(differences))))
    return signs @ np.asarray(differences, float)


def sign_flip_p(
    differences: Any,
    *,
    size: Callable[[Any], Any] = np.abs,
    margin: float = -1e-9,
    of: Callable[[Any], float] = np.mean,
) -> float:
    observed = size(np.sum(differences))
    return float(of(size(flips(differences)) >= observed + margin))


def of_signs(differences: Any) -> float:
    return sign_flip_p(np.sign(differences))


# Holm's correction

P_VALUES = [
    (np.array([0.01, 0.04, 0.03, 0.005]),),
    (np.array([0.9, 0.7, 0.2, 0.8]),),
    (np.array([0.02, 0.015, 0.6]),),
]


def stepped(
    p: Any, *, monotone: bool = True, capped: bool = True, turned: bool = False, back: bool = True
) -> Any:
    order = np.argsort(p)
    factors = np.arange(1, len(p) + 1) if turned else np.arange(len(p), 0, -1)
    steps = p[order] * factors
    steps = np.maximum.accumulate(steps) if monotone else steps
    steps = np.minimum(steps, 1) if capped else steps
    if not back:
        return steps
    corrected = np.empty(len(p))
    corrected[order] = steps
    return corrected


def step_up(p: Any, factors: Callable[[int], Any]) -> Any:
    order = np.argsort(p)
    steps = np.minimum.accumulate((p[order] * factors(len(p)))[::-1])[::-1]
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return corrected


# The length of the updates beside that of the weights, and six trainings to diagnose

LENGTHS = [
    (
        np.array([[0.3, 0.4, 0.0], [0.06, 0.08, 0.02], [2.0, 1.0, 4.0], [0.01, 0.03, 0.02], [0.5, 0.1, 0.7]]),
        np.array([[3.0, 4.0, 0.0], [3.1, 4.2, 0.3], [2.0, 5.0, 0.5], [4.0, 4.5, 0.9], [1.0, 2.5, 1.5]]),
    ),
    (np.array([[1e-4, 2e-4], [3e-4, 1e-4], [9e-4, 5e-4]]), np.array([[1.0, 2.0], [1.5, 2.5], [0.5, 3.0]])),
    (np.array([[7.0, 2.0], [30.0, 1.0]]), np.array([[1.0, 0.2], [6.0, 1.5]])),
]


def whole(lengths: Any) -> Any:
    return np.sqrt((lengths**2).sum(axis=1))


def update_ratio(
    updates: Any, weights: Any, *, length: Callable[[Any], Any] = whole, of: Callable[[Any], Any] = np.median
) -> Any:
    return of(length(updates) / length(weights))


OWN_SENTENCES = ("2.e", "6.b")
"""Wrong letters that other evidence contradicts in one of the trainings than in the rest."""

FIRST_STEPS = ("1.d", "2.a", "2.b", "3.a", "3.d")
"""The same of what is done first."""

EXERCISES: dict[str, Exercise] = {
    "loss_and_metric": Exercise(
        defines="loss_and_metric",
        observe=observe_forecast,
        reference=loss_and_metric,
        wrong={**of_pair.wrong, "loss_and_metric.numpy": in_numpy},
    ),
    "restricted_mean": function(
        "restricted_mean",
        restricted_mean,
        TIMES,
        arrived=arrived_alone,
        infinite=lambda times, budget: float(np.mean(times)),  # noqa: ARG005
        not_a_number=lambda times, budget: float(np.minimum(times, budget).mean()),
        zero=lambda times, budget: float(np.where(times <= budget, times, 0).mean()),
        late=lambda times, budget: float(np.mean(np.where(np.isfinite(times), times, budget))),
        total=lambda times, budget: float(np.fmin(times, budget).sum()),
        median=lambda times, budget: float(np.median(np.fmin(times, budget))),
        geometric=lambda times, budget: float(np.exp(np.log(np.fmin(times, budget)).mean())),
        nan_as_zero=lambda times, budget: float(np.nan_to_num(np.minimum(times, budget)).mean()),
        twice=lambda times, budget: float(np.where(times <= budget, times, 2 * budget).mean()),
        larger=lambda times, budget: float(np.fmax(times, budget).mean()),
        share=lambda times, budget: float(np.mean(times <= budget)),
    ),
    "sign_flip_p": function(
        "sign_flip_p",
        lambda differences: sign_flip_p(differences),
        DIFFERENCES,
        fresh=other_differences,
        one_sided=partial(sign_flip_p, size=lambda sums: sums),
        strictly=partial(sign_flip_p, margin=1e-9),
        count=partial(sign_flip_p, of=np.sum),
        opposite=lambda differences: 1 - sign_flip_p(differences),
        signs=of_signs,
        one_added=partial(sign_flip_p, of=lambda large: (large.sum() + 1) / (len(large) + 1)),
        left_out=partial(sign_flip_p, of=lambda large: (large.sum() - 1) / (len(large) - 1)),
        at_most=lambda differences: float(
            np.mean(np.abs(flips(differences)) <= np.abs(np.sum(differences)) + 1e-9)
        ),
        twice=lambda differences: min(1.0, 2 * sign_flip_p(differences)),
        no_flips=lambda differences: float(np.mean(differences <= 0)),
    ),
    "holm": function(
        "holm",
        statistics.holm,
        P_VALUES,
        fresh=with_other_probabilities,
        unchanged=lambda p: p.copy(),
        bonferroni=lambda p: np.minimum(len(p) * p, 1),
        sorted=partial(stepped, back=False),
        falls=partial(stepped, monotone=False),
        above_one=partial(stepped, capped=False),
        turned=partial(stepped, turned=True),
        step_up=lambda p: step_up(p, lambda m: np.arange(m, 0, -1)),
        discovery=lambda p: step_up(p, lambda m: m / np.arange(1, m + 1)),
        one_fewer=lambda p: np.minimum((len(p) - 1) * p, 1),
        sidak=lambda p: 1 - (1 - p) ** len(p),
        divided=lambda p: p / len(p),
        unsorted=lambda p: np.minimum(np.maximum.accumulate(p * np.arange(len(p), 0, -1)), 1),
        sorted_twice=lambda p: stepped(p, back=False)[np.argsort(p)],
        decisions=lambda p: (p < 0.05 / len(p)).astype(float),
    ),
    "reading": quiz("3_13.reading", "bacdb", "reading"),
    "update_ratio": function(
        "update_ratio",
        lambda updates, weights: update_ratio(updates, weights),
        LENGTHS,
        upside_down=lambda updates, weights: update_ratio(weights, updates),
        mean=partial(update_ratio, of=np.mean),
        every_step=partial(update_ratio, of=np.array),
        largest=partial(update_ratio, of=np.max),
        last_step=partial(update_ratio, of=lambda ratios: ratios[-1]),
        of_medians=lambda updates, weights: np.median(whole(updates)) / np.median(whole(weights)),
        total=partial(update_ratio, length=lambda lengths: lengths.sum(axis=1)),
        squared=partial(update_ratio, length=lambda lengths: (lengths**2).sum(axis=1)),
        first_step=partial(update_ratio, of=lambda ratios: ratios[0]),
        smallest=partial(update_ratio, of=np.min),
        logarithm=partial(update_ratio, of=lambda ratios: np.median(np.log10(ratios))),
        difference=lambda updates, weights: np.median(whole(weights) - whole(updates)),
        last_array=partial(update_ratio, length=lambda lengths: lengths[:, -1]),
        first_array=partial(update_ratio, length=lambda lengths: lengths[:, 0]),
        each_array=lambda updates, weights: np.median(updates / weights),
        mean_of_arrays=lambda updates, weights: np.median((updates / weights).mean(axis=1)),
        whole_training=lambda updates, weights: np.linalg.norm(updates) / np.linalg.norm(weights),
        longest_array=partial(update_ratio, length=lambda lengths: lengths.max(axis=1)),
        steps_summed=lambda updates, weights: update_ratio(updates.T, weights.T),
    ),
    "troubles": quiz("3_13.troubles", "bcdfae", "troubles", "abcdef", of_letters=OWN_SENTENCES),
    "remedies": quiz("3_13.remedies", "acdebd", "remedies", "abcde", also={4: "b"}, of_letters=()),
    "first_steps": quiz("3_13.first_steps", "fcedg", "first_steps", "abcdefg", of_letters=FIRST_STEPS),
}
