"""The dense network of the built-in tasks, as a plain pytree: a list of {"weights", "biases"}."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kobai.errors import check_count, unknown

LAYOUT = "out_in"
"""Where the fans of the weights are (`kobai.Task.layout`)."""


@jax.custom_jvp
def relu(x: Any) -> Any:
    """max(x, 0), with the derivative 0 at 0.

    The derivative is a factor, sign(max(x, 0)), where `jax.nn.relu` selects: half the time on a CPU.
    """
    return jnp.maximum(x, 0)


@relu.defjvp
def _relu_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    y = relu(*primals)
    return y, tangents[0] * jnp.sign(y)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}


def parameters(widths: Sequence[int]) -> list[dict[str, np.ndarray]]:
    """Zero weights [out, in] and biases [out] for layers of the given widths, inputs first.

    In this order a CPU multiplies the gradient of the weights faster than in the other, by a tenth of a step.
    """
    return [
        {"weights": np.zeros((n2, n1), np.float32), "biases": np.zeros(n2, np.float32)}
        for n1, n2 in itertools.pairwise(widths)
    ]


def forward(parameters: Sequence[dict[str, Any]], x: Any, activation: str) -> Any:
    """The outputs [examples, out] of the network for inputs `x` [examples, in]; the last layer is linear."""
    *hidden, output = parameters
    for layer in hidden:
        x = ACTIVATIONS[activation](x @ layer["weights"].T + layer["biases"])
    return x @ output["weights"].T + output["biases"]


def hidden_widths(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """The widths of the hidden layers, checked."""
    widths = tuple(hidden) if isinstance(hidden, Sequence) else (hidden,)
    for width in widths:
        check_count("hidden", width)
    return widths


def check_activation(activation: str) -> None:
    if activation not in ACTIVATIONS:
        raise unknown("kind.activation", activation, ACTIVATIONS)
