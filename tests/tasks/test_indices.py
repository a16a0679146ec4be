"""A whole number of the data by which nothing can be looked up is told, whichever way it is looked up."""

import dataclasses

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

import kobai
from framework_loop import framework
from kobai.tasks.check import check_start, check_task
from kobai.tasks.indices import outside

CLASSES, TOKENS, LENGTH = 3, 10, 4
PARTS = {"train": (40, 33), "validation": (12, 7), "test": (9, 0)}
"""How many rows a part has, and the bad one."""


def log_p(parameters, x):
    return jax.nn.log_softmax(x @ parameters["w"] + parameters["b"])


def clamped(parameters, x, y):
    return -log_p(parameters, x)[jnp.arange(len(y)), y].mean()


def along_an_axis(parameters, x, y):
    return -jnp.take_along_axis(log_p(parameters, x), y[:, None], axis=1).mean()


def one_by_one(parameters, x, y):
    return -jax.vmap(lambda p, label: p[label])(log_p(parameters, x), y).mean()


def sliced(parameters, x, y):
    return -jax.vmap(lambda p, label: lax.dynamic_index_in_dim(p, label))(log_p(parameters, x), y).mean()


def one_hot(parameters, x, y):
    return -(jax.nn.one_hot(y, CLASSES) * log_p(parameters, x)).sum(-1).mean()


def compared(parameters, x, y):
    return -jnp.where(y[:, None] == jnp.arange(CLASSES), log_p(parameters, x), 0).sum(-1).mean()


NUMBERS = jnp.arange(CLASSES)


def compared_one_by_one(parameters, x, y):
    hot = jax.vmap(lambda label: label == NUMBERS)(y)
    return -(hot * log_p(parameters, x)).sum(-1).mean()


def of_a_unit_matrix(parameters, x, y):
    return -(jnp.eye(CLASSES)[y] * log_p(parameters, x)).sum(-1).mean()


def set_to_one(parameters, x, y):
    hot = jnp.zeros((len(y), CLASSES)).at[jnp.arange(len(y)), y].set(1.0)
    return -(hot * log_p(parameters, x)).sum(-1).mean()


def of_optax(parameters, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(log_p(parameters, x), y).mean()


def in_a_loop(parameters, x, y):
    p = log_p(parameters, x)
    return -lax.fori_loop(0, len(y), lambda i, total: total + p[i, y[i]], 0.0) / len(y)


def in_a_branch(parameters, x, y):
    p = log_p(parameters, x)
    return -lax.cond(p.sum() < 1e9, lambda: p[jnp.arange(len(y)), y], lambda: p[:, 0]).mean()


def in_a_scan(parameters, x, y):
    def step(total, row):
        p, label = row
        return total + p[label], None

    return -lax.scan(step, 0.0, (log_p(parameters, x), y))[0] / len(y)


def in_a_checkpoint(parameters, x, y):
    return jax.checkpoint(clamped)(parameters, x, y)


LOSSES = [
    *(clamped, along_an_axis, one_by_one, sliced, one_hot, compared, compared_one_by_one, of_a_unit_matrix),
    *(set_to_one, of_optax, in_a_loop, in_a_branch, in_a_scan, in_a_checkpoint),
]


W = {"w": np.zeros((2, CLASSES), np.float32), "b": np.zeros(CLASSES, np.float32)}
"""Where the weights are zero all classes are alike, and an index out of range is seen all the same."""


class Judge:
    """A measure, compiled once: by which number of a batch it looks up what is not there."""

    def __init__(self, measure, parameters):
        self.watched = jax.jit(lambda batch, amount: outside(measure, parameters, batch, amount))

    def __call__(self, *batch):
        """That number, and how many there are; None where there is none, or where it does not count."""
        (value, place), (other, _) = (self.watched(batch, amount) for amount in (0.0, 1.0))
        return (int(place.number), int(place.size)) if place.exists and value != other else None


def batch(label=None, dtype=np.int32):
    """Four examples, of which the third has this label."""
    y = np.array([0, 1, 2, 0], dtype)
    if label is not None:
        y[2] = label
    return np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32), y


