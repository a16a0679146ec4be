"""`kobai.minimize_many`: thousands of starts at once, and which minima they lead to.

One compiled program solves a chunk of starts side by side (``vmap``); each core takes the next chunk. A chunk
waits for its slowest start, and what the methods remember of all its starts should stay near the core, so
that chunks are large for few variables and small for many: `chunk_size`, measured by benchmarks/minimize.py.
A start's result depends neither on the other starts nor on the number of threads.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, Scalar, Vector
from kobai.basics.checks import check_count, is_number
from kobai.basics.errors import UsageError, quoted
from kobai.basics.guard import guard
from kobai.basics.machine import cores, pool
from kobai.minimizers.base import CONVERGED, STATUSES, Evaluations, Minimizer, max_norm
from kobai.minimizers.curvature import CAUTIONS, FLAT
from kobai.minimizers.solve import (
    answer,
    caution_at,
    check_memory,
    checked,
    checked_args,
    chosen,
    ended,
    fetched,
    hashable,
    mistakes_said,
    solved,
)
from kobai.minimizers.tree import Tree, flattened, objective, with_arrays

NUMBERS_PER_CHUNK = 2**15
LARGEST_CHUNK = 256
SAME = 1e-3
MOST_JUDGED = 500
"""Of more variables than this the Hessian is not made, to tell a minimum from a saddle."""


@dataclasses.dataclass(frozen=True)
class Stationary:
    """A point of zero gradient, and the starts that led to it."""

    value: PyTree
    """A tree like one start."""
    objective: float
    starts: np.ndarray
    """The positions of the starts that led here, ascending."""


@dataclasses.dataclass(frozen=True, repr=False)
class Solutions:
    """The ends of k solves, in the order of their starts."""

    value: PyTree
    """A tree like the starts, with their leading axis [k]."""
    objective: np.ndarray
    gradient_norm: np.ndarray
    status: tuple[str, ...]
    steps: np.ndarray
    evaluations: Evaluations
    """The counts, an array [k] each."""
    minima: tuple[Stationary, ...]
    """The distinct minima among those that converged, the lowest first: where f only levels off is none."""
    saddles: tuple[Stationary, ...]
    """Likewise the points of zero gradient that are none, since f goes down from there: saddles and maxima,
    which are met where a start leads straight to them. Looked for in up to 500 variables."""
    caution: tuple[str, ...]
    """What there is to say of each end, as in `kobai.Solution`."""
    stand_in: bool = False
    """Whether L-BFGS stood in for BFGS, the default, whose matrix would have been too large."""

    @property
    def best(self) -> int:
        """The position of the start that came lowest. Raises `UsageError` where none came to a number."""
        if np.all(np.isnan(self.objective)):
            raise UsageError("error.minimize.best")
        return int(np.nanargmin(self.objective))

    def __repr__(self) -> str:  # thousands of starts are no line to read
        came = {status: self.status.count(status) for status in dict.fromkeys(self.status)}
        lowest = f", lowest {self.minima[0].objective:g}" if self.minima else ""
        starts = "1 start" if len(self.status) == 1 else f"{len(self.status)} starts"
        minima = "1 minimum" if len(self.minima) == 1 else f"{len(self.minima)} minima"
        return f"Solutions({starts}: {came}; {minima}{lowest})"

    def message(self, i: int) -> str:
        """How start `i` ended and what to do, in the language in use."""
        return ended(self.status[i], self.gradient_norm[i], self.steps[i], self.caution[i], self.stand_in)


@guard
def minimize_many(
    fun: Callable[..., Scalar],
    starts: PyTree,
    *,
    method: Minimizer | str | None = None,
    args: tuple = (),
    gtol: float | None = None,
    max_steps: int = 2000,
    max_evaluations: int = 100_000,
    same: float = SAME,
    threads: int | None = None,
    chunk: int | None = None,
) -> Solutions:
    """Minimize ``fun(x, *args)`` from each of many starts, and gather the ends into distinct minima.

    Args:
      fun, method, args, gtol, max_steps, max_evaluations: as for `kobai.minimize`.
      starts: a tree like one x whose leaves have a leading axis [k] for the k starts.
      same: two ends are one minimum where neither value nor any coordinate differs by more than
        ``same * (1 + its size)``.
      threads: how many cores take chunks; None for all there are.
      chunk: how many starts are solved side by side; None for a number chosen by the number of variables.

    Raises `UsageError` for a caller's mistake.
    """
    if not callable(fun):
        raise UsageError("error.minimize.fun", value=type(fun).__name__)
    X, tree = stacked(starts)
    method, stand_in = chosen(method, X.shape[1])
    args = checked_args(args)
    bounds = checked(gtol, tree.dtype, max_steps, max_evaluations), max_steps, max_evaluations
    for name, count in (("threads", threads), ("chunk", chunk)):
        if count is not None:
            check_count(name, count)
    if not (is_number(same) and same >= 0):
        raise UsageError("error.minimize.same", value=quoted(same))
    k, n = X.shape
    chunk = min(chunk or chunk_size(n), k)
    check_memory(method, n, chunk)
    # The last chunk is filled up with its last start, so that all have one shape.
    padded = np.concatenate([X, np.repeat(X[-1:], -k % chunk, axis=0)])
    pieces = np.split(padded, len(padded) // chunk)
    x64 = tree.dtype == "float64" or bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]
    fun = hashable(fun)
    program = functools.partial(_chunk, fun, method, tree)

    def work(piece: np.ndarray) -> tuple:
        with jax.enable_x64(x64):  # a thread does not inherit it
            return fetched(program(piece, args, *bounds))

    with mistakes_said(), pool(threads or cores()) as workers:
        first = work(pieces[0])  # compiles, once
        ends = [first, *workers.map(work, pieces[1:])]
    x, f, norm, codes, steps, evaluations, cautions = jax.tree.map(
        lambda *parts: np.concatenate(parts)[:k], *ends
    )
    stationary: dict[bool, list[Stationary]] = {False: [], True: []}
    with jax.enable_x64(x64):
        for i, members in distinct(x, f, (codes == CONVERGED) & (cautions != FLAT), same):
            down = n <= MOST_JUDGED and curves_down(fun, tree, x[i], args)
            stationary[down].append(Stationary(tree.restored(x[i]), float(f[i]), members))
    return Solutions(
        value=unstacked(x, tree),
        objective=f,
        gradient_norm=norm,
        status=tuple(STATUSES[code] for code in codes),
        steps=steps,
        evaluations=evaluations,
        minima=tuple(stationary[False]),
        saddles=tuple(stationary[True]),
        caution=tuple(CAUTIONS[code] for code in cautions),
        stand_in=stand_in,
    )


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _chunk(
    fun: Callable[..., Scalar], method: Minimizer, tree: Tree, X: Matrix, args: tuple, *bounds: Any
) -> tuple:
    """Solve the starts X [chunk, n]: (x, f, ‖g‖∞, status, steps, evaluations, caution), [chunk] each."""

    whole = objective(fun, tree, args)

    def one(x: Vector) -> tuple:
        state, _, gauge = solved(method, whole, x, *bounds)
        return answer(state), state.status, state.steps, state.evaluations, gauge

    if len(X) == 1:  # a batch of one would still compute both sides of every branch
        end, status, steps, evaluations, gauge = jax.tree.map(lambda leaf: leaf[None], one(X[0]))
    else:
        end, status, steps, evaluations, gauge = jax.vmap(one)(X)
    codes = jax.vmap(functools.partial(caution_at, whole))(status, end, gauge)
    return end.x, end.f, jax.vmap(max_norm)(end.g), status, steps, evaluations, codes


def chunk_size(n: int) -> int:
    """How many starts of n variables are solved side by side."""
    return max(1, min(LARGEST_CHUNK, NUMBERS_PER_CHUNK // n**2))


def stacked(starts: PyTree) -> tuple[np.ndarray, Tree]:
    """The starts as rows [k, n], and the shape of one of them. Raises `UsageError` where there are none."""
    starts = with_arrays("starts", starts)  # a list of points
    leaves = jax.tree.leaves(starts)
    counts = {np.shape(leaf)[:1] for leaf in leaves}
    if len(counts) != 1 or counts <= {(), (0,)}:
        raise UsageError("error.minimize.starts", value=[list(np.shape(leaf)) for leaf in leaves])
    _, tree = flattened("starts", jax.tree.map(lambda leaf: leaf[0], starts))
    [(k,)] = counts
    rows = [np.asarray(leaf, tree.dtype).reshape(k, -1) for leaf in leaves]
    return np.concatenate(rows, axis=1), tree


def unstacked(X: np.ndarray, tree: Tree) -> PyTree:
    """The tree of the rows [k, n], with their axis in front of every leaf."""
    shapes = tuple((len(X), *shape) for shape in tree.shapes)
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in tree.shapes])[:-1]
    columns = np.concatenate([part.ravel() for part in np.split(X, ends, axis=1)])
    return dataclasses.replace(tree, shapes=shapes).restored(columns)


def distinct(
    x: np.ndarray, f: np.ndarray, converged: np.ndarray, same: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Gather the ends x [k, n] that converged: from the lowest up, each takes all that are the same as it.

    The position of each lowest one, and those of all that it takes.
    """
    left = np.flatnonzero(converged)
    left = left[np.argsort(f[left], kind="stable")]
    while left.size:
        lowest = left[0]
        near = np.abs(f[left] - f[lowest]) <= same * (1 + abs(f[lowest]))
        near &= np.all(np.abs(x[left] - x[lowest]) <= same * (1 + np.abs(x[lowest])), axis=1)
        yield int(lowest), np.sort(left[near])
        left = left[~near]


def curves_down(fun: Callable[..., Scalar], tree: Tree, x: np.ndarray, args: tuple) -> bool:
    """Whether ∇²f(x) has a negative eigenvalue, beyond rounding: then x is no minimum."""
    λ = np.linalg.eigvalsh(jax.device_get(_hessian(fun, tree, x, args)))  # ascending
    return bool(λ[0] < -np.sqrt(np.finfo(λ.dtype).eps) * np.max(np.abs(λ)))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _hessian(fun: Callable[..., Scalar], tree: Tree, x: Vector, args: tuple) -> Matrix:
    return objective(fun, tree, args).hessian(x)
