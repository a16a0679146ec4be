"""A task: what is trained, on which data, and what counts as arriving.

`kobai.Task` is how a user brings a model and data of their own; the built-in tasks are made of it too.
"""

import dataclasses
import functools
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai import initializers as initial_values
from kobai.basics import registry
from kobai.basics.arrays import Array, Data, Flag, Matrix, ModelState, Number, Scalar, Vector
from kobai.basics.checks import listed
from kobai.basics.errors import UsageError
from kobai.basics.leaf import Layout, Leaf, Role, leaves
from kobai.basics.own_code import told
from kobai.basics.roles import Roles
from kobai.initializers import Initializer
from kobai.networks.network import Convolutional, Dense, Network, Recurrent
from kobai.tasks import flat
from kobai.tasks.ends import at_ends
from kobai.tasks.loss import Loss, Metric
from kobai.tasks.measurement import shared
from kobai.tasks.parametrization import Growth, grown
from kobai.tasks.provenance import Provenance
from kobai.tasks.roles import roles_of
from kobai.words import Note

if TYPE_CHECKING:
    import polars as pl

ALONE = threading.Lock()
"""Held while a model draws its own values: several frameworks draw from one stream for the whole process."""


class Table(Protocol):
    """What becomes of new rows of a table, and what outputs mean in its terms (`tasks.table`)."""

    def inputs(self, rows: Any) -> Matrix:
        """A file or a frame as inputs [rows, inputs]."""

    def answers(self, outputs: Array) -> "pl.Series":
        """The classes by name, or numbers in the units of the label."""

    def probabilities(self, outputs: Array) -> "pl.DataFrame":
        """A column for each class."""


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
      accumulate: batches a step, whose mean gradient the rule gets: gradient accumulation. A step is that of
        one batch of all their examples, to rounding, in the memory of a small one.
      growth: of each leaf, how it has grown from a base width: initial values and learning rates then go with
        the width (`kobai.tasks.parametrization`). Default: they do not.
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
      own: the initial values "own" of a comparison: ``own(seed) -> parameters``, as the model itself draws
        them; a function of the seed alone.
      initializers: what a comparison tries where nobody says otherwise. Default: he, xavier, normal:0.01;
        with `own`: own, he, xavier.
      baselines: what predicts without this network, name -> its metric on the test data. They stand below
        the optimizers, and the answer says where the network does not beat the best of them.
      meaning: ``meaning(metric) -> Note``: what a test metric is in other words, such as in the units of the
        label.
      preparation: how the data were prepared, sentence by sentence.
      cautions: what must be known of the data before an answer is believed.
      table: of a table, what becomes of new rows, and what outputs mean in its terms (`kobai.tasks.table`).
      dense: what the network is, where it is a dense one of kobai's own: code is written with it.
      convolutional, recurrent: likewise, where it is a convolutional or a recurrent one.
      model: what `ComparisonResult.model` gives: ``model(parameters, state)``, the model of a framework with
        these numbers. Default: the parameters; with `state` (parameters, state).
      provenance: where data and network come from: code is written with it, too.
      name: names the task in tables and folders.
    """

    parameters: PyTree
    loss: Loss
    train: Data
    validation: Data
    test: Data | None = None
    metric: Metric | None = None
    metric_name: str | None = None
    maximize: bool = False
    metric_range: tuple[float, float] = (-math.inf, math.inf)
    target: float | Sequence[float] | None = None
    batch_size: int = 32
    accumulate: int = 1
    growth: Sequence[Growth] | None = None
    roles: Roles | None = None
    layout: Layout | None = None
    state: ModelState = None
    random: bool = False
    validation_loss: Metric | None = None
    own: Callable[[int], PyTree] | None = None
    initializers: Sequence[str | Initializer] | None = None
    baselines: Mapping[str, float] | None = None
    meaning: Callable[[float], Note] | None = None
    preparation: Sequence[Note | str] = ()
    cautions: Sequence[Note] = ()
    table: "Table | None" = None
    dense: Dense | None = None
    convolutional: Convolutional | None = None
    recurrent: Recurrent | None = None
    model: Callable[[PyTree, ModelState], object] | None = None
    provenance: Provenance = Provenance()
    name: str = "task"

    @classmethod
    def of(
        cls,
        model: Callable[..., object] | tuple[object, object] | Network,
        data: object,
        *,
        loss: Callable[..., PyTree] | str | None = None,
        metric: Callable[..., PyTree] | str | None = None,
        maximize: bool | None = None,
        target: float | Sequence[float] | None = None,
        validation: float = 0.2,
        test: float = 0.2,
        split_seed: int = 0,
        batch_size: int | None = None,
        roles: Roles | None = None,
        pretrained: bool | None = None,
        name: str | None = None,
    ) -> "Task":
        """The task of a model of any framework on data in any form.

        What is not said follows from the labels, and the answer says what that was: whole numbers and text
        are classes (cross-entropy, accuracy), other numbers are values (squared error, R²).

        Args:
          model: a module of PyTorch, Keras 3 (on its JAX backend), Flax (NNX or Linen) or Equinox (with a
            state: the pair that `make_with_state` gives), or a pair of functions ``(init, apply)``. Or a
            function that makes one, which may take ``key`` (of JAX), ``rngs`` (of Flax) or ``seed`` by name;
            it is called anew for the initial values "own".
          data: ``(x, y)`` in arrays of NumPy, JAX, PyTorch, pandas or polars, x one array, a tuple (inputs by
            position) or a dictionary (by name); a `Dataset` or `DataLoader` of PyTorch; or three of them,
            ``(train, validation, test)``, the last of which may be None; or a function that returns it.
          loss: "cross-entropy", "binary cross-entropy", "squared error", "absolute error", "huber"; a
            function of ``(outputs, y)``; or a loss of PyTorch, Keras or optax.
          metric: "accuracy", "R²", "squared error", "absolute error", "cross-entropy"; or a function.
          maximize: whether a larger metric is better, of a function.
          target: the metric to reach, as in `Task`.
          validation, test: how much of ``(x, y)`` is put aside, at random and each class in proportion; test
            may be 0.
          split_seed: of that cut.
          batch_size: examples in a batch. Default 32.
          roles: what an array is that the framework's types do not tell, as in `Task`.
          pretrained: whether a comparison begins with the weights that the model has ("given"), not with new
            ones. Default: where a module of PyTorch shows that it has been trained, by normalization layers
            that have moved or the name under which it was stored; the answer says so.
          name: default: that of the model's class.

        Raises:
          UsageError: for a model, data or labels that cannot be trained, in one sentence with the remedy.
        """
        # By name, as all methods of the registry are: the frameworks are above, and made of tasks.
        return registry.TASK_OF_MODEL.load()(
            model,
            data,
            loss=loss,
            metric=metric,
            maximize=maximize,
            target=target,
            validation=validation,
            test=test,
            split_seed=split_seed,
            batch_size=batch_size,
            roles=roles,
            pretrained=pretrained,
            name=name,
        )

    @property
    def examples_a_step(self) -> int:
        """Examples whose gradients make a step."""
        return self.batch_size * self.accumulate

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

    def training_loss(
        self, parameters: PyTree, state: ModelState, batch: Data, key: jax.Array | None
    ) -> tuple[Scalar, ModelState]:
        """(loss, new model state) of a batch, whatever the form of `loss`."""
        more = {} if self.state is None else {"state": state}
        if self.random:
            more["key"] = key
        result = self.loss(parameters, batch, **more)
        return cast(tuple[Scalar, ModelState], result if self.state is not None else (result, state))

    def evaluate(self, parameters: PyTree, state: ModelState, data: Data) -> tuple[Scalar, Scalar]:
        """(loss, metric) on a whole part of the data, in inference mode."""
        more = {} if self.state is None else {"state": state}
        measure = cast(Metric, self.validation_loss or self.loss)
        both = shared(measure, self.metric, parameters, data, state)
        if both is not None:
            return both
        loss = measure(parameters, data, **more)
        metric = loss if self.metric is None else self.metric(parameters, data, **more)
        return _array(loss), _array(metric)

    @functools.cached_property
    def every_role(self) -> tuple[Role, ...]:
        """The role of every leaf, in tree order. Raises `UsageError` where one is not known."""

        def loss(values: list[PyTree]) -> Scalar:  # data that cannot be cut are the check's to refuse
            return self._loss_of_leaves(values, self._first)

        return roles_of(self.name, self.parameters, self.roles, self.layout, loss)

    @property
    def _first(self) -> Data:
        """The first examples, as many as a batch has."""
        return jax.tree.map(lambda array: array[: self.batch_size], self.train)

    def _loss_of_leaves(self, values: list[PyTree], batch: Data) -> Scalar:
        parameters = jax.tree.unflatten(jax.tree.structure(self.parameters), values)
        return self.training_loss(parameters, self.state, batch, jax.random.key(0))[0]

    @functools.cached_property
    def flags(self) -> list[Flag]:
        """What each trained array is to a rule: "outer" for a weight at an end of the network, as its role or
        the traced loss says; else whether it is a weight."""
        with told("error.task.raises", every=True, task=self.name):
            at_end = at_ends(self._loss_of_leaves, jax.tree.leaves(self.parameters), self._first)
        pairs = zip(self.every_role, at_end, strict=True)
        return [role.flag(end) for role, end in pairs if role.is_trained]

    @property
    def places(self) -> list[Leaf]:
        """The trained arrays, in tree order, each with its path."""
        every = zip(leaves(self.parameters), self.every_role, strict=True)
        return [leaf for leaf, role in every if role.is_trained]

    def trained(self, parameters: PyTree) -> list[Array]:
        """The arrays of `parameters` that are trained, in tree order."""
        return flat.trained(parameters, self.every_role)

    def flatten(self, parameters: PyTree) -> np.ndarray:
        """θ: every trained array of `parameters` in one vector (see `flat.flatten`)."""
        return flat.flatten(self.trained(parameters))

    def filled(self, initializer: Initializer, generator: int | np.random.Generator) -> PyTree:
        """The parameters as an initializer draws them from this generator or seed.

        It draws the weights; "own" everything that the model draws, and "given" nothing.
        """
        drawn = self._drawn(initializer, generator)
        return drawn if self.growth is None else grown(drawn, self.growth, initializer)

    def rates(self, degree: int) -> np.ndarray:
        """[parameters]: by what the growth multiplies the learning rate of each entry of θ, of a rule of this
        `degree`."""
        every = zip(self.growth or (), self.every_role, strict=True)
        factors = [growth.rate(degree) for growth, role in every if role.is_trained]
        return np.repeat(factors, [size for size, _ in self.spans])

    def _drawn(self, initializer: Initializer, generator: int | np.random.Generator) -> PyTree:
        if initializer == initial_values.given():
            return self.parameters
        if initializer == initial_values.own():
            if self.own is None:
                raise UsageError("error.task.own", task=self.name)
            seed = int(initial_values.generator_of(generator).integers(2**31))
            with ALONE, told(every=True):
                return self.own(seed)
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

    def arrays(self, θ: Vector) -> list[jax.Array]:
        """The trained arrays, in tree order, with the values in the vector θ."""
        return flat.split(self.trained(self.parameters), θ)

    def with_arrays(self, arrays: Iterable[Array]) -> PyTree:
        """The pytree `parameters` with these in place of its trained arrays."""
        return flat.with_arrays(self.parameters, self.every_role, arrays)

    def tree(self, arrays: Iterable[Array | Flag]) -> PyTree[Array | None]:
        """`parameters` with these in place of its trained arrays, and None for its other leaves."""
        return flat.alone(self.parameters, self.every_role, arrays)

    def unflatten(self, θ: Vector) -> PyTree:
        """The pytree `parameters` with the trained arrays taken from the vector θ."""
        return self.with_arrays(self.arrays(θ))


def _array(value: Number) -> Scalar:
    """A number of Python's as JAX has it; anything else unchanged."""
    return jnp.asarray(value) if isinstance(value, int | float) else value
