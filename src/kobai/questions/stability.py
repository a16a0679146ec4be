"""How large a curvature a rule bears: what it divides each gradient by, and the limit that its formula gives.

On ½λx² a rule with a constant rate stays bounded up to

    SGD                         η < 2 / λ
    momentum α                  η < 2(1 + α) / λ
    Nesterov                    η < 2(1 + α) / ((1 + 2α) λ)
    AdaGrad, RMSProp, AdaDelta  η < 2 / λ'
    Adam, AdamW                 η < 2(1 + ρ₁) / ((1 − ρ₁) λ')

λ is the largest eigenvalue of the Hessian H, λ' that of D⁻¹H, where D is what the rule divides each gradient
by (Cohen and others 2021, arXiv 2103.00065, and 2022, arXiv 2207.14484): √v + ε and its like, where v is a
mean square of gradients, and for AdaDelta √(ε + v) / √(ε + r), where r is that of its updates. Every question
reads it off `RULES`: what theory says of a rate at the start, and of a rule with its memory on the way.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kobai.basics.arrays import Array
from kobai.engine.blocks import CellState
from kobai.engine.rule import Rule
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.base import Optimizer
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD
from kobai.questions.curvature import stable_curvature


@dataclasses.dataclass(frozen=True)
class Stability:
    """What is known of a rule.

    Fields:
      formula: of the limit.
      limit: its value if the eigenvalue that counts were 1.
      divisor: (rule, v, r) -> what the rule divides each gradient by; None: it follows the gradient as it is.
      lasting: whether what it divides by depends on all steps so far, and not on the last ones alone.
    """

    formula: str
    limit: Callable[[Any], float]
    divisor: Callable[[Any, np.ndarray, np.ndarray], np.ndarray] | None = None
    lasting: bool = False


SIMPLE = "2/λ", lambda rule: stable_curvature(1.0)  # noqa: ARG005
NESTEROV = Stability(
    "2(1+α)/((1+2α)λ)", lambda rule: stable_curvature(1.0, float(rule.momentum), nesterov=True)
)
ADAM = Stability(
    "2(1+ρ₁)/((1−ρ₁)λ)",
    lambda rule: stable_curvature(1 - float(rule.decay_1), float(rule.decay_1)),
    lambda rule, v, r: np.sqrt(v) + rule.epsilon,  # noqa: ARG005
)

RULES: dict[type[Optimizer], Stability] = {
    SGD: Stability(*SIMPLE),
    Momentum: Stability("2(1+α)/λ", lambda rule: stable_curvature(1.0, float(rule.momentum))),
    Nesterov: NESTEROV,
    NesterovDefinition: NESTEROV,
    AdaGrad: Stability(*SIMPLE, lambda rule, v, r: rule.epsilon + np.sqrt(v), lasting=True),  # noqa: ARG005
    RMSProp: Stability(*SIMPLE, lambda rule, v, r: np.sqrt(rule.epsilon + v)),  # noqa: ARG005
    AdaDelta: Stability(
        *SIMPLE, lambda rule, v, r: np.sqrt((rule.epsilon + v) / (rule.epsilon + r)), lasting=True
    ),
    Adam: ADAM,
    AdamW: ADAM,
}
"""By the class of the rule itself: one that inherits from it may step otherwise."""

PLAIN = tuple(rule for rule, own in RULES.items() if own.divisor is None)
"""Rules that follow the gradient as it is."""


def memory(rule: Optimizer) -> float:
    """Over about how many steps a rule averages what it divides by; 0: it does not, inf: over all so far."""
    own = RULES[type(rule)]
    if own.divisor is None:
        return 0.0
    ρ = 1.0 if own.lasting else getattr(rule, "decay_2", getattr(rule, "decay", 1.0))
    return 1 / (1 - ρ) if ρ < 1 else np.inf


def scale(rule: Optimizer, v: np.ndarray) -> np.ndarray:
    """s for each entry, where the rule multiplies its gradient by s²; v is the gradients' mean square, and
    there was no update before."""
    divisor = RULES[type(rule)].divisor
    if divisor is None:
        return np.ones_like(v)
    D = divisor(rule, v, np.zeros_like(v))
    return np.where(v > 0, 1 / np.sqrt(D), 0).astype(v.dtype)  # what has no gradient does not move


# With what a rule remembers


class Reach(NamedTuple):
    """What a rule multiplies gradients by, for each parameter: P. It bears an eigenvalue of P^½ H P^½ up to
    the bound."""

    factors: np.ndarray
    bound: float


def reach(rule: Rule, cell: CellState, step: int, factor: float = 1.0) -> Reach | None:
    """Of a cell after so many steps; None where it is not known: another rule, or before the first step.

    `factor` is that of a schedule.
    """
    memory = getattr(rule.unpack(np.int32(step), cell.memory), "memory", {})
    return of_memory(rule.optimizer(np.asarray(cell.hyperparameters)), memory, np.shape(cell.θ), step, factor)


def of_memory(
    rule: Optimizer, remembered: Mapping[str, Array], shape: tuple[int, ...], step: int, factor: float = 1.0
) -> Reach | None:
    """The same of a rule and what it remembers after so many steps, of θ of this shape."""
    own: Stability | None = RULES.get(type(rule))
    if own is None:
        return None
    η = factor * float(getattr(rule, "learning_rate", 0.0))
    if own.divisor is None:
        return Reach(np.full(shape, η), own.limit(rule))
    if step == 0:
        return None
    v, r = (np.asarray(remembered.get(name, np.zeros(shape)), float) for name in ("h", "r"))
    if "v" in remembered:  # Adam's, which begins at zero, as does its m: both are averages that are corrected
        ρ1, ρ2 = (float(getattr(rule, name)) for name in ("decay_1", "decay_2"))
        v = np.maximum(np.asarray(remembered["v"], float), 0) / (1 - ρ2**step)
        η /= 1 - ρ1**step
    return Reach(η / own.divisor(rule, v, r), own.limit(rule))