@pytest.mark.parametrize("loss", LOSSES)
def test_a_label_beyond_the_classes_is_told(loss):
    judge = Judge(lambda p, data: loss(p, *data), W)
    assert judge(*batch()) is None
    assert [judge(*batch(label)) for label in (5, 3, -1, -7)] == [(5, 3), (3, 3), (-1, 3), (-7, 3)]


def labelled(loss, **changes):
    """A task with that loss; `changes` are rows of labels by part: {part: (row, label)}."""
    parts = {}
    for part, (rows, _) in PARTS.items():
        rng = np.random.default_rng(rows)
        y = rng.integers(CLASSES, size=rows).astype(np.int32)
        if part in changes:
            y[changes[part][0]] = changes[part][1]
        parts[part] = rng.normal(size=(rows, 2)).astype(np.float32), y
    return kobai.Task(parameters=W, loss=lambda p, d: loss(p, *d), batch_size=4, **parts)


def check(task):
    check_task(task)
    check_start(task, task.parameters)


def refused(task):
    with pytest.raises(kobai.UsageError) as caught:
        check(task)
    return str(caught.value)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("loss", [clamped, one_hot])
def test_every_part_is_looked_at(loss, part):
    _, row = PARTS[part]
    assert f"row {row} of {part}, counted from 0, gives the index 3" in refused(
        labelled(loss, **{part: (row, 3)})
    )


def test_the_metric_s_lookups_count_too():
    task = labelled(lambda parameters, x, y: jnp.mean((log_p(parameters, x) - 1) ** 2), validation=(7, 3))
    metric = {"metric": lambda p, d: clamped(p, *d), "metric_name": "entropy"}
    check(task)
    assert "row 7 of validation" in refused(dataclasses.replace(task, **metric))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.float32])
def test_labels_of_any_kind_of_number(dtype):
    judge = Judge(lambda p, data: clamped(p, data[0], data[1].astype(jnp.int32)), W)
    assert judge(*batch(dtype=dtype)) is None
    assert judge(*batch(7, dtype)) == (7, 3)


def test_labels_that_count_from_one():
    """Their arithmetic is followed; what it makes negative counts from the end, as in Python."""
    judge = Judge(lambda p, data: clamped(p, data[0], data[1] - 1), W)
    assert judge(*batch()) is None
    assert judge(*batch(4)) == (3, 3)


# What is out of range on purpose passes.


def of_each(loss):
    return jax.vmap(lambda p, row, label: loss(p, row[None], label[None]), (None, 0, 0))


def masked(loss):
    """Labels below 0 count nothing."""
    return lambda p, x, y: jnp.where(y < 0, 0, of_each(loss)(p, x, y)).sum() / (y >= 0).sum()


def weighted(loss):
    return lambda p, x, y: (of_each(loss)(p, x, y) * (y >= 0)).mean()


def replaced(loss):
    return lambda p, x, y: loss(p, x, jnp.where(y < 0, 0, y))


@pytest.mark.parametrize("way", [masked, weighted, replaced])
@pytest.mark.parametrize("loss", [clamped, one_hot, of_optax])
def test_what_is_masked_passes(loss, way):
    judge = Judge(lambda p, data: way(loss)(p, *data), W)
    assert judge(*batch(-1)) is None
    assert judge(*batch(3)) == (3, 3)


def test_a_clipped_label_passes():
    judge = Judge(lambda p, data: clamped(p, data[0], jnp.clip(data[1], 0, CLASSES - 1)), W)
    assert judge(*batch(5)) is None


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, x, y: (log_p(p, x).sum(-1) * (y == 1)).mean(),  # one class against all
        lambda p, x, y: ((y[:, None] == jnp.array([1, 2])) * log_p(p, x)[:, 1:]).mean(),  # two of three
        lambda p, x, y: ((y[:, None] == y[None]) * (log_p(p, x) @ log_p(p, x).T)).mean(),
        lambda p, x, y: ((y[:, None] > jnp.arange(CLASSES)) * log_p(p, x)).mean(),
        lambda p, x, y: (log_p(p, x)[:, 0] * y).mean(),  # a number like any other
        lambda p, x, y: log_p(p, x)[:, -1].mean(),
        lambda p, x, y: (log_p(p, x)[jnp.arange(len(y)), jnp.argmax(x, 1)] * y).mean(),
        lambda p, x, y: jax.ops.segment_sum(log_p(p, x)[:, 0], y, CLASSES).mean(),  # drops by its definition
    ],
)
def test_numbers_that_look_nothing_up_pass(loss):
    assert Judge(lambda p, data: loss(p, *data), W)(*batch(7)) is None


