"""What predicts without a trained network, against the network that a study recommends."""

import dataclasses

import numpy as np

from kobai.study import statistics
from kobai.study.outcome import Outcome
from kobai.study.statistics import Estimate
from kobai.study.study import CONFIRMATION
from kobai.words import Note

ROUNDING = 1e-6
"""Metrics are measured in single precision: what differs by less, relatively, is equal."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """One baseline of the task, on the same test data as the recommended network."""

    name: str
    test_metric: float
    difference: Estimate
    """Test metric of the recommended network minus this one, over the fresh runs that did not diverge."""
    beaten: bool
    """Whether the whole interval of the difference is on the network's side."""
    better: bool
    """Whether the whole interval is on the side of the baseline."""
    margin: float | None
    """Of accuracies: how far a difference may be off that is measured on so few test rows (`margin`)."""
    meaning: Note | None
    """What its test metric is in other words (`Task.meaning`)."""


def baselines(outcome: Outcome) -> tuple[Baseline, ...]:
    """Every baseline of the task, best first."""
    task = outcome.study.facts
    tests = outcome.cells_of(outcome.recommended, CONFIRMATION)["test_metric"].to_numpy().astype(float)
    sign = 1 if task.maximize else -1
    every = [_baseline(outcome, name, value, tests) for name, value in (task.baselines or {}).items()]
    return tuple(sorted(every, key=lambda each: -sign * each.test_metric))


def _baseline(outcome: Outcome, name: str, value: float, tests: np.ndarray) -> Baseline:
    task = outcome.study.facts
    difference = statistics.paired_difference(tests, np.full(len(tests), value))
    few_rows = None
    if task.metric_label == "accuracy" and difference.value is not None:
        few_rows = margin(value, value + difference.value, task.sizes["test"] or 0)
    low, high, rounding = difference.low, difference.high, ROUNDING * abs(value)
    above, below = low is not None and low > rounding, high is not None and high < -rounding
    return Baseline(
        name=name,
        test_metric=float(value),
        difference=difference,
        beaten=above if task.maximize else below,
        better=below if task.maximize else above,
        margin=few_rows,
        meaning=task.meaning(value) if task.meaning else None,
    )


def margin(one: float, other: float, rows: int) -> float:
    """Half of the 95 % interval of the difference of two accuracies, each on so many rows of its own.

    On the same rows, where both tend to be wrong together, it is at most that. One success and one failure
    are added to each, without which few rows would seem certain.

    Source: Agresti and Caffo (2000), The American Statistician 54.
    """
    shares = [(share * rows + 1) / (rows + 2) for share in (one, other)]
    return 1.96 * sum(share * (1 - share) / (rows + 2) for share in shares) ** 0.5


def metric_value(metric: str, value: float) -> str:
    """A value of a metric as it is told: an accuracy in per cent."""
    return f"{value:.1%}" if metric == "accuracy" else f"{value:.3g}"
