"""Methods let loose on a landscape as one call: ``kobai.descend("bowl")`` shows when each of them arrives."""

import math
import sys
from collections.abc import Callable, Sequence

import jax
import numpy as np

from kobai.basics.arrays import Array
from kobai.basics.checks import check_count, is_number
from kobai.basics.errors import UsageError, quoted, said
from kobai.basics.guard import guard
from kobai.basics.machine import use_compilation_cache
from kobai.basics.own_code import told
from kobai.candidates.grid import Grids
from kobai.candidates.named import Methods
from kobai.landscapes.landscape import Landscape, any_dimension, load
from kobai.questions.descent.grid import DescentCandidate, grid
from kobai.questions.descent.outcome import (
    DescentOutcome,
    best_rates,
    check_column,
    frame,
    judge,
    ordered,
)
from kobai.questions.descent.result import DescentResult
from kobai.questions.descent.walk import walk
from kobai.report.result import call
from kobai.words import current
from kobai.words import language as speaking

STEPS = 1000
MOST_STEPS = 1_000_000
LARGEST = sys.float_info.max
MOST_NUMBERS = 30_000_000
"""So many numbers of all paths are kept at once (240 MB)."""


@guard
def descend(
    landscape: Landscape | str | Callable[[jax.Array], Array],
    methods: Methods | None = None,
    *,
    start: Sequence[float] | None = None,
    dimension: int | None = None,
    learning_rates: Sequence[float] | None = None,
    hyperparameters: Grids | None = None,
    steps: int = STEPS,
    tolerance: float | None = None,
    sort: str | None = None,
    language: str | None = None,
    command: str | None = None,
) -> DescentResult:
    """Which method arrives in how many steps, and does it stay?

    All paths begin at one point and are computed in double precision; those of all variants of update rules
    in one compiled program. A path has arrived where f < tolerance, above the least value if it is known.

    Args:
      landscape: a name (``kobai landscapes``), a `Landscape`, or any function from an array [n] to a scalar
        that JAX can differentiate.
      methods: names, classes or instances of update rules and minimizers, or a single one; a list in a field
        of an instance is a grid. Default: seven update rules and BFGS.
      start: n finite numbers. Default: the landscape's.
      dimension: n, for a name that leaves it open. Default: as many as `start` has, or the landscape's own.
      learning_rates: for every update rule. Default: what the landscape names for it, or the best of 21 from
        0.0001 to 10.
      hyperparameters: further grids, such as ``{"momentum.momentum": [0.5, 0.9]}`` or
        ``{"conjugate_gradient.formula": ["FR", "HS"]}``.
      steps: of an update rule; at most so many of a minimizer.
      tolerance: in place of the landscape's; above 0 where its least value is known.
      sort: a column of the table, ascending. Default: the best first.
      language: "en" or "ja", for this call. Default: the language in use.
      command: what the page says reproduces it. Default: this call.

    Returns:
      A `DescentResult`: prints the table; holds the paths, frames and figures.

    Raises:
      UsageError: for anything that cannot be meant, before any step.
    """
    command = command or call(descend, locals(), {"landscape": "f"})
    with speaking(language):
        use_compilation_cache()
        ground = _landscape(landscape, dimension, start)
        x = _start(ground, start)
        check_count("steps", steps, most=MOST_STEPS)
        _check_tolerance(ground, tolerance)
        if sort is not None:
            check_column(sort)
        candidates = grid(ground, methods, learning_rates, hyperparameters)
        _check_size(candidates, steps, len(x))
        _check_objective(ground, x)
        outcome = _outcome(ground, x, candidates, steps, ground.level(tolerance), sort)
        return DescentResult(table=frame(outcome.rows), command=command, language=current(), outcome=outcome)


def _outcome(
    landscape: Landscape,
    x: tuple[float, ...],
    candidates: list[DescentCandidate],
    steps: int,
    level: float,
    sort: str | None,
) -> DescentOutcome:
    """Walk, judge, keep the best where a rate was searched for, and put in order."""
    variants = [(candidate, variant) for candidate in candidates for variant in candidate.variants]
    paths = walk(landscape.objective, [variant for _, variant in variants], np.array(x), steps)
    rows, trials = [], []
    for candidate in candidates:
        own = [
            judge(candidate.name, variant, path, level)
            for (owner, variant), path in zip(variants, paths, strict=True)
            if owner is candidate
        ]
        rows += best_rates(own) if candidate.searched else own
        trials += own if candidate.searched else []
    return DescentOutcome(landscape, x, steps, level, ordered(rows, sort), trials)


# From the arguments to what is run


def _landscape(source: object, dimension: int | None, start: Sequence[float] | None) -> Landscape:
    """A landscape: as it is, by its name, or from a function and its start."""
    if isinstance(source, str):
        if dimension is None and start is not None and any_dimension(source):
            dimension = len(_numbers(start))
        return load(source, dimension)
    if not (isinstance(source, Landscape) or callable(source)):
        raise UsageError("error.landscape.type", value=quoted(source))
    if dimension is not None:
        raise UsageError("error.landscape.function", value=dimension)
    if isinstance(source, Landscape):
        return source
    if start is None:
        raise UsageError("error.start.missing")
    return Landscape(getattr(source, "__name__", "f"), source, start=_numbers(start))


def _start(landscape: Landscape, start: Sequence[float] | None) -> tuple[float, ...]:
    x = landscape.start if start is None else _numbers(start)
    if len(x) != landscape.dimension:
        values = {"name": landscape.name, "dimension": landscape.dimension, "value": len(x)}
        raise UsageError("error.start.dimension", **values)
    return x


def _numbers(start: Sequence[float]) -> tuple[float, ...]:
    x = np.asarray(start, object)
    if x.ndim != 1 or not x.size or not all(is_number(value) and abs(value) <= LARGEST for value in x):
        raise UsageError("error.start.numbers", value=quoted(start))
    return tuple(map(float, x))


def _check_tolerance(landscape: Landscape, tolerance: float | None) -> None:
    if tolerance is None:
        return
    if not (is_number(tolerance) and math.isfinite(tolerance)):
        raise UsageError("error.tolerance", value=quoted(tolerance))
    if landscape.least is not None and tolerance <= 0:
        values = {"name": landscape.name, "least": landscape.least, "value": tolerance}
        raise UsageError("error.tolerance.positive", **values)


def _check_size(candidates: list[DescentCandidate], steps: int, dimension: int) -> None:
    paths = sum(len(candidate.variants) for candidate in candidates)
    if paths * (steps + 1) * (dimension + 1) > MOST_NUMBERS:
        raise UsageError("error.too_large", paths=paths, steps=steps, dimension=dimension)


def _check_objective(landscape: Landscape, x: tuple[float, ...]) -> None:
    """Refuse a function that gives no number, or none at the start."""
    name = landscape.name
    with jax.enable_x64(True), told("error.objective.raises", every=True, name=name):
        shape = jax.eval_shape(landscape.objective, np.array(x)).shape
        if shape == ():
            f, g = jax.jit(jax.value_and_grad(landscape.objective))(np.array(x))
    if shape != ():
        raise UsageError("error.objective.scalar", name=name, shape=shape)
    for part, numbers in (("value", f), ("gradient", g)):
        wrong = np.asarray(numbers)[~np.isfinite(numbers)].ravel()
        if wrong.size:
            values = {"name": name, "start": x, "part": said(f"descend.part.{part}"), "value": wrong[0]}
            raise UsageError("error.start.domain", **values)