# Embeddings.

TABLE = np.random.default_rng(0).normal(size=(TOKENS, 5)).astype(np.float32)
LAYER = equinox.nn.Embedding(TOKENS, 5, key=jax.random.key(0))

LOOKUPS = {
    "index": (lambda p, tokens: p[tokens], TABLE),
    "take": (lambda p, tokens: jnp.take(p, tokens, axis=0), TABLE),
    "one_hot": (lambda p, tokens: jax.nn.one_hot(tokens, TOKENS) @ p, TABLE),
    "Equinox": (lambda p, tokens: jax.vmap(jax.vmap(p))(tokens), LAYER),
    "shifted": (lambda p, tokens: p[tokens[:, :-1]], TABLE),
    "in time": (lambda p, t: lax.scan(lambda h, t: (h + p[t], h), jnp.zeros((4, 5)), t.T)[0], TABLE),
    "beside positions": (lambda p, tokens: p[tokens] + p[jnp.arange(LENGTH)], TABLE),
    "behind a norm": (lambda p, tokens: (p[tokens] - p[tokens].mean(-1, keepdims=True)) ** 3, TABLE),
}


def tokens(token=0):
    return np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, token, 9, 0], [9, 9, 9, 9]], np.int32)


def test_a_token_beyond_the_table_of_flax_is_told():
    module = framework("flax.linen").Embed(TOKENS, 5)
    told_of_each(module.apply, {"params": {"embedding": TABLE}})


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_token_beyond_the_table_is_told(name):
    told_of_each(*LOOKUPS[name])


def told_of_each(lookup, table):
    judge = Judge(lambda p, data: jnp.mean(lookup(jax.tree.map(jnp.asarray, p), data[0]) ** 2), table)
    assert [judge(tokens(token)) for token in (0, 10, -1)] == [None, (10, 10), (-1, 10)]


def test_padding_that_is_masked_passes():
    def loss(table, data):
        return jnp.mean(jnp.where(data[0][..., None] < 0, 0, jnp.asarray(table)[data[0]]) ** 2)

    assert Judge(loss, TABLE)(tokens(-1)) is None


@pytest.mark.parametrize("loss", [clamped, one_hot, set_to_one, in_a_loop, in_a_branch, in_a_scan])
def test_evaluated_equation_by_equation_a_loss_is_what_it_was(loss):
    rows = jax.tree.map(jnp.asarray, batch())
    value, place = outside(lambda p, data: loss(p, *data), W, rows, 0.0)
    assert value == loss(W, *rows)
    assert not place.exists


@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_look_at_all_rows_changes_nothing_and_sees_the_same(loss):
    """It costs little, since its program is that of the loss and what is asked of the indices."""

    def look(amount):
        return jax.jit(lambda rows: outside(lambda p, data: loss(p, *data), W, rows, amount))

    for label in (None, 3, -1):
        rows = jax.tree.map(jnp.asarray, batch(label))
        value, place = look(None)(rows)
        np.testing.assert_array_equal(value, look(0.0)(rows)[0])
        assert bool(place.exists) == (label is not None)
    assert size(look(None), rows) < size(look(0.0), rows)


def size(function, *arguments):
    """How many equations a program has."""
    return str(jax.make_jaxpr(function)(*arguments)).count(" = ")


@pytest.mark.parametrize("problem", [NotImplementedError, TypeError, KeyError, ZeroDivisionError])
def test_a_program_that_cannot_be_read_is_not_judged(monkeypatch, problem):
    def closed(*_):
        raise problem

    monkeypatch.setattr("kobai.tasks.indices.Reader.closed", closed)
    assert Judge(lambda p, data: clamped(p, *data), W)(*batch(5)) is None
