"""What cannot be trained is refused before any training, in one sentence."""

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kobai.basics.checks import (
    FUNCTION,
    NAME,
    TEXT,
    TRUTH,
    Rule,
    check_arguments,
    is_number,
    is_whole,
    listed,
)
from kobai.basics.errors import UsageError
from kobai.basics.guard import TREE
from kobai.basics.own_code import described
from kobai.tasks.roles import is_stateful
from kobai.tasks.task import Task


def _is_range(value: Any) -> bool:
    """Whether `value` is (low, high), each a number or infinite."""
    pair = isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))
    return bool(pair and value[0] < value[1])


def _is_target(value: Any) -> bool:
    """Whether `value` is a number or several; what of them can be reached is the metric's to say."""
    values = listed(value)
    return len(values) > 0 and all(is_number(each) or isinstance(each, Fraction) for each in values)


FIELDS: dict[str, Rule] = {
    "parameters": TREE,
    "train": TREE,
    "validation": TREE,
    "test": TREE,
    "state": TREE,
    "loss": FUNCTION,
    "metric": FUNCTION,
    "validation_loss": FUNCTION,
    "metric_name": TEXT,
    "maximize": TRUTH,
    "metric_range": ("rule.range", _is_range),
    "target": ("rule.target", _is_target),
    "random": TRUTH,
    "name": NAME,
}
"""What a field of a task may be; None too, but for those that are `NEEDED`."""

LARGEST = float(np.finfo(np.float32).max)
"""Curves are kept in single precision, and so is the target that they are to reach."""

NEEDED = ("loss", "maximize", "metric_range", "random", "name")


def check_task(task: Task) -> None:
    """Refuse, before any training, what cannot be trained. Raises `UsageError`."""
    asked = {name: rule for name, rule in FIELDS.items() if name in NEEDED or getattr(task, name) is not None}
    check_arguments("Task", vars(task), asked)
    if not any(role.is_trained for role in task.every_role):
        raise UsageError("error.task.no_parameters", task=task.name)
    for leaf in jax.tree.leaves(task.state, is_leaf=is_stateful):
        if is_stateful(leaf):
            raise UsageError("error.task.nnx", task=task.name, value=type(leaf).__name__)
        if not is_numeric(leaf):
            shown = f"{leaf.dtype} {leaf.shape}" if hasattr(leaf, "dtype") else repr(leaf)
            raise UsageError("error.task.state.leaf", task=task.name, value=shown)
    for part in ("parameters", "state"):
        for leaf in jax.tree.leaves(getattr(task, part)):
            if isinstance(leaf, np.ndarray | np.generic):
                check_precision(task.name, part, leaf)
    sizes = {part: _length(task, part) for part in ("train", "validation", "test")}
    if not is_whole(task.batch_size) or not 1 <= task.batch_size <= sizes["train"]:
        raise UsageError("error.task.batch", task=task.name, value=task.batch_size, examples=sizes["train"])
    if (task.state is not None or task.random) and task.validation_loss is None:
        raise UsageError("error.task.validation_loss", task=task.name)
    if task.maximize and task.metric is None:
        raise UsageError("error.task.maximize", task=task.name)
    low, high = task.metric_range
    for target in task.targets:
        if not (math.isfinite(target) and low <= target <= high):
            raise UsageError(
                "error.task.target",
                task=task.name,
                value=target,
                metric=task.metric_label,
                low=low,
                high=high,
            )
        if abs(target) > LARGEST:
            raise UsageError("error.task.target.large", task=task.name, value=target)


def check_start(task: Task, parameters: Any) -> None:
    """Refuse, at the first initial values, a loss or metric that is no finite scalar, or no gradient.

    All examples are looked at once: one that spoils a loss would spoil every run that meets it.
    """
    arrays = task.arrays(task.flatten(parameters))
    batch = jax.tree.map(lambda array: array[: task.batch_size], task.train)

    def loss(arrays: Any, batch: Any) -> Any:
        value = task.training_loss(task.with_arrays(arrays), task.state, batch, jax.random.key(0))[0]
        if isinstance(value, int | float):
            raise UsageError("error.task.constant", task=task.name, value=value)
        return value

    def evaluate(arrays: Any, data: Any) -> Any:
        return task.evaluate(task.with_arrays(arrays), task.state, data)

    with _naming(task, "error.task.raises"):
        losses = jax.eval_shape(loss, arrays, batch), *jax.eval_shape(evaluate, arrays, task.validation)
    for name, value in zip(("loss", "validation loss", "metric"), losses, strict=True):
        if not hasattr(value, "dtype"):
            raise UsageError("error.task.number", task=task.name, name=name, value=type(value).__name__)
        if value.shape != ():
            raise UsageError("error.task.scalar", task=task.name, name=name, shape=value.shape)
    if task.state is not None:
        _check_state(task, arrays, batch)
    with _naming(task, "error.task.gradient"):
        jax.eval_shape(jax.grad(loss), arrays, batch)
    if task.test is not None:
        with _naming(task, "error.task.test"):
            jax.eval_shape(evaluate, arrays, task.test)
    _check_values(task, arrays, loss, evaluate)


