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
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import ModelState, Scalar, Vector
from kobai.basics.machine import quick_compilation
from kobai.engine.draws import INITIAL, stream
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
    first_batches,
    largest_eigenvalue,
    stable_curvature,
    training_loss,
)
from kobai.tasks.task import Task

BATCHES = 8
"""Batches whose gradients tell the mean square that an adaptive rule divides by."""

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

DIVIDED: dict[type[Optimizer], tuple[Limit, Callable[[Vector, float], Vector]]] = {
    AdaGrad: (SIMPLE, lambda v, ε: ε + jnp.sqrt(v)),
    RMSProp: (SIMPLE, lambda v, ε: jnp.sqrt(ε + v)),
    Adam: (AVERAGED, lambda v, ε: jnp.sqrt(v) + ε),
    AdamW: (AVERAGED, lambda v, ε: jnp.sqrt(v) + ε),
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
    limit, _ = limits(task, rule, first_batches(task, seed, BATCHES))
    return limit(jnp.asarray(task.start(initializer, stream(seed, INITIAL))), task.state)


def limits(task: Task, rule: Optimizer, batches: PyTree) -> tuple[Callable[[Vector, ModelState], Bound], int]:
    """What says the limit of a rule at any θ, compiled once, and how many gradients that takes each time.

    Args:
      batches: some, along a first axis; the curvature is that of the first, the mean square is of all.
    """
    kind, first = type(rule), jax.tree.map(lambda part: part[0], batches)
    if kind in PLAIN:

        @functools.partial(jax.jit, compiler_options=quick_compilation())
        def plain(θ: Vector, state: ModelState) -> Scalar:
            return largest_eigenvalue(training_loss(task, first, state), θ)

        cost = 2 * STEPS
        return lambda θ, state: _bound("plain", float(plain(θ, state)), PLAIN[kind], rule, cost), cost
    if kind in DIVIDED:
        limit, divisor = DIVIDED[kind]

        @functools.partial(jax.jit, compiler_options=quick_compilation())
        def divided(θ: Vector, state: ModelState) -> Scalar:
            def square(batch: PyTree) -> Vector:
                return jax.grad(training_loss(task, batch, state))(θ) ** 2

            v = jax.lax.map(square, batches).mean(0)
            D = divisor(v, rule.epsilon)  # type: ignore[attr-defined]
            s = jnp.where(v > 0, 1 / jnp.sqrt(D), 0.0)  # what has no gradient does not move
            return largest_eigenvalue(training_loss(task, first, state), θ, scale=s)

        cost = 2 * STEPS + len(jax.tree.leaves(batches)[0])
        return lambda θ, state: _bound("divided", float(divided(θ, state)), limit, rule, cost), cost
    return lambda θ, state: Bound("unknown"), 0  # noqa: ARG005


def _bound(kind: str, λ: float, limit: Limit, rule: Optimizer, gradients: int) -> Bound:
    formula, value = limit
    if not (np.isfinite(λ) and λ > 0):
        return Bound("flat" if np.isfinite(λ) else "not_finite", formula, gradients=gradients)
    return Bound(kind, formula, λ, value(rule) / λ, gradients)
