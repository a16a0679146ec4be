"""A case: what is asked about, and what was measured of it."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.optimizers.base import Optimizer
from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.constant import Constant
from kobai.questions.diagnosis.facts import Facts
from kobai.questions.diagnosis.record import Record
from kobai.questions.diagnosis.sites import Site, titles
from kobai.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Setting:
    """A training that is asked about."""

    task: Task
    optimizer: Optimizer
    initializer: Initializer
    strategy: Strategy
    steps: int

    @property
    def decay(self) -> float:
        """The largest strength of what draws its weights to zero; 0: nothing does."""
        own = float(getattr(self.optimizer, "weight_decay", 0.0))
        decay = self.strategy.weight_decay
        beside = own if decay is None else float(decay.rate)
        return max(beside, float(self.strategy.l2.l2), float(self.strategy.l1.l1))

    @property
    def undecayed(self) -> "Setting":
        """The same without it."""
        optimizer: Any = self.optimizer
        plain = Strategy()
        strategy = dataclasses.replace(self.strategy, weight_decay=None, l1=plain.l1, l2=plain.l2)
        if hasattr(optimizer, "weight_decay"):
            optimizer = dataclasses.replace(optimizer, weight_decay=0.0)
        return dataclasses.replace(self, optimizer=optimizer, strategy=strategy)


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """What was measured of a training.

    Fields:
      setting: what was trained.
      facts: of its data.
      arrays: the names of the trained arrays.
      sites: where units are.
      records: one for each seed.
      control: one with shuffled labels, of the first seed; None: what the labels are is not known.
      constant: the best answer that is always the same.
      undecayed: the same trainings as `records` without what draws the weights to zero; (): nothing does.
    """

    setting: Setting
    facts: Facts
    arrays: Sequence[str]
    sites: Sequence[Site]
    records: Sequence[Record]
    control: Record | None
    constant: Constant = Constant()
    undecayed: Sequence[Record] = ()

    @property
    def level(self) -> float:
        """The validation loss that can be had without knowing the inputs; NaN: what these are is not known.

        It is the lowest with shuffled labels, where the best constant answer is no better: of a training that
        is sick the control is so, too.
        """
        own = np.nan if self.control is None else signs.lowest(self.control)
        return float(np.fmin(own, self.constant.loss))

    @property
    def is_controlled(self) -> bool:
        """Whether the control got as far as can be had without inputs: else it says nothing of the labels."""
        return self.control is not None and signs.lowest(self.control) <= (1 + healthy.LEARNED) * self.level

    def layer(self, site: int) -> str:
        """What a site is called: "relu 2", the second of its kind."""
        return titles(self.sites)[site]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a trouble looks like in one record: where, since when, and the numbers that show it.

    Fields:
      later: whether it is a consequence rather than a cause: it stands behind what began before it.
    """

    numbers: Mapping[str, float]
    layer: str | None = None
    step: int | None = None
    later: bool = False


@dataclasses.dataclass(frozen=True)
class Trouble:
    """A trouble that was found.

    Fields:
      name: one of `troubles.NAMES`.
      layer: an array or a layer of units; None: all of them.
      step: where it is seen first, or most; None: all the time.
      numbers: what shows it, by name, of the seed in the middle.
      seeds: in how many of them it is there.
    """

    name: str
    layer: str | None
    step: int | None
    numbers: Mapping[str, float]
    seeds: int


Cause = Callable[[Case, Record], Finding | None]
"""The definition of a trouble: what it looks like in one record, if it is there."""


def is_known(value: float) -> bool:
    """Whether something was measured at all."""
    return not math.isnan(value)