def _check_values(task: Task, arrays: Any, loss: Any, evaluate: Any) -> None:
    """Refuse a loss that is not finite, on any batch of the training data or on the other two parts."""
    data = {part: jax.tree.map(jnp.asarray, getattr(task, part)) for part in ("train", "validation", "test")}
    examples = len(jax.tree.leaves(task.train)[0])
    rows = np.minimum(np.arange(-(-examples // task.batch_size) * task.batch_size), examples - 1)
    batches = rows.reshape(-1, task.batch_size)  # the last one filled up with the last example

    def losses(measure: Any, arrays: Any, data: Any, batches: Any) -> Any:
        return lax.map(lambda rows: measure(arrays, jax.tree.map(lambda array: array[rows], data)), batches)

    @jax.jit
    def everything(arrays: Any, data: Any, batches: Any) -> Any:
        ends = {
            part: evaluate(arrays, data[part]) for part in ("validation", "test") if data[part] is not None
        }
        return losses(loss, arrays, data["train"], batches), ends

    with _naming(task, "error.task.raises"):
        trained, ends = everything(arrays, data, batches)
    values = {"train": ("loss", trained), **{part: (f"{part} loss", end[0]) for part, end in ends.items()}}
    for part, (name, value) in values.items():
        if np.isfinite(value).all():
            continue
        measure = loss if part == "train" else lambda *of: evaluate(*of)[0]
        suspects = np.arange(len(jax.tree.leaves(data[part])[0]))
        if part == "train":
            suspects = np.unique(batches[~np.isfinite(value)])
        alone = np.repeat(suspects[:, None], task.batch_size, axis=1)  # each as a batch of itself
        spoils = ~np.isfinite(jax.jit(losses, static_argnums=0)(measure, arrays, data[part], alone))
        if spoils.any() and not spoils.all():
            raise _of_row(task, part, suspects[spoils.argmax()])
        lost = np.ravel(value)[~np.isfinite(np.ravel(value))]
        raise UsageError("error.task.finite", task=task.name, name=name, value=float(lost[0]))
    metric = ends["validation"][1]
    if not np.isfinite(metric):
        raise UsageError("error.task.finite", task=task.name, name="metric", value=float(metric))


def _of_row(task: Task, part: str, row: np.integer) -> UsageError:
    """The error that names the first bad row of a part, and what is wrong in it as far as can be seen."""
    leaves = [np.asarray(leaf)[row] for leaf in jax.tree.leaves(getattr(task, part))]
    lost = [leaf[~np.isfinite(leaf)] for leaf in leaves if leaf.dtype.kind in "fc"]
    place = {"task": task.name, "part": part, "row": row}
    if any(leaf.size for leaf in lost):
        value = next(leaf for leaf in lost if leaf.size).flat[0]
        return UsageError("error.task.row.data", **place, value=value)
    whole = [leaf.tolist() for leaf in leaves if leaf.dtype.kind in "iub" and leaf.size <= 10]
    return UsageError("error.task.row.loss", **place, values=", ".join(map(str, whole)) or "–")


def _check_state(task: Task, arrays: Any, batch: Any) -> None:
    """Refuse a state that the loss gives back otherwise than it got it."""
    before = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, task.state))
    key = jax.random.key(0)
    after = jax.eval_shape(
        lambda arrays: task.training_loss(task.with_arrays(arrays), task.state, batch, key)[1], arrays
    )
    shown = [str(jax.tree.map(lambda leaf: f"{leaf.dtype}{leaf.shape}", state)) for state in (before, after)]
    if shown[0] != shown[1]:
        raise UsageError("error.task.state", task=task.name, value=shown[1])


@contextlib.contextmanager
def _naming(task: Task, key: str) -> Iterator[None]:
    """Whatever the user's functions raise, as a sentence."""
    try:
        yield
    except UsageError as problem:  # a sentence already, to which JAX has added a note of its own
        raise UsageError(problem.key, **problem.values) from None
    except Exception as problem:
        raise UsageError(key, task=task.name, problem=described(problem)) from problem


def _length(task: Task, part: str) -> int:
    data = getattr(task, part)
    if data is None and part == "test":
        return 0
    leaves = jax.tree.leaves(data)
    for leaf in leaves:
        if not is_data(leaf):
            shown = f"{leaf.dtype} {leaf.shape}" if hasattr(leaf, "dtype") else type(leaf).__name__
            raise UsageError("error.task.data", task=task.name, part=part, value=shown)
        check_precision(task.name, part, leaf)
    lengths = sorted({len(leaf) for leaf in leaves})
    if len(lengths) != 1 or lengths[0] < 1:
        raise UsageError("error.task.lengths", task=task.name, part=part, lengths=lengths)
    return lengths[0]


def is_numeric(leaf: Any) -> bool:
    """Whether `leaf` is a number or an array of numbers: no text, no random key."""
    if not isinstance(leaf, np.ndarray | np.generic | jax.Array):
        return isinstance(leaf, bool | int | float | complex)
    return leaf.dtype == bool or bool(jnp.issubdtype(leaf.dtype, jnp.number))


def is_data(leaf: Any) -> bool:
    """Whether `leaf` is an array of numbers with a first axis."""
    return isinstance(leaf, np.ndarray | jax.Array) and is_numeric(leaf) and leaf.ndim > 0


def check_precision(task: str, part: str, leaf: Any) -> None:
    """Refuse numbers that JAX would wrap or lose without a word: it keeps 32 bits unless told otherwise."""
    kept = jax.dtypes.canonicalize_dtype(leaf.dtype)
    if kept == leaf.dtype or leaf.size == 0 or leaf.dtype.kind not in "iuf":
        return
    finite = leaf[np.isfinite(leaf)]
    limits = np.iinfo(kept) if leaf.dtype.kind in "iu" else np.finfo(kept)
    beyond = finite[(finite > limits.max) | (finite < limits.min)]
    if beyond.size:
        key = "error.task.wide" if leaf.dtype.kind in "iu" else "error.task.large"
        raise UsageError(key, task=task, part=part, value=beyond.flat[0])
