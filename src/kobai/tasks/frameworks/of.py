"""The task of a model and data: what nobody says follows from the labels."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, is_float
from kobai.basics.errors import UsageError, said
from kobai.basics.leaf import leaves
from kobai.basics.own_code import described, told
from kobai.basics.progress import told_late
from kobai.basics.roles import Roles, choices
from kobai.networks.network import Network
from kobai.tasks.frameworks import brought, makers, models
from kobai.tasks.frameworks import data as of_data
from kobai.tasks.frameworks.brought import Chosen
from kobai.tasks.frameworks.data import Data, Examples, Parts
from kobai.tasks.frameworks.losses import Goal, Labels, goal
from kobai.tasks.frameworks.makers import Model, is_maker, model_of, taken_by
from kobai.tasks.of_network import task_of
from kobai.tasks.provenance import Provenance
from kobai.tasks.task import Task
from kobai.words import Note, Term

LOOKED_AT = 8
"""Examples that the model is tried on before anything else."""

BATCH = 32

CLASSES_SHOWN = 10


def task(
    model: Model,
    data: Data,
    *,
    loss: Chosen,
    metric: Chosen,
    maximize: bool | None,
    target: float | Sequence[float] | None,
    validation: float,
    test: float,
    split_seed: int,
    batch_size: int | None,
    roles: Roles | None,
    pretrained: bool | None,
    name: str | None,
) -> Task:
    """The task of training a model on data: see `Task.of`."""
    if inspect.isfunction(data):
        with told("error.of.data.function", every=True):
            data = data()
    loss = brought.instance(loss)
    parts, classes = _classes(of_data.parts(data, validation, test, split_seed))
    inputs = of_data.inputs(parts.train, LOOKED_AT)
    is_own = callable(loss) and not brought.is_of_framework(loss)
    with told_late("progress.translating", name=_name(model) if name is None else name):
        network, outputs = _applied(models.network_of(model, inputs), inputs, parts, is_own=is_own)
    parts = _aligned(parts, outputs)
    labels = Labels(
        parts.train[1],
        outputs,
        _is_probability(network, inputs, outputs),
        brought.is_binary(loss),
        brought.left_out(loss),
    )
    chosen = goal(labels, loss, metric, maximize)
    _check_range(parts, labels)
    is_trained = network.pretrained if pretrained is None else pretrained
    own = ("given",) if is_trained else None
    return task_of(
        network,
        loss=chosen.loss,
        metric=chosen.metric,
        metric_name=chosen.metric_name,
        maximize=chosen.maximize,
        metric_range=chosen.metric_range,
        roles=network.roles if roles is None else _roles(network, roles),
        train=parts.train,
        validation=parts.validation,
        test=parts.test,
        target=target,
        batch_size=min(BATCH, of_data.length(parts.train)) if batch_size is None else batch_size,
        initializers=own,
        preparation=(
            *_sentences(parts, classes, labels, chosen, split_seed),
            *([Note("of.pretrained", {})] if is_trained and pretrained is None else []),
        ),
        name=_name(model) if name is None else name,
        provenance=_provenance(
            model, chosen.called or chosen.loss_key.removeprefix("of.loss.").replace("_", " ")
        ),
    )


def source(model: Model, data: Data, **said: Any) -> Callable[..., Task]:
    """A function that makes the task, once for all; with the options of a function that makes the model."""

    @functools.cache
    def finished() -> Task:
        return Task.of(model, data, **said)

    def task_with(**options: object) -> Task:
        if not options:
            return finished()
        for name in options:
            if not is_maker(model) or name not in taken_by(model):
                raise UsageError("error.of.option", option=name)
        assert callable(model)
        return Task.of(functools.partial(model, **options), data, **said)

    return task_with


def _classes(parts: Parts) -> tuple[Parts, tuple[str, ...]]:
    """The parts with text labels, and rows of one 1, as whole numbers; and what the classes are called."""
    every = [part[1] for part in (parts.train, parts.validation, parts.test) if part is not None]
    if not all(hasattr(y, "dtype") for y in every):
        return parts, ()
    if every[0].dtype.kind in "US":
        names = np.unique(np.concatenate([np.unique(y) for y in every]))
        numbered = _relabelled(parts, lambda y: np.searchsorted(names, y).astype(np.int32))
        return numbered, tuple(map(str, names))
    if all(_is_one_hot(y) for y in every):
        return _relabelled(parts, lambda y: y.argmax(axis=1).astype(np.int32)), ()
    return parts, ()


def _is_one_hot(y: Array) -> bool:
    """Whether every row has a single 1, and else zeros."""
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    return bool((np.isin(y, (0, 1))).all() and (y.sum(axis=1) == 1).all())


def _relabelled(parts: Parts, change: Callable[[Array], Array]) -> Parts:
    def changed(part: Examples) -> Examples:
        return part[0], change(part[1])

    return dataclasses.replace(
        parts,
        train=changed(parts.train),
        validation=changed(parts.validation),
        test=None if parts.test is None else changed(parts.test),
    )


def _applied(network: Network, inputs: PyTree, parts: Parts, *, is_own: bool) -> tuple[Network, Array]:
    """The network as the loss needs it, and its outputs for some examples.

    A loss of a framework, or one by name, gets the logits alone. Raises `UsageError` for what the model
    raises, as the user's, and for outputs and labels that need a loss of one's own.
    """
    try:
        outputs = network.apply(network.parameters, inputs, network.state, False)[0]
    except UsageError:
        raise
    except Exception as problem:  # of the user's model
        shapes = jax.tree.map(lambda array: array.shape, inputs)
        raise UsageError("error.of.apply", shapes=str(shapes), problem=described(problem)) from problem
    if is_own:
        return network, outputs
    if isinstance(outputs, Mapping) and "logits" in outputs:
        network, outputs = _then(network, lambda outputs: outputs["logits"]), outputs["logits"]
    if isinstance(outputs, tuple) and len(outputs) == 1:
        network, outputs = _then(network, lambda outputs: outputs[0]), outputs[0]
    if not hasattr(outputs, "shape"):
        raise UsageError("error.of.outputs", value=type(outputs).__name__)
    y, shape = parts.train[1], outputs.shape[1:]
    if not hasattr(y, "dtype"):
        raise UsageError("error.of.labels", value=type(y).__name__)
    is_spatial = len(shape) > 1 and y.dtype.kind in "biu"  # PyTorch has the classes on axis 1
    if is_spatial and y.shape[1:] == shape[1:] != shape[:-1]:
        network, outputs = _then(network, lambda o: jnp.moveaxis(o, 1, -1)), jnp.moveaxis(outputs, 1, -1)
    return network, outputs


def _then(network: Network, change: Callable[[PyTree], PyTree]) -> Network:
    """The network whose outputs are changed so."""

    def apply(
        parameters: PyTree, x: PyTree, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]:
        outputs, state = network.apply(parameters, x, state, training, key)
        return change(outputs), state

    return network._replace(apply=apply)


def _aligned(parts: Parts, outputs: PyTree) -> Parts:
    """The parts with labels of the outputs' shape, where they are as many numbers: (n, 1) for (n,)."""
    shape = getattr(outputs, "shape", None)
    y = parts.train[1]
    if (
        shape is None
        or not hasattr(y, "dtype")
        or y.shape[1:] == shape[1:]
        or np.prod(y.shape[1:]) != np.prod(shape[1:])
    ):
        return parts
    return _relabelled(parts, lambda y: y.reshape(len(y), *shape[1:]))


