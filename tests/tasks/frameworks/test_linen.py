"""Flax Linen: values after ten steps are those of its own loop, statistics move, dropout draws by the key."""

import jax
import numpy as np
import optax
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

nn = framework("flax.linen")


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(3)(nn.relu(nn.Dense(8)(x)))


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(nn.Conv(4, (3, 3), use_bias=False)(x)))
        x = nn.avg_pool(x, (2, 2), (2, 2)).reshape(len(x), -1)
        return nn.Dense(3)(nn.Dropout(0.5, deterministic=not train)(x))


class GRU(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(3)(nn.RNN(nn.GRUCell(5))(x)[:, -1])


class Transformer(nn.Module):
    @nn.compact
    def __call__(self, x, deterministic):
        x = nn.Embed(20, 6)(x)
        attention = nn.MultiHeadDotProductAttention(2, dropout_rate=0.1, deterministic=deterministic)
        return nn.Dense(3)(nn.LayerNorm()(x + attention(x)).mean(axis=1))


ZOO = {
    "mlp": (MLP, VECTORS),
    "cnn": (CNN, IMAGES),
    "gru": (GRU, SEQUENCES),
    "transformer": (Transformer, WORDS),
}
MODES = {"cnn": {"train": True}, "transformer": {"deterministic": False}}


def theirs(model, x, rule, mode, parameters, statistics):
    @jax.jit
    def step(parameters, statistics, memory, x, y, key):
        def loss(parameters):
            variables, rngs = {"params": parameters, **statistics}, {"dropout": key, "params": key}
            logits, moved = model.apply(variables, x, rngs=rngs, mutable=["batch_stats"], **mode)
            return cross_entropy(logits, y), moved

        g, moved = jax.grad(loss, has_aux=True)(parameters)
        update, memory = rule.update(g, memory)
        return optax.apply_updates(parameters, update), moved, memory

    memory = rule.init(parameters)
    for number, rows in enumerate(batches()):
        parameters, statistics, memory = step(parameters, statistics, memory, x[rows], Y[rows], key(number))
    return parameters, statistics


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_ten_steps_are_those_of_its_own_loop(name, rule):
    kind, x = ZOO[name]
    mine, optax_rule, tolerance = RULES[rule]
    task = task_of(kind(), x)
    trained, state, learned = ours(task, mine)
    params, statistics = theirs(
        kind(), x, optax_rule, MODES.get(name, {}), task.parameters["params"], task.state or {}
    )
    assert_alike(trained, params, tolerance, learned)
    if name == "cnn":
        assert_alike(state, statistics, tolerance)
        assert float(np.abs(state["batch_stats"]["BatchNorm_0"]["mean"]).max()) > 0


@pytest.mark.parametrize("name", ["cnn", "transformer"])
def test_dropout_draws_by_the_key(name):
    kind, x = ZOO[name]
    assert_draws(task_of(kind(), x))


def test_roles_and_fans():
    told = roles(task_of(GRU(), SEQUENCES))
    assert told["params.GRUCell_0.in.kernel"] == ("weight", (4, 5))
    told = roles(task_of(Transformer(), WORDS))
    assert told["params.Embed_0.embedding"] == ("weight", (6, 20))
    assert told["params.MultiHeadDotProductAttention_0.query.kernel"] == ("weight", (6, 6))
    assert told["params.MultiHeadDotProductAttention_0.out.kernel"] == ("weight", (6, 6))
    assert told["params.LayerNorm_0.scale"][0] == "scale"


def test_a_module_draws_its_own_values_and_compares_from_end_to_end():
    result = compared(CNN(), IMAGES)
    assert {i.name for i in result.outcome.study.initializers} == {"own", "he", "xavier"}
