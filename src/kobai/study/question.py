"""A question of a study: what was chosen, and how each alternative compares with it."""

import dataclasses
import math
from collections.abc import Collection, Mapping

import numpy as np

from kobai.study import statistics
from kobai.study.statistics import Comparison

ESTABLISHED = 0.05
"""A difference is called established where its corrected p is below this."""


@dataclasses.dataclass(frozen=True)
class Question:
    """One of the three answers: what was chosen, and how each alternative compares with it."""

    choice: str
    alternatives: tuple[Comparison, ...]
    """Ratios of steps to the target, alternative ÷ choice: above 1 the alternative is slower."""
    smallest_p: float | None
    """The smallest corrected p that these seeds can give for these alternatives; None without any."""

    @property
    def established(self) -> tuple[Comparison, ...]:
        """The alternatives that are shown to be slower."""
        return tuple(c for c in self.alternatives if c.corrected_p < ESTABLISHED and (c.ratio.value or 0) > 1)

    @property
    def open(self) -> tuple[Comparison, ...]:
        """The alternatives that cannot be told apart from the choice."""
        return tuple(c for c in self.alternatives if not c.corrected_p < ESTABLISHED)

    @property
    def faster(self) -> tuple[Comparison, ...]:
        """The alternatives that are shown to be faster: they have overtaken the choice."""
        return tuple(c for c in self.alternatives if c.corrected_p < ESTABLISHED and (c.ratio.value or 2) < 1)


def question(
    choice: str, times: Mapping[str, np.ndarray], budget: int, fixed: Collection[str] = ()
) -> Question:
    """The question, from the steps to the target of each candidate; `fixed`: those that no seed changes."""
    compared = statistics.compare(times, choice, budget, fixed)
    ordered = sorted(compared.values(), key=lambda c: c.ratio.value or math.inf)
    seeds = 1 if choice in fixed and set(compared) <= set(fixed) else len(times[choice])
    smallest = statistics.smallest_p(len(compared), seeds) if compared else None
    return Question(choice, tuple(ordered), smallest)
