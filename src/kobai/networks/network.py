"""A network of any framework as parameters, state and a function, and what the built-in ones share.

A network is its parameters, its state (running statistics, or None), and a function that applies it. The
hidden layers of the built-in ones are finished alike, with batch normalization or without
(`hidden_parameters`, `hidden_state`, `finish`).
"""

import dataclasses
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.arrays import Array, Parameters
from kobai.basics.checks import check_count, check_name
from kobai.basics.errors import unknown
from kobai.basics.roles import Roles
from kobai.networks.layers import along, batch_norm, batch_norm_parameters, batch_norm_state


@jax.custom_jvp
def relu(x: jax.Array) -> jax.Array:
    """max(x, 0), with the derivative 0 at 0.

    The derivative is a factor, sign(max(x, 0)), where `jax.nn.relu` selects: half the time on a CPU.
    """
    return jnp.maximum(x, 0)


@relu.defjvp
def _relu_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    y = relu(*primals)
    return y, tangents[0] * jnp.sign(y)


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}

OFF, BEFORE, AFTER = "off", "before", "after"
BATCH_NORM = {OFF: OFF, "on": BEFORE, BEFORE: BEFORE, AFTER: AFTER, False: OFF, True: BEFORE}
"""Where batch normalization stands, by what it may be called. Just on: before the activation."""


Inputs: TypeAlias = Array | tuple[Array, ...] | Mapping[str, Array]
"""What a network is applied to: one array, several by position, or several by name."""

Outputs: TypeAlias = PyTree
"""What it gives, and the labels that these are held to: mostly one array, but any pytree of them."""


class Apply(Protocol):
    """How a network is applied: to its parameters, inputs and state; gives its outputs and the new state."""

    def __call__(
        self, parameters: PyTree, x: PyTree, state: PyTree, training: bool, key: jax.Array | None = None
    ) -> tuple[PyTree, PyTree]: ...


@dataclasses.dataclass(frozen=True)
class Dense:
    """What a dense network is: all that is needed to write it down in another framework."""

    widths: tuple[int, ...]
    """The nodes of the inputs, of every hidden layer, of the outputs."""
    activation: str
    """Of the hidden layers; the last one is linear."""
    batch_norm: str
    """Where batch normalization stands in them: "off", "before" or "after" the activation."""


@dataclasses.dataclass(frozen=True)
class Convolutional:
    """What a convolutional network is: as many of these layers as it has channels, each of stride 2, and a
    dense one."""

    space: tuple[int, ...]
    """The positions along each axis of the inputs, which have one channel and lie in one row."""
    channels: tuple[int, ...]
    """Of every convolution."""
    margins: tuple[tuple[tuple[int, int], ...], ...]
    """The zeros before every convolution: for each axis those at its beginning and at its end."""
    kernels: tuple[int, ...]
    """The positions of every kernel along each axis."""
    features: tuple[int, ...]
    """The positions along each axis behind the last convolution."""
    outputs: int
    """Of the dense layer."""
    activation: str
    """Of the convolutions; the dense layer is linear."""
    batch_norm: str
    """Where batch normalization stands in them: "off", "before" or "after" the activation."""

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Convolutional":
        """What JSON holds of it, whose lists are tuples."""

        def tuples(value: Any) -> Any:
            return tuple(map(tuples, value)) if isinstance(value, list | tuple) else value

        return cls(**{name: tuples(value) for name, value in content.items()})


@dataclasses.dataclass(frozen=True)
class Recurrent:
    """What a recurrent network is: one layer along the positions, or one each way, and a dense one."""

    cell: str
    """Its kind: "elman", "lstm" or "gru"."""
    inputs: int
    """Numbers at each position."""
    nodes: int
    """Of the recurrent layer, or of each of the two."""
    outputs: int
    """Of the dense layer."""
    activation: str
    """Of the state; the dense layer is linear."""
    last: int
    """How many of the last states the dense layer sees, each by itself; 0: all of both ways at once."""

    @property
    def is_both_ways(self) -> bool:
        """Whether a second layer goes from the end to the beginning."""
        return self.last == 0


