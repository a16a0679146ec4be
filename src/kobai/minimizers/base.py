"""What every minimizer shares: the contract, the objective, the state, the ends.

A minimizer is a frozen dataclass whose fields are its options. It has two pure functions::

    begin(objective, x) -> state             evaluate at x
    advance(objective, state) -> state       ONE more trial point

and no loop: `kobai.minimize` is one `while_loop` around ``advance``, and anybody else (an engine, a picture
of paths) can drive it step by step. Both trace, jit and vmap. ``advance`` never reads the tolerance: whether
the gradient is small enough is judged by who drives (`solve.verdict`).

Everything here is about flat vectors x of shape [n]; trees are flattened once, at the edge (`tree`).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

STATUSES = (
    "running",
    "converged",
    "small_step",
    "iteration_limit",
    "line_search_failed",
    "nonfinite_start",
    "unbounded",
)
"""How a solve can end, by code; what each means and what to do then is ``words.say("status." + name)``."""

RUNNING, CONVERGED, SMALL_STEP, ITERATION_LIMIT, LINE_SEARCH_FAILED, NONFINITE_START, UNBOUNDED = range(7)


class Point(NamedTuple):
    """A place that was visited: x [n], the value f there and the gradient g [n]."""

    x: Any
    f: Any
    g: Any

    def finite(self) -> Any:
        """Whether value and gradient are numbers."""
        return jnp.isfinite(self.f) & jnp.all(jnp.isfinite(self.g))


class Evaluations(NamedTuple):
    """How often each quantity was computed (whole numbers)."""

    value: Any
    gradient: Any
    hessian: Any
    hessian_vector: Any

    def plus(
        self, value: Any = 0, gradient: Any = 0, hessian: Any = 0, hessian_vector: Any = 0
    ) -> "Evaluations":
        """These counts and so many more."""
        return Evaluations(
            self.value + value,
            self.gradient + gradient,
            self.hessian + hessian,
            self.hessian_vector + hessian_vector,
        )


class State(NamedTuple):
    """Where a solve stands after one trial point."""

    point: Point
    """The current iterate: the last point that was accepted."""
    best: Point
    """The point of the lowest finite value seen, trials included."""
    steps: Any
    """How many iterates were accepted after the start."""
    evaluations: Evaluations
    status: Any
    """One of the codes above; RUNNING while `advance` can be called."""
    memory: Any
    """Whatever else the method remembers: a pytree of its own."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """A function of a flat vector, and what can be asked of it. `fun` maps x [n] to a scalar of x's dtype."""

    fun: Callable[[Any], Any]

    def at(self, x: Any) -> Point:
        """Value and gradient together, as a `Point`: one value and one gradient evaluation."""
        return Point(x, *self.value_and_gradient(x))

    def value_and_gradient(self, x: Any) -> tuple[Any, Any]:
        """f(x) and ∇f(x) [n]."""
        return jax.value_and_grad(self.fun)(x)

    def hessian(self, x: Any) -> Any:
        """∇²f(x) [n, n]."""
        return jax.hessian(self.fun)(x)

    def hessian_vector(self, x: Any, v: Any) -> Any:
        """∇²f(x) v [n], without the matrix."""
        return jax.jvp(jax.grad(self.fun), (x,), (v,))[1]


@dataclasses.dataclass(frozen=True)
class Minimizer:
    """The contract. Options are the fields of a frozen dataclass, and static: another value compiles anew."""

    def begin(self, objective: Objective, x: Any) -> State:
        """Evaluate at x [n]. A start that is no number gives the status NONFINITE_START."""
        raise NotImplementedError

    def advance(self, objective: Objective, state: State) -> State:
        """Make one more trial point. Only to be called while ``state.status`` is RUNNING."""
        raise NotImplementedError


def started(point: Point, memory: Any, evaluations: Evaluations | None = None) -> State:
    """The state at a start that was just evaluated."""
    zero = jnp.int32(0)
    sound = point.finite() & jnp.all(jnp.isfinite(point.x))
    return State(
        point=point,
        best=point,
        steps=zero,
        evaluations=evaluations or Evaluations(zero + 1, zero + 1, zero, zero),
        status=jnp.where(sound, RUNNING, NONFINITE_START).astype(jnp.int32),
        memory=memory,
    )


def better(best: Point, trial: Point) -> Point:
    """The one of both with the lower value; never a trial that is no number."""
    return choose(trial.finite() & ~(trial.f >= best.f), trial, best)


def choose(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the scalar condition holds, else `b`: two pytrees of one structure."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), a, b)


def max_norm(g: Any) -> Any:
    """‖g‖∞, what the tolerance is about."""
    return jnp.max(jnp.abs(g), initial=0)


def length(v: Any) -> Any:
    """‖v‖, also where squares would overflow or vanish."""
    largest = max_norm(v)
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    return scale * jnp.linalg.norm(v / scale)


def unit(v: Any) -> Any:
    """v / ‖v‖; zero where v is."""
    size = length(v)
    return v / jnp.where(size > 0, size, 1)


def stride(point: Point) -> Any:
    """How far to step where nothing tells: 1, or more where that would be lost in the rounding of x or f.

    Where half the digits of x and of f change, a step is seen.
    """
    half = jnp.sqrt(jnp.finfo(point.f.dtype).eps)
    size = length(point.g)
    seen_in_f = half * jnp.abs(point.f) / jnp.where(size > 0, size, jnp.inf)
    return jnp.maximum(1, jnp.maximum(half * max_norm(point.x), seen_in_f))
