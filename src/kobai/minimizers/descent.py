"""What the methods that search along a line share: one loop body for all of them.

BFGS, L-BFGS and conjugate gradients differ in how they turn after an accepted step, and in what they remember
for it. That is all they say; the rest is here: the trial, the search, the restart when a search fails.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kobai.errors import UsageError, is_number
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
    started,
)


class Step(NamedTuple):
    """An accepted step, from which a method turns: s = x₊ − x, y = g₊ − g, along d with step length α."""

    before: Point
    after: Point
    direction: Any
    length: Any

    @property
    def s(self) -> Any:
        """x₊ − x [n]"""
        return self.after.x - self.before.x

    @property
    def y(self) -> Any:
        """g₊ − g [n]"""
        return self.after.g - self.before.g


class Memory(NamedTuple):
    """The search under way, and what the method itself remembers."""

    direction: Any
    search: line_search.Search
    low: Point
    """The point at ``search.low``."""
    own: Any
    fresh: Any
    """Whether the direction is that of steepest descent, with nothing remembered."""
    unit: Any
    """Length of a step along −g by the last curvature seen, yᵀs / yᵀy; at the start a guess."""


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
        return started(point, self._steepest(point, first_length(point)))

    def advance(self, objective: Objective, state: State) -> State:
        memory = state.memory
        trial = objective.at(state.point.x + memory.search.step * memory.direction)
        finite = trial.finite()
        search, verdict = line_search.advance(
            memory.search, trial.f, jnp.vdot(trial.g, memory.direction), finite, self.decrease, self.curvature
        )
        low = choose(search.low.step == memory.search.step, trial, memory.low)
        still = jnp.all(state.point.x + search.step * memory.direction == low.x)  # no number lies between
        failed = (verdict == line_search.FAILED) | ((verdict == line_search.SEARCHING) & still)
        arrived = verdict == line_search.ACCEPTED
        fell = failed & (low.f < state.point.f)  # not what was asked for, but lower: take it
        length = jnp.where(arrived, memory.search.step, search.low.step)
        step = Step(state.point, choose(arrived, trial, low), memory.direction, length)

        case = jnp.select([arrived | fell, failed & ~memory.fresh], [1, 2], 0)
        point, new = jax.lax.switch(
            case,
            [
                lambda: (state.point, memory._replace(search=search, low=low)),
                lambda: (step.after, self._turned(memory, step)),
                lambda: (state.point, self._steepest(state.point, memory.unit)),
            ],
        )
        gave_up = failed & ~fell & memory.fresh
        status = jnp.select(
            [(verdict == line_search.ENDLESS) | (trial.f == -jnp.inf), gave_up & still, gave_up],
            [UNBOUNDED, SMALL_STEP, LINE_SEARCH_FAILED],
            RUNNING,
        )
        return State(
            point=point,
            best=better(state.best, trial),
            steps=state.steps + (case == 1),
            evaluations=state.evaluations.plus(value=1, gradient=1),
            status=status.astype(jnp.int32),
            memory=new,
        )

    def _turned(self, memory: Memory, step: Step) -> Memory:
        """The search along the next direction; along −g where that is no direction of descent."""
        own, d, first = self.turn(memory.own, step)
        sy, yy = jnp.vdot(step.s, step.y), jnp.vdot(step.y, step.y)
        unit = jnp.where((sy > 0) & (yy > 0), sy / yy, memory.unit)
        point = step.after
        slope = jnp.vdot(point.g, d)
        usable = (slope < 0) & jnp.all(jnp.isfinite(d))
        onward = Memory(d, line_search.begin(point.f, slope, first), point, own, jnp.bool_(False), unit)
        return choose(usable, onward, self._steepest(point, unit))

    def _steepest(self, point: Point, length: Any) -> Memory:
        """A search along −g, everything forgotten."""
        d = -point.g
        search = line_search.begin(point.f, -jnp.vdot(d, d), length)
        return Memory(d, search, point, self.forget(point), jnp.bool_(True), length)


def first_length(point: Point) -> Any:
    """α of the first trial x − α g: as far as a function that is zero at its lowest would need, at most 1.

    A quadratic along the line that touches zero has its minimum at α = 2f/‖g‖². Of f and c·f the trials are
    the same, and where the origin of x is does not matter.
    """
    norm = jnp.linalg.norm(point.g)
    norm = jnp.where(norm > 0, norm, 1)
    fall = 2 * jnp.abs(point.f) / norm
    return jnp.where(fall > 0, jnp.minimum(1, fall), 1) / norm
