"""`kobai.minimize`: a function of any pytree, a start, a method -> a `Solution`.

`solve` is the whole solve as one traced `while_loop` over flat vectors; it can stand inside jit and vmap.
`minimize` is its face for a person: it checks what it is given, flattens the tree, compiles once for each
function, method and shape, and says how it ended in words.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from kobai.errors import UsageError, check_count
from kobai.minimizers.base import (
    CONVERGED,
    ITERATION_LIMIT,
    RUNNING,
    STATUSES,
    Evaluations,
    Minimizer,
    Objective,
    Point,
    State,
    choose,
    max_norm,
)
from kobai.minimizers.bfgs import BFGS
from kobai.words import say

GTOL = {"float64": 1e-6, "float32": 1e-3}
"""The tolerance where none is given, by dtype: ‖g‖∞ of 1e-6 is out of reach for many float32 problems."""


class Trace(NamedTuple):
    """What was met on the way, one row for each iterate; NaN after the last."""

    objective: Any
    gradient_norm: Any
    path: Any
    """The iterates [rows, n], or None."""


def solve(
    method: Minimizer,
    objective: Objective,
    x: Any,
    *,
    gtol: Any,
    max_steps: Any,
    max_evaluations: Any,
    rows: int = 0,
    keep_path: bool = False,
) -> tuple[State, Trace]:
    """Minimize from x [n] until the gradient is small or something else ends it: traced, one `while_loop`.

    The final state, whose status is not RUNNING, and the first `rows` iterates. `answer` gives what to return.
    """

    def going(carry: Any) -> Any:
        return carry[0].status == RUNNING

    def body(carry: Any) -> Any:
        state, trace = carry
        state = verdict(method.advance(objective, state), gtol, max_steps, max_evaluations)
        return state, _noted(trace, state)

    state = verdict(method.begin(objective, x), gtol, max_steps, max_evaluations)
    empty = jnp.full(rows, jnp.nan, state.point.f.dtype)
    path = jnp.full((rows, x.size), jnp.nan, x.dtype) if keep_path else None
    return jax.lax.while_loop(going, body, (state, _noted(Trace(empty, empty, path), state)))


def verdict(state: State, gtol: Any, max_steps: Any, max_evaluations: Any) -> State:
    """The state with its end, where a tolerance or a bound of work was reached."""
    spent = jnp.maximum(state.evaluations.value, state.evaluations.gradient)
    status = jnp.select(
        [
            state.status != RUNNING,
            max_norm(state.point.g) <= gtol,
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
    row = state.steps
    return Trace(
        trace.objective.at[row].set(state.point.f, mode="drop"),
        trace.gradient_norm.at[row].set(max_norm(state.point.g), mode="drop"),
        None if trace.path is None else trace.path.at[row].set(state.point.x, mode="drop"),
    )


@dataclasses.dataclass(frozen=True)
class History:
    """What every iterate was, from the start on: arrays of length steps + 1."""

    objective: np.ndarray
    gradient_norm: np.ndarray
    path: np.ndarray | None
    """The iterates themselves [steps + 1, n], flat, where they were asked for."""


@dataclasses.dataclass(frozen=True)
class Solution:
    """The end of a solve."""

    value: Any
    """Where it ended: a tree like x0. The iterate with the small gradient, else the best point seen."""
    objective: float
    gradient_norm: float
    """‖g‖∞ there."""
    status: str
    """One of `STATUSES`, except "running"."""
    steps: int
    evaluations: Evaluations
    history: History

    @property
    def converged(self) -> bool:
        """Whether the gradient is as small as was asked for."""
        return self.status == "converged"

    @property
    def message(self) -> str:
        """How it ended and what to do, in the language in use."""
        return say(f"status.{self.status}", norm=f"{self.gradient_norm:.3g}", steps=self.steps)


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    *,
    method: Minimizer | None = None,
    args: tuple = (),
    gtol: float | None = None,
    max_steps: int = 2000,
    max_evaluations: int = 100_000,
    keep_path: bool = False,
) -> Solution:
    """Find a local minimum of ``fun(x, *args)``, a scalar that JAX can differentiate, from x0."""
    x, unravel = ravel_pytree(x0)
    gtol = GTOL[x.dtype.name] if gtol is None else gtol
    check_count("max_steps", max_steps)
    if not gtol >= 0:
        raise UsageError("error.minimize.gtol", value=gtol)
    rows = 1 << int(max_steps).bit_length()
    state, trace = _compiled(
        fun, method or BFGS(), unravel, rows, keep_path, x, args, gtol, max_steps, max_evaluations
    )
    state, trace = jax.device_get((state, trace))
    end = answer(state)
    n = int(state.steps) + 1
    return Solution(
        value=unravel(jnp.asarray(end.x)),
        objective=float(end.f),
        gradient_norm=float(max_norm(end.g)),
        status=STATUSES[int(state.status)],
        steps=int(state.steps),
        evaluations=Evaluations(*map(int, state.evaluations)),
        history=History(
            trace.objective[:n], trace.gradient_norm[:n], None if trace.path is None else trace.path[:n]
        ),
    )


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _compiled(
    fun: Any,
    method: Minimizer,
    unravel: Any,
    rows: int,
    keep_path: bool,
    x: Any,
    args: Any,
    gtol: Any,
    max_steps: Any,
    max_evaluations: Any,
) -> tuple[State, Trace]:
    objective = Objective(lambda x: fun(unravel(x), *args))
    return solve(
        method,
        objective,
        x,
        gtol=gtol,
        max_steps=max_steps,
        max_evaluations=max_evaluations,
        rows=rows,
        keep_path=keep_path,
    )
