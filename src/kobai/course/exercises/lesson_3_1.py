"""The exercises of lesson 3_1: the review, θ, seven update rules, Nesterov as defined, counting the steps.

A wrong formula reads as its rule does in kobai, with the one slip that it is named after.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kobai.course.exercise import Exercise, function, quiz
from kobai.course.exercises.rules import rule, written
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD

Memory = tuple[Any, ...]
Step = tuple[Any, Memory]


def uphill(h: Any, g: Any, t: Any, *memory: Any) -> Step:
    """Every rule with the sign of its step turned."""
    Δ, memory = h.rule(g, t, *memory)
    return -Δ, memory


# SGD


def sgd_no_rate(h: Any, g: Any, t: Any) -> Step:
    return -g, ()


# Momentum and Nesterov


def velocity_plus(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v + h.learning_rate * g
    return v, (v,)


def velocity_old(h: Any, g: Any, t: Any, v: Any) -> Step:
    return v, (h.momentum * v - h.learning_rate * g,)


def velocity_averaged(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v - (1 - h.momentum) * h.learning_rate * g
    return v, (v,)


def velocity_rated_twice(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v - h.learning_rate * g
    return h.learning_rate * v, (v,)


def velocity_no_rate(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v - g
    return v, (v,)


def nesterov_plain(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v - h.learning_rate * g
    return v, (v,)


def nesterov_short(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v - h.learning_rate * g
    return h.momentum * v, (v,)


def nesterov_unscaled(h: Any, g: Any, t: Any, v: Any) -> Step:
    v = h.momentum * v - h.learning_rate * g
    return v - h.learning_rate * g, (v,)


# AdaGrad


def adagrad_inside(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = s + g * g
    return -h.learning_rate * g / np.sqrt(h.epsilon + s), (s,)


def adagrad_no_root(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = s + g * g
    return -h.learning_rate * g / (h.epsilon + s), (s,)


def adagrad_no_square(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = s + g
    return -h.learning_rate * g / (h.epsilon + np.sqrt(s)), (s,)


def adagrad_old(h: Any, g: Any, t: Any, s: Any) -> Step:
    return -h.learning_rate * g / (h.epsilon + np.sqrt(s)), (s + g * g,)


# AdaDelta


def adadelta_outside(h: Any, g: Any, t: Any, s: Any, r: Any) -> Step:
    ρ, ε = h.decay, h.epsilon
    s = ρ * s + (1 - ρ) * g * g
    Δ = -(ε + np.sqrt(r)) / (ε + np.sqrt(s)) * g
    return Δ, (s, ρ * r + (1 - ρ) * Δ * Δ)


def adadelta_upside_down(h: Any, g: Any, t: Any, s: Any, r: Any) -> Step:
    ρ, ε = h.decay, h.epsilon
    s = ρ * s + (1 - ρ) * g * g
    Δ = -np.sqrt(ε + s) / np.sqrt(ε + r) * g
    return Δ, (s, ρ * r + (1 - ρ) * Δ * Δ)


def adadelta_r_of_gradient(h: Any, g: Any, t: Any, s: Any, r: Any) -> Step:
    ρ, ε = h.decay, h.epsilon
    s = ρ * s + (1 - ρ) * g * g
    Δ = -np.sqrt(ε + r) / np.sqrt(ε + s) * g
    return Δ, (s, ρ * r + (1 - ρ) * g * g)


def adadelta_r_constant(h: Any, g: Any, t: Any, s: Any, r: Any) -> Step:
    ρ, ε = h.decay, h.epsilon
    s = ρ * s + (1 - ρ) * g * g
    return -np.sqrt(ε + r) / np.sqrt(ε + s) * g, (s, r)


def adadelta_r_without_epsilon(h: Any, g: Any, t: Any, s: Any, r: Any) -> Step:
    """r starts at 0, and with it every step is 0."""
    ρ, ε = h.decay, h.epsilon
    s = ρ * s + (1 - ρ) * g * g
    Δ = -np.sqrt(r) / np.sqrt(ε + s) * g
    return Δ, (s, ρ * r + (1 - ρ) * Δ * Δ)


def adadelta_old(h: Any, g: Any, t: Any, s: Any, r: Any) -> Step:
    ρ, ε = h.decay, h.epsilon
    Δ = -np.sqrt(ε + r) / np.sqrt(ε + s) * g
    return Δ, (ρ * s + (1 - ρ) * g * g, ρ * r + (1 - ρ) * Δ * Δ)


# RMSProp


def rmsprop_outside(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = h.decay * s + (1 - h.decay) * g * g
    return -h.learning_rate * g / (np.sqrt(s) + h.epsilon), (s,)


def rmsprop_no_root(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = h.decay * s + (1 - h.decay) * g * g
    return -h.learning_rate * g / (h.epsilon + s), (s,)


def rmsprop_sum(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = s + g * g
    return -h.learning_rate * g / np.sqrt(h.epsilon + s), (s,)


def rmsprop_half_average(h: Any, g: Any, t: Any, s: Any) -> Step:
    s = h.decay * s + g * g
    return -h.learning_rate * g / np.sqrt(h.epsilon + s), (s,)


def decay_swapped(h: Any, g: Any, t: Any, *memory: Any) -> Step:
    """ρ and 1−ρ in each other's place; RMSProp's and AdaDelta's ρ."""
    return dataclasses.replace(h, decay=1 - h.decay).rule(g, t, *memory)


