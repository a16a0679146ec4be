"""The remedies that the lecture gives, as settings that can be tried: for each trouble, in their order.

A remedy that needs other data, a longer sequence's network or a new idea is told in words alone.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from kobai import initializers
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.networks import mlp, rnn
from kobai.networks.network import Network
from kobai.optimizers.adam import Adam
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.facts import parts
from kobai.questions.diagnosis.sites import RELU
from kobai.schedules import cosine
from kobai.stabilizers.averaging import polyak
from kobai.stabilizers.clipping import clip_norm
from kobai.stabilizers.early_stopping import early_stopping
from kobai.stabilizers.regularization import l2
from kobai.tasks.measurement import Measurement
from kobai.tasks.of_network import task_of
from kobai.tasks.task import Task

STEPS, END = "steps", "end"
"""What a cure is judged by: the steps to a target, or the loss at the end."""


class Cure(NamedTuple):
    """A changed setting.

    Fields:
      key: of its words, ``diagnose.cure.KEY``.
      values: that they name.
      setting: the whole of it.
      by: "steps" or "end".
      against: what it is compared with, where that is not the sick setting itself.
    """

    key: str
    values: Mapping[str, object]
    setting: Setting
    by: str = STEPS
    against: Setting | None = None


def cures(case: Case, trouble: Trouble) -> Iterator[Cure]:
    """The cures of a trouble, the first to be tried first."""
    for make in CURES.get(trouble.name, ()):
        cure = make(case)
        if cure is not None:
            yield cure


Remedy: TypeAlias = Callable[[Setting], Cure | None]
"""What changes a setting; None: nothing would be changed."""

Maker: TypeAlias = Callable[[Case], Cure | None]
"""The same of all that was measured."""


def _of(*remedies: Remedy) -> tuple[Maker, ...]:
    """Remedies that need the setting alone."""

    def maker(remedy: Remedy) -> Maker:
        return lambda case: remedy(case.setting)

    return tuple(map(maker, remedies))


def initial(name: str) -> Remedy:
    """Other initial values, with the numbers that they have where nothing is said."""

    def change(setting: Setting) -> Cure | None:
        own = setting.initializer
        new: Initializer = getattr(initializers, name)()
        if own == new:
            return None
        values = {"new": new.name, "old": own.name}
        return Cure("initializer", values, dataclasses.replace(setting, initializer=new))

    return change


def _usual(case: Case) -> Cure | None:
    """He's initial values for max(x, 0), Xavier's for anything else."""
    relu = any(site.kind == RELU for site in case.sites)
    return initial("he" if relu else "xavier")(case.setting)


def _other(case: Case) -> Cure | None:
    """The one of the two that is not the usual."""
    relu = any(site.kind == RELU for site in case.sites)
    return initial("xavier" if relu else "lecun")(case.setting)


def rate(factor: float, by: str = STEPS) -> Remedy:
    """So many times the learning rate."""

    def change(setting: Setting) -> Cure | None:
        optimizer: Any = setting.optimizer
        if not hasattr(optimizer, "learning_rate"):
            return None
        old = float(optimizer.learning_rate)
        new = dataclasses.replace(optimizer, learning_rate=old * factor)
        values = {"new": f"{old * factor:.3g}", "old": f"{old:.3g}"}
        return Cure("rate", values, dataclasses.replace(setting, optimizer=new), by)

    return change


def _borne(case: Case) -> Cure | None:
    """Half the rate up to which the curvature at the start is borne, of a rule that multiplies all alike."""
    seen = [record.curvature[0][2] for record in case.records if 0 in record.curvature]
    known = [each for each in seen if np.isfinite(each) and each > 0]
    factor = 1 / (2 * float(np.median(known))) if known else 1.0
    cure = rate(factor)(case.setting) if factor < 1 else None
    return None if cure is None else cure._replace(key="borne")


def longer(times: int) -> Remedy:
    """So many times the steps."""

    def change(setting: Setting) -> Cure | None:
        steps = times * setting.steps
        values = {"new": steps, "old": setting.steps}
        return Cure("longer", values, dataclasses.replace(setting, steps=steps), END)

    return change


def adam(rate: float) -> Remedy:
    """Adam at this rate."""

    def change(setting: Setting) -> Cure | None:
        if isinstance(setting.optimizer, Adam):
            return None
        values = {"new": "adam", "rate": f"{rate:.3g}"}
        return Cure("rule", values, dataclasses.replace(setting, optimizer=Adam(rate)))

    return change


def strategy(key: str, by: str, part: str, **parts: Any) -> Remedy:
    """Another part beside the rule."""

    def change(setting: Setting) -> Cure | None:
        new: Strategy = dataclasses.replace(setting.strategy, **parts)
        if new == setting.strategy:
            return None
        return Cure(key, {"new": part}, dataclasses.replace(setting, strategy=new), by)

    return change


falling = strategy("schedule", END, "cosine", schedule=cosine())
clipped = strategy("clip", STEPS, "norm:1", clip=clip_norm(1.0))
stopped = strategy("stopping", END, "3", early_stopping=early_stopping(3))


def _average(case: Case) -> Cure | None:
    start = max(3 * case.setting.steps // 4, 1)
    return strategy("average", END, f"polyak:{start}", averages=(polyak(start),))(case.setting)


def _without_decay(case: Case) -> Cure | None:
    optimizer: Any = case.setting.optimizer
    strategy = dataclasses.replace(
        case.setting.strategy, weight_decay=None, l1=Strategy().l1, l2=Strategy().l2
    )
    if hasattr(optimizer, "weight_decay"):
        optimizer = dataclasses.replace(optimizer, weight_decay=0.0)
    setting = dataclasses.replace(case.setting, optimizer=optimizer, strategy=strategy)
    return Cure("decay", {"old": f"{case.setting.decay:.3g}"}, setting)


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


def _dense(key: str, *, activation: str | None = None, times: int = 1, batch_norm: bool = False) -> Maker:
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


def _gated(case: Case) -> Cure | None:
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


def _even(case: Case) -> Cure | None:
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


RELU_THERE, NORMALIZED = _dense("activation", activation="relu"), _dense("batch_norm", batch_norm=True)

CURES: Mapping[str, tuple[Maker, ...]] = {
    "unscaled_inputs": _of(standardized),
    "symmetry": (_usual, _other),
    "saturation": (_usual, _other, RELU_THERE, NORMALIZED),
    "dead_units": (_usual, *_of(rate(1 / 10)), _dense("activation", activation="tanh")),
    "explosion": (_usual, *_of(clipped, initial("orthogonal"))),
    "rate_too_high": (_borne, *_of(rate(1 / 10), rate(1 / 100), rate(1 / 3), rate(1 / 1000))),
    "weight_decay_too_strong": (_without_decay,),
    "vanishing": (_usual, RELU_THERE, *_of(adam(0.01)), NORMALIZED),
    "long_term": (*_of(initial("orthogonal")), _usual, *_of(adam(0.01)), _gated),
    "batch_norm_lag": _of(falling, rate(1 / 10, END)),
    "saddle": (_usual, *_of(adam(0.01), rate(10))),
    "plateau": (_usual, *_of(rate(10), rate(100), adam(0.01))),
    "rate_too_low": _of(rate(10), rate(100), rate(3)),
    "noise_floor": (*_of(falling), _average, *_of(rate(1 / 10, END))),
    "overfitting": _of(stopped, strategy("l2", END, "0.01", l2=l2(0.01))),
    "underfitting": (_dense("wider", times=10), *_of(rate(3, END), longer(2), longer(4))),
    "imbalance": (_even,),
}
"""What is tried for each trouble. Constant inputs and labels that cannot be learned need other data, which
nobody but their owner has."""
