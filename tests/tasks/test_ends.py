"""The ends of a network, found in its traced loss: embeddings, and the layer whose products are the last."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.basics.leaf import Role
from kobai.engine.program import Program

RNG = np.random.default_rng(0)
WORDS = RNG.integers(7, size=(24, 5))


def flags(task):
    return {place.name: flag for place, flag in zip(task.places, task.flags, strict=True)}


def outer(task):
    return {name for name, flag in flags(task).items() if flag == "outer"}


def of(loss, parameters, x=WORDS, roles=None):
    y, said = RNG.integers(3, size=len(x)), dict.fromkeys(parameters, "weight") | (roles or {})
    return kobai.Task(parameters=parameters, loss=loss, train=(x, y), validation=(x, y), roles=said)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def recurrent(parameters, words):
    """Rows of a table, a recurrent layer of two products a step, an output from the last state."""

    def step(h, x):
        h = jnp.tanh(x @ parameters["inputs"] + h @ parameters["recurrent"])
        return h, h

    rows = parameters["table"][words] + parameters["position"]
    return jax.lax.scan(step, jnp.zeros((len(words), 4)), jnp.swapaxes(rows, 0, 1))[0]


SEQUENCE = {
    "a_head": normal(4, 3),
    "inputs": normal(6, 4),
    "position": normal(5, 6),
    "recurrent": normal(4, 4),
    "table": normal(7, 6),
}


def sequence(parameters, batch):
    x, y = batch
    logits = recurrent(parameters, x) @ parameters["a_head"]
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])


def test_of_dense_and_convolutional_networks_the_last_layer_alone():
    assert outer(kobai.tasks.digits(hidden=[4, 4])) == {"2.weights"}
    assert outer(kobai.tasks.digits(hidden=4, batch_norm=True)) == {"1.weights"}
    assert outer(kobai.tasks.digits_cnn()) == {"2.weights"}
    assert outer(kobai.tasks.copy(cell="gru")) == {"output.weights"}


def test_of_an_embedding_and_a_recurrent_layer_the_table_positions_and_the_head():
    """The head stands first in the tree: whoever takes the last array for it (planted) is wrong."""
    task = of(sequence, SEQUENCE)
    assert outer(task) == {"table", "position", "a_head"}
    assert flags(task)["recurrent"] is True
    assert list(flags(task))[-1] != "a_head"


def test_a_table_that_is_the_output_layer_too():
    def tied(p, batch):
        x, y = batch
        h = jnp.tanh(p["table"][x].mean(1) @ p["hidden"])
        return jnp.mean((h @ p["table"].T - y[:, None]) ** 2)

    assert outer(of(tied, {"table": normal(7, 6), "hidden": normal(6, 6)})) == {"table"}


def test_two_heads_a_way_round_and_a_penalty_in_the_loss():
    def heads(p, batch):
        x, y = batch
        h = jnp.tanh(x @ p["first"])
        h = h + jax.jit(lambda h, w: h @ w)(jax.jit(lambda h, w: h @ w)(h, p["second"]), p["third"])
        a, b = h @ p["mean"], h @ p["spread"]
        return (
            jnp.mean((a - y[:, None]) ** 2 * jnp.exp(b) - b) + 0.1 * jnp.mean(h**2) + jnp.sum(p["third"] ** 2)
        )

    names = ("first", "second", "third")
    parameters = {name: normal(5, 5) for name in names} | {"mean": normal(5, 1), "spread": normal(5, 1)}
    assert outer(of(heads, parameters, normal(24, 5))) == {"mean", "spread"}


def test_what_the_caller_says_counts():
    parameters = {"a": normal(5, 4), "b": normal(4, 3)}

    def loss(p, batch):
        return jnp.mean(jnp.tanh(batch[0] @ p["a"]) @ p["b"])

    x = normal(24, 5)
    assert flags(of(loss, parameters, x)) == {"a": True, "b": "outer"}
    assert outer(of(loss, parameters, x, roles={"a": "outer"})) == {"a", "b"}
    inner = of(loss, parameters, x, roles={"b": Role("weight", outer=False)})
    assert outer(inner) == set()
    assert inner.every_role[1].fans is None
    assert flags(of(loss, parameters, x, roles={"b": "frozen"})) == {"a": True}


def test_muon_leaves_the_ends_to_adamw_and_others_do_not_ask(monkeypatch):
    """In the engine: memories of the table, the positions and the head are AdamW's m and v."""
    task = of(sequence, SEQUENCE)
    [rule] = Program(task, [kobai.Muon()], capacity=1).rules
    matrices = sum(SEQUENCE[name].size for name in ("inputs", "recurrent"))
    others = sum(SEQUENCE[name].size for name in ("table", "position", "a_head"))
    assert rule.sizes["floats"] == matrices + 2 * others
    monkeypatch.setattr(kobai.Task, "flags", property(lambda task: pytest.fail("SOAP asked")))
    Program(task, [kobai.SOAP(), kobai.Adam()], capacity=1)