# Adam


def adam_step(h: Any, m: Any, v: Any, correction_1: Any, correction_2: Any) -> Any:
    return -h.learning_rate * (m / correction_1) / (np.sqrt(v / correction_2) + h.epsilon)


def moments(h: Any, g: Any, m: Any, v: Any) -> Memory:
    return h.decay_1 * m + (1 - h.decay_1) * g, h.decay_2 * v + (1 - h.decay_2) * g * g


def adam_no_correction(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    return adam_step(h, m, v, 1, 1), (m, v)


def adam_first_only(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    return adam_step(h, m, v, 1 - h.decay_1**t, 1), (m, v)


def adam_second_only(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    return adam_step(h, m, v, 1, 1 - h.decay_2**t), (m, v)


def adam_times(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    return adam_step(h, m, v, 1 - h.decay_1 * t, 1 - h.decay_2 * t), (m, v)


def adam_from_zero(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    return adam_step(h, m, v, 1 - np.power(h.decay_1, t - 1), 1 - np.power(h.decay_2, t - 1)), (m, v)


def adam_inside(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    m_hat, v_hat = m / (1 - h.decay_1**t), v / (1 - h.decay_2**t)
    return -h.learning_rate * m_hat / np.sqrt(v_hat + h.epsilon), (m, v)


def adam_folded(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    η = h.learning_rate * np.sqrt(1 - h.decay_2**t) / (1 - h.decay_1**t)
    return -η * m / (np.sqrt(v) + h.epsilon), (m, v)


def adam_kept_correction(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    m, v = m / (1 - h.decay_1**t), v / (1 - h.decay_2**t)
    return adam_step(h, m, v, 1, 1), (m, v)


def adam_no_root(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m, v = moments(h, g, m, v)
    m_hat, v_hat = m / (1 - h.decay_1**t), v / (1 - h.decay_2**t)
    return -h.learning_rate * m_hat / (v_hat + h.epsilon), (m, v)


def adam_swapped(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    return dataclasses.replace(h, decay_1=h.decay_2, decay_2=h.decay_1).rule(g, t, m, v)


def adam_weights_swapped(h: Any, g: Any, t: Any, m: Any, v: Any) -> Step:
    m = (1 - h.decay_1) * m + h.decay_1 * g
    v = (1 - h.decay_2) * v + h.decay_2 * g * g
    return adam_step(h, m, v, 1 - h.decay_1**t, 1 - h.decay_2**t), (m, v)


# Nesterov as defined


def slope(θ: Any) -> Any:
    """The gradient of x²/20 + y²."""
    return np.array([θ[0] / 10, 2 * θ[1]])


def wavy(θ: Any) -> Any:
    """A gradient that is not linear."""
    return np.sin(θ) + 0.1 * θ


def nesterov_path(
    gradient: Callable[..., Any],
    start: Any,
    learning_rate: float,
    momentum: float,
    steps: int,
    look: float = 1.0,
    sign: float = -1.0,
) -> tuple[Any, Any]:
    """(θ₁ …, v₁ …) of Nesterov's method as defined; the gradient is taken `look` times the momentum ahead."""
    θ, v = start, np.zeros_like(start)
    path, velocities = [], []
    for _ in range(steps):
        v = momentum * v + sign * learning_rate * gradient(θ + look * momentum * v)
        θ = θ + v
        path.append(θ)
        velocities.append(v)
    return np.array(path), np.array(velocities)


def path_with_start(*case: Any) -> tuple[Any, Any]:
    path, velocities = nesterov_path(*case)
    return np.vstack([case[1], path]), np.vstack([np.zeros_like(case[1]), velocities])


def path_beyond(gradient: Any, start: Any, learning_rate: float, momentum: float, steps: int) -> Any:
    """The gradient taken at θ + v instead of θ + αv."""
    return nesterov_path(gradient, start, learning_rate, momentum, steps, look=1 / momentum)


def path_same_array(*case: Any) -> tuple[Any, Any]:
    """One array appended again and again, and changed in place meanwhile."""
    path, velocities = nesterov_path(*case)
    return np.array([path[-1]] * len(path)), np.array([velocities[-1]] * len(path))


# θ


def as_vector(params: dict[str, Any], *, order: Any = "C", names: Callable[[Any], Any] = list) -> Any:
    return np.concatenate([params[name].ravel(order) for name in names(params)])


NETWORKS = [
    {
        "W1": np.array([[1.0, -2.0, 3.0], [0.5, 7.0, -1.5]]),
        "b1": np.array([4.0, 8.0, -3.0]),
        "W2": np.array([[2.5], [-6.0], [9.0]]),
        "b2": np.array([0.25]),
    },
    {"W": np.array([[5.0, 6.0], [-7.0, 1.0], [2.0, 3.0]]), "b": np.array([-1.0, 0.5])},
]

# Counting the steps


def arrival(values: Any, tolerance: float, first: int = 1) -> tuple[float, float]:
    """(first step below the tolerance, first step from which all are below); infinite where there is none."""
    below = np.asarray(values) < tolerance
    arrived = float(np.argmax(below)) + first if below.any() else np.inf
    above = np.flatnonzero(~below)
    stays = (above[-1] + 1 if len(above) else 0) + first
    return arrived, float(stays) if below[-1] else np.inf


def arrival_last_above(values: Any, tolerance: float) -> tuple[float, float]:
    arrived, stays = arrival(values, tolerance)
    return arrived, stays - 1


def arrival_at_most(values: Any, tolerance: float) -> tuple[float, float]:
    return arrival(values, np.nextafter(tolerance, np.inf))


def arrival_twice(values: Any, tolerance: float) -> tuple[float, float]:
    arrived, stays = arrival(values, tolerance)
    return arrived, arrived if np.isfinite(stays) else np.inf


def arrival_never_one(values: Any, tolerance: float) -> tuple[float, float]:
    """argmax of all False is 0."""
    below = np.asarray(values) < tolerance
    return float(np.argmax(below)) + 1, arrival(values, tolerance)[1]


CURVES = [
    (np.array([4.0, 2.0, 0.5, 2.0, 0.4, 0.3]), 1.0),
    (np.array([0.5, 0.2, 0.1]), 1.0),
    (np.array([5.0, 4.0, 3.0, 2.0]), 1.0),
    (np.array([3.0, 0.5, 1.0, 0.5, 3.0]), 1.0),
    (np.array([3.0, 1.0, 0.9, 0.8]), 1.0),
]

FAST_FORGETTING = {"learning_rate": 0.3, "decay": 0.7, "epsilon": 0.05}

EXERCISES: dict[str, Exercise] = {
    "review": quiz("3_1.review", "bcabd", "review"),
    "theta": function(
        "as_vector",
        as_vector,
        [(params,) for params in NETWORKS],
        columns=partial(as_vector, order="F"),
        sorted=partial(as_vector, names=sorted),
        weights_only=partial(as_vector, names=lambda params: [name for name in params if name[0] == "W"]),
        reversed=partial(as_vector, names=lambda params: list(params)[::-1]),
        first_only=partial(as_vector, names=lambda params: list(params)[:1]),
    ),
    "sgd": rule(
        SGD,
        [{"learning_rate": 0.3}, {"learning_rate": 0.05}],
        sign=uphill,
        no_rate=sgd_no_rate,
    ),
    "momentum": rule(
        Momentum,
        [{"learning_rate": 0.2, "momentum": 0.8}, {"learning_rate": 0.05, "momentum": 0.6}],
        sign=velocity_plus,
        old_velocity=velocity_old,
        velocity_averaged=velocity_averaged,
        velocity_rated_twice=velocity_rated_twice,
        no_rate=velocity_no_rate,
    ),
    "nesterov_path": function(
        "nesterov_path",
        nesterov_path,
        [
            (slope, np.array([-7.0, 2.0]), 0.1, 0.9, 4),
            (wavy, np.array([1.0, -2.0, 0.5]), 0.3, 0.5, 3),
        ],
        sign=partial(nesterov_path, sign=1.0),
        no_lookahead=partial(nesterov_path, look=0.0),
        beyond=path_beyond,
        behind=partial(nesterov_path, look=-1.0),
        with_start=path_with_start,
        same_array=path_same_array,
        swapped=lambda *case: nesterov_path(*case)[::-1],
    ),
    "nesterov": rule(
        Nesterov,
        [{"learning_rate": 0.2, "momentum": 0.8}, {"learning_rate": 0.05, "momentum": 0.6}],
        sign=uphill,
        nesterov_plain=nesterov_plain,
        nesterov_short=nesterov_short,
        nesterov_unscaled=nesterov_unscaled,
    ),
    "derivation": quiz("3_1.derivation", "abcfd", "derivation", "abcdef"),
    "adagrad": rule(
        AdaGrad,
        [{"learning_rate": 0.5, "epsilon": 0.1}, {"learning_rate": 0.1, "epsilon": 0.02}],
        sign=uphill,
        epsilon_inside=adagrad_inside,
        no_root=adagrad_no_root,
        no_square=adagrad_no_square,
        old_memory=adagrad_old,
    ),
    "adadelta": rule(
        AdaDelta,
        [{"decay": 0.7, "epsilon": 0.05}, {"decay": 0.9, "epsilon": 0.01}],
        sign=uphill,
        epsilon_outside=adadelta_outside,
        decay_swapped=decay_swapped,
        adadelta_upside_down=adadelta_upside_down,
        adadelta_r_of_gradient=adadelta_r_of_gradient,
        adadelta_r_constant=adadelta_r_constant,
        adadelta_r_without_epsilon=adadelta_r_without_epsilon,
        old_memory=adadelta_old,
    ),
    "rmsprop": rule(
        RMSProp,
        [FAST_FORGETTING, {"learning_rate": 0.1, "decay": 0.9, "epsilon": 0.01}],
        sign=uphill,
        epsilon_outside=rmsprop_outside,
        decay_swapped=decay_swapped,
        no_root=rmsprop_no_root,
        rmsprop_sum=rmsprop_sum,
        half_average=rmsprop_half_average,
    ),
    "adam": rule(
        Adam,
        [
            {"learning_rate": 0.3, "decay_1": 0.7, "decay_2": 0.8, "epsilon": 0.05},
            {"learning_rate": 0.1, "decay_1": 0.9, "decay_2": 0.95, "epsilon": 0.01},
        ],
        sign=uphill,
        adam_no_correction=adam_no_correction,
        adam_first_only=adam_first_only,
        adam_second_only=adam_second_only,
        adam_times=adam_times,
        adam_from_zero=adam_from_zero,
        epsilon_inside=adam_inside,
        adam_folded=adam_folded,
        adam_kept_correction=adam_kept_correction,
        no_root=adam_no_root,
        adam_swapped=adam_swapped,
        adam_weights_swapped=adam_weights_swapped,
    ),
    "arrival": function(
        "arrival",
        arrival,
        CURVES,
        from_zero=partial(arrival, first=0),
        last_above=arrival_last_above,
        at_most=arrival_at_most,
        twice=arrival_twice,
        never_one=arrival_never_one,
    ),
}
"""By name, as the checks of the lesson call them."""

EXERCISES["adam"] = dataclasses.replace(
    EXERCISES["adam"],
    wrong={**EXERCISES["adam"].wrong, "adam_t_per_key": written(Adam, Adam.rule, counting_arrays=True)},
)
