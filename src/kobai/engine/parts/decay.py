"""Weight decay beside the step of any rule: Δ − ηλw; within the formula of one that has it elsewhere."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Number, Vector
from kobai.engine.parts.part import Field, Part, RuleStep
from kobai.engine.rule import Rule
from kobai.engine.strategy import Strategy
from kobai.engine.weights import shares, weights
from kobai.optimizers.base import decayed
from kobai.stabilizers.regularization import WeightDecay, weight_decay
from kobai.tasks.flat import Spans


class Decay(NamedTuple):
    """The numbers of a cell's decay."""

    rate: Number
    """λ."""
    biases: Number
    """1 where biases decay too, else 0."""
    replaces: Number
    """1 where it stands in place of the optimizer's own decay; 0: the cell has none."""


class Decays(Part):
    """The weight decays of the cells."""

    fields = {"weight_decay": Field(WeightDecay, weight_decay, numeric=True)}

    def __init__(self, spans: Spans, biases: bool) -> None:
        self.spans, self.biases = spans, biases

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Decays | None":
        decays = [strategy.weight_decay for strategy in strategies if strategy.weight_decay is not None]
        return cls(spans, any(decay.biases for decay in decays)) if decays else None

    def refuse(self, rule: Rule) -> None:
        rule.refuse_decay(self.biases)

    def start(self, strategy: Strategy, θ: Vector, state: PyTree) -> Decay:
        decay, replaces = strategy.weight_decay or WeightDecay(), strategy.weight_decay is not None
        numbers = Decay(decay.rate, float(decay.biases), float(replaces))
        return jax.tree.map(lambda value: np.asarray(value, θ.dtype), numbers)

    def before(self, memory: Decay, plan: PyTree, step: RuleStep, rule: Rule) -> RuleStep:
        if rule.own_decay is None:
            return step
        own = step.hyperparameters[rule.own_decay]
        value = own * (1 - memory.replaces)
        if rule.decays_within:
            value = jnp.where(memory.replaces > 0, memory.rate, own)
        values = step.hyperparameters.at[rule.own_decay].set(value)
        elsewhere = None if step.decay is None else step.decay * (1 - memory.replaces)
        return step._replace(hyperparameters=values, decay=elsewhere)

    def after(self, memory: Decay, plan: PyTree, step: RuleStep, rule: Rule, Δ: Vector, θ: Vector) -> Vector:
        if rule.decays_within:
            return Δ
        η, λ = step.learning_rate(rule), memory.rate
        return decayed(Δ, θ, η * λ, shares(weights(self.spans, θ.dtype), memory.biases))
