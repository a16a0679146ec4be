"""Races of learning rates that never ran, and a task whose curvature is known."""

import numpy as np

from kobai.questions.range.bounds import Bound
from kobai.questions.range.outcome import RangeOutcome
from kobai.questions.range.race import Race, Reached
from kobai.questions.range.result import RangeResult
from kobai.tasks.task import Task
from kobai.words import current

INF = float("inf")

LOSSES = {
    0.001: {2: 1.99},
    0.01: {2: 1.7, 4: 1.5},
    0.1: {2: 1.2, 4: 0.8, 8: 0.4},
    1.0: {2: 1.1, 4: 0.7, 8: 0.3},
    10.0: {2: 5.0},
    100.0: {2: INF},
}
"""By rate, then by the steps of a rung: the usual shape."""


def race_of(losses=LOSSES, start=2.0, rungs=(2, 4, 8), alone=(1.0, 1.0, 0.1)):
    reached = [Reached(rate, own) for rate, own in losses.items()]
    return Race(reached, start, rungs, gradients=30, alone=alone)


LIMIT = Bound("plain", "2/λ", 4.0, 0.5, 10)


def result_of(losses=LOSSES, bound=LIMIT, **more):
    outcome = RangeOutcome("bowl", "sgd", "he", 50, race_of(losses, **more), bound, 1200)
    return RangeResult(table=outcome.table(), command="kobai range", language=current(), outcome=outcome)


def valley(curvatures, examples=8):
    """½ Σ λᵢ wᵢ² for every example alike, whose Hessian is diag(λ) everywhere."""
    λ = np.array(curvatures, np.float32)

    def loss(parameters, batch):
        return (0.5 * λ * parameters["w"][:, 0] ** 2).sum() + 0 * batch.mean()

    data = np.zeros((examples, 1), np.float32)
    return Task(
        parameters={"w": np.zeros((len(λ), 1), np.float32)},
        loss=loss,
        train=data,
        validation=data,
        batch_size=2,
        target=0.01,
        name="valley",
    )
