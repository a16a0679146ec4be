"""Five trainings that came to a desk in lesson 3_13, of digits: asked about with `kobai.diagnose` itself."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.base import Optimizer
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis.sick import slow_statistics
from kobai.tasks.digits import digits
from kobai.tasks.task import Task

NODES, BATCH = 20, 64


class Request(NamedTuple):
    """A training that somebody asks about: the task and its rule, as `kobai.diagnose` takes them."""

    task: Task
    optimizer: Optimizer


def _with(task: Task, change: Callable[[Any, Any], tuple[Any, Any]], *parts: str) -> Task:
    """The task with these parts of its data changed."""
    changed: dict[str, Any] = {part: change(*getattr(task, part)) for part in parts}
    return dataclasses.replace(task, **changed)


def joined_wrongly(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels from two tables of which one has been sorted: few of them, again and again."""
    at = np.arange(len(x)) % 120
    return x[at], np.random.default_rng(1).permutation(y)[at]


def mostly_zeros(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What comes in all day: nine in ten are zeros and more."""
    zeros, every = np.flatnonzero(y == 0), np.arange(len(y))
    at = np.where(every % 12 == 0, every, zeros[every % len(zeros)])
    return x[at], y[at]


@functools.cache
def requests() -> Mapping[str, Request]:
    """The five by name."""
    plain = digits(hidden=NODES, batch_size=BATCH)
    normalized = digits(hidden=NODES, batch_size=BATCH, batch_norm=True)
    return {
        "A": Request(_with(plain, mostly_zeros, "train", "validation", "test"), Adam(0.003)),
        "B": Request(plain, AdamW(0.01, weight_decay=5.0)),
        "C": Request(_with(plain, joined_wrongly, "train"), Adam(0.01)),
        "D": Request(plain, Adam(0.01)),
        "E": Request(slow_statistics(normalized), SGD(0.3)),
    }
