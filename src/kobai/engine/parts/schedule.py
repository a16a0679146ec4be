"""Schedules: the learning rate of each step, as a factor that is planned outside the program."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Vector
from kobai.engine.parts.part import Field, Part, RuleStep, check_shortest
from kobai.engine.rule import Rule
from kobai.engine.strategy import Strategy
from kobai.schedules import Schedule, schedule
from kobai.tasks.flat import Spans


class Schedules(Part):
    """The schedules of the cells. A rule without a learning rate has its update scaled instead."""

    fields = {"schedule": Field(Schedule, schedule, named=True)}

    @classmethod
    def of(cls, strategies: Sequence[Strategy], spans: Spans) -> "Schedules | None":
        return cls() if any(strategy.schedule is not None for strategy in strategies) else None

    @classmethod
    def check(cls, strategy: Strategy, steps: int) -> None:
        if strategy.schedule is not None:
            check_shortest(strategy.schedule, steps)

    def plan(self, strategy: Strategy, start: int, stop: int, steps: int, room: np.ndarray) -> np.ndarray:
        if strategy.schedule is not None:
            room[: stop - start] = strategy.schedule.factors(start, stop, steps)
        return room

    def before(self, memory: PyTree, plan: PyTree, step: RuleStep, rule: Rule) -> RuleStep:
        if rule.rate is None:
            return step._replace(factor=plan)
        values = step.hyperparameters
        for place in rule.rates:
            values = values.at[place].multiply(plan)
        return step._replace(hyperparameters=values)

    def after(self, memory: PyTree, plan: PyTree, step: RuleStep, rule: Rule, Δ: Vector, θ: Vector) -> Vector:
        return Δ * plan if rule.rate is None else Δ
