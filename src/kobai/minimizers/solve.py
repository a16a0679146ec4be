"""`kobai.minimize`: a function of any pytree, a start, a method -> a `Solution`.

`solve` is the whole solve as one traced `while_loop` over flat vectors; it can stand inside jit and vmap.
`minimize` is its face for a person: it checks what it is given, flattens the tree, compiles once for each
function, method and shape, and says how it ended in words.
"""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics import registry
from kobai.basics.arrays import Matrix, Number, Scalar, Truth, Vector, Whole
from kobai.basics.checks import check_count, is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.minimizers import gauge as gauges
from kobai.minimizers.base import (
    CONVERGED,
    ITERATION_LIMIT,
    RUNNING,
    SMALL_STEP,
    STATUSES,
    Count,
    Evaluations,
    Minimizer,
    Objective,
    Point,
    State,
    choose,
    max_norm,
)
from kobai.minimizers.bfgs import BFGS
from kobai.minimizers.curvature import CAUTIONS, NOTHING, caution
from kobai.minimizers.gauge import Gauge
from kobai.minimizers.lbfgs import LBFGS
from kobai.minimizers.tree import Tree, flattened, objective
from kobai.words import say

R = TypeVar("R")

MOST = 2**30
"""The largest bound of work: counts are 32-bit integers."""
MOST_ROWS = 2**20
"""Of more iterates than this the history keeps the first."""
MOST_NUMBERS = 10**8
"""More to remember than this is refused (0.8 GB in float64, and the compiled program holds some copies)."""


class Trace(NamedTuple):
    """What was met on the way, one row for each iterate; NaN after the last."""

    objective: Vector
    gradient_norm: Vector
    path: Matrix | None
    """The iterates [rows, n], or None."""


class Tolerance(NamedTuple):
    """When a solve has converged: ‖g‖∞ ≤ gtol, or less than this part of x is left to go (see `gauge`)."""

    gtol: Number
    part: Number


def solve(
    method: Minimizer,
    objective: Objective,
    x: Vector,
    *,
    gtol: Number,
    max_steps: Count,
    max_evaluations: Count,
    rows: int = 0,
    keep_path: bool = False,
) -> tuple[State, Trace]:
    """Minimize from x [n] until ‖g‖∞ ≤ gtol or something else ends it: traced, one `while_loop`.

    The final state, whose status is not RUNNING, and the first `rows` iterates; `answer` says what to return.
    """
    tolerance = Tolerance(gtol, 0)
    state, trace, _ = solved(
        method, objective, x, tolerance, max_steps, max_evaluations, rows=rows, keep_path=keep_path
    )
    return state, trace


def solved(
    method: Minimizer,
    objective: Objective,
    x: Vector,
    tolerance: Tolerance,
    max_steps: Count,
    max_evaluations: Count,
    *,
    rows: int = 0,
    keep_path: bool = False,
) -> tuple[State, Trace, Gauge]:
    """`solve` with either tolerance; also what the last step said."""

    def going(carry: tuple[State, Trace, Gauge]) -> Truth:
        return carry[0].status == RUNNING

    def body(carry: tuple[State, Trace, Gauge]) -> tuple[State, Trace, Gauge]:
        before, trace, gauge = carry
        state = method.advance(objective, before)
        gauge = gauges.advance(gauge, before.point, state.point, state.steps > before.steps)
        state = verdict(state, tolerance.gtol, max_steps, max_evaluations, gauge.left < tolerance.part)
        return state, _noted(trace, state), gauge

    state = verdict(method.begin(objective, x), tolerance.gtol, max_steps, max_evaluations)
    empty = jnp.full(rows, jnp.nan, state.point.f.dtype)
    path = jnp.full((rows, x.size), jnp.nan, x.dtype) if keep_path else None
    trace = _noted(Trace(empty, empty, path), state)
    return jax.lax.while_loop(going, body, (state, trace, gauges.begin(state.point)))


def verdict(
    state: State, gtol: Number, max_steps: Count, max_evaluations: Count, near: Truth | bool = False
) -> State:
    """The state with its end, where a tolerance or a bound of work was reached, or it is `near` enough."""
    spent = jnp.maximum(state.evaluations.value, state.evaluations.gradient)
    status = jnp.select(
        [
            state.status != RUNNING,
            (max_norm(state.point.g) <= gtol) | near,
            (state.steps >= max_steps) | (spent >= max_evaluations),
        ],
        [state.status, CONVERGED, ITERATION_LIMIT],
        RUNNING,
    )
    return state._replace(status=status.astype(jnp.int32))


def answer(state: State) -> Point:
    """What to return: the iterate whose gradient is small, else the best point seen."""
    return choose(state.status == CONVERGED, state.point, state.best)


def _noted(trace: Trace, state: State) -> Trace:
    """The row of the current iterate, written again at every trial until the next is accepted."""
    if not trace.objective.size:
        return trace
    row = state.steps
    return Trace(
        jnp.asarray(trace.objective).at[row].set(state.point.f, mode="drop"),
        jnp.asarray(trace.gradient_norm).at[row].set(max_norm(state.point.g), mode="drop"),
        None if trace.path is None else jnp.asarray(trace.path).at[row].set(state.point.x, mode="drop"),
    )


