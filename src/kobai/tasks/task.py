"""A task: what is trained, on which data, and what counts as arriving.

`kobai.Task` is how a user brings a model and data of their own; the built-in tasks are made of it too.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from kobai.initializers import Initializer
from kobai.tasks import flat

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
    def metric_label(self) -> str:
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
        """θ: every trained array of `parameters` in one vector (see `flat.flatten`)."""
        return flat.flatten(parameters)

    def start(self, initializer: Initializer, generator: int | np.random.Generator) -> np.ndarray:
        """θ before the first step, as an initializer fills the parameters from this generator or seed."""
        return self.flatten(initializer.fill(self.parameters, generator, layout=self.layout))

    @property
    def spans(self) -> flat.Spans:
        """How many entries of θ each trained array has, in order, and whether they are weights."""
        return flat.spans(self.parameters)

    def arrays(self, θ: Any) -> list[Any]:
        """The trained arrays, in tree order, with the values in the vector θ."""
        return flat.arrays(self.parameters, θ)

    def with_arrays(self, arrays: Iterable[Any]) -> Any:
        """The pytree `parameters` with these in place of its trained arrays."""
        return flat.with_arrays(self.parameters, arrays)

    def unflatten(self, θ: Any) -> Any:
        """The pytree `parameters` with the trained arrays taken from the vector θ."""
        return self.with_arrays(self.arrays(θ))
