"""What theory says of the largest learning rate: the curvature at the start against the rule's stability.

The formulas stand in `kobai.questions.stability`. λ is told of the Hessian of the first batch's loss, and v
is the mean square of the gradients at the start. Of AdaGrad and AdaDelta the limit is that of their first
step: after n of them AdaGrad's is √n times as large, and AdaDelta's falls while its updates grow from zero.
The limit is one of the start: λ changes on the way, mini-batches add noise, and a network is no parabola. It
stands beside what was measured and decides nothing.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Matrix, ModelState, Vector, on_device
from kobai.basics.machine import quick_compilation
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.curvature import (
    STEPS,
    Spectrum,
    first_batches,
    first_of,
    lanczos,
    spectrum_of,
    training_loss,
)
from kobai.questions.stability import RULES, scale
from kobai.tasks.task import Task

BATCHES = 8
"""Batches whose gradients tell the mean square that an adaptive rule divides by."""

COST = 2 * STEPS
"""Gradients that a spectrum is counted as: a product with the Hessian as two."""


@dataclasses.dataclass(frozen=True)
class Bound:
    """What theory says.

    Fields:
      kind: "plain" or "divided": which eigenvalue counts; "first": divided as at the first step, and not
        later; "unknown" where there is no formula for the rule, "flat" where the loss curves nowhere upwards
        at the start, "not_finite" where its curvature is no finite number.
      formula: of the limit.
      curvature: that eigenvalue.
      rate: the largest stable learning rate.
      gradients: what it took; a product with the Hessian counts as two.
    """

    kind: str
    formula: str = ""
    curvature: float | None = None
    rate: float | None = None
    gradients: int = 0


def bound(task: Task, rule: Optimizer, initializer: Initializer, seed: int) -> Bound:
    """What theory says of a rule on a task, at the start of a seed and on its first batch."""
    if not has_limit(rule):
        return Bound("unknown")
    batches = first_batches(task, seed, BATCHES)
    θ, more = on_device(task.start(initializer, stream(seed, INITIAL))), 0
    v = np.zeros(θ.shape, θ.dtype)
    if RULES[type(rule)].divisor is not None:
        v, more = squares(task, batches, θ), BATCHES
    curved = curving(task, first_of(batches))
    return limit(rule, float(curved(θ, task.state, scale(rule, v)).largest), COST + more)


def has_limit(rule: Optimizer) -> bool:
    """Whether there is a formula for the rule."""
    return type(rule) in RULES


def squares(task: Task, batches: PyTree, θ: Vector) -> np.ndarray:
    """The mean square of the gradients of these batches at θ, entry by entry."""

    @functools.partial(jax.jit, compiler_options=quick_compilation())
    def mean(θ: Vector) -> Vector:
        def square(batch: PyTree) -> Vector:
            return jax.grad(training_loss(task, batch))(θ) ** 2

        return jax.lax.map(square, batches).mean(0)

    return np.asarray(mean(θ))


def curving(
    task: Task, batch: PyTree, strategy: Strategy | None = None
) -> Callable[[Vector, ModelState, np.ndarray], Spectrum]:
    """What tells the spectrum of diag(s) H diag(s) at θ, for `COST` gradients; compiled once for all s and θ.

    H is the Hessian of the loss of a batch, with the penalties of the strategy.
    """

    @functools.partial(jax.jit, compiler_options=quick_compilation())
    def curved(θ: Vector, state: ModelState, s: Vector) -> Matrix:
        return lanczos(training_loss(task, batch, state, strategy=strategy), θ, scale=s)

    return lambda θ, state, s: spectrum_of(np.asarray(curved(θ, state, s)))


def limit(rule: Optimizer, λ: float, gradients: int) -> Bound:
    """The limit of a rule whose largest eigenvalue that counts is λ, which took so many gradients."""
    own = RULES[type(rule)]
    if not (np.isfinite(λ) and λ > 0):
        return Bound("flat" if np.isfinite(λ) else "not_finite", own.formula, gradients=gradients)
    kind = "plain" if own.divisor is None else "first" if own.lasting else "divided"
    return Bound(kind, own.formula, λ, own.limit(rule) / λ, gradients)
