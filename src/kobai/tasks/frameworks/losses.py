"""The loss and the metric of a task: those that fit its labels, those of a name, or a caller's own.

Each is a function of (outputs, y), the mean over a batch. By default labels that are classes ask for the
cross-entropy and the accuracy, numbers for the squared error and R².
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Scalar
from kobai.basics.errors import UsageError, unknown
from kobai.networks.network import Network, Outputs
from kobai.tasks.frameworks import brought, models
from kobai.tasks.frameworks.brought import ABSOLUTE, BINARY, CROSS_ENTROPY, HUBER, SQUARED, Chosen
from kobai.tasks.frameworks.makers import Model
from kobai.tasks.measurement import Measure

LEAST = float(np.finfo(np.float32).tiny)
"""Added to a probability, whose logarithm is then finite."""


# Losses


def cross_entropy(outputs: Array, y: Array) -> Scalar:
    """−log p of the right class, from logits on the last axis."""
    log_p = jax.nn.log_softmax(outputs)
    # A product with the one-hot labels: its gradient is elementwise where an index's is a scatter.
    return -jnp.mean(jnp.sum(log_p * (y[..., None] == jnp.arange(outputs.shape[-1])), axis=-1))


def cross_entropy_of_probabilities(outputs: Array, y: Array) -> Scalar:
    """−log p of the right class, from probabilities on the last axis."""
    return cross_entropy(jnp.log(outputs + LEAST), y)


def binary_cross_entropy(outputs: Array, y: Array) -> Scalar:
    """−log p of the right one of two classes, from the logit of class 1."""
    return jnp.mean(jax.nn.softplus(outputs) - outputs * y)


def binary_cross_entropy_of_probabilities(outputs: Array, y: Array) -> Scalar:
    """−log p of the right one of two classes, from the probability of class 1."""
    return -jnp.mean(y * jnp.log(outputs + LEAST) + (1 - y) * jnp.log1p(LEAST - outputs))


def squared_error(outputs: Array, y: Array) -> Scalar:
    """The mean of (output − y)²."""
    return jnp.mean((outputs - y) ** 2)


def absolute_error(outputs: Array, y: Array) -> Scalar:
    """The mean of |output − y|."""
    return jnp.mean(jnp.abs(outputs - y))


def huber(outputs: Array, y: Array) -> Scalar:
    """½r² of a residual up to 1 and |r| − ½ beyond, its mean."""
    r = jnp.abs(outputs - y)
    return jnp.mean(jnp.where(r < 1, r**2 / 2, r - 0.5))


# Metrics


def accuracy(outputs: Array, y: Array) -> Scalar:
    """The part of the examples whose largest output is that of the right class."""
    return jnp.mean(jnp.argmax(outputs, axis=-1) == y)


def accuracy_of_the_rest(outputs: Array, y: Array, left_out: int) -> Scalar:
    """The accuracy over the examples that do not have the label `left_out`."""
    counted = y != left_out
    return jnp.sum((jnp.argmax(outputs, axis=-1) == y) & counted) / jnp.sum(counted)


def accuracy_of_logit(outputs: Array, y: Array) -> Scalar:
    """The part of the examples whose logit has the right sign."""
    return jnp.mean((outputs > 0) == (y > 0.5))


def accuracy_of_probability(outputs: Array, y: Array) -> Scalar:
    """The part of the examples whose probability is on the right side of a half."""
    return jnp.mean((outputs > 0.5) == (y > 0.5))


def r2(outputs: Array, y: Array) -> Scalar:
    """1 − Σ(output − y)² / Σ(y − ȳ)², the mean over outputs."""
    return jnp.mean(1 - jnp.sum((outputs - y) ** 2, axis=0) / jnp.sum((y - jnp.mean(y, axis=0)) ** 2, axis=0))


@dataclasses.dataclass(frozen=True)
class Goal:
    """What is minimized and what is measured, and what they are called.

    Fields:
      loss_key: of the words for the loss.
      called: what its framework calls a loss that has no name here, else "".
      maximize: whether a larger metric is better.
      metric_range: the values that it can have.
    """

    loss: Measure
    loss_key: str
    metric: Measure
    metric_name: str
    maximize: bool
    metric_range: tuple[float, float]
    called: str = ""


LOSSES: dict[str, Measure] = {
    CROSS_ENTROPY: cross_entropy,
    BINARY: binary_cross_entropy,
    SQUARED: squared_error,
    ABSOLUTE: absolute_error,
    HUBER: huber,
}

ACCURACY, R2 = "accuracy", "R²"
METRICS: dict[str, tuple[Measure, bool, tuple[float, float]]] = {
    ACCURACY: (accuracy, True, (0.0, 1.0)),
    R2: (r2, True, (-np.inf, 1.0)),
    SQUARED: (squared_error, False, (0.0, np.inf)),
    ABSOLUTE: (absolute_error, False, (0.0, np.inf)),
    CROSS_ENTROPY: (cross_entropy, False, (0.0, np.inf)),
}
"""Each metric: its function, whether a larger one is better, and the values that it can have."""

OTHER_NAMES = {
    "crossentropy": CROSS_ENTROPY,
    "sparsecategoricalcrossentropy": CROSS_ENTROPY,
    "categoricalcrossentropy": CROSS_ENTROPY,
    "binarycrossentropy": BINARY,
    "bce": BINARY,
    "squarederror": SQUARED,
    "meansquarederror": SQUARED,
    "mse": SQUARED,
    "absoluteerror": ABSOLUTE,
    "meanabsoluteerror": ABSOLUTE,
    "mae": ABSOLUTE,
    "l1": ABSOLUTE,
    "acc": ACCURACY,
    "r2": R2,
    "r2score": R2,
}
"""What they are called elsewhere, without spaces, hyphens and underscores."""


def named(kind: str, name: str, table: Mapping[str, object]) -> str:
    """The name in the table of what is called so. Raises `UsageError` for a name that nobody knows."""
    plain = name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")
    known = OTHER_NAMES.get(plain, plain)
    if known not in table:
        raise unknown(kind, name, table)
    return known


# What fits


@dataclasses.dataclass(frozen=True)
class Labels:
    """What the labels of a task are, and what the model makes of its inputs.

    Fields:
      y: the labels of the training data.
      outputs: those of the model for some examples, in inference.
      is_probability: whether they are probabilities: of classes, or of class 1.
      is_binary: whether the loss is one of two classes, whatever the numbers are kept as.
      left_out: the label that the loss leaves out, such as PyTorch's −100.
    """

    y: Outputs
    outputs: Outputs
    is_probability: bool
    is_binary: bool = False
    left_out: int | None = None

    @property
    def are_one(self) -> bool:
        """Whether labels and outputs are one array each."""
        return hasattr(self.y, "dtype") and hasattr(self.outputs, "shape")

    @property
    def are_classes(self) -> bool:
        """Whether each is one of several classes, for each of which the last axis has an output."""
        if not self.are_one:
            return False
        shape = self.outputs.shape[1:]
        return self.y.dtype.kind in "biu" and shape[:-1] == self.y.shape[1:] and (shape or (1,))[-1] > 1

    @property
    def are_two(self) -> bool:
        """Whether each is one of two classes, and there is one output for each of them."""
        is_whole = self.are_alike and (self.is_binary or self.y.dtype.kind in "biu")
        return is_whole and bool(np.isin(self.y, (0, 1)).all())

    @property
    def are_alike(self) -> bool:
        """Whether there is one output for each of them."""
        return self.are_one and self.outputs.shape[1:] == self.y.shape[1:]


def goal(labels: Labels, loss: Chosen, metric: Chosen, maximize: bool | None) -> Goal:
    """The loss and the metric that a caller says, or that fit the labels."""
    name, called = _loss_name(labels, loss), ""
    if name is None:
        assert callable(loss)
        measure, key = own(loss, labels), "of.loss.own"
        if brought.is_of_framework(loss):
            full = brought.names(loss)[0]
            known = brought.name_of(loss, full)
            if known is None:
                called = full.rpartition(".")[2]
                key = "of.loss.brought.sum" if brought.is_sum(loss) else "of.loss.brought"
            else:
                key = f"of.loss.{known.replace(' ', '_')}"
    else:
        measure, key = LOSSES[name], f"of.loss.{name.replace(' ', '_')}"
        if labels.is_probability and name in (CROSS_ENTROPY, BINARY):
            key += ".probabilities"
            measure = {
                CROSS_ENTROPY: cross_entropy_of_probabilities,
                BINARY: binary_cross_entropy_of_probabilities,
            }[name]
    _check(labels, name)
    if callable(metric):
        title = str(getattr(metric, "__name__", type(metric).__name__))
        return Goal(measure, key, own(metric, labels), title, bool(maximize), (-np.inf, np.inf), called)
    chosen = _metric_name(labels, name) if metric is None else named("kind.metric", metric, METRICS)
    if chosen is None:  # of one's own loss on outputs of one's own: it is the metric
        return Goal(measure, key, measure, "loss", False, (-np.inf, np.inf), called)
    function, larger, limits = METRICS[chosen]
    if chosen == ACCURACY and labels.are_alike:
        function = accuracy_of_probability if labels.is_probability else accuracy_of_logit
    if chosen == ACCURACY and labels.left_out is not None:
        function = functools.partial(accuracy_of_the_rest, left_out=labels.left_out)
    if chosen == CROSS_ENTROPY and labels.is_probability:
        function = cross_entropy_of_probabilities
    return Goal(measure, key, function, chosen, larger, limits, called)


def _loss_name(labels: Labels, loss: Chosen) -> str | None:
    """The name of the loss; None for a caller's own function."""
    if isinstance(loss, str):
        return named("kind.loss", loss, LOSSES)
    if loss is not None:
        return None
    return CROSS_ENTROPY if labels.are_classes else BINARY if labels.are_two else SQUARED