@dataclasses.dataclass(frozen=True)
class History:
    """What every iterate was, from the start on: arrays of length steps + 1, at most `MOST_ROWS`."""

    objective: np.ndarray
    gradient_norm: np.ndarray
    path: np.ndarray | None
    """The iterates themselves [steps + 1, n], flat, where they were asked for."""


@dataclasses.dataclass(frozen=True)
class Solution:
    """The end of a solve."""

    value: PyTree
    """Where it ended: a tree like x0. The iterate with the small gradient, else the best point seen."""
    objective: float
    gradient_norm: float
    """‖g‖∞ there."""
    status: str
    """One of `STATUSES`, except "running"."""
    steps: int
    """Iterates accepted after the start."""
    evaluations: Evaluations
    """How often value, gradient, Hessian and Hessian-vector products were computed, exactly."""
    history: History = dataclasses.field(repr=False)
    caution: str = ""
    """Where it converged, or came as far as rounding lets it, but not to a minimum that it can vouch for:
    "downhill", a maximum or a saddle; "flat", the gradient is small only because the function levels off."""
    stand_in: bool = False
    """Whether L-BFGS stood in for BFGS, the default, whose matrix would have been too large."""

    @property
    def converged(self) -> bool:
        """Whether the gradient is as small as was asked for."""
        return self.status == "converged"

    @property
    def message(self) -> str:
        """How it ended and what to do, in the language in use."""
        return ended(self.status, self.gradient_norm, self.steps, self.caution, self.stand_in)


def ended(status: str, norm: float, steps: int, caution: str = "", stand_in: bool = False) -> str:
    """How a solve ended and what to do, in the language in use."""
    end = say(f"status.{status}", norm=f"{norm:.3g}", steps=int(steps))
    more = [f"caution.{caution}"] * bool(caution) + ["caution.stand_in"] * stand_in
    return end + "".join(map(say, more))


@guard
def minimize(
    fun: Callable[..., Scalar],
    x0: PyTree,
    *,
    method: Minimizer | str | None = None,
    args: tuple = (),
    gtol: float | None = None,
    max_steps: int = 2000,
    max_evaluations: int = 100_000,
    keep_path: bool = False,
) -> Solution:
    """Find a local minimum of ``fun(x, *args)`` from x0, with no learning rate to choose.

    Args:
      fun: a scalar function that JAX can differentiate. Its first argument is a tree like x0. Called again
        with the same function object, method and shapes, nothing is compiled anew; a lambda made anew for
        each call is compiled at each call and stays in memory, so give it new data as `args`.
      x0: any pytree of float32 or float64 arrays; NumPy arrays and Python numbers are computed in float64,
        and a list of numbers is an array.
      method: a `Minimizer` or its name in `kobai methods`; None is BFGS().
      args: further arguments of `fun`: pytrees of arrays and numbers, traced, so that new data costs nothing.
      gtol: stop where ‖g‖∞ ≤ gtol, in the unit of f over that of x. By default relative, without a unit: stop
        where, by the last step, at most 1e-9 of x is left to go (1e-6 in float32); see `gauge`.
      max_steps: at most so many accepted steps, up to 2³⁰; the history keeps the first 2²⁰.
      max_evaluations: at most so many points, up to 2³⁰.
      keep_path: keep every iterate in ``history.path``.

    How it ended is a value, `Solution.status`. Raises `UsageError` for a caller's mistake.
    """
    if not callable(fun):
        raise UsageError("error.minimize.fun", value=type(fun).__name__)
    x, tree = flattened("x0", x0)
    method, stand_in = chosen(method, x.size)
    tolerance = checked(gtol, tree.dtype, max_steps, max_evaluations)
    # A power of two, so that another bound seldom compiles anew.
    rows = min(1 << int(max_steps).bit_length(), MOST_ROWS)
    check_memory(method, x.size)
    if keep_path and rows * x.size > MOST_NUMBERS:
        raise UsageError("error.minimize.path", rows=rows, size=x.size)
    args = checked_args(args)
    with jax.enable_x64(tree.dtype == "float64" or x64()), mistakes_said():
        end, norm, (status, steps, evaluations, code), trace = fetched(
            _compiled(
                hashable(fun),
                method,
                tree,
                rows,
                bool(keep_path),
                x,
                args,
                tolerance,
                max_steps,
                max_evaluations,
            )
        )
    iterates = int(steps) + 1
    return Solution(
        value=tree.restored(end.x),
        objective=float(end.f),
        gradient_norm=float(norm),
        status=STATUSES[int(status)],
        steps=int(steps),
        evaluations=Evaluations(*map(int, evaluations)),
        history=History(
            trace.objective[:iterates],
            trace.gradient_norm[:iterates],
            None if trace.path is None else trace.path[:iterates],
        ),
        caution=CAUTIONS[int(code)],
        stand_in=stand_in,
    )


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _compiled(
    fun: Callable[..., Scalar],
    method: Minimizer,
    tree: Tree,
    rows: int,
    keep_path: bool,
    x: Vector,
    args: tuple,
    *bounds: Any,
) -> tuple[Point, Scalar, tuple[Whole, Whole, Evaluations, Whole], Trace]:
    whole = objective(fun, tree, args)
    state, trace, gauge = solved(method, whole, x, *bounds, rows=rows, keep_path=keep_path)
    end = answer(state)
    code = caution_at(whole, state.status, end, gauge)
    return end, max_norm(end.g), (state.status, state.steps, state.evaluations, code), trace


