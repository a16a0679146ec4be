"""The time that a study is given, and how much of it there may be for that."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kobai.basics.durations import seconds_of
from kobai.basics.errors import UsageError, quoted
from kobai.candidates.grid import Candidate

LADDER = ((8, 1, 3), (4, 1, 6), (2, 1, 8), (1, 1, 8), (1, 2, 8), (1, 3, 10), (1, 5, 20))
"""Of the learning rates one in so many; tuning seeds; fresh seeds at least."""


@dataclass(frozen=True)
class Rung:
    """How much of a study is run, where its time is given."""

    every: int
    """Of the usual learning rates one in so many is tried."""
    candidates: tuple[Candidate, ...]
    tuning_seeds: int
    seeds: int
    """Fresh seeds, at least."""


@dataclass(frozen=True)
class Allowance:
    """The time that a study is given."""

    seconds: float
    ends: float = math.inf
    """What `clock` shows when the answer is due."""
    clock: Callable[[], float] = time.monotonic
    rungs: tuple[Rung, ...] = ()
    """From the least study to the largest."""

    def left(self) -> float:
        """Seconds until the answer is due."""
        return self.ends - self.clock()

    def is_over(self) -> bool:
        """Whether nothing else may be begun."""
        return self.left() < -SPARE * self.seconds


SPARE = 0.05
"""What a study may take longer than it is given, before it answers with the seeds that are complete."""


def allowance(
    budget: str | float | None,
    seeds: int | None,
    criteria: Sequence[str],
    join: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Allowance | None:
    """The time that `compare` is given, from now on; None: as much as it takes.

    Raises `UsageError` for what is no time, and for what contradicts it.
    """
    if budget is None:
        return None
    seconds = seconds_of("budget", budget)
    if seeds is not None:
        raise UsageError("error.budget.seeds", value=quoted(seeds))
    if len(criteria) > 1:
        raise UsageError("error.budget.by", value=", ".join(criteria))
    if join:
        raise UsageError("error.budget.join")
    return Allowance(seconds, clock() + seconds, clock)


def parts(given: Allowance, count: int) -> list[Allowance]:
    """The same part of a time for each of some studies in turn: what one leaves is the next one's."""
    part = given.seconds / count
    return [replace(given, seconds=part, ends=given.ends - part * (count - 1 - i)) for i in range(count)]


def ladder(
    candidates: Callable[[int], Sequence[Candidate]], least: int = 1, tuning_seeds: int | None = None
) -> tuple[Rung, ...]:
    """The rungs of a study, each once.

    Args:
      candidates: gives what is tried with one in so many of the usual learning rates.
      least: one in so many of them at most.
      tuning_seeds: their number, where it was said.
    """
    rungs: dict[tuple[int, int], Rung] = {}
    for part, tuning, seeds in LADDER:
        every, tuned = max(part, least), tuning_seeds or tuning
        tried = tuple(candidates(every))
        trials = sum(len(each.variants) for each in tried), tuned
        alike = rungs.get(trials)
        rungs[trials] = Rung(every, tried, tuned, alike.seeds if alike else seeds)
    return tuple(rungs.values())
