"""What cannot be trained is refused before any training, in one sentence."""

import contextlib
import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.checks import is_whole
from kobai.basics.errors import UsageError
from kobai.tasks.flat import is_trained
from kobai.tasks.task import Task


def check_task(task: Task) -> None:
    """Refuse, before any training, what cannot be trained. Raises `UsageError`."""
    if not any(is_trained(leaf) for leaf in jax.tree.leaves(task.parameters)):
        raise UsageError("error.task.no_parameters", task=task.name)
    sizes = {part: _length(task, part) for part in ("train", "validation", "test")}
    if not is_whole(task.batch_size) or not 1 <= task.batch_size <= sizes["train"]:
        raise UsageError("error.task.batch", task=task.name, value=task.batch_size, examples=sizes["train"])
    if (task.state is not None or task.random) and task.validation_loss is None:
        raise UsageError("error.task.validation_loss", task=task.name)
    if task.maximize and task.metric is None:
        raise UsageError("error.task.maximize", task=task.name)
    low, high = task.metric_range
    for target in task.targets:
        if not (isinstance(target, Real) and math.isfinite(target) and low <= target <= high):
            raise UsageError(
                "error.task.target",
                task=task.name,
                value=target,
                metric=task.metric_label,
                low=low,
                high=high,
            )


def check_start(task: Task, parameters: Any) -> None:
    """Refuse, at the first initial values, a loss or metric that is no finite scalar, or no gradient."""
    batch = jax.tree.map(lambda array: array[: task.batch_size], task.train)
    arrays = task.arrays(task.flatten(parameters))

    def loss(arrays: Any, batch: Any) -> Any:
        return task.training_loss(task.with_arrays(arrays), task.state, batch, jax.random.key(0))[0]

    def evaluate(arrays: Any, data: Any) -> Any:
        return task.evaluate(task.with_arrays(arrays), task.state, data)

    def values(arrays: Any, batch: Any, validation: Any) -> dict[str, Any]:
        validation_loss, metric = evaluate(arrays, validation)
        return {"loss": loss(arrays, batch), "validation loss": validation_loss, "metric": metric}

    with _naming(task, "error.task.raises"):
        results = jax.jit(values)(arrays, batch, task.validation)
    for name in ("loss", "validation loss", "metric"):
        value = results[name]
        if not hasattr(value, "dtype"):
            raise UsageError("error.task.number", task=task.name, name=name, value=type(value).__name__)
        if value.shape != ():
            raise UsageError("error.task.scalar", task=task.name, name=name, shape=value.shape)
        if not np.isfinite(value):
            raise UsageError("error.task.finite", task=task.name, name=name, value=float(value))
    if task.state is not None:
        _check_state(task, arrays, batch)
    with _naming(task, "error.task.gradient"):
        jax.eval_shape(jax.grad(loss), arrays, batch)
    if task.test is not None:
        with _naming(task, "error.task.test"):
            jax.eval_shape(evaluate, arrays, task.test)


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
        first = f"{type(problem).__name__}: {problem}".split("\n")[0]
        raise UsageError(key, task=task.name, problem=first) from problem


def _length(task: Task, part: str) -> int:
    data = getattr(task, part)
    if data is None and part == "test":
        return 0
    leaves = jax.tree.leaves(data)
    for leaf in leaves:
        if not is_data(leaf):
            shown = f"{leaf.dtype} {leaf.shape}" if hasattr(leaf, "dtype") else type(leaf).__name__
            raise UsageError("error.task.data", task=task.name, part=part, value=shown)
    lengths = sorted({len(leaf) for leaf in leaves})
    if len(lengths) != 1 or lengths[0] < 1:
        raise UsageError("error.task.lengths", task=task.name, part=part, lengths=lengths)
    return lengths[0]


def is_data(leaf: Any) -> bool:
    """Whether `leaf` is an array of numbers with a first axis."""
    numeric = isinstance(leaf, np.ndarray | jax.Array) and (
        leaf.dtype == bool or jnp.issubdtype(leaf.dtype, jnp.number)
    )
    return numeric and leaf.ndim > 0