class Network(NamedTuple):
    """A network of any framework.

    Fields:
      parameters: a pytree of arrays, with the values that the network has.
      state: what a training moves beside them (running statistics), or None.
      apply: ``apply(parameters, x, state, training, key=None) -> (outputs, state)``, JAX-traceable. `x` is
        one array, a tuple of several (by position) or a dictionary of several (by name).
      layout: where the fans of its weights are, as in `kobai.Task`; None: as the framework has it.
      roles: what each leaf of the parameters is, from the framework's own types; None: told from the tree.
      random: whether it draws at random in training (dropout); `apply` then needs a key, a JAX random key.
      own: its own initial values, drawn anew: ``own(seed) -> parameters``; None: not known.
      dense: what it is, where it is a dense network of kobai's own; else None.
      convolutional, recurrent: likewise, where it is a convolutional or a recurrent one.
      pretrained: whether its values are seen to come from a training.
      model: the model of its framework with other numbers, ready for use: ``model(parameters, state)``; None:
        the numbers are all that there is.
    """

    parameters: Parameters
    state: PyTree
    apply: Apply
    layout: str | None = "in_out"
    roles: Roles | None = None
    random: bool = False
    own: Callable[[int], Parameters] | None = None
    dense: Dense | None = None
    convolutional: Convolutional | None = None
    recurrent: Recurrent | None = None
    model: Callable[[Parameters, PyTree], object] | None = None
    pretrained: bool = False


def widths(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """The widths of the hidden layers, checked."""
    every = tuple(hidden) if isinstance(hidden, Sequence) and not isinstance(hidden, str) else (hidden,)
    for width in every:
        check_count("hidden", width)
    return every


def check_activation(activation: str) -> None:
    check_name("kind.activation", activation, ACTIVATIONS)


def check_batch_norm(batch_norm: bool | str) -> str:
    """ "off", "before" or "after" the activation."""
    if not isinstance(batch_norm, Hashable) or batch_norm not in BATCH_NORM:
        raise unknown("kind.batch_norm", batch_norm, [name for name in BATCH_NORM if isinstance(name, str)])
    return BATCH_NORM[batch_norm]


def hidden_parameters(weights: np.ndarray, nodes: int, place: str) -> dict[str, np.ndarray]:
    """A hidden layer's arrays: β takes the place of the biases where it would undo what they do."""
    arrays = {"weights": weights}
    if place != BEFORE:
        arrays["biases"] = np.zeros(nodes, np.float32)
    return arrays if place == OFF else arrays | batch_norm_parameters(nodes)


def output_parameters(weights: np.ndarray, nodes: int) -> dict[str, np.ndarray]:
    """The arrays of the last, linear layer."""
    return {"weights": weights, "biases": np.zeros(nodes, np.float32)}


def within_fan_in(layers: Sequence[Mapping[str, np.ndarray]]) -> Callable[[int], Parameters]:
    """Initial values as PyTorch's layers draw them: weights and biases uniform within ±1/√fan_in.

    What batch normalization holds stays as it is.

    Args:
      layers: each with "weights" (*kernel, in, out) and, where it has them, "biases".

    Returns:
      The `own` of a `Network`.
    """

    def own(seed: int) -> Parameters:
        generator = np.random.default_rng(seed)

        def drawn(layer: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            bound = 1 / math.sqrt(math.prod(layer["weights"].shape[:-1]))
            return {
                name: generator.uniform(-bound, bound, array.shape).astype(array.dtype)
                if name in ("weights", "biases")
                else array
                for name, array in layer.items()
            }

        return [drawn(layer) for layer in layers]

    return own


def output(layer: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """The outputs of the last, linear layer, whose weights are [in, out]."""
    return x @ layer["weights"] + layer["biases"]


def hidden_state(nodes: Sequence[int], place: str) -> list[dict[str, np.ndarray]] | None:
    """The running statistics of hidden layers of so many nodes, or None without batch normalization."""
    if place == OFF:
        return None
    return [batch_norm_state(n) for n in nodes]


def finish(
    layer: Mapping[str, jax.Array],
    statistics: PyTree,
    z: jax.Array,
    activation: str,
    place: str,
    training: bool,
    *,
    axis: int = -1,
) -> tuple[jax.Array, PyTree]:
    """(activations, running statistics) of a hidden layer whose product of inputs and weights is `z`.

    `axis`: that of the nodes.
    """
    f = ACTIVATIONS[activation]
    if place == BEFORE:
        z, statistics = batch_norm(layer, statistics, z, training=training, axis=axis)
        return f(z), statistics
    y = f(z + along(axis, layer["biases"], z))
    return (y, statistics) if place == OFF else batch_norm(layer, statistics, y, training=training, axis=axis)
