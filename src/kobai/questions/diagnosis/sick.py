"""Sick trainings: of every trouble two or three, of different shape, small and fast.

Each is a setting that has the trouble by its making, so that a diagnosis can be held to that: by the tests,
and by the benchmark. Those of one family differ in data and numbers alone. (The course has its own.)
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar
from kobai.engine.strategy import Strategy
from kobai.initializers import parse
from kobai.networks import mlp
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.base import Optimizer
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis.case import Setting
from kobai.stabilizers.regularization import l2
from kobai.tasks.adding import adding
from kobai.tasks.copy import copy
from kobai.tasks.digits import digits
from kobai.tasks.mnist1d import mnist1d
from kobai.tasks.of_network import task_of
from kobai.tasks.sine import sine
from kobai.tasks.task import Task

Change = Callable[[Task], Task]


class Sick(NamedTuple):
    """A sick training.

    Fields:
      trouble: what it has.
      family: the name of its task before the change; those of one family have equal shapes.
      change: what makes the task sick; None: nothing, the setting is.
    """

    trouble: str
    family: str
    optimizer: Optimizer
    initializer: str
    steps: int
    change: Change | None = None
    strategy: Strategy = Strategy()

    @property
    def setting(self) -> Setting:
        """The training, to be diagnosed."""
        task = FAMILIES[self.family]()
        task = task if self.change is None else self.change(task)
        return Setting(task, self.optimizer, parse(self.initializer), self.strategy, self.steps)


# What is done to data


def _data(change: Callable[[Any, Any], tuple[Any, Any]], *, validation: bool = True) -> Change:
    """The task with other training data, and validation data changed alike."""

    def changed(task: Task) -> Task:
        parts: dict[str, Any] = {"train": change(*task.train)}
        if validation:
            parts["validation"] = change(*task.validation)
        return dataclasses.replace(task, **parts)

    return changed


def _still(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A broken pipeline: every example has the same inputs."""
    return np.full_like(x, 0.7), y


