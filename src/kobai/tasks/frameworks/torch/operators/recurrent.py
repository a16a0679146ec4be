"""Recurrent layers, each one operator: a scan along the sequence, layer after layer.

The gates lie below one another in torch's weights: input, forget, candidate, output in an LSTM; reset,
update, candidate in a GRU, whose candidate has a bias of its own inside the reset gate.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

from kobai.tasks.frameworks.torch.operators.products import biased, linear
from kobai.tasks.frameworks.torch.operators.randomness import Draw, dropout
from kobai.tasks.frameworks.torch.operators.table import operator

State: TypeAlias = tuple[Array, ...]
"""What a cell carries along, arrays [examples, nodes]; the first is its output."""

Cell: TypeAlias = Callable[[State, Array, Array], State]
"""(state, what the inputs bring, what the state brings) -> state."""


def lstm_cell(state: State, from_inputs: Array, from_state: Array) -> State:
    i, forget, candidate, o = jnp.split(from_inputs + from_state, 4, axis=-1)
    c = jax.nn.sigmoid(forget) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(candidate)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_cell(state: State, from_inputs: Array, from_state: Array) -> State:
    reset_x, update_x, candidate_x = jnp.split(from_inputs, 3, axis=-1)
    reset_h, update_h, candidate_h = jnp.split(from_state, 3, axis=-1)
    candidate = jnp.tanh(candidate_x + jax.nn.sigmoid(reset_x + reset_h) * candidate_h)
    update = jax.nn.sigmoid(update_x + update_h)
    return ((1 - update) * candidate + update * state[0],)


def tanh_cell(state: State, from_inputs: Array, from_state: Array) -> State:
    return (jnp.tanh(from_inputs + from_state),)


def relu_cell(state: State, from_inputs: Array, from_state: Array) -> State:
    return (jax.nn.relu(from_inputs + from_state),)


def along(
    cell: Cell, x: Array, start: State, weights: Sequence[Array], has_biases: bool, reverse: bool
) -> tuple[State, Array]:
    """One layer in one direction along [time, examples, in]: (the last state, all outputs)."""
    W, U = weights[:2]
    b, c = weights[2:4] if has_biases else (None, None)
    projection = weights[-1] if len(weights) in (3, 5) else None
    from_inputs = linear(x, W, b)  # what the inputs bring is one product for all times

    def step(state: State, from_inputs: Array) -> tuple[State, Array]:
        h, *rest = cell(state, from_inputs, linear(state[0], U, c))
        h = h if projection is None else linear(h, projection)
        return (h, *rest), h

    return lax.scan(step, start, from_inputs, reverse=reverse)


def layers(
    draw: Draw,
    cell: Cell,
    x: Array,
    states: State,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    p: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Array]:
    """All layers, with dropout between them: the outputs of the last, and the last states of every one."""
    x = jnp.swapaxes(x, 0, 1) if batch_first else x
    directions = 2 if bidirectional else 1
    each = len(params) // (num_layers * directions)
    ends = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            i = layer * directions + direction
            start = tuple(state[i] for state in states)
            end, y = along(cell, x, start, params[i * each : (i + 1) * each], has_biases, direction == 1)
            ends.append(end)
            outputs.append(y)
        x = outputs[0] if directions == 1 else jnp.concatenate(outputs, axis=-1)
        if layer < num_layers - 1:
            x = dropout(x, p, train, draw=draw)
    x = jnp.swapaxes(x, 0, 1) if batch_first else x
    return [x, *(jnp.stack(state) for state in zip(*ends, strict=True))]


@operator("lstm", draws=True)
def lstm(input: Array, hx: Sequence[Array], params: Sequence[Array], *rest: Any, draw: Draw) -> list[Array]:
    return layers(draw, lstm_cell, input, tuple(hx), params, *rest)


def _one_state(cell: Cell, name: str) -> None:
    @operator(name, draws=True)
    def layer(input: Array, hx: Array, params: Sequence[Array], *rest: Any, draw: Draw) -> list[Array]:
        return layers(draw, cell, input, (hx,), params, *rest)


_one_state(gru_cell, "gru")
_one_state(tanh_cell, "rnn_tanh")
_one_state(relu_cell, "rnn_relu")


def _single(
    cell: Cell,
    input: Array,
    hx: Array | Sequence[Array],
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
) -> Array | list[Array]:
    """One step of a cell that stands alone."""
    state = tuple(hx) if isinstance(hx, list | tuple) else (hx,)
    new = cell(state, linear(input, w_ih, b_ih), biased(state[0] @ w_hh.T, b_hh))
    return list(new) if len(new) > 1 else new[0]


operator("lstm_cell")(functools.partial(_single, lstm_cell))
operator("gru_cell")(functools.partial(_single, gru_cell))
operator("rnn_tanh_cell")(functools.partial(_single, tanh_cell))
operator("rnn_relu_cell")(functools.partial(_single, relu_cell))
