"""The recurrent networks of the built-in tasks: a recurrent layer, or one each way, and a dense one."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from kobai.basics.errors import UsageError
from kobai.networks import recurrent
from kobai.networks.network import (
    ACTIVATIONS,
    Network,
    Recurrent,
    check_activation,
    output,
    output_parameters,
    widths,
)


def nodes(hidden: int | Sequence[int]) -> int:
    """The nodes of the one recurrent layer that there is."""
    every = widths(hidden)
    if len(every) != 1:
        raise UsageError("error.recurrent.hidden", value=list(every))
    return every[0]


def network(
    inputs: int,
    nodes: int,
    outputs: int,
    *,
    cell: str,
    activation: str = "tanh",
    last: int = 1,
) -> Network:
    """A recurrent layer and a dense one that sees each of its last states, for inputs [examples, time, in].

    Args:
      inputs: numbers at each position.
      nodes: of the recurrent layer.
      outputs: of the dense layer.
      cell: "elman", "lstm" or "gru".
      activation: "relu", "tanh" or "sigmoid", of the state.
      last: how many of the last states are seen: the outputs are [examples, last, outputs].
    """
    recurrent.check_cell(cell)
    check_activation(activation)
    parameters = {
        "recurrent": recurrent.parameters(cell, inputs, nodes),
        "output": output_parameters(np.zeros((nodes, outputs), np.float32), outputs),
    }

    def apply(
        parameters: PyTree,
        x: jax.Array,
        state: PyTree,
        training: bool,  # noqa: ARG001
        key: jax.Array | None = None,  # noqa: ARG001
    ) -> tuple[jax.Array, PyTree]:
        f = ACTIVATIONS[activation]
        states = recurrent.run(cell, parameters["recurrent"], x, activation=f)
        return output(parameters["output"], states[:, -last:]), state

    form = Recurrent(cell, inputs, nodes, outputs, activation, last)
    return Network(parameters, None, apply, recurrent=form)


def both_ways(length: int, nodes: int, outputs: int, *, cell: str, activation: str = "tanh") -> Network:
    """Two recurrent layers, one from the end to the beginning, and a dense one that sees all their states.

    For inputs [examples, length], one number at each position. Arguments as in `network`; `nodes` are those
    of each layer.
    """
    recurrent.check_cell(cell)
    check_activation(activation)
    ways = {"forward": False, "backward": True}
    parameters: dict[str, PyTree] = {way: recurrent.parameters(cell, 1, nodes) for way in ways}
    parameters["output"] = output_parameters(np.zeros((length * 2 * nodes, outputs), np.float32), outputs)

    def apply(
        parameters: PyTree,
        x: jax.Array,
        state: PyTree,
        training: bool,  # noqa: ARG001
        key: jax.Array | None = None,  # noqa: ARG001
    ) -> tuple[jax.Array, PyTree]:
        f = ACTIVATIONS[activation]
        states = [
            recurrent.run(cell, parameters[way], x[..., None], activation=f, reverse=reverse)
            for way, reverse in ways.items()
        ]
        both = jnp.concatenate(states, axis=-1)
        return output(parameters["output"], both.reshape(len(x), -1)), state

    form = Recurrent(cell, 1, nodes, outputs, activation, last=0)
    return Network(parameters, None, apply, recurrent=form)