def _covered(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All but a third of the columns are filled with a constant."""
    return np.where(np.arange(x.shape[-1]) % 3 == 0, x, 0.5).astype(x.dtype), y


def _times(factor: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Other units: millimetres for metres."""
    return (x * factor).astype(x.dtype), y


def _apart(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each column in units of its own."""
    return (x * np.logspace(-2, 2, x.shape[-1])).astype(x.dtype), y


def _mixed(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels of other examples."""
    return x, y[np.random.default_rng(1).permutation(len(y))]


def _few(count: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first few examples, again and again."""
    places = np.arange(len(x)) % count
    return x[places], y[places]


def _rough(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels with much noise."""
    noise = np.random.default_rng(2).standard_normal(y.shape)
    return x, (y + noise).astype(y.dtype)


def _wrong(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Three labels of ten are another example's."""
    mixed = np.random.default_rng(4).permutation(y)
    return x, np.where(np.random.default_rng(3).random(len(y)) < 0.3, mixed, y)


def _rare(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nine tenths and more are of the first class."""
    own = np.flatnonzero(y == 0)
    places = np.where(np.arange(len(y)) % 12 == 0, np.arange(len(y)), own[np.arange(len(y)) % len(own)])
    return x[places], y[places]


def _biased(task: Task) -> Task:
    """Biases from which no unit of the hidden layers ever wakes."""
    *hidden, last = task.parameters
    hidden = [{**layer, "biases": layer["biases"] - 20} for layer in hidden]
    return dataclasses.replace(task, parameters=[*hidden, last])


def slow_statistics(task: Task) -> Task:
    """Running statistics that take in a five-hundredth of a batch where they should take in a tenth."""
    usual: Any = task.loss

    def loss(parameters: PyTree, batch: PyTree, state: PyTree) -> tuple[Scalar, PyTree]:
        value, new = usual(parameters, batch, state=state)
        return value, jax.tree.map(lambda old, now: old + 0.02 * (now - old), state, new)

    return dataclasses.replace(task, loss=loss)


# Tasks that no other place has


def _certain() -> Task:
    """Digits with the loss 1 − p(right): flat where the network is sure, and wrong."""

    def missing(outputs: Array, y: Array) -> Scalar:
        return jnp.mean(1 - jnp.sum(jax.nn.softmax(outputs) * (y[..., None] == jnp.arange(10)), axis=-1))

    task = digits(hidden=16)
    network = mlp.network((64, 16, 10), "relu")
    return task_of(
        network,
        loss=missing,
        name="digits, 1 - p",
        train=task.train,
        validation=task.validation,
        batch_size=64,
    )


def _robust() -> Task:
    """A curve with the loss 1 − exp(−error²/2), whose slope is gone far from it."""

    def welsch(outputs: Array, y: Array) -> Scalar:
        return jnp.mean(1 - jnp.exp(-((outputs - y - 8) ** 2) / 2))

    task = sine(hidden=12)
    network = mlp.network((1, 12, 1), "tanh")
    return task_of(
        network, loss=welsch, name="sine, robust", train=task.train, validation=task.validation, batch_size=32
    )


def _line() -> Task:
    """A linear relation with noise, learned from four examples at a time."""

    def squared_error(outputs: Array, y: Array) -> Scalar:
        return jnp.mean((outputs - y) ** 2)

    random = np.random.default_rng(5)
    x = random.standard_normal((800, 20)).astype(np.float32)
    y = (x @ random.standard_normal((20, 1)) / 4 + random.standard_normal((800, 1))).astype(np.float32)
    return task_of(
        mlp.network((20, 1), "relu"),
        loss=squared_error,
        name="line",
        train=(x[:600], y[:600]),
        validation=(x[600:], y[600:]),
        batch_size=4,
    )


FAMILIES: dict[str, Callable[[], Task]] = {
    "sine": functools.partial(sine, hidden=20),
    "digits": functools.partial(digits, hidden=30, batch_size=64),
    "deep": functools.partial(sine, hidden=[10] * 6, activation="relu"),
    "deep sigmoid": functools.partial(digits, hidden=[12] * 5, activation="sigmoid", batch_size=64),
    "adding": functools.partial(adding, length=30, hidden=16, activation="relu"),
    "copy": functools.partial(copy, length=20, items=2, symbols=4, hidden=16),
    "narrow": functools.partial(digits, hidden=1, activation="tanh", batch_size=64),
    "straight": functools.partial(mnist1d, model="logistic"),
    "normalized": functools.partial(digits, hidden=20, batch_norm=True, batch_size=64),
    "normalized tanh": functools.partial(
        digits, hidden=20, activation="tanh", batch_norm="after", batch_size=64
    ),
    "line": _line,
    "certain": _certain,
    "robust": _robust,
}
"""The tasks of the sick trainings, before any change."""


def sick() -> Sequence[Sick]:
    """All sick trainings."""
    return (
        Sick("constant_inputs", "sine", Adam(0.01), "xavier", 100, _data(_still)),
        Sick("constant_inputs", "digits", SGD(0.3), "he", 100, _data(_covered)),
        Sick("unscaled_inputs", "sine", SGD(0.1), "xavier", 100, _data(functools.partial(_times, 100))),
        Sick("unscaled_inputs", "sine", Adam(0.01), "xavier", 100, _data(functools.partial(_times, 0.01))),
        Sick("unscaled_inputs", "digits", Momentum(0.01), "he", 100, _data(_apart)),
        Sick("symmetry", "sine", Adam(0.01), "constant:0.5", 100),
        Sick("symmetry", "digits", Momentum(0.1), "constant:0.1", 100),
        Sick(
            "unlearnable_labels",
            "digits",
            Adam(0.01),
            "he",
            200,
            _data(lambda x, y: _few(120, *_mixed(x, y)), validation=False),
        ),
        Sick("unlearnable_labels", "sine", Momentum(0.03), "xavier", 200, _data(_mixed)),
        Sick("saturation", "sine", SGD(0.03), "normal:20", 100),
        Sick("saturation", "deep sigmoid", Adam(0.003), "normal:10", 100),
        Sick("dead_units", "digits", SGD(0.3), "he", 100, _biased),
        Sick("dead_units", "deep", Adam(0.003), "he", 100, _biased),
        Sick("explosion", "deep", SGD(1e-4), "normal:2", 100),
        # 400 steps: in 100 no cure gets below a constant answer (he, orthogonal, clipping).
        Sick("explosion", "adding", RMSProp(0.001), "normal:0.7", 400),
        Sick("rate_too_high", "sine", SGD(3.0), "xavier", 100),
        Sick("rate_too_high", "digits", Adam(3.0), "he", 100),
        Sick("rate_too_high", "copy", Momentum(20.0), "xavier", 100),
        Sick("weight_decay_too_strong", "sine", SGD(0.1), "xavier", 150, strategy=Strategy(l2=l2(1.0))),
        Sick("weight_decay_too_strong", "digits", AdamW(0.01, weight_decay=5.0), "he", 150),
        Sick("vanishing", "deep sigmoid", SGD(0.5), "xavier", 150),
        Sick("vanishing", "deep", Momentum(0.01), "normal:0.05", 150),
        Sick("long_term", "adding", Adam(0.003), "normal:0.05", 150),
        Sick("long_term", "copy", RMSProp(0.003), "normal:0.1", 150),
        Sick("batch_norm_lag", "normalized", SGD(0.3), "he", 60, slow_statistics),
        Sick("batch_norm_lag", "normalized tanh", Adam(0.01), "xavier", 60, slow_statistics),
        Sick("imbalance", "digits", Adam(0.003), "he", 100, _data(_rare)),
        Sick("imbalance", "straight", SGD(0.3), "xavier", 100, _data(_rare)),
        Sick("saddle", "sine", SGD(0.03), "normal:0.0001", 150),
        Sick("saddle", "digits", Momentum(0.003), "normal:0.001", 150),
        Sick("plateau", "certain", SGD(0.1), "normal:10", 150),
        Sick("plateau", "robust", Adam(0.0003), "xavier", 150),
        Sick("rate_too_low", "sine", Momentum(2e-5), "xavier", 150),
        Sick("rate_too_low", "digits", Adam(2e-4), "he", 150),
        Sick("noise_floor", "line", SGD(0.11), "xavier", 400),
        Sick("noise_floor", "straight", RMSProp(0.2), "xavier", 400),
        Sick(
            "overfitting",
            "digits",
            Adam(0.01),
            "he",
            300,
            _data(lambda x, y: _few(60, *_wrong(x, y)), validation=False),
        ),
        Sick(
            "overfitting",
            "sine",
            RMSProp(0.03),
            "xavier",
            1500,
            _data(lambda x, y: _few(8, *_rough(x, y)), validation=False),
        ),
        Sick("underfitting", "narrow", Adam(0.03), "xavier", 300),
        Sick("underfitting", "straight", SGD(0.5), "xavier", 400),
    )


def families() -> list[list[Sick]]:
    """Those whose programs are one: of a family, and of a loss of their own each by itself."""
    groups: dict[object, list[Sick]] = {}
    for i, each in enumerate(sick()):
        alone = each.change is slow_statistics
        groups.setdefault((each.family, i if alone else None), []).append(each)
    return list(groups.values())
