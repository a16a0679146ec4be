"""What the methods that search along a line share: one loop body for all of them.

BFGS, L-BFGS and conjugate gradients differ in how they turn after an accepted step, and in what they remember
for it. That is all they say; the rest is here: the trial, the search, the restart when a search fails.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

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
    started,
    stride,
    unit,
)

MOST_IDLE = 30
"""So many iterates without progress, and what is left is rounding error."""


class Step(NamedTuple):
    """An accepted step, from which a method turns: s = x₊ − x, y = g₊ − g, along d with step length α."""

    before: Point
    after: Point
    direction: Any
    """d [n], as the method gave it."""
    length: Any
    """α"""

    @property
    def s(self) -> Any:
        """x₊ − x [n]"""
        return self.after.x - self.before.x

    @property
    def y(self) -> Any:
        """g₊ − g [n]"""
        return self.after.g - self.before.g

    def secant(self) -> tuple[Any, Any]:
        """(s / ‖s‖, y / ‖s‖): their products are second derivatives, and numbers where these are.

        yᵀs itself has the size of f times the square of a relative step, which leaves the range of float32
        long before f does.
        """
        size = length(self.s)
        return self.s / size, self.y / size


class Memory(NamedTuple):
    """The search under way, and what the method itself remembers."""

    direction: Any
    """Of length 1 [n], so that the slope along it is a number where the gradient is one."""
    size: Any
    """How long it was as the method gave it."""
    search: line_search.Search
    low: Point
    """The point at ``search.low``."""
    own: Any
    fresh: Any
    """Whether the direction is that of steepest descent, with nothing remembered."""
    reach: Any
    """How far to go along −g, as a multiple of it: yᵀs / yᵀy of the last step; at first a guess."""
    least: Any
    """The smallest ‖g‖∞ of all iterates."""
    idle: Any
    """Iterates in a row with neither a lower value nor a smaller gradient than ever before."""


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

    def forget(self, point: Point) -> Any:
        """What is remembered before the first step, and after a restart."""
        raise NotImplementedError

    def turn(self, memory: Any, step: Step) -> tuple[Any, Any, Any]:
        """(new memory, new direction, first trial along it) after an accepted step."""
        raise NotImplementedError

    def begin(self, objective: Objective, x: Any) -> State:
        point = objective.at(x)
        size = length(point.g)
        reach = first_length(point)
        search = line_search.begin(point.f, -size, reach * size)
        yes, zero, own = jnp.bool_(True), jnp.int32(0), self.forget(point)
        least = max_norm(point.g)
        return started(point, Memory(-unit(point.g), size, search, point, own, yes, reach, least, zero))

    def advance(self, objective: Objective, state: State) -> State:
        memory, search, d = state.memory, state.memory.search, state.memory.direction
        trial = objective.at(state.point.x + search.step * d)
        found, verdict = line_search.advance(
            search, trial.f, jnp.vdot(trial.g, d), trial.finite(), self.decrease, self.curvature
        )
        low = choose(found.low.step == search.step, trial, memory.low)
        between = state.point.x + found.step * d != low.x
        still = found.bracketed & ~jnp.any(between)  # no number lies between
        arrived = verdict == line_search.ACCEPTED
        failed = (verdict == line_search.FAILED) | ((verdict == line_search.SEARCHING) & still)
        moved = arrived | (failed & (low.f < state.point.f))  # not what was asked for, but lower: take it
        again = failed & ~moved & ~memory.fresh
        gave_up = failed & ~moved & memory.fresh
        after = choose(moved, choose(arrived, trial, low), state.point)
        norm = max_norm(after.g)
        forward = (after.f < state.best.f) | (norm < memory.least)
        idle = jnp.where(moved, jnp.where(forward, 0, memory.idle + 1), memory.idle)
        status = jnp.select(
            [
                (verdict == line_search.ENDLESS) | (trial.f == -jnp.inf),
                (gave_up & still) | (idle >= MOST_IDLE),
                gave_up,
            ],
            [UNBOUNDED, SMALL_STEP, LINE_SEARCH_FAILED],
            RUNNING,
        )
        memory = memory._replace(search=found, low=low, least=jnp.minimum(norm, memory.least), idle=idle)
        gone = jnp.where(arrived, search.step, found.low.step)
        step = Step(state.point, after, memory.size * d, gone / memory.size)
        return State(
            point=after,
            best=better(state.best, trial),
            steps=state.steps + moved,
            evaluations=state.evaluations.plus(value=1, gradient=1),
            status=status.astype(jnp.int32),
            memory=self._next(memory, step, moved, again),
        )

    def _next(self, memory: Memory, step: Step, moved: Any, again: Any) -> Memory:
        """The search under way, or a new one: along the next direction where the last step was accepted.

        Along −g, with everything forgotten, to try `again`, and where the direction does not go down.
        """
        point = step.after
        own, d, first = jax.lax.cond(
            moved,
            lambda: self.turn(memory.own, step),
            lambda: (memory.own, memory.direction, memory.reach),
        )
        reach = jnp.where(moved, flatness(*step.secant()), memory.reach)
        reach = jnp.where((reach > 0) & jnp.isfinite(reach), reach, memory.reach)
        size, steepest = length(d), length(point.g)
        d = unit(d)
        slope = jnp.vdot(point.g, d)
        fresh = again | (moved & ~((slope < 0) & jnp.isfinite(slope)))
        d, size, slope, first = choose(
            fresh, (-unit(point.g), steepest, -steepest, reach), (d, size, slope, first)
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


def flatness(s: Any, y: Any) -> Any:
    """yᵀs / yᵀy: one over the curvature along the step, as a method without a matrix may take it."""
    size = length(y)
    return jnp.vdot(s, y / size) / size


def first_length(point: Point) -> Any:
    """α of the first trial x − α g: as far as f would need if it were zero at its lowest, at most a `stride`.

    A quadratic along the line that touches zero has its minimum at α = 2f/‖g‖². Of f and c·f the trials are
    the same.
    """
    norm = length(point.g)
    norm = jnp.where(norm > 0, norm, 1)
    fall, most = 2 * (jnp.abs(point.f) / norm), stride(point)
    return jnp.where(fall > 0, jnp.minimum(most, fall), most) / norm
