"""The race of learning rates, and the suggestion: which rate has gone farthest down after a few steps.

Every rate trains for a few steps; those with the lowest loss go on, for more steps, and so on (successive
halving, Jamieson and Talwalkar 2016). The first rungs tell the range: where a rate moves nothing yet, and
where it diverges. The last ones tell the suggestion. What a rate has reached is the mean logarithm of its
validation loss over the last third of its steps and over the seeds: a rate that jumps about is not told by a
lucky last step, nor one with lucky initial values. How sure that is, says what each seed by itself would
suggest.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from kobai.optimizers.base import Optimizer
from kobai.questions.range.trials import Trials

FIRST_SEED = 500
"""The seeds of a race: neither those of a comparison's tuning, from 0 on, nor its fresh ones."""


@dataclasses.dataclass(frozen=True)
class Rung:
    """A part of the race.

    Fields:
      part: how many steps a training has then, as a part of the training that the rate is for.
      rates: how many of the best rates run in it; the first rung has all.
    """

    part: float
    rates: int


RUNGS = (Rung(0.016, 10**6), Rung(0.048, 5), Rung(0.22, 3))
"""Of a training of 500 steps 8, 24 and 110. Chosen on sine, digits and mnist1d; benchmarks/range.py judges
them on the other built-in tasks, too."""

FASTER = 1.05
"""A rate half a decade larger is preferred if its loss is no higher than by this factor: what is as far down
at the larger steps has the more to gain from the steps to come."""

LOOKS = 4
"""So often the loss is looked at in the last third of a rung."""

LEARNS = 0.1
"""A rate learns if its loss has fallen by this part of the best one's fall."""


@dataclasses.dataclass(frozen=True)
class Reached:
    """What one learning rate has come to.

    Fields:
      rate: the learning rate.
      losses: by the number of steps of each rung that it ran in, the typical loss of its last third: a
        geometric mean where losses are positive. Infinite where a run diverged.
    """

    rate: float
    losses: Mapping[int, float]

    @property
    def steps(self) -> int:
        """How long its trainings are."""
        return max(self.losses)

    def fails(self, start: float) -> bool:
        """Whether it has diverged, or stands above the loss at the start after any rung."""
        return any(not loss <= start for loss in self.losses.values())


@dataclasses.dataclass(frozen=True)
class Race:
    """What came of all rates.

    Fields:
      reached: by rate, ascending.
      start: the typical loss before the first step.
      rungs: the steps of each rung.
      gradients: how many were computed.
      alone: the rate that each seed by itself would suggest, of those that ran longest.
    """

    reached: Sequence[Reached]
    start: float
    rungs: Sequence[int]
    gradients: int
    alone: Sequence[float]

    @property
    def finalists(self) -> list[Reached]:
        """Those that ran longest, by rate."""
        longest = max(each.steps for each in self.reached)
        return [each for each in self.reached if each.steps == longest]

    @property
    def suggestion(self) -> Reached | None:
        """The best of those that ran longest; None where no rate has come below the start."""
        losses = {each.rate: each.losses[each.steps] for each in self.finalists}
        best = ranked(losses)[0]
        return (
            next(each for each in self.finalists if each.rate == best) if losses[best] < self.start else None
        )

    @property
    def low(self) -> float | None:
        """The least rate that learns, within the steps of the first rung."""
        if self.suggestion is None:
            return None
        first = self.rungs[0]
        least = min(each.losses[first] for each in self.reached)
        wall = self.start - LEARNS * (self.start - least)
        learning = [each.rate for each in self.reached if each.losses[first] <= wall]
        return min([*learning, self.suggestion.rate])

    @property
    def failing(self) -> float | None:
        """The least rate beyond the suggestion that diverges, or ends above the start; None: none does."""
        best = 0.0 if self.suggestion is None else self.suggestion.rate
        bad = [each.rate for each in self.reached if each.rate > best and each.fails(self.start)]
        return min(bad, default=None)

    @property
    def high(self) -> float | None:
        """The largest rate before those that fail, in as far as each was run."""
        if self.suggestion is None:
            return None
        end = math.inf if self.failing is None else self.failing
        return max(each.rate for each in self.reached if each.rate < end)


def race(
    trials: Trials,
    rules: Sequence[tuple[float, Optimizer]],
    steps: int,
    seeds: int,
    rungs: Sequence[Rung] = RUNGS,
) -> Race:
    """The race of these rules, each with its learning rate, ascending, for a training of so many steps.

    Every rate has so many seeds in every rung.
    """
    losses: dict[float, dict[int, float]] = {rate: {} for rate, _ in rules}
    lengths, live = lengths_of(steps, rungs), [rate for rate, _ in rules]
    every = range(FIRST_SEED, FIRST_SEED + seeds)
    for i, (rung, length) in enumerate(zip(rungs, lengths, strict=True)):
        if i:
            live = ranked({rate: losses[rate][lengths[i - 1]] for rate in live})[: rung.rates]
        marks = looks(length)
        running = [(rate, rule) for rate, rule in rules if rate in live]
        trials.advance(running, every, marks if i else [0, *marks])
        each = {rate: np.array([trial.at(marks) for trial in trials.of(rate, every)]) for rate in live}
        for rate in live:
            losses[rate][length] = typical(each[rate])
    start = typical(np.array([trial.at([0]) for trial in trials.of(rules[0][0], every)]))
    return Race(
        reached=[Reached(rate, losses[rate]) for rate, _ in rules],
        start=start,
        rungs=lengths,
        gradients=trials.gradients,
        alone=[ranked({rate: typical(each[rate][i]) for rate in live})[0] for i in range(seeds)],
    )


def ranked(losses: Mapping[float, float]) -> list[float]:
    """Rates by what they have reached, best first; see `FASTER`. Those that diverged come last."""
    finite = {rate: loss for rate, loss in losses.items() if math.isfinite(loss)}
    if not finite:
        return sorted(losses)
    worst, least = max(finite.values()), min(finite.values())

    def height(rate: float) -> float:
        loss = finite[rate]
        size = math.log(loss) if least > 0 else (loss - least) / ((worst - least) or 1)
        return size - 2 * math.log(FASTER) * math.log10(rate)

    return [*sorted(finite, key=height), *sorted(losses.keys() - finite.keys())]


def typical(losses: np.ndarray) -> float:
    """One number for losses of any shape: their geometric mean, or the mean where they have other signs."""
    if not np.isfinite(losses).all():
        return math.inf
    if losses.min() > 0:
        return float(np.exp(np.log(losses).mean()))
    return float(losses.mean())


def looks(length: int) -> list[int]:
    """The steps of the last third at which a loss is looked at, the last of them the end."""
    return sorted({math.ceil(step) for step in np.linspace(2 * length / 3, length, LOOKS)})


def lengths_of(steps: int, rungs: Sequence[Rung]) -> list[int]:
    """The steps of each rung, ascending; of a very short training each has more than the one before."""
    lengths: list[int] = []
    for rung in rungs:
        lengths.append(max(round(rung.part * steps), lengths[-1] + 1 if lengths else 2))
    return lengths