def caution_at(objective: Objective, status: Whole, end: Point, gauge: Gauge) -> Whole:
    """The code of the caution at an end that is called a success, or as far as rounding lets it come."""
    converged = status == CONVERGED
    return jax.lax.cond(
        converged | (status == SMALL_STEP),
        lambda: caution(objective.fun, end, gauge, converged),
        lambda: jnp.int32(NOTHING),
    )


def chosen(method: Minimizer | str | None, size: int) -> tuple[Minimizer, bool]:
    """The minimizer that is meant for so many variables, and whether it stands in for the default one."""
    entry = registry.entry_of("kind.minimizer", method, registry.MINIMIZERS)
    if entry is not None:
        return entry.load()(), False
    if method is None:
        large = size**2 > MOST_NUMBERS
        return (LBFGS() if large else BFGS()), large
    if not isinstance(method, Minimizer):
        raise UsageError("error.minimize.method", value=getattr(method, "__name__", repr(method)))
    return method, False


@functools.lru_cache(maxsize=256)
def remembered(method: Minimizer, size: int) -> int:
    """How many numbers the method remembers of `size` variables. Raises `UsageError` if it refuses them."""
    bowl = Objective(lambda x: jnp.vdot(x, x))
    state = jax.eval_shape(lambda x: method.begin(bowl, x), jax.ShapeDtypeStruct((size,), jnp.float32))
    return sum(leaf.size for leaf in jax.tree.leaves(state.memory))


def check_memory(method: Minimizer, size: int, copies: int = 1) -> None:
    """Refuse what would fill the memory."""
    numbers = remembered(method, size) * copies
    if numbers > max(MOST_NUMBERS, 100 * size):
        name = type(method).__name__
        raise UsageError("error.minimize.memory", name=name, size=size, numbers=f"{numbers:.2g}")


def checked(gtol: float | None, dtype: str, max_steps: int, max_evaluations: int) -> Tolerance:
    """The tolerance in this dtype. Refuses tolerances and bounds that mean nothing."""
    check_count("max_steps", max_steps, most=MOST)
    check_count("max_evaluations", max_evaluations, most=MOST)
    if gtol is None:
        return Tolerance(np.zeros((), dtype), np.asarray(gauges.ENOUGH[dtype], dtype))
    if not (is_number(gtol) and 0 <= float(gtol) < math.inf):
        raise UsageError("error.minimize.gtol", value=quoted(gtol))
    return Tolerance(np.asarray(gtol, dtype), np.zeros((), dtype))


def checked_args(args: PyTree) -> tuple:
    """The further arguments of the function; one alone need not be in a tuple."""
    args = args if isinstance(args, tuple) else (args,)
    for leaf in jax.tree.leaves(args):
        if isinstance(leaf, jax.core.Tracer):
            raise UsageError("error.minimize.traced", name="args")
        array = isinstance(leaf, np.ndarray | np.generic | jax.Array)
        numbers = array and not (isinstance(leaf.dtype, np.dtype) and leaf.dtype.kind in "OSUMm")
        if not (numbers or is_number(leaf) or isinstance(leaf, bool)):
            raise UsageError("error.minimize.args", value=quoted(leaf))
    return args


def x64() -> bool:
    """Whether JAX computes in 64 bits."""
    return bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]


def fetched(outcome: R) -> R:
    """What a compiled program gave, as NumPy arrays. Refuses tracers: `fun` closes over a value that an outer
    jit or vmap traces."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(outcome)):
        raise UsageError("error.minimize.traced_closure")
    return jax.device_get(outcome)


def hashable(fun: Callable[..., R]) -> Callable[..., R]:
    """`fun` itself, or a stand-in for one that cannot be hashed, which is then compiled at every call."""
    try:
        hash(fun)
    except TypeError:
        return lambda *arguments: fun(*arguments)
    return fun


@contextlib.contextmanager
def mistakes_said() -> Iterator[None]:
    """Say in one sentence what JAX says in many where a function cannot be traced."""
    try:
        yield
    except jax.errors.UnexpectedTracerError as problem:
        raise UsageError("error.minimize.traced_closure") from problem
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as problem:
        raise UsageError("error.minimize.traceable", problem=str(problem).splitlines()[0]) from problem
