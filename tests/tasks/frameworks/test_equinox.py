"""Equinox: values after ten steps are those of its own loop, statistics move, dropout draws by the key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from framework_loop import (
    CASES,
    IMAGES,
    RULES,
    SEQUENCES,
    VECTORS,
    WORDS,
    Y,
    assert_alike,
    assert_draws,
    batches,
    compared,
    cross_entropy,
    framework,
    key,
    ours,
    roles,
    task_of,
)  # fmt: skip

eqx = framework("equinox")


class CNN(eqx.Module):
    conv: eqx.nn.Conv2d
    norm: eqx.nn.BatchNorm
    dropout: eqx.nn.Dropout
    out: eqx.nn.Linear

    def __init__(self, key):
        first, second = jax.random.split(key)
        self.conv = eqx.nn.Conv2d(1, 4, 3, use_bias=False, key=first)
        self.norm = eqx.nn.BatchNorm(4, axis_name="examples", mode="batch")
        self.dropout, self.out = eqx.nn.Dropout(0.5), eqx.nn.Linear(144, 3, key=second)

    def __call__(self, x, state, key=None):
        x, state = self.norm(self.conv(jnp.moveaxis(x, -1, 0)), state)
        return self.out(self.dropout(jax.nn.relu(x).ravel(), key=key)), state


class GRU(eqx.Module):
    cell: eqx.nn.GRUCell
    out: eqx.nn.Linear

    def __init__(self, key):
        first, second = jax.random.split(key)
        self.cell, self.out = eqx.nn.GRUCell(4, 5, key=first), eqx.nn.Linear(5, 3, key=second)

    def __call__(self, x):
        last, _ = jax.lax.scan(lambda state, x: (self.cell(x, state), None), jnp.zeros(5), x)
        return self.out(last)


class Transformer(eqx.Module):
    embed: eqx.nn.Embedding
    attention: eqx.nn.MultiheadAttention
    norm: eqx.nn.LayerNorm
    out: eqx.nn.Linear

    def __init__(self, key):
        keys = jax.random.split(key, 3)
        self.embed = eqx.nn.Embedding(20, 6, key=keys[0])
        self.attention = eqx.nn.MultiheadAttention(2, 6, dropout_p=0.1, key=keys[1])
        self.norm, self.out = eqx.nn.LayerNorm(6), eqx.nn.Linear(6, 3, key=keys[2])

    def __call__(self, x, key=None):
        x = jax.vmap(self.embed)(x)
        return self.out(jax.vmap(self.norm)(x + self.attention(x, x, x, key=key)).mean(axis=0))


def stateful(key):
    return eqx.nn.make_with_state(CNN)(key)


ZOO = {
    "mlp": (lambda key: eqx.nn.MLP(5, 3, 8, 1, key=key), VECTORS),
    "cnn": (stateful, IMAGES),
    "gru": (GRU, SEQUENCES),
    "transformer": (Transformer, WORDS),
}


def theirs(name, model, x, rule):
    model, state = model if isinstance(model, tuple) else (model, None)

    def loss(model, state, x, y, key):
        keys = jax.random.split(key, len(x))
        if name == "cnn":
            batched = jax.vmap(model, (0, None, 0), (0, None), axis_name="examples")
            logits, state = batched(x, state, keys)
        else:
            logits = jax.vmap(model)(x, key=keys) if name == "transformer" else jax.vmap(model)(x)
        return cross_entropy(logits, y), state

    @eqx.filter_jit
    def step(model, state, memory, x, y, key):
        g, state = eqx.filter_grad(loss, has_aux=True)(model, state, x, y, key)
        update, memory = rule.update(g, memory)
        return eqx.apply_updates(model, update), state, memory

    memory = rule.init(eqx.filter(model, eqx.is_inexact_array))
    for number, rows in enumerate(batches()):
        model, state, memory = step(model, state, memory, x[rows], Y[rows], key(number))
    return eqx.filter(model, eqx.is_inexact_array), state


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_ten_steps_are_those_of_its_own_loop(name, rule):
    maker, x = ZOO[name]
    mine, optax_rule, tolerance = RULES[rule]
    task = task_of(maker(jax.random.key(0)), x)
    trained, state, learned = ours(task, mine)
    params, statistics = theirs(name, maker(jax.random.key(0)), x, optax_rule)
    assert_alike(trained, params, tolerance, learned)
    if name == "cnn":
        for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(statistics), strict=True):
            np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["cnn", "transformer"])
def test_dropout_draws_by_the_key(name):
    maker, x = ZOO[name]
    assert_draws(task_of(maker(jax.random.key(0)), x))


def test_roles_and_fans():
    told = roles(task_of(GRU(jax.random.key(0)), SEQUENCES))
    assert told["cell.weight_ih"] == ("weight", (4, 5))  # three gates below one another
    assert told["cell.weight_hh"] == ("weight", (5, 5))
    assert told["cell.bias"][0] == told["cell.bias_n"][0] == "bias"


def test_a_function_draws_its_own_values_and_compares_from_end_to_end():
    task = task_of(stateful, IMAGES)
    assert not np.array_equal(task.own(0).conv.weight, task.own(1).conv.weight)
    result = compared(stateful, IMAGES)
    assert {i.name for i in result.outcome.study.initializers} == {"own", "he", "xavier"}
