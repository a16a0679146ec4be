"""How large a curvature a rule bears where it stands: what it multiplies a gradient by, and the bound.

A rule that multiplies each gradient by a number of its own, P, sees the curvature of P^½ H P^½. Without
memory of earlier gradients its steps grow along a direction whose eigenvalue there is more than 2, with
momentum where it is more than `curvature.stable_curvature` says.
"""

from collections.abc import Mapping
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


class Reach(NamedTuple):
    """What a rule multiplies gradients by, for each parameter, and the eigenvalue that it bears then."""

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
    optimizer: Any = rule
    memory = {name: np.asarray(values, float) for name, values in remembered.items()}
    alike = np.ones(shape)
    η = factor * float(optimizer.learning_rate) if hasattr(optimizer, "learning_rate") else 0.0
    if isinstance(optimizer, SGD):
        return Reach(η * alike, stable_curvature(1.0))
    if isinstance(optimizer, Momentum):
        return Reach(η * alike, stable_curvature(1.0, float(optimizer.momentum)))
    if isinstance(optimizer, Nesterov | NesterovDefinition):
        return Reach(η * alike, stable_curvature(1.0, float(optimizer.momentum), nesterov=True))
    if step == 0:
        return None
    if isinstance(optimizer, Adam | AdamW):
        ρ1, ρ2, ε = (float(x) for x in (optimizer.decay_1, optimizer.decay_2, optimizer.epsilon))
        v = np.sqrt(np.maximum(memory["v"], 0) / (1 - ρ2**step))
        # m is an average of weight 1 − ρ₁, divided by 1 − ρ₁ᵗ: momentum of the rate (1 − ρ₁) η / (1 − ρ₁ᵗ).
        return Reach((1 - ρ1) * η / (1 - ρ1**step) / (v + ε), stable_curvature(1.0, ρ1))
    if isinstance(optimizer, RMSProp):
        return Reach(η / np.sqrt(float(optimizer.epsilon) + memory["h"]), stable_curvature(1.0))
    if isinstance(optimizer, AdaGrad):
        return Reach(η / (float(optimizer.epsilon) + np.sqrt(memory["h"])), stable_curvature(1.0))
    if isinstance(optimizer, AdaDelta):
        ε = float(optimizer.epsilon)
        return Reach(η * np.sqrt((ε + memory["r"]) / (ε + memory["h"])), stable_curvature(1.0))
    return None
