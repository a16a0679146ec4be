"""How numbers are told: three figures, intervals, and costs in steps or epochs.

A minimizer looks at all examples in each evaluation and a rule at a batch, so that where both take part only
the examples that were looked at can be compared. Inside a study all is counted in steps of one batch; here it
is said in epochs.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from kobai.study.answer import Answer
from kobai.study.criterion import FINAL, STEPS
from kobai.study.statistics import Estimate
from kobai.words import say

Quantity = TypeVar("Quantity", float, np.ndarray)


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit of cost: "steps" or "epochs", and how many steps are one of it."""

    name: str
    steps: float

    def of(self, steps: Quantity) -> Quantity:
        """So many steps, a number or an array, in this unit."""
        return steps / self.steps

    def count(self, steps: float) -> str:
        """So many steps in this unit, as text."""
        value = self.of(steps)
        # Epochs to two figures, so that an interval of them is as short as one of steps.
        return f"{value:.2g}" if self.name == "epochs" and value < 99.5 else f"{value:.0f}"

    def estimate(self, steps: Estimate) -> str:
        """An estimate of steps with its interval, in this unit."""
        if steps.value is None:
            return "–"
        return self.count(steps.value) + interval(steps, self.count)

    def phrase(self, key: str, **values: object) -> str:
        """The sentence `key` as it is for this unit."""
        return say(f"{key}.{self.name}", **values)


def unit(answer: Answer) -> Unit:
    """What the costs of a study are told in."""
    return Unit("steps", 1.0) if answer.epoch is None else Unit("epochs", answer.epoch)


def part(bound: float) -> str:
    """An upper bound of a part in per cent, rounded up: 35 %."""
    return say("answer.part", part=f"{math.ceil(100 * bound - 1e-9):,}")


def worse(answer: Answer, bound: float) -> str:
    """By how much a candidate may be worse, rounded up: 35 % more steps, .8 points of an accuracy, .012."""
    if answer.by != FINAL:
        return part(bound)
    if answer.metric == "accuracy":
        return say("answer.points", points=f"{math.ceil(1000 * bound - 1e-9) / 10:.1f}")
    digits = 2 - math.floor(math.log10(bound)) - 1 if bound > 0 else 0
    return f"{math.ceil(bound * 10**digits - 1e-9) / 10**digits:.{max(digits, 0)}f}"


def scale(answer: Answer) -> str:
    """What a cost is told in: "steps", "epochs", "seconds" or "final"."""
    return unit(answer).name if answer.by == STEPS else answer.by


def interval(estimate: Estimate, written: Callable[[float], str] | None = None) -> str:
    """ " [1.18–1.45]", or nothing where there is none."""
    if estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return ""
    low, high = map(written or number, (estimate.low, estimate.high))
    return f" [{low}–{high}]"


def number(value: float) -> str:
    """Three figures at most, plain: 0.93, 1.31, 12.4, 131."""
    if value >= 1000:
        return f"{value:.2g}" if value >= 1e5 else f"{value:.0f}"
    return f"{value:.3g}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def signed(estimate: Estimate, percent: bool) -> str:
    """+0.5 [−0.3, +1.3]: a difference with its interval, of fractions in percentage points."""

    def number(value: float) -> str:
        return (f"{100 * value:+.1f}" if percent else f"{value:+.2g}").replace("-", "−")

    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"
