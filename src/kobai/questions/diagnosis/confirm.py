"""Does the cure help? The sick setting and the changed one on the same seeds, by the study's statistics."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from kobai.basics.errors import UsageError
from kobai.engine.backends.threads import THREADS
from kobai.engine.cell import Cell
from kobai.engine.run import Run, evaluated_at
from kobai.engine.sweep import Sweep
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.cure import STEPS, Cure
from kobai.questions.diagnosis.cures import CURES, cures
from kobai.study import statistics
from kobai.study.statistics import Estimate

LEVEL = 0.05
"""Of all cures of a trouble together: each is held to its part."""
VALIDATION, TEST = "validation", "test"
LEAST = 0.5
"""A cure that is judged by steps must arrive in at least this share of its runs."""


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """What a cure did.

    Fields:
      before, after: geometric means of the steps to the target, or mean losses at the end, of
        the runs that did not diverge.
      effect: of the steps the ratio, below 1 is faster; of the losses the difference, below 0 is better.
      better: on how many seeds.
      helps: whether that is established: its interval leaves out "no effect", and so does the paired test.
      harms: whether the opposite is.
      diverged: how many runs, without it and with it.
    """

    cure: Cure
    target: float | None
    before: float
    after: float
    effect: Estimate
    bound: str
    better: int
    seeds: int
    p: float
    helps: bool
    on: str = VALIDATION
    """The data that judge it."""
    harms: bool = False
    diverged: tuple[int, int] = (0, 0)
    level: float = LEVEL
    """What the paired test is held to: several cures are tried."""
    arrived: int = 0
    """Of steps: how many runs with the cure met the target."""

    @property
    def verdict(self) -> str:
        """Of its words: "helps", "harms", or "not" where neither is established."""
        return "helps" if self.helps else "harms" if self.harms else "not"

    @property
    def doubt(self) -> str:
        """Why nothing is established though the interval leaves out "no effect": "few" runs arrive, or the
        paired test is "unsure"; else ""."""
        low, high = self.effect.low, self.effect.high
        none = 1.0 if self.cure.by == STEPS else 0.0
        if self.helps or self.harms or low is None or high is None or low <= none <= high:
            return ""
        if self.cure.by == STEPS and high < none and self.arrived < LEAST * self.seeds:
            return "few"
        return "unsure" if self.p > self.level else ""


def confirmed(
    case: Case, trouble: Trouble, seeds: Sequence[int], advance: Callable[[int], None]
) -> Iterator[Confirmation]:
    """The cures of a trouble, tried one after another until one of them helps."""
    own: list[Run] | None = None
    for cure in cures(case, trouble):
        if cure.against is None:
            own = before = own or runs([case.setting], seeds)[0]
        else:
            before = runs([cure.against], seeds)[0]
        after = runs([cure.setting], seeds)[0]
        advance(1)
        level = LEVEL / len(CURES[trouble.name])
        confirmation = compared(case.setting, cure, before, after, level, without=case.constant.metric)
        yield confirmation
        if confirmation.helps:
            return


def runs(settings: Sequence[Setting], seeds: Sequence[int]) -> list[list[Run]]:
    """The trainings of some settings, by seed; they have one task, and as many steps."""
    first = settings[0]
    sweep = Sweep(
        first.task,
        [setting.optimizer for setting in settings],
        steps=first.steps,
        evaluate_every=_interval(first),
        strategies=[setting.strategy for setting in settings],
    )
    cells = [Cell(s.optimizer, s.initializer, seed, s.strategy) for s in settings for seed in seeds]
    every = THREADS.runs(sweep, cells, lambda _: None)
    return [every[i : i + len(seeds)] for i in range(0, len(every), len(seeds))]


def _interval(setting: Setting) -> int:
    return max(1, min(10, setting.steps // 20))


def compared(
    setting: Setting,
    cure: Cure,
    before: Sequence[Run],
    after: Sequence[Run],
    level: float,
    target: float | None = None,
    without: float = np.nan,
) -> Confirmation:
    """What a cure did, from the runs without it and with it, on the same seeds.

    Steps are counted to the `target`, if one is given: several cures have one baseline then. If none is, the
    way to it begins no worse than at the metric `without` inputs.
    """
    if cure.by == STEPS:
        if target is None:
            pairs = statistics.seeds_needed(1, level) or 0
            target = _target(setting, [_curves(runs) for runs in (before, after)], without, pairs)
        return _by_steps(setting, cure, before, after, level, target)
    return _by_end(cure, before, after, level)


def _by_steps(
    setting: Setting,
    cure: Cure,
    before: Sequence[Run],
    after: Sequence[Run],
    level: float,
    target: float | None,
) -> Confirmation:
    """By the steps to a target; None: neither goes anywhere.

    A pair of which one is there before the first step has not learned to be, and tells nothing.
    """
    task, budget = setting.task, setting.steps
    marks = evaluated_at(budget, _interval(setting))
    lost = [np.array([run.diverged_at is not None for run in runs]) for runs in (before, after)]
    diverged = int(lost[0].sum()), int(lost[1].sum())
    if target is None:
        nowhere = Estimate(None, None, None)
        return Confirmation(
            cure, None, budget, budget, nowhere, "", 0, len(before), 1.0, helps=False, diverged=diverged
        )
    curves = [_curves(runs) for runs in (before, after)]
    times = [statistics.steps_to_target(marks, each, target, task.maximize) for each in curves]
    there = (times[0] == 0) | (times[1] == 0)
    times = [np.where(gone | there, np.inf, each) for gone, each in zip(lost, times, strict=True)]
    ratio = statistics.paired_ratio(times[1], times[0], budget)
    own = [statistics.restricted(each, budget) for each in times]
    p = statistics.sign_flip_p(own[1], own[0])
    arrived = int(np.sum(times[1] <= budget))
    shorter = ratio.high is not None and ratio.high < 1
    longer = ratio.low is not None and ratio.low > 1
    return Confirmation(
        cure,
        target,
        _geometric(own[0]),
        _geometric(own[1]),
        ratio,
        statistics.bound(times[1], times[0], budget),
        int(np.sum(own[1] < own[0])),
        len(before),
        p,
        helps=bool(shorter and p <= level and arrived >= LEAST * len(after)),
        harms=bool(longer and p <= level),
        diverged=diverged,
        level=level,
        arrived=arrived,
    )


def _curves(runs: Sequence[Run]) -> np.ndarray:
    """[seeds, evaluations]: the metric on validation data."""
    return np.array([run.validation_metric for run in runs], float)


def _geometric(steps: np.ndarray) -> float:
    return float(np.exp(np.log(np.maximum(steps, 1)).mean()))


def _target(setting: Setting, curves: Sequence[np.ndarray], without: float, pairs: int) -> float | None:
    """The task's own target, where so many pairs as the test needs, and half of them, arrive there.

    Else what has 90 % of the way behind it that the better one of so many goes. That way begins at the start,
    or at the metric without inputs where the start is worse: to come down from absurd outputs is no learning.
    A pair of which neither arrives tells nothing, and which of a pair has the cure plays no part, as the
    paired test presupposes.
    """
    task = setting.task
    sign = 1 if task.maximize else -1
    each = [np.where(np.isnan(curve), -np.inf, sign * curve).max(axis=1) for curve in curves]
    ends = np.sort(np.maximum(*each))[::-1]
    better = float(ends[min(max(pairs, (len(ends) + 1) // 2), len(ends)) - 1])
    for target in task.targets[:1]:
        if better >= sign * target:
            return target
    start = float(np.nanmedian(np.concatenate(curves)[:, 0]))
    start = float(np.fmax(start, without) if task.maximize else np.fmin(start, without))
    try:
        return statistics.auto_target(start, sign * better, task.maximize)
    except UsageError:
        return None


def _by_end(cure: Cure, before: Sequence[Run], after: Sequence[Run], level: float) -> Confirmation:
    """By the loss at the end; of an average by its own.

    It is that of the test data, if the task has any: early stopping restores by validation data, which would
    judge it too kindly. An end that has diverged is worse than any other, and no number says by how much:
    where there is one, the order within the pairs is tested alone.
    """
    on = VALIDATION if cure.setting.task.test is None else TEST
    losses = [
        _end(before, on, averaged=False),
        _end(after, on, averaged=bool(cure.setting.strategy.averages)),
    ]
    lost = [~np.isfinite(each) for each in losses]
    difference = statistics.paired_difference(losses[1], losses[0])
    ends = [np.where(gone, np.inf, each) for gone, each in zip(lost, losses, strict=True)]
    order = (ends[1] > ends[0]).astype(float) - (ends[1] < ends[0])
    if any(gone.any() for gone in lost):
        gains, lower, higher = order, order.mean() < 0, order.mean() > 0
    else:
        gains = ends[1] - ends[0]
        lower = difference.high is not None and difference.high < 0
        higher = difference.low is not None and difference.low > 0
    p = float(statistics.sign_flip_p_values(gains))
    return Confirmation(
        cure,
        None,
        _mean(losses[0]),
        _mean(losses[1]),
        difference,
        "",
        int(np.sum(order < 0)),
        len(before),
        p,
        helps=bool(lower and p <= level),
        on=on,
        harms=bool(higher and p <= level),
        diverged=(int(lost[0].sum()), int(lost[1].sum())),
        level=level,
    )


def _mean(losses: np.ndarray) -> float:
    """Of the finite ones; NaN: there is none."""
    known = losses[np.isfinite(losses)]
    return float(known.mean()) if known.size else np.nan


def _end(runs: Sequence[Run], on: str, *, averaged: bool) -> np.ndarray:
    ends = [run.averages[0] if averaged else run for run in runs]
    if on == TEST:
        return np.array([np.nan if end.test_loss is None else end.test_loss for end in ends], float)
    return np.array([end.validation_loss[-1] for end in ends], float)
