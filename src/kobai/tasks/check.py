"""What cannot be trained is refused before any training, in one sentence."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai import initializers as initial_values
from kobai.basics.arrays import Array, Data, Scalar
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
from kobai.basics.notation import is_text
from kobai.basics.own_code import told
from kobai.tasks.roles import is_stateful
from kobai.tasks.rows import check_rows
from kobai.tasks.task import Task
from kobai.words import Note


def _is_range(value: object) -> bool:
    """Whether `value` is (low, high), each a number or infinite."""
    if not isinstance(value, tuple | list) or len(value) != 2 or not all(map(is_number, value)):
        return False
    low, high = value
    return bool(low < high)


def _is_target(value: object) -> bool:
    """Whether `value` is a number or several; what of them can be reached is the metric's to say."""
    values = listed(value)
    return len(values) > 0 and all(is_number(each) or isinstance(each, Fraction) for each in values)


def _are_metrics(value: object) -> bool:
    """Whether `value` holds a finite number for each of several names."""
    return isinstance(value, Mapping) and all(
        NAME[1](name) and is_number(metric) and math.isfinite(metric) for name, metric in value.items()
    )


def _are_notes(value: object) -> bool:
    """Whether `value` is a list or a tuple of sentences."""
    return isinstance(value, list | tuple) and all(isinstance(each, Note) or is_text(each) for each in value)


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
    "own": FUNCTION,
    "model": FUNCTION,
    "baselines": ("rule.baselines", _are_metrics),
    "meaning": FUNCTION,
    "preparation": ("rule.notes", _are_notes),
    "cautions": ("rule.notes", _are_notes),
    "name": NAME,
}
"""What a field of a task may be; None too, but for those that are `NEEDED`."""

LARGEST = float(np.finfo(np.float32).max)
"""Curves are kept in single precision, and so is the target that they are to reach."""

NEEDED = ("loss", "maximize", "metric_range", "random", "name")


def check_task(task: Task) -> None:
    """Refuse, before any training, what cannot be trained. Raises `UsageError`."""
    rules = {name: rule for name, rule in FIELDS.items() if name in NEEDED or getattr(task, name) is not None}
    check_arguments("Task", vars(task), rules)
    if not any(role.is_trained for role in task.every_role):
        raise UsageError("error.task.no_parameters", task=task.name)
    if task.own is not None:
        _check_own(task)
    for leaf in jax.tree.leaves(task.state, is_leaf=is_stateful):
        if is_stateful(leaf):
            raise UsageError("error.task.nnx", task=task.name, value=type(leaf).__name__)
        if not is_numeric(leaf):
            text = f"{leaf.dtype} {leaf.shape}" if hasattr(leaf, "dtype") else repr(leaf)
            raise UsageError("error.task.state.leaf", task=task.name, value=text)
    for part in ("parameters", "state"):
        for leaf in jax.tree.leaves(getattr(task, part)):
            if isinstance(leaf, np.ndarray | np.generic):
                check_precision(task.name, part, leaf)
    sizes = {part: _length(task, part) for part in ("train", "validation", "test")}
    if not is_whole(task.accumulate) or task.accumulate < 1:
        raise UsageError("error.accumulate", value=task.accumulate)
    if not is_whole(task.batch_size) or not 1 <= task.batch_size <= sizes["train"]:
        raise UsageError("error.task.batch", task=task.name, value=task.batch_size, examples=sizes["train"])
    if task.accumulate > 1 and task.examples_a_step > sizes["train"]:
        numbers = {"batches": task.accumulate, "batch": task.batch_size, "examples": sizes["train"]}
        raise UsageError("error.accumulate.full", task=task.name, **numbers)
    if (task.state is not None or task.random) and task.validation_loss is None:
        raise UsageError("error.task.validation_loss", task=task.name)
    if task.maximize and task.metric is None:
        raise UsageError("error.task.maximize", task=task.name)
    if task.baselines and task.test is None:
        raise UsageError("error.task.baselines", task=task.name)
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


def _check_own(task: Task) -> None:
    """Refuse initial values of the model's own that are other arrays than the parameters."""
    expected, value = (
        str(jax.tree.map(lambda leaf: getattr(leaf, "shape", ()), tree))
        for tree in (task.parameters, task.filled(initial_values.own(), 0))
    )
    if value != expected:
        raise UsageError("error.task.own.shapes", task=task.name, value=value, expected=expected)


