"""Recurrent layers: the Elman network, and the two that were made to remember, LSTM and GRU.

A cell is a pure function of its state and of what its inputs bring to it. One pytree of gates holds the
parameters, ``{gate: {"inputs": [in, n], "recurrent": [n, n], "biases": [n]}}``, each gate with weights of its
own, so that an initializer sees the two fans of each::

    gates = parameters("gru", inputs=2, nodes=32)
    outputs = run("gru", gates, x)                         # x [examples, time, in]
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kobai.basics.checks import check_name

Gates = Mapping[str, Mapping[str, jax.Array]]
"""The parameters of every gate, by its name."""

State = tuple[jax.Array, ...]
"""What a cell carries along, arrays [examples, nodes]; the first is its output h."""

Activation = Callable[[jax.Array], jax.Array]

GATES = {
    "elman": ("state",),
    "lstm": ("input", "forget", "output", "candidate"),
    "gru": ("reset", "update", "candidate"),
}
"""The gates of each cell, in the order in which their inputs lie side by side."""

KINDS = ("inputs", "recurrent", "biases")
"""The arrays of a gate: [in, n], [n, n], [n]."""

STATES = {"elman": 1, "lstm": 2, "gru": 1}
"""How many arrays [examples, nodes] a cell carries along; the first is its output h."""


def check_cell(cell: str) -> None:
    """Refuse a cell that does not exist."""
    check_name("kind.cell", cell, GATES)


def parameters(cell: str, inputs: int, nodes: int) -> dict[str, dict[str, np.ndarray]]:
    """Zero weights and biases of every gate; the biases of an LSTM's forget gate are one.

    With them it begins by keeping what it has (Gers and others 2000; Jozefowicz and others 2015).
    """
    gates = {
        gate: {
            "inputs": np.zeros((inputs, nodes), np.float32),
            "recurrent": np.zeros((nodes, nodes), np.float32),
            "biases": np.zeros(nodes, np.float32),
        }
        for gate in GATES[cell]
    }
    if cell == "lstm":
        gates["forget"]["biases"] += 1
    return gates


def run(
    cell: str, gates: Gates, x: jax.Array, *, activation: Activation = jnp.tanh, reverse: bool = False
) -> jax.Array:
    """The layer along a whole sequence, from a state of zeros.

    Args:
      cell: "elman", "lstm" or "gru".
      gates: its parameters.
      x: [examples, time, in].
      activation: what the state of an Elman network, or a candidate, passes through.
      reverse: from the last position to the first.

    Returns:
      The output at each position, [examples, time, nodes].
    """
    # What the inputs bring is one product for all times; the scan keeps what must come one after another.
    brought = jnp.moveaxis(x, 1, 0) @ beside(cell, gates, "inputs") + beside(cell, gates, "biases")
    recurrent = beside(cell, gates, "recurrent")

    def step(state: State, brought: jax.Array) -> tuple[State, jax.Array]:
        state = STEPS[cell](recurrent, state, brought, activation)
        return state, state[0]

    zeros = jnp.zeros((x.shape[0], recurrent.shape[0]), brought.dtype)
    _, outputs = lax.scan(step, (zeros,) * STATES[cell], brought, reverse=reverse)
    return jnp.moveaxis(outputs, 0, 1)


def beside(cell: str, gates: Gates, kind: str) -> jax.Array:
    """The arrays of all gates side by side: one product instead of several."""
    return jnp.concatenate([gates[gate][kind] for gate in GATES[cell]], axis=-1)


# Cells: (recurrent weights [n, gates·n], state, what the inputs bring [examples, gates·n], f) -> state.


def elman(W: jax.Array, state: State, brought: jax.Array, f: Activation) -> State:
    """h' = f(h W + x U + b). Elman (1990)."""
    (h,) = state
    return (f(h @ W + brought),)


def lstm(W: jax.Array, state: State, brought: jax.Array, f: Activation) -> State:
    """c' = σ(forget) c + σ(input) f(candidate); h' = σ(output) f(c').

    Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber, Cummins (2000).
    """
    h, c = state
    i, forget, o, candidate = jnp.split(h @ W + brought, 4, axis=-1)
    c = jax.nn.sigmoid(forget) * c + jax.nn.sigmoid(i) * f(candidate)
    return jax.nn.sigmoid(o) * f(c), c


def gru(W: jax.Array, state: State, brought: jax.Array, f: Activation) -> State:
    """h' = u h + (1 − u) f(x U + b + r (h W)), with the gates r, u = σ(…).

    Cho and others (2014), arXiv 1406.1078, in the form of cuDNN, PyTorch and Keras, where the reset gate
    stands behind the product: one product serves all three gates. (PyTorch adds a second bias inside it.)
    """
    (h,) = state
    r, u, candidate = jnp.split(h @ W, 3, axis=-1)
    from_r, from_u, from_candidate = jnp.split(brought, 3, axis=-1)
    r, u = jax.nn.sigmoid(r + from_r), jax.nn.sigmoid(u + from_u)
    return (u * h + (1 - u) * f(from_candidate + r * candidate),)


STEPS = {"elman": elman, "lstm": lstm, "gru": gru}
