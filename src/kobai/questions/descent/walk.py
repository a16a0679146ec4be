"""The paths themselves: the variants of all update rules in one compiled program, each minimizer in another.

An update rule walks by `lax.scan`, all its variants side by side under `vmap`: their hyperparameters are
arguments, and so is the start, so that other ones need no other program. A minimizer makes one trial point at
a time until it stops by itself. Everything is in double precision, whatever the program around it uses.
"""

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar, Vector
from kobai.basics.machine import pool
from kobai.candidates.named import Method
from kobai.minimizers.base import RUNNING, STATUSES, Minimizer, Objective, State
from kobai.minimizers.solve import verdict
from kobai.optimizers.base import Optimizer

Function: TypeAlias = Callable[[Vector], Scalar]
Rows: TypeAlias = tuple[jax.Array, jax.Array, jax.Array]
"""Of every iterate of a minimizer: values [steps + 1], points [steps + 1, n], what was spent [steps + 1]."""
Walk: TypeAlias = tuple[Vector, PyTree]
"""Where a rule stands, and its state."""

GTOL = 1e-8
"""A minimizer stops where every entry of the gradient is at most this."""

QUICK: dict[str, str | bool] = {"xla_backend_optimization_level": "0", "xla_cpu_use_fusion_emitters": False}
"""Options of XLA for few dimensions: a walk then takes less time than its compilation, which they make three
times as fast."""

FEW = 100
"""So many dimensions are few."""

TRIALS_PER_STEP = 20
"""A minimizer that needs more trial points than this on average has lost its way."""


@dataclasses.dataclass(frozen=True, eq=False)
class Path:
    """One walk of one method from the start."""

    values: np.ndarray
    """[steps + 1] f at every step, from the start on; shorter for a minimizer that stopped by itself."""
    points: np.ndarray
    """[steps + 1, n] where it was."""
    spent: np.ndarray
    """[steps + 1] evaluations that had been made on arrival there, counted in gradients."""
    total: int
    """Evaluations in all, with those that led to no further step."""
    ended: str | None = None
    """How a minimizer stopped: one of its statuses."""
    counts: dict[str, int] | None = None
    """How often a minimizer evaluated each quantity."""


def walk(
    objective: Function,
    methods: Sequence[Method],
    start: np.ndarray,
    steps: int,
) -> list[Path]:
    """The path of every method, in their order, from `start` [n]."""
    kinds: dict[Hashable, list[int]] = {}
    for i, method in enumerate(methods):
        kind = jax.tree.structure(method) if isinstance(method, Optimizer) else i
        kinds.setdefault(kind, []).append(i)
    rules = [places for places in kinds.values() if isinstance(methods[places[0]], Optimizer)]
    others = {i: method for i, method in enumerate(methods) if isinstance(method, Minimizer)}
    x = np.asarray(start, float)
    with jax.enable_x64(True):
        stacks = [jax.tree.map(_stacked, *(methods[i] for i in places)) for places in rules]
        programs: list[tuple[jax.stages.Wrapped, tuple[PyTree, ...]]] = []
        if rules:
            programs.append((jax.jit(_all_rules(objective, steps)), (stacks, x)))
        programs += [(jax.jit(_one_minimizer(objective, each, steps)), (x,)) for each in others.values()]
        lowered = [program.lower(*arguments) for program, arguments in programs]
        with pool(2) as threads:  # the compiler uses one core for each
            executables = list(threads.map(lambda program: _compiled(program, quick=x.size <= FEW), lowered))
        results = [
            jax.device_get(program(*arguments))
            for program, (_, arguments) in zip(executables, programs, strict=True)
        ]
    paths: dict[int, Path] = {}
    if rules:
        for places, (values, points) in zip(rules, results.pop(0), strict=True):
            paths |= {
                i: Path(v, p, np.arange(steps + 1), steps)
                for i, v, p in zip(places, values, points, strict=True)
            }
    paths |= {i: _read(state, rows) for i, (state, rows) in zip(others, results, strict=True)}
    return [paths[i] for i in range(len(methods))]


def _compiled(program: jax.stages.Lowered, quick: bool) -> jax.stages.Compiled:
    try:
        return program.compile(QUICK if quick else None)
    except jax.errors.JaxRuntimeError:  # of an XLA that has no such options
        return program.compile()


def _stacked(*values: float) -> np.ndarray:
    return np.array(values, float)


def _all_rules(objective: Function, steps: int) -> Callable[..., list[tuple[Array, Array]]]:
    """(stacks of variants, start) -> for each stack values [variants, steps + 1] and points [… , n]."""

    def path(rule: Optimizer, x: Vector) -> tuple[Array, Array]:
        def step(carry: Walk, _: None) -> tuple[Walk, tuple[Scalar, Vector]]:
            x, state = carry
            g = jax.grad(objective)(rule.lookahead(x, state))
            more = {"gradient_at": jax.grad(objective)} if rule.asks else {}
            Δ, state = rule.update(g, state, x, **more)
            x = x + Δ
            point = rule.evaluation_point(x, state)
            return (x, state), (objective(point), point)

        state = jax.tree.map(jnp.asarray, rule.init(x))
        _, (values, points) = lax.scan(step, (x, state), None, steps)
        return jnp.append(objective(x), values), jnp.concatenate([x[None], points])

    return lambda stacks, x: [jax.vmap(path, (0, None))(stack, x) for stack in stacks]


def _one_minimizer(
    objective: Function, method: Minimizer, steps: int
) -> Callable[[Vector], tuple[State, Rows]]:
    """start -> the last state, and for every iterate its value, its point and what had been spent."""
    function = Objective(objective)

    def note(state: State, rows: Rows) -> Rows:
        """The row of the current iterate, written again at every trial; what was spent, at the first."""
        (values, points, spent), row = rows, state.steps
        return (
            values.at[row].set(state.point.f),
            points.at[row].set(state.point.x),
            spent.at[row].min(_spent(state).astype(spent.dtype)),
        )

    def judged(state: State) -> State:
        return verdict(state, GTOL, steps, TRIALS_PER_STEP * steps)

    def advance(carry: tuple[State, Rows]) -> tuple[State, Rows]:
        state, rows = carry
        state = judged(method.advance(function, state))
        return state, note(state, rows)

    def walk(x: Vector) -> tuple[State, Rows]:
        never = jnp.iinfo(int).max
        rows = jnp.zeros(steps + 1), jnp.zeros((steps + 1, x.size)), jnp.full(steps + 1, never)
        state = judged(method.begin(function, x))
        return lax.while_loop(lambda c: c[0].status == RUNNING, advance, (state, note(state, rows)))

    return walk


def _spent(state: State) -> Scalar:
    """The evaluations so far, in gradients."""
    counts = state.evaluations
    return (
        jnp.maximum(counts.value, counts.gradient)
        + state.point.x.size * counts.hessian
        + counts.hessian_vector
    )


def _read(state: State, rows: Rows) -> Path:
    """The path of a minimizer from the arrays that its program gave.

    Where the minimizer found itself unable to go on, a trial may lie lower than the last iterate, as on the
    way to −∞. As `kobai.minimize` does, the path then ends there.
    """
    values, points, spent = (np.asarray(row[: int(state.steps) + 1]) for row in rows)
    ended, total = STATUSES[int(state.status)], int(_spent(state))
    if ended not in ("converged", "iteration_limit") and state.best.f < values[-1]:
        values, points = np.append(values, state.best.f), np.vstack([points, state.best.x])
        spent = np.append(spent, total)
    counts = {name: int(count) for name, count in state.evaluations._asdict().items()}
    return Path(values, points, spent, total, ended, counts)
