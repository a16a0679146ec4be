"""Each protocol with each amount of data beside its training from scratch, paired by seed."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import polars as pl

from kobai.basics.errors import UsageError
from kobai.engine.run import Run, evaluated_at
from kobai.report import cut
from kobai.study import statistics
from kobai.study.statistics import Estimate
from kobai.study.statistics.estimates import t_interval
from kobai.tasks.task import Task

HELPS, HARMS, OPEN = "helps", "harms", "open"
LEVEL = 0.05
SCRATCH, LONGER = "scratch", "scratch, longer"
AGAINST = {"pretraining": LONGER, "fine-tuning": SCRATCH, "transfer": SCRATCH}
"""The training from scratch that each protocol is compared with."""
BY_STEPS = ("fine-tuning",)
"""Protocols that are there to save steps; the others are judged by the final metric."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to train on the target.

    Fields:
      kept: whether the features start as the source left them; and whether the head does.
      slow: the factor of the features' learning rate.
      steps: on the target.
      spent: steps that count before the first of these.
      against: the arm that it is compared with; None for the two that start from scratch.
    """

    features_kept: bool
    head_kept: bool
    slow: float
    steps: int
    spent: int
    against: str | None


def interval(steps: int) -> int:
    """Steps between two evaluations."""
    return min(10, steps)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProtocolRow:
    """One protocol with one amount of data, beside its training from scratch."""

    protocol: str
    amount: int
    rate: float
    rate_of_baseline: float
    metric: float
    """Mean of the final metrics: on test data where there are any, else on validation data."""
    metric_of_baseline: float
    difference: Estimate
    """The mean over the seeds of how much better the metric is; above 0 the protocol is better."""
    target: float | None
    """The metric that counts steps: 90 % of the way to what training from scratch reached in the tuning."""
    reached: int
    ratio: Estimate
    """Steps to the target over those from scratch, geometric mean; below 1: the protocol is faster."""
    bound: str
    """As in a comparison: "≥" or "≤" where no run of one side arrived, "=" where all pairs are alike."""
    p: float
    """The p of the deciding measure (the steps for fine tuning, else the metric), not yet corrected."""
    better: bool

    @classmethod
    def of(
        cls,
        protocol: str,
        amount: int,
        task: Task,
        reused: tuple[Arm, float, Sequence[Run]],
        baseline: tuple[Arm, float, Sequence[Run]],
        *,
        tuning_of_baseline: Sequence[Run],
    ) -> "ProtocolRow":
        """The comparison of two arms with their rates and their runs, one run for each seed."""
        target = _target(tuning_of_baseline, task.maximize)
        budget = baseline[0].steps
        metrics = [np.array([_final(run) for run in runs]) for _, _, runs in (reused, baseline)]
        times = [_times(arm, runs, target, task.maximize) for arm, _, runs in (reused, baseline)]
        gains = (metrics[0] - metrics[1]) * (1 if task.maximize else -1)
        ratio = statistics.paired_ratio(times[0], times[1], budget)
        if protocol in BY_STEPS:
            p = statistics.sign_flip_p(
                statistics.restricted(times[0], budget), statistics.restricted(times[1], budget)
            )
            better = ratio.value is not None and ratio.value < 1
        else:
            p, better = float(statistics.sign_flip_p_values(gains)), bool(gains.mean() > 0)
        return cls(
            protocol=protocol,
            amount=amount,
            rate=reused[1],
            rate_of_baseline=baseline[1],
            metric=float(metrics[0].mean()),
            metric_of_baseline=float(metrics[1].mean()),
            difference=_mean(gains),
            target=target,
            reached=int(np.sum(times[0] <= budget)),
            ratio=ratio,
            bound=statistics.bound(times[0], times[1], budget),
            p=p,
            better=better,
        )


def _final(run: Run) -> float:
    """The final metric; of a run that diverged, the one that it began with."""
    if run.diverged_at is not None:
        return float(run.validation_metric[0])
    return float(run.validation_metric[-1]) if run.test_metric is None else run.test_metric


def _target(tuning: Sequence[Run], maximize: bool) -> float | None:
    """What counts as arriving, fixed before the fresh seeds; None where scratch learned nothing."""
    curves = np.array([run.validation_metric for run in tuning])
    start, end = np.median(curves[:, [0, -1]], axis=0)
    try:
        return statistics.auto_target(float(start), float(end), maximize)
    except UsageError:
        return None


def _times(arm: Arm, runs: Sequence[Run], target: float | None, maximize: bool) -> np.ndarray:
    """Steps to the target, with those that count before the first; inf where it was never met."""
    if target is None:
        return np.full(len(runs), np.inf)
    curves = np.array([run.validation_metric for run in runs], float)
    steps = evaluated_at(arm.steps, interval(arm.steps))
    arrival = statistics.steps_to_target(steps, curves, float(np.float32(target)), maximize)
    lost = np.array([run.diverged_at is not None for run in runs])
    return np.where(lost, np.inf, arrival) + arm.spent


def _mean(values: np.ndarray) -> Estimate:
    """A mean with Student's 95 % interval."""
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return Estimate(mean, None, None) if len(values) < 2 else Estimate(mean, mean, mean)
    interval = t_interval(values)
    return Estimate(mean, interval.low, interval.high)


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a transfer was trained with."""

    optimizer: str = "adam"
    learning_rates: tuple[float, ...] = ()
    source_learning_rate: float = 0.0
    initializer: str = "he"
    steps: int = 300
    source_steps: int = 500
    slow: float = 0.0
    tuning_seeds: int = 2
    seeds: int = 10


@dataclasses.dataclass(frozen=True, eq=False)
class TransferOutcome:
    """What came of a transfer: every protocol with every amount of data.

    Fields:
      frame: as `compared` makes it.
      source, target: names of the tasks.
      metric: what the metric is called.
      setup: with what it was trained.
      new_head: whether the heads differ in shape, so that every protocol made it new.
    """

    frame: pl.DataFrame
    source: str
    target: str
    metric: str
    setup: Setup = Setup()
    new_head: bool = False

    def shown(self) -> pl.DataFrame:
        """The rows of as many amounts as a person reads, evenly from the least to the most; else all."""
        amounts = self.frame["amount"].unique().sort().to_list()
        few = cut.spread(amounts, cut.ROWS // self.frame["protocol"].n_unique())
        return self.frame.filter(pl.col("amount").is_in(few))


def compared(rows: Sequence[ProtocolRow]) -> pl.DataFrame:
    """All rows as a frame, one for each amount and protocol.

    ``metric`` and ``metric_scratch``: means of the final metrics; ``difference`` (positive: better) and
    ``ratio`` of the steps to ``target`` (below 1: faster), each with ``_low`` and ``_high``, 95 %; ``p`` of
    the measure that decides, ``corrected_p`` by Holm over all rows; ``verdict``: "helps", "harms" or "open".
    """
    corrected = statistics.holm([row.p for row in rows])
    return pl.DataFrame(
        [
            {
                "protocol": row.protocol,
                "amount": row.amount,
                "learning_rate": row.rate,
                "learning_rate_scratch": row.rate_of_baseline,
                "metric": row.metric,
                "metric_scratch": row.metric_of_baseline,
                **_named("difference", row.difference),
                "target": row.target,
                "reached": row.reached,
                **_named("ratio", row.ratio),
                "bound": row.bound,
                "p": row.p,
                "corrected_p": float(p),
                "verdict": OPEN if p > LEVEL else HELPS if row.better else HARMS,
            }
            for row, p in zip(rows, corrected, strict=True)
        ],
        infer_schema_length=None,
    )


def _named(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