def _is_probability(network: Network, inputs: PyTree, outputs: PyTree) -> bool:
    """Whether the outputs are probabilities, of several classes or of one, whatever the parameters are."""
    if not hasattr(outputs, "shape") or outputs.ndim < 1:
        return False
    far = jax.tree.map(lambda leaf: -7 * leaf if is_float(leaf) else leaf, network.parameters)
    every = np.stack([outputs, network.apply(far, inputs, network.state, False)[0]])
    if not ((every >= 0) & (every <= 1)).all():
        return False
    return every.shape[-1] == 1 or every.ndim == 2 or bool(np.allclose(every.sum(axis=-1), 1, atol=1e-3))


def _check_range(parts: Parts, labels: Labels) -> None:
    """Refuse a class for which the model has no output."""
    if not labels.are_classes:
        return
    outputs = labels.outputs.shape[-1]
    for name in ("train", "validation", "test"):
        part = getattr(parts, name)
        if part is not None and len(part[1]):
            is_beyond = (part[1] < 0) | (part[1] >= outputs)
            if labels.left_out is not None:
                is_beyond &= part[1] != labels.left_out
            beyond = part[1][is_beyond]
            if beyond.size:
                values = {"value": beyond.flat[0], "outputs": outputs, "last": outputs - 1}
                raise UsageError("error.of.range", part=name, **values)


