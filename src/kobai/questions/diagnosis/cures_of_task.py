"""Cures that change what is trained: its data, or its network."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai import initializers
from kobai.basics.arrays import Scalar
from kobai.networks import mlp, rnn
from kobai.networks.network import Network
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.cure import END, Cure, Maker
from kobai.questions.diagnosis.facts import parts
from kobai.tasks.measurement import Measurement
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task

HIDDEN = 100
"""Nodes of a hidden layer, as `kobai.tasks` have where nothing is said."""
USUAL, TOLERANCE = 0.1, 1e-3
"""What running statistics usually take in of a batch; up to where two such weights are equal."""


def standardized(setting: Setting) -> Cure | None:
    """Inputs shifted and scaled by mean and deviation of the training data's columns."""
    task = setting.task
    inputs, _ = parts(task.train)
    if len(inputs) != 1 or not isinstance(task.train, tuple):
        return None
    axes = tuple(range(inputs[0].ndim - 1))
    mean, spread = inputs[0].mean(axes, dtype=float), inputs[0].std(axes, dtype=float)
    spread = np.where(spread > 0, spread, 1)

    def scaled(data: Any) -> Any:
        x, y = data
        return ((np.asarray(x) - mean) / spread).astype(inputs[0].dtype), y

    changed = dataclasses.replace(
        task,
        train=scaled(task.train),
        validation=scaled(task.validation),
        test=None if task.test is None else scaled(task.test),
    )
    return Cure("standardized", {}, dataclasses.replace(setting, task=changed))


def dense(key: str, *, activation: str | None = None, times: int = 1, batch_norm: bool = False) -> Maker:
    """The dense network of a task with another activation, wider hidden layers, or batch normalization."""

    def make(case: Case) -> Cure | None:
        task, own = case.setting.task, case.setting.task.dense
        if own is None or len(own.widths) < 3 or own.batch_norm != "off" or own.activation == activation:
            return None
        first, *hidden, last = own.widths
        widths = (first, *(times * width for width in hidden), last)
        changed = _rebuilt(task, mlp.network(widths, activation or own.activation, batch_norm))
        if changed is None:
            return None
        old = own.activation if activation else ",".join(map(str, hidden))
        new = activation or ",".join(str(times * width) for width in hidden)
        setting = dataclasses.replace(case.setting, task=changed)
        if activation == "relu":
            setting = dataclasses.replace(setting, initializer=initializers.he())
        return Cure(key, {"new": new, "old": old}, setting)

    return make


def hidden_layer(case: Case) -> Cure | None:
    """A hidden layer of max(x, 0) for a network that has none: no training bends a line."""
    task, own = case.setting.task, case.setting.task.dense
    changed = None
    if own is not None and len(own.widths) == 2:
        first, last = own.widths
        changed = _rebuilt(task, mlp.network((first, HIDDEN, last), "relu"))
    if changed is None:
        return None
    setting = dataclasses.replace(case.setting, task=changed, initializer=initializers.he())
    return Cure("hidden", {"new": HIDDEN}, setting)


def quick_statistics(case: Case) -> Cure | None:
    """Running statistics that take in a tenth of every batch, where they take in less.

    How much they take in is measured: w of running ← (1 − w)·running + w·batch is seen where everything that
    is running begins higher by 1.
    """
    task = case.setting.task
    if task.state is None or not isinstance(task.train, tuple):
        return None
    batch = jax.tree.map(lambda array: np.asarray(array)[: task.examples_a_step], task.train)
    key = jax.random.key(0) if task.random else None

    def after(rise: float) -> list[np.ndarray]:
        state = jax.tree.map(lambda array: array + rise if _is_running(array) else array, task.state)
        new = task.training_loss(task.parameters, state, batch, key)[1]
        return [np.asarray(array, float) for array in jax.tree.leaves(new) if _is_running(array)]

    kept = [float(np.median(high - low)) for high, low in zip(after(1.0), after(0.0), strict=True)]
    if not kept or np.ptp(kept) > TOLERANCE or not 0 < 1 - kept[0] < USUAL - TOLERANCE:
        return None
    weight = 1 - kept[0]
    usual: Any = task.loss

    def loss(*arguments: Any, state: PyTree, **more: Any) -> tuple[Scalar, PyTree]:
        value, new = usual(*arguments, state=state, **more)
        return value, jax.tree.map(
            lambda old, now: old + USUAL / weight * (now - old) if _is_running(old) else now, state, new
        )

    changed = dataclasses.replace(case.setting, task=dataclasses.replace(task, loss=loss))
    return Cure("statistics", {"new": f"{USUAL:.3g}", "old": f"{weight:.3g}"}, changed, END)


def _is_running(array: Any) -> bool:
    """Whether it is a statistic: what counts, or draws, is a whole number."""
    return jnp.issubdtype(jnp.result_type(array), jnp.floating)


def gated(case: Case) -> Cure | None:
    """A GRU in place of a recurrent network's plain state, which its gates let through unchanged."""
    task, own = case.setting.task, case.setting.task.recurrent
    if own is None or own.cell != "elman" or own.is_both_ways:
        return None
    network = rnn.network(
        own.inputs, own.nodes, own.outputs, cell="gru", activation=own.activation, last=own.last
    )
    changed = _rebuilt(task, network)
    if changed is None:
        return None
    return Cure("cell", {"new": "gru", "old": own.cell}, dataclasses.replace(case.setting, task=changed))


def _rebuilt(task: Task, network: Network) -> Task | None:
    """The task with another network; None where its loss is not measured at the outputs of one."""
    measures = (task.loss, task.metric or task.loss)
    if not all(isinstance(measure, Measurement) for measure in measures):
        return None
    loss, metric = (measure.measure for measure in measures if isinstance(measure, Measurement))
    new = task_of(network, loss=loss, metric=metric, train=task.train, validation=task.validation)
    fields = {name: getattr(new, name) for name in OF_NETWORK}
    return dataclasses.replace(task, **fields, metric=new.metric if task.metric else None, roles=None)


OF_NETWORK = (
    *("parameters", "state", "random", "loss", "validation_loss"),
    *("layout", "own", "dense", "recurrent", "model"),
)
"""The fields of a task that its network decides."""


def even_classes(case: Case) -> Cure | None:
    """Each class equally often; with and without it the loss is that of data in which it is so, too."""
    task = case.setting.task
    _, labels = parts(task.train)
    if not isinstance(task.train, tuple) or labels is None or labels.ndim != 1:
        return None

    def even(data: Any) -> Any:
        """As many examples, of one class after the other, each class's again and again."""
        y = np.asarray(jax.tree.leaves(data[1])[0])
        own = [np.flatnonzero(y == label) for label in np.unique(labels) if (y == label).any()]
        rows = np.array([own[i % len(own)][i // len(own) % len(own[i % len(own)])] for i in range(len(y))])
        return jax.tree.map(lambda array: np.asarray(array)[rows], data)

    judged = dataclasses.replace(
        task, validation=even(task.validation), test=None if task.test is None else even(task.test)
    )
    drawn = dataclasses.replace(judged, train=even(task.train))
    before, after = (dataclasses.replace(case.setting, task=each) for each in (judged, drawn))
    return Cure("even", {}, after, END, against=before)
