"""A study that is given its time: the largest that fits, by the pace at which it runs.

Its tuning climbs a ladder, of which every rung holds the one before: more learning rates, then more tuning
seeds. Before each rung the pace so far says whether what it adds, the least confirmation behind it and the
answer fit into what is left. Then as many fresh seeds are run as fit. Time alone decides how many, never what
they say; so the answer has its level, as if their number had been said before.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

import polars as pl

from kobai.basics import interruption
from kobai.basics.progress import duration
from kobai.study import record
from kobai.study.allowance import Allowance
from kobai.study.asked import questions
from kobai.study.runner import Runner
from kobai.study.runs import SharedRun, missing
from kobai.study.study import CONFIRMATION, TUNING, Study, Trial
from kobai.words import say

MOST_SEEDS = 100
"""Fresh seeds: with more, an answer gains little."""

ANSWER = 3.0
"""Seconds that the answer and its files take."""

CAUTION = 1.05
"""What is planned to take a second may take so many: at the end of a phase threads wait for each other."""

NEAR = 0.1
"""Fresh seeds are added until there is room for less than this part of those that there are."""


class Pace:
    """What trainings take here, as far as it was measured.

    Args:
      runner: of the study.
      given: the time for it.
    """

    def __init__(self, runner: Runner, given: Allowance) -> None:
        self.runner, self.given = runner, given
        self.seconds: dict[str, float] = {}
        """Of one core, for a training of each candidate."""
        self.is_compiled = False
        self.measured = self.elapsed = 0.0

    def run(self, phase: str, trials: Sequence[Trial], seeds: Sequence[int]) -> None:
        """Run every trial with every seed, and measure what that takes."""
        todo, began = self.missing(trials, seeds), self.given.clock()
        cells = self.runner.run(phase, trials, seeds)
        elapsed = self.given.clock() - began
        took = cells.rows(0, len(cells), "optimizer", "seconds")
        means = took.group_by("optimizer").agg(pl.col("seconds").mean())
        self.seconds |= dict(means.iter_rows())
        if todo and self.is_compiled:
            self.elapsed += elapsed
            self.measured += self._processor(todo)
        self.is_compiled = self.is_compiled or bool(todo)

    def missing(self, trials: Sequence[Trial], seeds: Sequence[int]) -> list[SharedRun]:
        """The trainings that these trials with these seeds still take."""
        runner = self.runner
        kept = runner.there.union(runner.store.places, runner.store.cells["cell"])
        return list(missing(trials, [runner.identities(trial, seeds) for trial in trials], seeds, kept))

    @property
    def wall(self) -> float:
        """Seconds that pass, for a second of one core."""
        threads = next(iter(self.runner.sweeps.values())).threads
        return CAUTION * (self.elapsed / self.measured if self.measured else 1 / threads)

    def of(self, runs: Iterable[SharedRun]) -> float:
        """Seconds that these trainings will take."""
        return self.wall * self._processor(runs)

    def per_seed(self, study: Study) -> tuple[float, float]:
        """Seconds that a fresh seed takes: of the winners of tuning, and of what is confirmed beside them."""
        costs = [self.seconds[candidate.name] for candidate in study.candidates]
        return self.wall * sum(costs), self.wall * study.others * max(costs)

    def least(self, study: Study) -> float:
        """Seconds from the winners of tuning to the end, with the fresh seeds that the study has."""
        return study.seeds * self.per_seed(study)[0] + self.rest(study)

    def rest(self, study: Study) -> float:
        """Seconds from the winners' confirmation to the end."""
        winners, others = self.per_seed(study)
        return study.seeds * others + winners + ANSWER  # each winner is shown once from a constant start

    def _processor(self, runs: Iterable[SharedRun]) -> float:
        return sum(self.seconds[run.trials[0].candidate.name] for run in runs)


def climbed(study: Study, pace: Pace) -> Study:
    """The study with the learning rates and the tuning seeds for which there is time; they have been run."""
    rungs = [
        dataclasses.replace(
            study,
            every=rung.every,
            candidates=rung.candidates,
            tuning_seeds=rung.tuning_seeds,
            seeds=study.seeds if study.within is not None else rung.seeds,
        )
        for rung in pace.given.rungs
    ]
    if (before := _answered(rungs, pace.runner)) is not None:
        return before
    now, runner, given = rungs[0], pace.runner, pace.given
    for rung in rungs:
        trials, seeds = rung.trials(), list(range(rung.tuning_seeds))
        if rung is not now:
            needed = pace.of(pace.missing(trials, seeds)) + pace.least(rung)
            if interruption.is_winding_up() or needed > given.left():
                break
        pace.run(TUNING, trials, seeds)
        now = rung
        if now is rungs[0] and (least := pace.least(now)) > given.left():
            runner.progress.tell(say("budget.short", time=duration(given.seconds - given.left() + least)))
    part = say("budget.every" if now.every == 1 else "budget.part", every=now.every)
    runner.progress.tell(say("budget.tuned", rates=part, tuning_seeds=now.tuning_seeds))
    return now


def fitted(study: Study, trials: Sequence[Trial], pace: Pace) -> Study:
    """The study with as many fresh seeds as fit, and never fewer than it has; `trials` are confirmed."""
    while pace.seconds:  # else the study was planned before
        pace.run(CONFIRMATION, trials, study.confirmation_seeds)
        room = pace.given.left() - pace.rest(study)
        more = min(math.floor(room / sum(pace.per_seed(study))), MOST_SEEDS - study.seeds)
        if interruption.is_winding_up() or more < max(1, NEAR * study.seeds):
            break
        study = dataclasses.replace(study, seeds=study.seeds + math.ceil(more / 2))
    return study


def _answered(rungs: Sequence[Study], runner: Runner) -> Study | None:
    """What was planned before, where this question has an answer in its folder."""
    if runner.asked is None:
        return None
    for asked in questions(runner.store):
        if asked.question == runner.asked.question and asked.finished and not asked.planned:
            for rung in rungs:
                plan = record.written(rung)
                if all(plan[name] == asked.study[name] for name in ("candidates", "tuning_seeds")):
                    return dataclasses.replace(rung, seeds=asked.study["seeds"])
    return None