def _roles(network: Network, roles: Roles) -> PyTree:
    """What a caller says of each leaf, and else what the framework's types do."""
    every = leaves(network.parameters)
    of_caller, of_types = (choices(every, network.parameters, each) for each in (roles, network.roles))
    merged = [mine if mine is not None else theirs for mine, theirs in zip(of_caller, of_types, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(network.parameters), merged)


def _sentences(
    parts: Parts, classes: Sequence[str], labels: Labels, chosen: Goal, seed: int
) -> tuple[Note, ...]:
    """What was decided for the caller: loss and metric, and how the data were cut."""
    if labels.are_classes or labels.are_two:
        shown = tuple(classes[:CLASSES_SHOWN]) + (("…",) if len(classes) > CLASSES_SHOWN else ())
        count = len(classes) or (labels.outputs.shape[-1] if labels.are_classes else 2)
        kind = Note("of.labels.text", {"count": count, "names": shown}) if classes else None
        kind = kind or Note("of.labels.classes", {"count": count})
    else:
        kind = _other(parts.train[1], labels)
    metric = Term("metric", chosen.metric_name)
    key, name = chosen.loss_key, chosen.called
    loss = Note(key, {"name": name}) if name else said(key)
    sentences = [Note("of.goal", {"labels": kind, "loss": loss, "metric": metric})]
    if labels.is_probability and chosen.loss_key == "of.loss.cross-entropy":
        sentences.append(Note("of.softmax_twice", {}))
    train, validation, test = parts.sizes
    values = {"train": train, "validation": validation, "test": test, "seed": seed}
    if parts.is_split:
        sentences.append(Note("of.split" if test else "of.split.no_test", values))
    return tuple(sentences)


def _other(y: PyTree, labels: Labels) -> Note:
    """What labels are that are no classes of the last axis of the outputs."""
    if not hasattr(y, "dtype"):
        return Note("of.labels.several", {})
    if y.dtype.kind in "biu" and y.ndim == 1 and not labels.are_alike:  # for a loss of one's own
        return Note("of.labels.classes", {"count": len(np.unique(y))})
    return Note("of.labels.numbers", {})


def _provenance(model: Model, loss: str) -> Provenance:
    """The framework and the loss; that a function makes the model, with which arguments."""
    if isinstance(model, Network):
        return Provenance(loss=loss)
    if not is_maker(model):
        maker = None if isinstance(model, tuple) else type(model)
        source, needs = makers.source(maker, "")
        return Provenance(framework=models.framework(model), loss=loss, source=source, needs=needs)
    arguments = "seed=0" if "seed" in taken_by(model) else ""
    source, _ = makers.source(model, arguments)
    framework = models.framework(model_of(model, 0))
    return Provenance(framework=framework, model=f"model({arguments})", loss=loss, source=source)


def _name(model: Model) -> str:
    """What the model is called: its class, or the function that makes it."""
    part = model[0] if isinstance(model, tuple) and model and not isinstance(model, Network) else model
    while isinstance(part, functools.partial):  # of a function that was given options
        part = part.func
    return str(getattr(part, "__name__", type(part).__name__)).strip("<>")
