"""A task: what is trained, on which data, and what counts as arriving.

`kobai.Task` is how a user brings a model and data of their own; the built-in tasks are made of it too.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.basics.checks import listed
from kobai.basics.leaf import Layout, Leaf, Role, leaves
from kobai.basics.roles import Roles
from kobai.initializers import Initializer
from kobai.tasks import flat
from kobai.tasks.roles import roles_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A network, its loss, and its data in three parts.

    Args:
      parameters: any pytree: a dict of arrays, an Equinox module, a Flax parameter tree. Weights get their
        values from the initializers that are compared; biases and scales start as they are here, and are
        trained; what is frozen stays as it is: leaves that are no floating-point arrays, and arrays behind a
        `stop_gradient`.
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
      roles: what each leaf is, where the types and names of Equinox, Flax, Keras and PyTorch do not tell it:
        "weight", "bias", "scale", "frozen", or ``kobai.Role("weight", fans=(fan_in, fan_out))``. A mapping
        from names (``{"decoder.position": "weight", "encoder": "frozen"}``), a tree like `parameters`, or a
        function of a leaf's path and value. What is left out is told from the tree.
      layout: where the fans of a weight array are: "in_out" for shapes (*kernel, in, out) as in Flax, Keras
        and plain ``x @ w``; "out_in" for (out, in, *kernel) as in Equinox and PyTorch; or a function
        ``shape -> (fan_in, fan_out)``. Default: as the framework has it, or as a bias beside the weight
        tells, else "in_out".
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
    roles: Roles | None = None
    layout: Layout | None = None
    state: Any = None
    random: bool = False
    validation_loss: Callable[..., Any] | None = None
    name: str = "task"

    @property
    def targets(self) -> tuple[float, ...]:
        """Every stated target, the deciding one first."""
        if self.target is None:
            return ()
        return tuple(map(float, listed(self.target)))

    @property
    def metric_label(self) -> str:
        """What the metric is called."""
        return self.metric_name or str(getattr(self.metric or self.loss, "__name__", "metric"))

    def training_loss(self, parameters: Any, state: Any, batch: Any, key: Any) -> tuple[Any, Any]:
        """(loss, new model state) of a batch, whatever the form of `loss`."""
        more = {} if self.state is None else {"state": state}
        if self.random:
            more["key"] = key
        result = self.loss(parameters, batch, **more)
        return result if self.state is not None else (result, state)

    def evaluate(self, parameters: Any, state: Any, data: Any) -> tuple[Any, Any]:
        """(loss, metric) on a whole part of the data, in inference mode."""
        more = {} if self.state is None else {"state": state}
        loss = (self.validation_loss or self.loss)(parameters, data, **more)
        metric = loss if self.metric is None else self.metric(parameters, data, **more)
        return _number(loss), _number(metric)

    @functools.cached_property
    def every_role(self) -> tuple[Role, ...]:
        """The role of every leaf, in tree order. Raises `UsageError` where one is not known."""
        tree = jax.tree.structure(self.parameters)

        def loss(values: list[Any]) -> Any:
            batch = jax.tree.map(lambda array: array[: self.batch_size], self.train)
            return self.training_loss(jax.tree.unflatten(tree, values), self.state, batch, jax.random.key(0))[
                0
            ]

        return roles_of(self.name, self.parameters, self.roles, self.layout, loss)

    @property
    def places(self) -> list[Leaf]:
        """The trained arrays, in tree order, each with its path."""
        every = zip(leaves(self.parameters), self.every_role, strict=True)
        return [leaf for leaf, role in every if role.is_trained]

    def trained(self, parameters: Any) -> list[Any]:
        """The arrays of `parameters` that are trained, in tree order."""
        return flat.trained(parameters, self.every_role)

    def flatten(self, parameters: Any) -> np.ndarray:
        """θ: every trained array of `parameters` in one vector (see `flat.flatten`)."""
        return flat.flatten(self.trained(parameters))

    def filled(self, initializer: Initializer, generator: int | np.random.Generator) -> Any:
        """The parameters with the weights that an initializer draws from this generator or seed."""
        roles = jax.tree.unflatten(jax.tree.structure(self.parameters), self.every_role)
        return initializer.fill(self.parameters, generator, roles=roles)

    def start(self, initializer: Initializer, generator: int | np.random.Generator) -> np.ndarray:
        """θ before the first step, as an initializer fills the parameters from this generator or seed."""
        return self.flatten(self.filled(initializer, generator))

    @property
    def spans(self) -> flat.Spans:
        """How many entries of θ each trained array has, in order, and whether they are weights."""
        roles = [role for role in self.every_role if role.is_trained]
        arrays = self.trained(self.parameters)
        return tuple((array.size, role.is_weight) for array, role in zip(arrays, roles, strict=True))

    def arrays(self, θ: Any) -> list[Any]:
        """The trained arrays, in tree order, with the values in the vector θ."""
        return flat.split(self.trained(self.parameters), θ)

    def with_arrays(self, arrays: Iterable[Any]) -> Any:
        """The pytree `parameters` with these in place of its trained arrays."""
        return flat.with_arrays(self.parameters, self.every_role, arrays)

    def tree(self, arrays: Iterable[Any]) -> Any:
        """`parameters` with these in place of its trained arrays, and None for its other leaves."""
        return flat.alone(self.parameters, self.every_role, arrays)

    def unflatten(self, θ: Any) -> Any:
        """The pytree `parameters` with the trained arrays taken from the vector θ."""
        return self.with_arrays(self.arrays(θ))


def _number(value: Any) -> Any:
    """A number of Python's as JAX has it; anything else unchanged."""
    return jnp.asarray(value) if isinstance(value, int | float) else value