def check_start(task: Task, parameters: PyTree) -> None:
    """Refuse, at the first initial values, a loss or metric that is no finite scalar, or no gradient.

    All examples are looked at once: one that spoils a loss would spoil every run that meets it.
    """
    arrays = task.arrays(task.flatten(parameters))
    batch = jax.tree.map(lambda array: array[: task.batch_size], task.train)

    def loss(arrays: Sequence[Array], batch: Data) -> Scalar:
        value = task.training_loss(task.with_arrays(arrays), task.state, batch, jax.random.key(0))[0]
        if isinstance(value, int | float):
            raise UsageError("error.task.constant", task=task.name, value=value)
        return value

    def evaluate(arrays: Sequence[Array], data: Data) -> tuple[Scalar, Scalar]:
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
    parts = {name: getattr(task, name) for name in ("train", "validation", "test")}
    parts = {name: data for name, data in parts.items() if data is not None}
    with _naming(task, "error.task.raises"):
        check_rows(task.name, parts, task.batch_size, arrays, loss, evaluate)


def _check_state(task: Task, arrays: Sequence[Array], batch: Data) -> None:
    """Refuse a state that the loss gives back otherwise than it got it."""
    before = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, task.state))
    key = jax.random.key(0)
    after = jax.eval_shape(
        lambda arrays: task.training_loss(task.with_arrays(arrays), task.state, batch, key)[1], arrays
    )
    texts = [str(jax.tree.map(lambda leaf: f"{leaf.dtype}{leaf.shape}", state)) for state in (before, after)]
    if texts[0] != texts[1]:
        raise UsageError("error.task.state", task=task.name, value=texts[1])


@contextlib.contextmanager
def _naming(task: Task, key: str) -> Iterator[None]:
    """Whatever the user's functions raise, as a sentence."""
    with told(key, every=True, task=task.name):
        try:
            yield
        except UsageError as problem:  # a sentence already, to which JAX has added a note of its own
            raise UsageError(problem.key, **problem.values) from None


def _length(task: Task, part: str) -> int:
    data = getattr(task, part)
    if data is None and part == "test":
        return 0
    leaves = jax.tree.leaves(data)
    for leaf in leaves:
        if not is_data(leaf):
            text = f"{leaf.dtype} {leaf.shape}" if hasattr(leaf, "dtype") else type(leaf).__name__
            raise UsageError("error.task.data", task=task.name, part=part, value=text)
        check_precision(task.name, part, leaf)
    lengths = sorted({len(leaf) for leaf in leaves})
    if len(lengths) != 1 or lengths[0] < 1:
        raise UsageError("error.task.lengths", task=task.name, part=part, lengths=lengths)
    return lengths[0]


def is_numeric(leaf: object) -> bool:
    """Whether `leaf` is a number or an array of numbers: no text, no random key."""
    if not isinstance(leaf, np.ndarray | np.generic | jax.Array):
        return isinstance(leaf, bool | int | float | complex)
    return leaf.dtype == bool or bool(jnp.issubdtype(leaf.dtype, jnp.number))


def is_data(leaf: object) -> bool:
    """Whether `leaf` is an array of numbers with a first axis."""
    return isinstance(leaf, np.ndarray | jax.Array) and is_numeric(leaf) and leaf.ndim > 0


def check_precision(task: str, part: str, leaf: Array | np.generic) -> None:
    """Refuse numbers that JAX would wrap or lose without a word: it keeps 32 bits unless told otherwise."""
    narrow = jax.dtypes.canonicalize_dtype(leaf.dtype)
    if narrow == leaf.dtype or leaf.size == 0 or leaf.dtype.kind not in "iuf":
        return
    values = np.asarray(leaf)
    finite = values[np.isfinite(values)]
    limits = np.iinfo(narrow) if leaf.dtype.kind in "iu" else np.finfo(narrow)
    beyond = finite[(finite > limits.max) | (finite < limits.min)]
    if beyond.size:
        key = "error.task.wide" if leaf.dtype.kind in "iu" else "error.task.large"
        raise UsageError(key, task=task, part=part, value=beyond.flat[0])