def _metric_name(labels: Labels, loss: str | None) -> str | None:
    """The metric that fits a loss; None where nobody can say."""
    if loss in (CROSS_ENTROPY, BINARY) or (loss is None and (labels.are_classes or labels.are_two)):
        return ACCURACY
    return R2 if labels.are_alike else None


def _check(labels: Labels, loss: str | None) -> None:
    """Refuse labels whose shapes do not fit the outputs, or that name no output."""
    if loss is None:
        return
    shapes = {"y": ("n", *labels.y.shape[1:]), "outputs": ("n", *labels.outputs.shape[1:])}
    if loss == CROSS_ENTROPY:
        if not labels.are_classes:
            raise UsageError("error.of.classes", **shapes, dtype=labels.y.dtype)
    elif not labels.are_alike:
        is_whole = labels.are_one and labels.y.ndim == 1 and bool((labels.y % 1 == 0).all())
        raise UsageError("error.of.shapes.classes" if is_whole else "error.of.shapes", **shapes)


def own(function: Callable[..., PyTree], labels: Labels) -> Measure:
    """A loss or metric of the caller's, or of a framework, as a function of (outputs, y): its mean."""
    count = len(jax.tree.leaves(labels.outputs)[0])
    y = jax.tree.map(lambda array: array[:count], labels.y)
    if _is_of_torch(function, labels.outputs, y):
        # Where there is an output for each label torch asks for numbers of one kind.
        is_number = labels.are_alike and labels.y.dtype.kind in "biu"
        network = _network(function, labels.outputs, _numbers(y) if is_number else y)

        def of_torch(outputs: Outputs, y: Outputs) -> Scalar:
            pair = (outputs, _numbers(y) if is_number else y)
            return jnp.mean(network.apply(network.parameters, pair, None, True)[0])

        return of_torch
    if any(name.startswith("keras.") for name in brought.names(function)):
        return lambda outputs, y: jnp.mean(function(y, outputs))  # Keras has it the other way round
    return lambda outputs, y: jnp.mean(function(outputs, y))


