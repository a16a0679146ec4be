"""The sick trainings of lesson 3_10: each difficulty of the lecture is one of them.

What can be done with them, a `Patient` says::

    ward = patients()
    ward["A"].gradients          # [looks, places]: the gradient that arrives there
    print(ward["A"].treated("b"))
    print(ward["A"].diagnosis)   # kobai's own, when yours is right
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.arrays import Array, Scalar
from kobai.course.patient import Patient, examined, restarted, trained
from kobai.networks import mlp, rnn
from kobai.networks.network import Network
from kobai.optimizers.adam import Adam
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis.case import Setting
from kobai.questions.diagnosis.cure import Cure, Remedy
from kobai.questions.diagnosis.cures import adam, clipped, falling, initial, rate
from kobai.tasks.measurement import Measurement
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task

# What is learned. Tasks of one kind have equal shapes, so that their instruments are compiled once.

TRAINING = 256
Examples: TypeAlias = tuple[np.ndarray, np.ndarray]


def curve(offset: float = 0.0, noise: float = 0.0) -> Task:
    """sin x₁ from eight inputs, moved up by `offset`, with noise; by a loss that ignores what is far off."""

    def robust(outputs: Array, y: Array) -> Scalar:
        return jnp.mean(1 - jnp.exp(-((outputs - y) ** 2) / 2))

    random = np.random.RandomState(10)
    x = random.uniform(-2, 2, (2 * TRAINING, 8)).astype(np.float32)
    y = np.sin(x[:, :1]) + offset + noise * random.standard_normal((len(x), 1))
    network = mlp.network((8, 10, 1), "tanh")
    return _task("curve", network, robust, x, y.astype(np.float32), batch_size=4)


def _relabelled(task: Task, labels: Callable[[Examples], np.ndarray]) -> Task:
    """The task with other labels, computed from inputs and those that there are."""

    def changed(data: Examples) -> Examples:
        return data[0], labels(data).astype(np.float32)

    return dataclasses.replace(task, train=changed(task.train), validation=changed(task.validation))


def lost_labels() -> Task:
    """The curve moved up by 5, of which every fifth label is lost: 0 stands in its place."""
    random = np.random.RandomState(11)
    return _relabelled(curve(offset=5), lambda data: data[1] * (random.rand(len(data[1]), 1) < 0.8))


def mixed_up_labels() -> Task:
    """The curve moved up by 5, of which three labels in ten hold another quantity, −2.5 (x₂ + 1).

    What lies below is near, and downhill from the start; what lies above is far, and lower.
    """
    random = np.random.RandomState(11)

    def labels(data: Examples) -> np.ndarray:
        x, y = data
        return np.where(random.rand(len(x), 1) < 0.3, -2.5 * (x[:, 1:2] + 1), y)

    return _relabelled(curve(offset=5), labels)


def missed(outputs: Array, y: Array) -> Scalar:
    """The share of answers that are off by more than 0.25: stairs, whose slope is 0 wherever there is one."""
    return jnp.mean(jnp.abs(outputs - y) > 0.25)


def within() -> Task:
    """The curve, by the share of answers that are off by more than 0.25."""
    task = curve()
    network = mlp.network((8, 10, 1), "tanh")
    data = [np.concatenate(pair) for pair in zip(task.train, task.validation, strict=True)]
    return _task("within", network, missed, *data, batch_size=4)


def mean_of_sequence() -> Task:
    """4 × the mean of twelve numbers − 2, read one after another by a recurrent network of ReLU."""

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs[:, 0] - y) ** 2)

    random = np.random.RandomState(10)
    x = random.uniform(0, 1, (384, 12, 1)).astype(np.float32)
    network = rnn.network(1, 12, 1, cell="elman", activation="relu")
    return _task("sequence", network, squared_error, x, 4 * x.mean(axis=1) - 2, batch_size=16)


def sum_of_sequence() -> Task:
    """The sum of the twelve numbers, by the same network."""
    return _relabelled(mean_of_sequence(), lambda data: data[0].sum(axis=1))


def _task(
    name: str,
    network: Network,
    loss: Callable[[Array, Array], Scalar],
    x: np.ndarray,
    y: np.ndarray,
    *,
    batch_size: int,
) -> Task:
    return task_of(
        network,
        name=name,
        loss=loss,
        train=(x[:TRAINING], y[:TRAINING]),
        validation=(x[TRAINING:], y[TRAINING:]),
        batch_size=batch_size,
    )


# Remedies that lesson 3_10 alone has


def surrogate(setting: Setting) -> Cure | None:
    """The squared error is lowered in place of an objective of stairs, which judges as before."""
    task = setting.task
    loss = task.loss
    if not isinstance(loss, Measurement) or loss.measure is not missed:
        return None

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs - y) ** 2)

    smooth = dataclasses.replace(loss, measure=squared_error)
    changed = dataclasses.replace(task, loss=smooth, validation_loss=loss)
    return Cure("surrogate", {}, dataclasses.replace(setting, task=changed))


def nearby(setting: Setting) -> Cure:
    """A start near the labels: the output's bias, the one array of one number, begins at their median."""
    task, middle = setting.task, np.float32(np.median(setting.task.train[1]))
    moved = jax.tree.map(lambda array: array + middle * (array.shape == (1,)), task.parameters)
    changed = dataclasses.replace(task, parameters=moved)
    return Cure("nearby", {"new": f"{middle:.2f}"}, dataclasses.replace(setting, task=changed))


@functools.cache
def settings() -> dict[str, Setting]:
    """The patients by name, as they were trained."""
    return {
        "A": trained(curve(noise=0.5), SGD(1.0), "xavier", 200),
        "B": trained(mean_of_sequence(), Adam(0.005), "normal:0.02", 200),
        "C": trained(curve(offset=5), SGD(0.1), "xavier", 200),
        "D": trained(mean_of_sequence(), SGD(0.2), "normal:1", 200),
        "E": trained(curve(), SGD(0.05), "normal:0.0001", 200),
        "F": trained(sum_of_sequence(), SGD(0.01), "orthogonal", 300),
        "G": trained(lost_labels(), SGD(1.0), "xavier", 600),
        "H": trained(within(), Adam(0.01), "normal:0.01", 200),
        "I": trained(mixed_up_labels(), SGD(0.5), "xavier", 200),
    }


REMEDIES: Mapping[str, Remedy] = {
    "a": rate(10),
    "b": rate(1 / 10),
    "c": clipped,
    "d": initial("xavier"),
    "e": adam(0.03),
    "f": falling,
    "g": restarted,
    "h": surrogate,
    "i": nearby,
}
"""What may be chosen in lesson 3_10."""

TARGETS: Mapping[str, float] = {"F": 0.7, "H": 0.5, "I": 0.5}
"""The validation loss to which the steps are counted. Of F: without the numbers, a sum's variance is 1; of H
half of the answers; of I no training gets there that suits the wrong labels alone."""


@functools.cache
def patients() -> dict[str, Patient]:
    """The patients of lesson 3_10 by name; examined once a session."""
    return examined("3_10", settings(), REMEDIES, by_the_end="AG", targets=TARGETS)
