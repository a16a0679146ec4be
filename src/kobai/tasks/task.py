"""A task: what is trained, on which data, and what counts as arriving.

`kobai.Task` is how a user brings a model and data of their own; the built-in tasks are made of it too.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.checks import is_whole
from kobai.basics.errors import UsageError

Layout = str | Callable[[tuple[int, ...]], tuple[int, int]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A network, its loss, and its data in three parts.

    Args:
      parameters: any pytree: a dict of arrays, an Equinox module, a Flax parameter tree. Its floating-point
        arrays are trained; every other leaf stays as it is. Arrays of two or more dimensions get their values
        from the initializers that are compared, the others (biases, scales) start as they are here.
      loss: ``loss(parameters, batch) -> scalar``, the mean over the batch; JAX-traceable. `batch` has the
        structure of `train`, with `batch_size` examples.
      train, validation, test: a pytree of arrays (often a tuple ``(x, y)``) of equal length along the first
        axis. Validation chooses, and decides when the target is reached; test gives the final numbers.
        Without `test` there are none.
      metric: ``metric(parameters, data) -> scalar`` on a whole part of the data. Default: the loss.
      metric_name: how reports call it. Default: the function's name.
      maximize: whether a larger metric is better.
      metric_range: the values the metric can have; a target outside is refused.
      target: the metric to reach. Several: the first decides, the others are reported. None: 90 % of the way
        from the start to the best tuning run.
      batch_size: examples in a batch.
      layout: where the fans of a weight array are: "in_out" for shapes (*kernel, in, out) as in Flax, Keras
        and plain ``x @ w``; "out_in" for (out, in, *kernel) as in Equinox and PyTorch; or a function
        ``shape -> (fan_in, fan_out)``.
      state: a pytree of arrays the model carries beside its parameters (running statistics). With it,
        ``loss(parameters, batch, state=…)`` returns ``(scalar, new_state)``, and `metric` and
        `validation_loss` are called with ``state=…`` too.
      random: whether the loss draws at random (dropout). With it the loss is called with ``key=…``, a JAX
        random key of its own in each step.
      validation_loss: the loss in inference mode, ``validation_loss(parameters, data) -> scalar``. Default:
        `loss`. Required with `state` or `random`.
      name: names the task in tables and folders.
    """

    parameters: Any
    loss: Callable[..., Any]
    train: Any
    validation: Any
    test: Any = None
    metric: Callable[..., Any] | None = None
    metric_name: str | None = None
    maximize: bool = False
    metric_range: tuple[float, float] = (-math.inf, math.inf)
    target: float | Sequence[float] | None = None
    batch_size: int = 32
    layout: Layout = "in_out"
    state: Any = None
    random: bool = False
    validation_loss: Callable[..., Any] | None = None
    name: str = "task"

    @property
    def targets(self) -> tuple[float, ...]:
        """Every stated target, the deciding one first."""
        if self.target is None:
            return ()
        return tuple(self.target) if isinstance(self.target, Sequence) else (self.target,)

    @property
    def measure(self) -> str:
        """What the metric is called."""
        return self.metric_name or str(getattr(self.metric or self.loss, "__name__", "metric"))

    def training_loss(self, parameters: Any, state: Any, batch: Any, key: Any) -> tuple[Any, Any]:
        """(loss, new model state) of a batch, whatever the form of `loss`."""
        asked = {} if self.state is None else {"state": state}
        if self.random:
            asked["key"] = key
        result = self.loss(parameters, batch, **asked)
        return result if self.state is not None else (result, state)

    def evaluate(self, parameters: Any, state: Any, data: Any) -> tuple[Any, Any]:
        """(loss, metric) on a whole part of the data, in inference mode."""
        asked = {} if self.state is None else {"state": state}
        loss = (self.validation_loss or self.loss)(parameters, data, **asked)
        return loss, loss if self.metric is None else self.metric(parameters, data, **asked)

    def flatten(self, parameters: Any) -> np.ndarray:
        """θ: every trained array of `parameters` in one vector, in single precision or, under x64, in theirs.

        Half precision is for the network alone: in it 0.999 is 1, and Adam loses its memory.
        """
        trained = [np.ravel(leaf) for leaf in jax.tree.leaves(parameters) if is_trained(leaf)]
        double = any(leaf.dtype == np.float64 for leaf in trained)
        dtype = jax.dtypes.canonicalize_dtype(np.float64 if double else np.float32)
        return np.concatenate([leaf.astype(dtype) for leaf in trained])

    def arrays(self, θ: Any) -> list[Any]:
        """The trained arrays, in tree order, with the values in the vector θ."""
        trained = [leaf for leaf in jax.tree.leaves(self.parameters) if is_trained(leaf)]
        # The gradient of one split is one concatenation; of slices it is a sum of padded vectors.
        pieces = jax.lax.split(jnp.asarray(θ), [leaf.size for leaf in trained])
        dtypes = [jax.dtypes.canonicalize_dtype(leaf.dtype) for leaf in trained]
        return [
            piece.reshape(leaf.shape).astype(dtype)
            for piece, leaf, dtype in zip(pieces, trained, dtypes, strict=True)
        ]

    def unflatten(self, θ: Any) -> Any:
        """The pytree `parameters` with the trained arrays taken from the vector θ."""
        return self.with_arrays(self.arrays(θ))

    def with_arrays(self, arrays: Iterable[Any]) -> Any:
        """The pytree `parameters` with these in place of its trained arrays."""
        new = iter(arrays)
        return jax.tree.map(lambda leaf: next(new) if is_trained(leaf) else leaf, self.parameters)

    def check(self) -> None:
        """Refuse, before any training, what cannot be trained. Raises `UsageError`."""
        if not any(is_trained(leaf) for leaf in jax.tree.leaves(self.parameters)):
            raise UsageError("error.task.no_parameters", task=self.name)
        sizes = {part: self._length(part) for part in ("train", "validation", "test")}
        if not is_whole(self.batch_size) or not 1 <= self.batch_size <= sizes["train"]:
            raise UsageError(
                "error.task.batch", task=self.name, value=self.batch_size, examples=sizes["train"]
            )
        if (self.state is not None or self.random) and self.validation_loss is None:
            raise UsageError("error.task.validation_loss", task=self.name)
        if self.maximize and self.metric is None:
            raise UsageError("error.task.maximize", task=self.name)
        low, high = self.metric_range
        for target in self.targets:
            if not (isinstance(target, Real) and math.isfinite(target) and low <= target <= high):
                raise UsageError(
                    "error.task.target", task=self.name, value=target, metric=self.measure, low=low, high=high
                )

    def check_start(self, parameters: Any) -> None:
        """Refuse, at the first initial values, a loss or metric that is no finite scalar, or no gradient."""
        batch = jax.tree.map(lambda array: array[: self.batch_size], self.train)
        arrays = self.arrays(self.flatten(parameters))

        def loss(arrays: Any, batch: Any) -> Any:
            return self.training_loss(self.with_arrays(arrays), self.state, batch, jax.random.key(0))[0]

        def evaluate(arrays: Any, data: Any) -> Any:
            return self.evaluate(self.with_arrays(arrays), self.state, data)

        def values(arrays: Any, batch: Any, validation: Any) -> dict[str, Any]:
            validation_loss, metric = evaluate(arrays, validation)
            return {"loss": loss(arrays, batch), "validation loss": validation_loss, "metric": metric}

        with self._naming("error.task.raises"):
            found = jax.jit(values)(arrays, batch, self.validation)
        for name in ("loss", "validation loss", "metric"):
            value = found[name]
            if not hasattr(value, "dtype"):
                raise UsageError("error.task.number", task=self.name, name=name, value=type(value).__name__)
            if value.shape != ():
                raise UsageError("error.task.scalar", task=self.name, name=name, shape=value.shape)
            if not np.isfinite(value):
                raise UsageError("error.task.finite", task=self.name, name=name, value=float(value))
        if self.state is not None:
            self._check_state(arrays, batch)
        with self._naming("error.task.gradient"):
            jax.eval_shape(jax.grad(loss), arrays, batch)
        if self.test is not None:
            with self._naming("error.task.test"):
                jax.eval_shape(evaluate, arrays, self.test)

    def _check_state(self, arrays: Any, batch: Any) -> None:
        """Refuse a state that the loss gives back otherwise than it got it."""
        given = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, self.state))
        key = jax.random.key(0)
        found = jax.eval_shape(
            lambda arrays: self.training_loss(self.with_arrays(arrays), self.state, batch, key)[1], arrays
        )
        shown = [
            str(jax.tree.map(lambda leaf: f"{leaf.dtype}{leaf.shape}", state)) for state in (given, found)
        ]
        if shown[0] != shown[1]:
            raise UsageError("error.task.state", task=self.name, value=shown[1])

    @contextlib.contextmanager
    def _naming(self, key: str) -> Iterator[None]:
        """Whatever the user's functions raise, as a sentence."""
        try:
            yield
        except UsageError as problem:  # a sentence already, to which JAX has added a note of its own
            raise UsageError(problem.key, **problem.values) from None
        except Exception as problem:
            first = f"{type(problem).__name__}: {problem}".split("\n")[0]
            raise UsageError(key, task=self.name, problem=first) from problem

    def _length(self, part: str) -> int:
        data = getattr(self, part)
        if data is None and part == "test":
            return 0
        leaves = jax.tree.leaves(data)
        for leaf in leaves:
            if not is_data(leaf):
                shown = f"{leaf.dtype} {leaf.shape}" if hasattr(leaf, "dtype") else type(leaf).__name__
                raise UsageError("error.task.data", task=self.name, part=part, value=shown)
        lengths = sorted({len(leaf) for leaf in leaves})
        if len(lengths) != 1 or lengths[0] < 1:
            raise UsageError("error.task.lengths", task=self.name, part=part, lengths=lengths)
        return lengths[0]


def is_data(leaf: Any) -> bool:
    """Whether `leaf` is an array of numbers with a first axis."""
    numeric = isinstance(leaf, np.ndarray | jax.Array) and (
        leaf.dtype == bool or jnp.issubdtype(leaf.dtype, jnp.number)
    )
    return numeric and leaf.ndim > 0


def is_trained(leaf: Any) -> bool:
    """Whether `leaf` is a floating-point array."""
    return hasattr(leaf, "dtype") and hasattr(leaf, "shape") and jnp.issubdtype(leaf.dtype, jnp.floating)
