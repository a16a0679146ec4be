"""A cause, as its paragraph names it, and whom a study shows to be slower."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from kobai.study.question import Question

SLOWER = 1.25
"""A ratio of steps that matters: the same as that of a hit of `kobai range`."""

LEAST = "≥"
"""The bound of a ratio whose slower side never arrives."""


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why something was chosen: the name of the cause, "none" where none was found; and its numbers."""

    name: str
    values: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, order=True)
class Lag:
    """How many times as many steps an alternative needs as the choice.

    Fields:
      ratio: infinite where none can be told, and the alternative is shown not to be the best.
      bound: "≥" where no run of it arrives: it needs at least so many.
    """

    ratio: float
    bound: str = ""


def slower(question: Question) -> dict[str, Lag]:
    """The lag of each alternative that is shown to need more steps, by name."""
    found = {}
    for each in question.alternatives:
        ratio, low = each.ratio.value, each.ratio.low
        if ratio is None or not math.isfinite(ratio):
            if each.name in question.not_best:
                found[each.name] = Lag(math.inf)
        elif ratio >= SLOWER and ((low is not None and low > 1) or each.name in question.not_best):
            is_bound = each.bound == LEAST and low is not None and low > 1
            found[each.name] = Lag(low, LEAST) if is_bound and low is not None else Lag(ratio)
    return found


def of_lag(lag: Lag) -> dict[str, Any]:
    """The same as values of a cause."""
    return {"ratio": lag.ratio} | ({"at_least": True} if lag.bound else {})
