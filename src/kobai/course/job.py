"""The sick trainings of lesson 3_13: six colleagues at one task, forecasts of how long a delivery takes."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array, Scalar
from kobai.course.patient import Patient, examined, trained
from kobai.networks import mlp
from kobai.optimizers.adam import Adam
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis.case import Setting
from kobai.questions.diagnosis.cure import Remedy
from kobai.questions.diagnosis.cures import initial, rate, stopped
from kobai.questions.diagnosis.cures_of_task import standardized
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task

ENDS = (400, 500)
"""Where the training data end, and the validation data."""
TARGET = 0.1
"""The validation loss to which the steps are counted, of all of them: one job."""


def deliveries(
    change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None,
) -> Task:
    """The time of a delivery, (minutes − 20)/8, from distance, load and rain; with other training data."""

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs - y) ** 2)

    random = np.random.RandomState(13)
    x = random.uniform(-1, 1, (600, 3)).astype(np.float32)
    minutes = 8 * x[:, :1] + 5 * np.abs(x[:, :1] + x[:, 2:]) + random.standard_normal((600, 1))
    parts = np.split(np.arange(600), ENDS)
    train, validation, test = ((x[own], (minutes[own] / 8).astype(np.float32)) for own in parts)
    return task_of(
        mlp.network((3, 20, 1), "tanh"),
        name="delivery",
        loss=squared_error,
        train=train if change is None else change(*train),
        validation=validation,
        test=test,
        batch_size=32,
    )


def in_metres(task: Task) -> Task:
    """The distance in other units than the rest."""
    units = np.array([500, 1, 1], np.float32)
    parts: dict[str, Any] = {name: getattr(task, name) for name in ("train", "validation", "test")}
    changed: dict[str, Any] = {name: (x * units, y) for name, (x, y) in parts.items()}
    return dataclasses.replace(task, **changed)


def few(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twelve deliveries, measured carelessly, again and again."""
    at = np.arange(len(x)) % 12
    careless = y + 0.6 * np.random.RandomState(2).standard_normal(y.shape)
    return x[at], careless[at].astype(np.float32)


@functools.cache
def settings() -> dict[str, Setting]:
    """The trainings by name."""
    return {
        "A": trained(deliveries(), Adam(1e-4), "xavier", 200),
        "B": trained(in_metres(deliveries()), Adam(0.03), "xavier", 200),
        "C": trained(deliveries(), Adam(0.03), "constant:0.5", 200),
        "D": trained(deliveries(few), Adam(0.1), "xavier", 400),
        "E": trained(deliveries(), SGD(2.0), "xavier", 200),
        "F": trained(deliveries(), Adam(0.01), "normal:5", 200),
    }


REMEDIES: Mapping[str, Remedy] = {
    "a": rate(100),
    "b": rate(1 / 10),
    "c": standardized,
    "d": initial("xavier"),
    "e": stopped,
}
"""What may be chosen in lesson 3_13."""


@functools.cache
def colleagues() -> dict[str, Patient]:
    """The six trainings by name; examined once a session."""
    targets = dict.fromkeys(settings(), TARGET)
    return examined("3_13", settings(), REMEDIES, by_the_end="D", targets=targets)
