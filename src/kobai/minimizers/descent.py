"""What the methods that search along a line share: one loop body for all of them.

BFGS, L-BFGS and conjugate gradients differ in how they turn after an accepted step, and in what they remember
for it. That is all they say; the rest is here: the trial, the search, the restart when a search fails.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from kobai.basics.arrays import Scalar, Truth, Vector, Whole
from kobai.basics.checks import is_number
from kobai.basics.errors import UsageError
from kobai.minimizers import line_search
from kobai.minimizers.base import (
    LINE_SEARCH_FAILED,
    RUNNING,
    SMALL_STEP,
    UNBOUNDED,
    Minimizer,
    Objective,
    Point,
    State,
    better,
    choose,
    length,
    max_norm,
    reciprocal,
    scaled,
    started,
    stride,
    sums,
)

MOST_IDLE = 30
"""So many iterates without progress, and what is left is rounding error."""


class Step(NamedTuple):
    """An accepted step, from which a method turns: s = x₊ − x, y = g₊ − g, along d with step length α."""

    before: Point
    after: Point
    direction: Vector
    """d [n], as the method gave it."""
    length: Scalar
    """α"""

    @property
    def s(self) -> Vector:
        """x₊ − x [n]"""
        return self.after.x - self.before.x

    @property
    def y(self) -> Vector:
        """g₊ − g [n]"""
        return self.after.g - self.before.g

    def secant(self) -> "Secant":
        """What the step says of the curvature, in numbers wherever f is one.

        yᵀs itself has the size of f times the square of a relative step, which leaves the range of float32
        long before f does. So s and y are divided by their own magnitudes before they are multiplied.
        """
        (s, size), (y, change) = scaled(self.s), scaled(self.y)
        ss, sy, yy = sums(s * s, s * y, y * y)
        bend = change * reciprocal(size)
        curved = sy > jnp.finfo(s.dtype).eps * jnp.sqrt(ss * yy)
        return Secant(s, y * bend, size, sy * bend, sy / (yy * bend), curved)


class Secant(NamedTuple):
    """What a step says of the curvature: s and y, both divided by the `magnitude` of s."""

    s: Vector
    y: Vector
    size: Scalar
    """That magnitude."""
    ys: Scalar
    """yᵀs"""
    flatness: Scalar
    """yᵀs / yᵀy: one over the curvature along the step, as a method without a matrix may take it."""
    curved: Truth
    """Whether f curves upwards along the step: yᵀs > ε‖y‖‖s‖, whatever the scale of f or x."""


class Line(NamedTuple):
    """The line that is searched, and what the method itself remembers."""

    direction: Vector
    """Divided by its `magnitude` [n], so that the slope along it is a number where the gradient is one."""
    size: Scalar
    """That magnitude: a power of two."""
    search: line_search.Search
    low: Point
    """The point at ``search.low``."""
    own: PyTree
    fresh: Truth
    """Whether the direction is that of steepest descent, with nothing remembered."""
    reach: Scalar
    """How far to go along −g, as a multiple of it: yᵀs / yᵀy of the last step; at first a guess."""
    start: Scalar
    """f at the start: how far it has fallen since is what a fall is measured by."""
    least: Scalar
    """The smallest ‖g‖∞ of all iterates."""
    longest: Scalar
    """The largest ‖s‖∞ of all steps."""
    idle: Whole
    """Iterates in a row without progress: no value was lower than ever before, and where the gradient was
    smaller, the step was as long as ever. So it is where f levels off: no such step leads to a minimum."""


@dataclasses.dataclass(frozen=True)
class Descent(Minimizer):
    """A method that says how to turn; the search along the direction is shared.

    Args:
      decrease: c₁ in (0, 1/2), how much of the predicted decrease is enough.
      curvature: c₂ in (c₁, 1), how gentle the slope has to become; small values search more exactly.
    """

    decrease: float = 1e-4
    curvature: float = 0.9

    def __post_init__(self) -> None:
        c1, c2 = self.decrease, self.curvature
        if not (is_number(c1) and is_number(c2) and 0 < c1 < min(c2, 0.5) and c2 < 1):
            owner = type(self).__name__
            raise UsageError("error.minimize.descent", owner=owner, decrease=repr(c1), curvature=repr(c2))

    def forget(self, point: Point) -> PyTree:
        """What is remembered before the first step, and after a restart."""
        raise NotImplementedError

    def turn(self, memory: PyTree, step: Step) -> tuple[PyTree, Vector, Scalar]:
        """(new memory, new direction, first trial along it) after an accepted step."""
        raise NotImplementedError

    def begin(self, objective: Objective, x: Vector) -> State:
        point = objective.at(x)
        (downhill, size), reach = scaled(-point.g), first_length(point)
        search = line_search.begin(point.f, jnp.vdot(point.g, downhill), reach * size)
        yes, zero, own = jnp.bool_(True), jnp.int32(0), self.forget(point)
        least, longest = max_norm(point.g), jnp.zeros_like(point.f)
        line = Line(downhill, size, search, point, own, yes, reach, point.f, least, longest, zero)
        return started(point, line)

    def advance(self, objective: Objective, state: State) -> State:
        memory, search, d = state.memory, state.memory.search, state.memory.direction
        trial = objective.at(state.point.x + search.step * d)
        onward, verdict = line_search.advance(
            search, trial.f, jnp.vdot(trial.g, d), trial.finite(), self.decrease, self.curvature
        )
        low = choose(onward.low.step == search.step, trial, memory.low)
        between = state.point.x + onward.step * d != low.x
        still = onward.bracketed & ~jnp.any(between)  # no number lies between
        arrived = verdict == line_search.ACCEPTED
        endless = verdict == line_search.ENDLESS
        falling = falls(memory.start, state.best.f, trial.f)
        levels = endless & ~falling  # it goes down for ever, and comes no lower
        failed = (verdict == line_search.FAILED) | ((verdict == line_search.SEARCHING) & still) | levels
        moved = arrived | (failed & (low.f < state.point.f))  # not what was asked for, but lower: take it
        again = failed & ~moved & ~memory.fresh
        gave_up = failed & ~moved & memory.fresh
        after = choose(moved, choose(arrived, trial, low), state.point)
        norm, size = max_norm(after.g), max_norm(after.x - state.point.x)
        closer = (norm < memory.least) & (size <= memory.longest / 2)
        forward = (after.f < state.best.f) | closer
        idle = jnp.where(moved, jnp.where(forward, 0, memory.idle + 1), memory.idle)
        status = jnp.select(
            [
                (endless & falling) | (trial.f == -jnp.inf),
                (gave_up & (still | levels)) | (idle >= MOST_IDLE),
                gave_up,
            ],
            [UNBOUNDED, SMALL_STEP, LINE_SEARCH_FAILED],
            RUNNING,
        )
        memory = memory._replace(
            search=onward,
            low=low,
            least=jnp.minimum(norm, memory.least),
            longest=jnp.maximum(size, memory.longest),
            idle=idle,
        )
        gone = jnp.where(arrived, search.step, onward.low.step)
        step = Step(state.point, after, memory.size * d, gone / memory.size)
        return State(
            point=after,
            best=better(state.best, trial),
            steps=state.steps + moved,
            evaluations=state.evaluations.plus(value=1, gradient=1),
            status=status.astype(jnp.int32),
            memory=self._next(memory, step, moved, again),
        )

    def _next(self, memory: Line, step: Step, moved: Truth, again: Truth) -> Line:
        """The search under way, or a new one: along the next direction where the last step was accepted.

        Along −g, with everything forgotten, to try `again`, and where the direction does not go down.
        """
        point = step.after
        (own, d, first), reach = jax.lax.cond(
            moved,
            lambda: (self.turn(memory.own, step), step.secant().flatness),
            lambda: ((memory.own, memory.direction, memory.reach), memory.reach),
        )
        reach = jnp.where((reach > 0) & jnp.isfinite(reach), reach, memory.reach)
        (d, size), (g, steepest) = scaled(d), scaled(point.g)
        downhill = -g
        slope, steepest_slope = sums(point.g * d, point.g * downhill)
        fresh = again | (moved & ~((slope < 0) & jnp.isfinite(slope)))
        d, size, slope, first = choose(
            fresh, (downhill, steepest, steepest_slope, reach), (d, size, slope, first)
        )
        anew = moved | again
        return memory._replace(
            direction=jnp.where(anew, d, memory.direction),
            size=jnp.where(anew, size, memory.size),
            search=choose(anew, line_search.begin(point.f, slope, first * size), memory.search),
            low=choose(anew, point, memory.low),
            own=choose(fresh, self.forget(point), own),
            fresh=jnp.where(anew, fresh, memory.fresh),
            reach=reach,
        )


def falls(start: Scalar, lowest: Scalar, value: Scalar) -> Truth:
    """Whether f still falls, from the `lowest` value before to this one, by a part of its whole fall.

    A function that is bounded below falls by less and less; of one that is not, however slowly it goes down,
    every tenfold step takes a part of the whole.
    """
    return lowest - value > jnp.sqrt(jnp.finfo(value.dtype).eps) * (start - value)


def first_length(point: Point) -> Scalar:
    """α of the first trial x − α g: as far as f would need if it were zero at its lowest, at most a `stride`.

    A quadratic along the line that touches zero has its minimum at α = 2f/‖g‖². Of f and c·f the trials are
    the same.
    """
    norm = length(point.g)
    norm = jnp.where(norm > 0, norm, 1)
    fall, most = 2 * (jnp.abs(point.f) / norm), stride(point)
    return jnp.where(fall > 0, jnp.minimum(most, fall), most) / norm