def test_the_outer_weights_of_muon_are_decayed():
    params = {"w": np.ones((2, 2)), "b": np.ones(2)}
    for said, shrinks in (({"w": "outer", "b": False}, True), ({"w": False, "b": False}, False)):
        rule = kobai.Muon(0.1, 0.1, weight_decay=0.5)
        zero = jax.tree.map(np.zeros_like, params)
        Δ, _ = rule.update(zero, rule.init(params, said), params, said)
        np.testing.assert_allclose(Δ["w"], -0.05 * shrinks)
        assert not Δ["b"].any()


def test_a_loss_that_cannot_be_traced_has_no_ends():
    def loss(p, batch):
        return jnp.mean(jnp.asarray(np.asarray(batch[0]) @ np.ones((5, 4))) @ p["a"])

    task = of(loss, {"a": normal(4, 3)}, normal(24, 5))
    assert task.flags == [True]
    assert of(loss, {"a": normal(4, 3)}, normal(24, 5), {"a": "outer"}).flags == ["outer"]


def test_a_loss_with_a_mistake_of_its_own_is_told_in_a_sentence():
    """Planted: whatever it raised counted as a loss that cannot be traced, and Muon went on without ends."""

    def loss(p, batch):
        return jnp.mean(batch[0] @ p["a"].missing)

    task = dataclasses.replace(of(loss, {"a": normal(5, 3)}, normal(24, 5)), batch_size=8)
    with pytest.raises(UsageError, match=r"AttributeError: .*missing.* \(.*test_ends.py:\d+\)") as found:
        _ = task.flags
    assert "\n" not in str(found.value)
    with pytest.raises(UsageError, match=r"AttributeError: .*missing"):
        kobai.compare(task, optimizers="muon", steps=2, progress=False)


def scattered(words):
    """Ones at the places of the words."""
    sentences, places = jnp.indices(words.shape)
    return jnp.zeros((*words.shape, 7)).at[sentences, places, words].set(1.0)


@pytest.mark.parametrize(
    "rows",
    [
        lambda words, table: jax.nn.one_hot(words, 7) @ table,
        lambda words, table: (words[..., None] == jnp.arange(7)).astype(jnp.float32) @ table,
        lambda words, table: jnp.eye(7)[words] @ table,
        lambda words, table: jnp.einsum("bpv,vd->bpd", jax.nn.one_hot(words, 7), table),
        lambda words, table: jax.lax.map(lambda hot: hot @ table, jax.nn.one_hot(words, 7)),
        lambda words, table: jnp.where(words[..., None] == jnp.arange(7), 1.0, 0.0) @ table,
        lambda words, table: scattered(words) @ table,
        lambda words, table: (6**0.5 * jax.nn.one_hot(words, 7)) @ table,
    ],
    ids=["one_hot", "equal", "eye", "einsum", "in a loop", "where", "scattered", "times a number"],
)
def test_a_table_that_is_looked_up_by_a_product_is_an_embedding(rows):
    def loss(p, batch):
        h = jnp.tanh(rows(batch[0], p["table"]).mean(1) @ p["hidden"])
        return jnp.mean((h @ p["head"] - batch[1][:, None]) ** 2)

    parameters = {"table": normal(7, 6), "hidden": normal(6, 6), "head": normal(6, 3)}
    assert outer(of(loss, parameters)) == {"table", "head"}


@pytest.mark.parametrize(
    "rows",
    [
        lambda x, w: jnp.where(jnp.arange(7) == 3, x, 0.0) @ w,
        lambda x, w: jnp.zeros(x.shape).at[:, jnp.arange(7)].set(x) @ w,
        lambda x, w: ((jnp.arange(7) == 3) * x) @ w,
    ],
    ids=["where", "scattered", "times"],
)
def test_numbers_of_the_data_at_one_hot_places_are_no_rows(rows):
    """Planted: whatever is selected, scattered or multiplied by places keeps them."""

    def loss(p, batch):
        h = jnp.tanh(rows(batch[0], p["first"]))
        return jnp.mean((jnp.tanh(h @ p["hidden"]) @ p["head"] - batch[1][:, None]) ** 2)

    parameters = {"first": normal(7, 6), "hidden": normal(6, 6), "head": normal(6, 3)}
    assert outer(of(loss, parameters, normal(24, 7))) == {"head"}


def test_a_matrix_of_other_numbers_is_none():
    """Planted: any product with the words is a look-up. And vectors that are one-hot in the data already are
    numbers as any others: nothing in the program says what they hold."""

    def loss(p, batch):
        x = batch[0].astype(jnp.float32) if batch[0].ndim == 2 else batch[0].mean(1)
        h = jnp.tanh((x + jnp.arange(x.shape[1])) @ p["table"]) @ p["hidden"]
        return jnp.mean((jnp.tanh(h) @ p["head"] - batch[1][:, None]) ** 2)

    parameters = {"hidden": normal(6, 6), "head": normal(6, 3)}
    assert outer(of(loss, parameters | {"table": normal(5, 6)})) == {"head"}
    hot = np.eye(7, dtype=np.float32)[WORDS]
    assert outer(of(loss, parameters | {"table": normal(7, 6)}, hot)) == {"head"}
