"""A quadratic with noise for the update rules, in float64: where they start, and the points they come to."""

import functools

import jax
import numpy as np

STEPS = 25
RNG = np.random.default_rng(0)
START = {
    "a": RNG.normal(size=(4, 4)),
    "b": RNG.normal(size=4),
    "c": RNG.normal(size=(3, 6)),
    "d": RNG.normal(size=(6, 2)),
}
NOISE = [{name: RNG.normal(size=array.shape) for name, array in START.items()} for _ in range(STEPS)]
CURVATURE = {name: 10.0 ** RNG.uniform(-1, 1, size=array.shape) for name, array in START.items()}
SQUARE = {"a": START["a"]}
"""One matrix with as many rows as columns, whose eigenbasis is unique after one gradient."""


def gradient(step, θ):
    return {name: CURVATURE[name] * θ[name] + NOISE[step][name] for name in θ}


def path(rule, start=START, steps=STEPS):
    """The points at which a rule is evaluated, [steps + 1, n], in float64 and on NumPy arrays."""
    θ, state, points = start, rule.init(start), [start]
    with jax.enable_x64(True):  # for derivatives of the gradient
        for step in range(steps):
            at = functools.partial(gradient, step)
            more = {"gradient_at": at} if rule.asks else {}
            Δ, state = rule.update(at(θ), state, θ, **more)
            θ = {name: θ[name] + Δ[name] for name in θ}
            points.append(rule.evaluation_point(θ, state))
    assert all(type(array) is np.ndarray and array.dtype == np.float64 for array in θ.values())
    return flat(points)


def flat(points):
    return np.array([np.concatenate([np.ravel(p[name]) for name in p]) for p in points])
