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
from kobai.questions.diagnosis.cures import CURES, STEPS, Cure, cures
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
      before, after: geometric means of the steps to the target, or mean losses at the end.
      effect: of the steps the ratio, below 1 is faster; of the losses the difference, below 0 is better.
      better: on how many seeds.
      helps: whether that is established: its interval leaves out "no effect", and so does the paired test.
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
        confirmation = compared(case.setting, cure, before, after, LEVEL / len(CURES[trouble.name]))
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
) -> Confirmation:
    """What a cure did, from the runs without it and with it, on the same seeds.

    Steps are counted to the `target`, if one is given: several cures have one baseline then.
    """
    if cure.by == STEPS:
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
    """By the steps to this target, to the task's, or to 90 % of the way that the better of the two goes."""
    task, budget = setting.task, setting.steps
    marks = evaluated_at(budget, _interval(setting))
    curves = [np.array([run.validation_metric for run in runs], float) for runs in (before, after)]
    target = _target(setting, curves) if target is None else target
    if target is None:
        nowhere = Estimate(None, None, None)
        return Confirmation(cure, None, budget, budget, nowhere, "", 0, len(before), 1.0, helps=False)
    times = [statistics.steps_to_target(marks, each, target, task.maximize) for each in curves]
    lost = [np.array([run.diverged_at is not None for run in runs]) for runs in (before, after)]
    times = [np.where(gone, np.inf, each) for gone, each in zip(lost, times, strict=True)]
    ratio = statistics.paired_ratio(times[1], times[0], budget)
    own = [statistics.restricted(each, budget) for each in times]
    p = statistics.sign_flip_p(own[1], own[0])
    reached = float(np.mean(times[1] <= budget))
    shorter = ratio.high is not None and ratio.high < 1
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
        helps=bool(shorter and p <= level and reached >= LEAST),
    )


def _geometric(steps: np.ndarray) -> float:
    return float(np.exp(np.log(np.maximum(steps, 1)).mean()))


def _target(setting: Setting, curves: Sequence[np.ndarray]) -> float | None:
    """The task's own target where the better of the two arrives there mostly; else one that it does reach."""
    task = setting.task
    sign = 1 if task.maximize else -1
    best = [np.where(np.isnan(each), -np.inf, sign * each).max(axis=1) for each in curves]
    better = max(np.median(each) for each in best)
    for target in task.targets[:1]:
        if better >= sign * target:
            return target
    start = float(np.nanmedian(np.concatenate(curves)[:, 0]))
    try:
        return statistics.auto_target(start, sign * float(better), task.maximize)
    except UsageError:
        return None


def _by_end(cure: Cure, before: Sequence[Run], after: Sequence[Run], level: float) -> Confirmation:
    """By the loss at the end; of an average by its own.

    It is that of the test data, if the task has any: early stopping restores by validation data, which would
    judge it too kindly.
    """
    on = VALIDATION if cure.setting.task.test is None else TEST
    losses = [
        _end(before, on, averaged=False),
        _end(after, on, averaged=bool(cure.setting.strategy.averages)),
    ]
    difference = statistics.paired_difference(losses[1], losses[0])
    gains = losses[1] - losses[0]
    p = float(statistics.sign_flip_p_values(gains)) if np.isfinite(gains).all() else 1.0
    lower = difference.high is not None and difference.high < 0
    return Confirmation(
        cure,
        None,
        float(losses[0].mean()),
        float(losses[1].mean()),
        difference,
        "",
        int(np.sum(losses[1] < losses[0])),
        len(before),
        p,
        helps=bool(lower and p <= level),
        on=on,
    )


def _end(runs: Sequence[Run], on: str, *, averaged: bool) -> np.ndarray:
    ends = [run.averages[0] if averaged else run for run in runs]
    if on == TEST:
        return np.array([np.nan if end.test_loss is None else end.test_loss for end in ends], float)
    return np.array([end.validation_loss[-1] for end in ends], float)
