"""Flax NNX: values after ten steps are those of its own loop, statistics move, dropout draws by the key."""

import jax
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
    ours,
    roles,
    task_of,
)  # fmt: skip

nnx = framework("flax.nnx")


class MLP(nnx.Module):
    def __init__(self, rngs):
        self.hidden, self.out = nnx.Linear(5, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.relu(self.hidden(x)))


class CNN(nnx.Module):
    def __init__(self, rngs, rate=0.0):
        self.conv = nnx.Conv(1, 4, (3, 3), use_bias=False, rngs=rngs)
        self.norm, self.dropout = nnx.BatchNorm(4, rngs=rngs), nnx.Dropout(rate, rngs=rngs)
        self.out = nnx.Linear(64, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), (2, 2))
        return self.out(self.dropout(x.reshape(len(x), -1)))


class GRU(nnx.Module):
    def __init__(self, rngs):
        self.rnn, self.out = nnx.RNN(nnx.GRUCell(4, 5, rngs=rngs)), nnx.Linear(5, 3, rngs=rngs)

    def __call__(self, x):
        return self.out(self.rnn(x)[:, -1])


class Transformer(nnx.Module):
    def __init__(self, rngs):
        self.embed, self.norm = nnx.Embed(20, 6, rngs=rngs), nnx.LayerNorm(6, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(2, 6, decode=False, rngs=rngs)
        self.out = nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, x):
        x = self.embed(x)
        return self.out(self.norm(x + self.attention(x)).mean(axis=1))


ZOO = {
    "mlp": (MLP, VECTORS),
    "cnn": (CNN, IMAGES),
    "gru": (GRU, SEQUENCES),
    "transformer": (Transformer, WORDS),
}


def theirs(model, x, rule):
    optimizer = nnx.Optimizer(model, rule, wrt=nnx.Param)
    model.train()

    @nnx.jit
    def step(model, optimizer, x, y):
        optimizer.update(model, nnx.grad(lambda model: cross_entropy(model(x), y))(model))

    for rows in batches():
        step(model, optimizer, x[rows], Y[rows])
    return nnx.split(model, nnx.Param, nnx.BatchStat, ...)[1:3]


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_ten_steps_are_those_of_its_own_loop(name, rule):
    kind, x = ZOO[name]
    mine, optax_rule, tolerance = RULES[rule]
    trained, state, learned = ours(task_of(kind(nnx.Rngs(0)), x), mine)
    params, statistics = theirs(kind(nnx.Rngs(0)), x, optax_rule)
    assert_alike(trained, params, tolerance, learned)
    if name == "cnn":
        assert_alike(state, statistics, tolerance)
        assert float(np.abs(state["norm.mean"]).max()) > 0


def test_dropout_draws_by_the_key():
    assert_draws(task_of(CNN(nnx.Rngs(0), rate=0.5), IMAGES))


def test_roles_and_fans():
    told = roles(task_of(GRU(nnx.Rngs(0)), SEQUENCES))
    assert told["rnn.cell.dense_i.kernel"] == ("weight", (4, 5))  # three gates beside one another
    assert told["rnn.cell.dense_h.kernel"] == ("weight", (5, 5))
    told = roles(task_of(Transformer(nnx.Rngs(0)), WORDS))
    assert told["embed.embedding"] == ("weight", (6, 20))
    assert told["attention.query.kernel"] == told["attention.out.kernel"] == ("weight", (6, 6))
    assert told["norm.scale"][0] == "scale"
    assert roles(task_of(CNN(nnx.Rngs(0)), IMAGES))["conv.kernel"] == ("weight", (9, 36))


def test_a_class_draws_its_own_values_and_compares_from_end_to_end():
    task = task_of(CNN, IMAGES)
    assert not np.array_equal(task.own(0)["conv.kernel"], task.own(1)["conv.kernel"])
    assert jax.tree.all(jax.tree.map(np.array_equal, task.own(0), task.own(0)))
    result = compared(CNN, IMAGES)
    assert {i.name for i in result.outcome.study.initializers} == {"own", "he", "xavier"}
