"""What theory says of the largest learning rate: the curvature at the start against the rule's stability.

On ½λx² a rule with a constant rate stays bounded up to a limit that its formula gives:

    SGD               η < 2 / λ
    momentum α        η < 2(1 + α) / λ
    Nesterov          η < 2(1 + α) / ((1 + 2α) λ)
    AdaGrad, RMSProp  η < 2 / λ'
    Adam              η < 2(1 + ρ₁) / ((1 − ρ₁) λ')

λ is the largest eigenvalue of the Hessian H of the first batch's loss, λ' that of D⁻¹H, where D = √v + ε is
what the rule divides each gradient by; v is the mean square of the gradients at the start (Cohen and others
2021, arXiv 2103.00065, and 2022, arXiv 2207.14484). AdaGrad's v is that of its first step: after n of them
its limit is √n times as large. The limit is one of the start: λ changes on the way, mini-batches add noise,
and a network is no parabola. It stands beside what was measured and decides nothing.
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
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.base import Optimizer
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD
from kobai.questions.curvature import (
    STEPS,
    Spectrum,
    first_batches,
    first_of,
    lanczos,
    spectrum_of,
    stable_curvature,
    training_loss,
)
from kobai.tasks.task import Task

BATCHES = 8
"""Batches whose gradients tell the mean square that an adaptive rule divides by."""

COST = 2 * STEPS
"""Gradients that a spectrum is counted as: a product with the Hessian as two."""

Limit = tuple[str, Callable[[Optimizer], float]]
"""Of a rule: the formula of its limit, and its value if the eigenvalue that counts were 1."""

SIMPLE: Limit = "2/λ", lambda _: stable_curvature(1.0)
NESTEROV: Limit = (
    "2(1+α)/((1+2α)λ)",
    lambda rule: stable_curvature(1.0, rule.momentum, nesterov=True),  # type: ignore[attr-defined]
)
AVERAGED: Limit = (
    "2(1+ρ₁)/((1−ρ₁)λ)",
    lambda rule: stable_curvature(1 - rule.decay_1, rule.decay_1),  # type: ignore[attr-defined]
)

PLAIN: dict[type[Optimizer], Limit] = {
    SGD: SIMPLE,
    Momentum: ("2(1+α)/λ", lambda rule: stable_curvature(1.0, rule.momentum)),  # type: ignore[attr-defined]
    Nesterov: NESTEROV,
    NesterovDefinition: NESTEROV,
}
"""Rules that follow the gradient as it is."""

DIVIDED: dict[type[Optimizer], tuple[Limit, Callable[[np.ndarray, float], np.ndarray]]] = {
    AdaGrad: (SIMPLE, lambda v, ε: ε + np.sqrt(v)),
    RMSProp: (SIMPLE, lambda v, ε: np.sqrt(ε + v)),
    Adam: (AVERAGED, lambda v, ε: np.sqrt(v) + ε),
    AdamW: (AVERAGED, lambda v, ε: np.sqrt(v) + ε),
}
"""Rules that divide it, and by what."""


@dataclasses.dataclass(frozen=True)
class Bound:
    """What theory says.

    Fields:
      kind: "plain" or "divided": which eigenvalue counts; "unknown" where there is no formula for the rule,
        "flat" where the loss curves nowhere upwards at the start, "not_finite" where its curvature is no
        finite number.
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
    if type(rule) in DIVIDED:
        v, more = squares(task, batches, θ), BATCHES
    curved = curving(task, first_of(batches))
    return limit(rule, float(curved(θ, task.state, scale(rule, v)).largest), COST + more)


def has_limit(rule: Optimizer) -> bool:
    """Whether there is a formula for the rule."""
    return type(rule) in PLAIN or type(rule) in DIVIDED


def memory(rule: Optimizer) -> float:
    """Over about how many steps a rule averages what it divides by; 0: it does not, inf: over all so far."""
    if type(rule) in PLAIN:
        return 0.0
    ρ = getattr(rule, "decay_2", getattr(rule, "decay", 1.0))
    return 1 / (1 - ρ) if ρ < 1 else np.inf


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


def scale(rule: Optimizer, v: np.ndarray) -> np.ndarray:
    """s for each entry, where the rule multiplies its gradient by s²; v is the gradients' mean square."""
    if type(rule) not in DIVIDED:
        return np.ones_like(v)
    _, divisor = DIVIDED[type(rule)]
    D = divisor(v, rule.epsilon)  # type: ignore[attr-defined]
    return np.where(v > 0, 1 / np.sqrt(D), 0).astype(v.dtype)  # what has no gradient does not move


def limit(rule: Optimizer, λ: float, gradients: int) -> Bound:
    """The limit of a rule whose largest eigenvalue that counts is λ, which took so many gradients."""
    kind = "plain" if type(rule) in PLAIN else "divided"
    formula, value = PLAIN[type(rule)] if kind == "plain" else DIVIDED[type(rule)][0]
    if not (np.isfinite(λ) and λ > 0):
        return Bound("flat" if np.isfinite(λ) else "not_finite", formula, gradients=gradients)
    return Bound(kind, formula, λ, value(rule) / λ, gradients)
