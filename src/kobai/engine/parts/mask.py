"""The mask of an update: what goes against the gradient stays away."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Number, Vector
from kobai.basics.errors import UsageError
from kobai.engine.parts.part import Field, Part, RuleStep
from kobai.engine.rule import Rule
from kobai.engine.strategy import Strategy
from kobai.engine.weights import weights
from kobai.optimizers.base import decayed
from kobai.stabilizers.masking import Mask, masking
from kobai.tasks.flat import Spans


class Switch(NamedTuple):
    """Whether a cell's updates are masked: 1 or 0."""

    on: Number


class Masking(Part):
    """The masks of the cells. Where a rule decays the weights beside its formula, that is done behind the
    mask; where its decay is within, that is masked with it."""

    fields = {"mask": Field(Mask, masking)}

    def __init__(self, spans: Spans) -> None:
        self.spans = spans

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Masking | None":
        return cls(spans) if any(strategy.mask is not None for strategy in strategies) else None

    def refuse(self, rule: Rule) -> None:
        if rule.evaluates_elsewhere:
            raise UsageError("error.mask.elsewhere", name=rule.name)

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> Switch:
        return Switch(np.asarray(strategy.mask is not None, θ.dtype))

    def before(self, memory: Switch, plan: PyTree, step: RuleStep, rule: Rule) -> RuleStep:
        if not rule.decays_beside:
            return step
        own = step.hyperparameters[rule.own_decay]
        values = step.hyperparameters.at[rule.own_decay].set(own * (1 - memory.on))
        return step._replace(hyperparameters=values, decay=own * memory.on)

    def after(self, memory: Switch, plan: PyTree, step: RuleStep, rule: Rule, Δ: Vector, θ: Vector) -> Vector:
        Δ = jnp.where(memory.on > 0, Mask().update(Δ, step.gradient), Δ)
        if step.decay is None:
            return Δ
        return decayed(Δ, θ, step.learning_rate(rule) * step.decay, weights(self.spans, θ.dtype))
