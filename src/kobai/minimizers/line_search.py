"""One line search for all methods: strong Wolfe conditions, one trial at a time.

Along a direction d of descent, φ(α) = f(x + α d). A step α is accepted where

    φ(α) ≤ φ(0) + c₁ α φ'(0)     it decreases enough, and
    |φ'(α)| ≤ c₂ |φ'(0)|         the slope has become gentle.

(Nocedal and Wright 2006, algorithms 3.5 and 3.6.) Where values differ by no more than their rounding error
the first condition is noise; there it is replaced by its form in slopes, the approximate Wolfe condition

    φ(α) ≤ φ(0) + ε |φ(0)|  and  φ'(α) ≤ (2c₁ − 1) φ'(0)     (Hager and Zhang 2005, equations 22 and 27).

The search is a small record, `Search`, and two functions: `begin` gives the first trial, `advance` takes what
was found there and gives the next trial or the verdict. Nothing in it has the scale of x or of f.
"""

from typing import NamedTuple

import jax.numpy as jnp

from kobai.basics.arrays import Scalar, Truth, Whole
from kobai.minimizers.base import choose

SEARCHING, ACCEPTED, FAILED, ENDLESS = range(4)
"""Verdicts: make another trial; take this one; no acceptable step can be found; it falls without end."""

EXPANSION = 1.1, 10.0
"""The next trial beyond the last one, while no bracket is known: between so many times as far."""
MARGIN = 0.01
"""A trial inside a bracket keeps this part of its width away from both ends."""
MOST_EXPANSIONS, MOST_TRIALS = 100, 30
"""Trials before a bracket is known, and inside it."""


class Sample(NamedTuple):
    """What is known of the line at the step α: the value φ(α) and the slope φ'(α) = g·d."""

    step: Scalar
    value: Scalar
    slope: Scalar


class Search(NamedTuple):
    """A search under way. Between `low` and `high` lies an acceptable step, once `bracketed`."""

    start: Sample
    low: Sample
    """The lowest sample so far that decreases enough (the start at first)."""
    high: Sample
    """The other end: too far, or uphill of `low`; its value may be infinite."""
    bracketed: Truth
    step: Scalar
    """The next trial."""
    widths: tuple[Scalar, Scalar]
    """Widths of the bracket at the last trial and the one before: it has to shrink."""
    trials: Whole
    """How many since the search began, or since the bracket is known."""


def begin(value: Scalar, slope: Scalar, step: Scalar) -> Search:
    """A search from φ(0) = value with φ'(0) = slope < 0; `step` is the first trial."""
    start = Sample(jnp.zeros_like(value), value, slope)
    far = jnp.full_like(value, jnp.inf)
    return Search(start, start, start, jnp.bool_(False), step, (far, far), jnp.int32(0))


def noise(value: Scalar) -> Scalar:
    """How far values near this one may be wrong: between the rounding of one number and its square root."""
    return jnp.finfo(value.dtype).eps ** (2 / 3) * jnp.abs(value)


def advance(
    search: Search, value: Scalar, slope: Scalar, finite: Truth, c1: float, c2: float
) -> tuple[Search, Whole]:
    """Take in what was found at ``search.step``; the search with its next trial, and the verdict.

    `finite` says whether value and gradient are numbers there: if not, the step was too long.
    """
    start, low, high, bracketed, step, widths, trials = search
    trial = Sample(step, value, slope)
    ε = noise(start.value)
    flat = value <= start.value + ε

    decreases = (value <= start.value + c1 * step * start.slope) | (
        flat & (slope <= (2 * c1 - 1) * start.slope)
    )
    gentle = jnp.abs(slope) <= c2 * jnp.abs(start.slope)
    accepted = finite & decreases & gentle

    # Which end of the bracket the trial becomes (algorithm 3.6); among equal values the slope tells.
    onward = jnp.where(bracketed, jnp.sign(high.step - low.step), 1.0) * slope < 0
    lower = (value < low.value) | ((value <= low.value + ε) & onward)
    moves = finite & decreases & lower
    new_low = choose(moves, trial, low)
    new_high = choose(moves, choose(onward, high, low), trial)
    now_bracketed = bracketed | ~moves | ~onward

    inside = _interpolated(new_low, new_high, ε, widths[1])
    beyond = _extrapolated(low, trial)
    width = jnp.abs(new_high.step - new_low.step)
    trials = jnp.where(now_bracketed & ~bracketed, 0, trials + 1)
    verdict = jnp.select(
        [accepted, now_bracketed & (trials >= MOST_TRIALS), ~now_bracketed & (trials >= MOST_EXPANSIONS)],
        [ACCEPTED, FAILED, ENDLESS],
        SEARCHING,
    )
    far = jnp.full_like(width, jnp.inf)
    return Search(
        start=start,
        low=new_low,
        high=new_high,
        bracketed=now_bracketed,
        step=jnp.where(now_bracketed, inside, beyond),
        widths=choose(now_bracketed, (width, widths[0]), (far, far)),
        trials=trials,
    ), verdict


def _interpolated(low: Sample, high: Sample, ε: Scalar, earlier: Scalar) -> Scalar:
    """The next trial inside a bracket: where the cubic is lowest, or the middle where that does not help."""
    width = high.step - low.step
    level = jnp.abs(high.value - low.value) <= ε  # then only the slopes say something
    step = jnp.where(level & (low.slope * high.slope < 0), secant(low, high), cubic(low, high))
    near, far = low.step + MARGIN * width, high.step - MARGIN * width
    step = jnp.clip(step, jnp.minimum(near, far), jnp.maximum(near, far))
    shrinks = jnp.abs(width) <= 0.66 * earlier
    step = jnp.where(shrinks & jnp.isfinite(step), step, low.step + 0.5 * width)
    return jnp.where(jnp.isfinite(high.value + high.slope), step, low.step + 0.1 * width)


def _extrapolated(before: Sample, trial: Sample) -> Scalar:
    """The next trial beyond the last one, which was still going down."""
    least, most = (trial.step * times for times in EXPANSION)
    step = cubic(before, trial)
    return jnp.where(step > trial.step, jnp.clip(step, least, most), most)


def cubic(a: Sample, b: Sample) -> Scalar:
    """Where the cubic with the values and slopes of `a` and `b` is lowest (equation 3.59), or NaN."""
    d = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    size = jnp.maximum(jnp.abs(d), jnp.maximum(jnp.abs(a.slope), jnp.abs(b.slope)))
    p, q, r = a.slope / size, b.slope / size, d / size  # so that no square overflows
    root = jnp.sign(b.step - a.step) * jnp.sqrt(r * r - p * q)
    return b.step - (b.step - a.step) * (q + root - r) / (q - p + 2 * root)


def secant(a: Sample, b: Sample) -> Scalar:
    """The step where the line through both slopes is zero."""
    return a.step - a.slope * (b.step - a.step) / (b.slope - a.slope)