def _network(function: Callable[..., PyTree], outputs: Outputs, y: Outputs) -> Network:
    """The network of a loss in PyTorch. Raises `UsageError` where it does not take these arrays."""
    try:
        return models.network_of(_as_module(function), (outputs, y))
    except UsageError as problem:
        if problem.key != "error.torch.forward":
            raise
        shapes = {
            name: jax.tree.map(lambda array: ("n", *array.shape[1:]), arrays)
            for name, arrays in {"outputs": outputs, "y": y}.items()
        }
        name = brought.names(function)[0].rpartition(".")[2]
        raise UsageError("error.of.loss", name=name, **shapes, problem=problem.values["problem"]) from problem


def _numbers(y: Array) -> Array:
    return y.astype(np.float32)


def _is_of_torch(function: Callable[..., PyTree], outputs: Outputs, y: Outputs) -> bool:
    """Whether a function is torch's, or is written in it: then it takes no arrays of JAX, but tensors."""
    if any(name.startswith("torch.") for name in brought.names(function)):
        return True
    if "torch" not in sys.modules:
        return False
    try:
        jax.eval_shape(function, outputs, y)
    except Exception:  # of a function in JAX too: the check of the task tells it
        return _takes_tensors(function, outputs, y)
    return False


def _takes_tensors(function: Callable[..., PyTree], outputs: Outputs, y: Outputs) -> bool:
    """Whether a function gives a tensor for tensors."""
    import torch

    try:
        tensors = jax.tree.map(lambda array: torch.from_numpy(np.array(array)), (outputs, y))
        return isinstance(function(*tensors), torch.Tensor)
    except Exception:  # whatever it raises of arrays is told
        return False


def _as_module(function: Callable[..., PyTree]) -> Model:
    """A function in PyTorch as a module; a module as it is."""
    from torch import nn

    class Function(nn.Module):
        def forward(self, outputs: PyTree, y: PyTree) -> PyTree:
            return function(outputs, y)

    return function if isinstance(function, nn.Module) else Function()
