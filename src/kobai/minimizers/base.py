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
import operator
from collections.abc import Callable
from typing import NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, Scalar, Truth, Vector, Whole

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


MOST_IN_ONE_PASS = 2**16
"""Sums over more variables than this are made one by one."""

EXPONENT = {"float64": (jnp.int64, 0x7FF << 52), "float32": (jnp.int32, 0xFF << 23)}
"""Where a number keeps its exponent: the integer of its size, and the bits in it."""

T = TypeVar("T")

Count: TypeAlias = int | Whole
"""How many: traced while it is counted, a number of Python's in the end."""


class Point(NamedTuple):
    """A place that was visited: x [n], the value f there and the gradient g [n]."""

    x: Vector
    f: Scalar
    g: Vector

    def finite(self) -> Truth:
        """Whether place, value and gradient are numbers: some functions have a value at infinity."""
        return jnp.isfinite(self.f) & jnp.all(jnp.isfinite(self.x) & jnp.isfinite(self.g))


class Evaluations(NamedTuple):
    """How often each quantity was computed (whole numbers)."""

    value: Count
    gradient: Count
    hessian: Count
    hessian_vector: Count

    def plus(
        self, value: Count = 0, gradient: Count = 0, hessian: Count = 0, hessian_vector: Count = 0
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
    steps: Whole
    """How many iterates were accepted after the start."""
    evaluations: Evaluations
    status: Whole
    """One of the codes above; RUNNING while `advance` can be called."""
    memory: PyTree
    """Whatever else the method remembers: a pytree of its own."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """A function of a flat vector, and what can be asked of it. `fun` maps x [n] to a scalar of x's dtype."""

    fun: Callable[[Vector], Scalar]

    def at(self, x: Vector) -> Point:
        """Value and gradient together, as a `Point`: one value and one gradient evaluation."""
        return Point(x, *self.value_and_gradient(x))

    def value_and_gradient(self, x: Vector) -> tuple[Scalar, Vector]:
        """f(x) and ∇f(x) [n]."""
        return jax.value_and_grad(self.fun)(x)

    def hessian(self, x: Vector) -> Matrix:
        """∇²f(x) [n, n]."""
        return jax.hessian(self.fun)(x)

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """∇²f(x) v [n], without the matrix."""
        return jax.jvp(jax.grad(self.fun), (x,), (v,))[1]


@dataclasses.dataclass(frozen=True)
class Minimizer:
    """The contract. Options are the fields of a frozen dataclass, and static: another value compiles anew."""

    def begin(self, objective: Objective, x: Vector) -> State:
        """Evaluate at x [n]. A start that is no number gives the status NONFINITE_START."""
        raise NotImplementedError

    def advance(self, objective: Objective, state: State) -> State:
        """Make one more trial point. Only to be called while ``state.status`` is RUNNING."""
        raise NotImplementedError


def started(point: Point, memory: PyTree, evaluations: Evaluations | None = None) -> State:
    """The state at a start that was just evaluated."""
    zero = jnp.int32(0)
    return State(
        point=point,
        best=point,
        steps=zero,
        evaluations=evaluations or Evaluations(zero + 1, zero + 1, zero, zero),
        status=jnp.where(point.finite(), RUNNING, NONFINITE_START).astype(jnp.int32),
        memory=memory,
    )


def better(best: Point, trial: Point) -> Point:
    """The one of both with the lower value; never a trial that is no number."""
    return choose(trial.finite() & ~(trial.f >= best.f), trial, best)


def choose(condition: Truth, a: T, b: T) -> T:
    """`a` where the scalar condition holds, else `b`: two pytrees of one structure."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), a, b)


def max_norm(g: Vector) -> Scalar:
    """‖g‖∞, what the tolerance is about."""
    return jnp.max(jnp.abs(g), initial=0)


def scaled(v: Vector) -> tuple[Vector, Scalar]:
    """(v / m, m) with the `magnitude` m of v: the same digits, and squares that are numbers."""
    size = magnitude(v)
    return v * reciprocal(size), size


def magnitude(v: Vector) -> Scalar:
    """The power of two next below ‖v‖∞; the least there is where v is zero, and 1 where it is not finite."""
    largest = max_norm(v)
    whole, exponent = EXPONENT[str(v.dtype)]
    bits = jax.lax.bitcast_convert_type(largest, whole) & whole(exponent)
    least, most = (float(jnp.finfo(v.dtype).tiny) ** sign for sign in (1, -1))  # each one over the other
    power = jnp.clip(jax.lax.bitcast_convert_type(bits, v.dtype), least, most)
    return jnp.where(jnp.isfinite(largest), power, 1)


def reciprocal(power: Scalar) -> Scalar:
    """One over a `magnitude`, exactly: only the exponent changes, which takes no division."""
    whole, _ = EXPONENT[str(power.dtype)]
    one = jax.lax.bitcast_convert_type(jnp.ones((), power.dtype), whole)
    return jax.lax.bitcast_convert_type(2 * one - jax.lax.bitcast_convert_type(power, whole), power.dtype)


def length(v: Vector) -> Scalar:
    """‖v‖, also where squares would overflow or vanish."""
    v, size = scaled(v)
    return size * jnp.linalg.norm(v)


def unit(v: Vector) -> Vector:
    """v / ‖v‖; zero where v is."""
    size = length(v)
    return v / jnp.where(size > 0, size, 1)


def sums(*terms: Vector) -> tuple[Scalar, ...]:
    """The sum of each term [n].

    Of few variables all in one pass, which takes XLA on a CPU a third of the time of one pass for each; of
    many each by itself, which keeps more digits.
    """
    # They only decide, and XLA's one pass over several terms has no derivative.
    terms = tuple(jax.lax.stop_gradient(term.astype(terms[0].dtype)) for term in terms)
    if terms[0].size > MOST_IN_ONE_PASS:
        return tuple(map(jnp.sum, terms))
    zeros = tuple(jnp.zeros_like(term, shape=()) for term in terms)
    return jax.lax.reduce(terms, zeros, lambda a, b: jax.tree.map(operator.add, a, b), (0,))


def stride(point: Point) -> Scalar:
    """How far to step where nothing tells: 1, or more where that would be lost in the rounding of x or f.

    Where half the digits of x and of f change, a step is seen.
    """
    half = jnp.sqrt(jnp.finfo(point.f.dtype).eps)
    size = length(point.g)
    seen_in_f = half * jnp.abs(point.f) / jnp.where(size > 0, size, jnp.inf)
    return jnp.maximum(1, jnp.maximum(half * max_norm(point.x), seen_in_f))
