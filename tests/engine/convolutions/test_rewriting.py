"""The interpreter finds convolutions wherever they are, and leaves a program without any as it was."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kobai
from kobai.engine.cell import Cell
from kobai.engine.convolutions import lowered, rewriting
from kobai.engine.convolutions.convolution import convolution
from kobai.engine.sweep import Sweep
from kobai.initializers import he

random = np.random.default_rng(0)
X = random.normal(size=(4, 5, 8, 8)).astype(np.float32)
W = random.normal(size=(7, 5, 3, 3)).astype(np.float32)


def layer(w, x=X):
    """Channels first, as PyTorch and Equinox have them."""
    return jnp.tanh(lax.conv(x, w, (1, 1), "SAME"))


def loss(w, x=X):
    return jnp.mean(layer(w, x) ** 2)


@jax.custom_vjp
def own_vjp(w):
    return loss(w)


own_vjp.defvjp(lambda w: (loss(w), w), lambda w, t: (t * jax.grad(loss)(w),))


@jax.custom_jvp
def own_jvp(w):
    return loss(w)


own_jvp.defjvps(lambda t, y, w: y * jnp.sum(t * w))


def descended(w):
    return lax.fori_loop(0, 3, lambda i, w: w - 0.1 * jax.grad(loss)(w), w)


PLACES = {
    "itself": jax.grad(loss),
    "fori_loop": descended,
    "while_loop": lambda w: lax.while_loop(lambda w: loss(w) > 0.3, lambda w: w - 0.1 * jax.grad(loss)(w), w),
    "scan": lambda w: lax.scan(lambda w, x: (w - jax.grad(loss)(w, x), loss(w, x)), w, np.stack([X, X + 1])),
    "scan, derived": jax.grad(lambda w: jnp.sum(lax.map(lambda x: loss(w, x), np.stack([X, X + 1])))),
    "cond": lambda w: lax.cond(w[0, 0, 0, 0] > 0, loss, lambda w: -loss(2 * w), w),
    "jit": lambda w: lax.fori_loop(0, 2, lambda i, w: jax.jit(jax.grad(loss))(w), w),
    "remat": jax.grad(jax.checkpoint(loss)),
    "custom_vjp": own_vjp,
    "custom_vjp, derived": jax.grad(own_vjp),
    "custom_jvp": own_jvp,
    "custom_jvp, derived": jax.grad(own_jvp),
    "example by example": jax.grad(lambda w: jnp.mean(jax.vmap(lambda x: layer(w, x[None]))(X) ** 2)),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_convolution_is_found(place):
    program = lowered(PLACES[place], W)
    layouts = set(re.findall(r"dim_numbers = (\[.*?\]x\[.*?\]->\[.*?\])", program.as_text()))
    assert layouts == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}
    results, expected = program.compile()(W), jax.jit(PLACES[place])(W)
    for a, b in zip(jax.tree.leaves(results), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max())


def test_constants_and_structures_are_kept():
    function = lambda tree: {"y": (loss(tree["w"]) * tree["c"], X.sum()), "none": None}  # noqa: E731
    tree = {"w": W, "c": np.float32(2)}
    results, expected = lowered(function, tree).compile()(tree), function(tree)
    assert jax.tree.structure(results) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), results, expected)


def test_a_program_without_convolutions_is_the_one_that_it_was():
    task = kobai.tasks.adding(length=4, hidden=8)
    sweep = Sweep(task, [kobai.Adam()], steps=2, evaluate_every=1)
    arguments = []
    own = rewriting.lowered

    def watched(function, *given):
        arguments.append((function, given))
        return own(function, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kobai.engine.convolutions.lowered", watched)
        text = sweep.text()
    assert text == jax.jit(arguments[0][0]).lower(*arguments[0][1]).as_text()


def test_another_device_gets_the_program_as_it_stands(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert lowered(descended, W).as_text() == jax.jit(descended).lower(W).as_text()


def test_a_training_is_the_same(monkeypatch):
    """The sweep compiles the rewritten program: a network of convolutions and maxima trains as it did."""
    x = random.normal(size=(60, 1, 8, 8)).astype(np.float32)
    y = random.integers(0, 3, 60)

    def scores(p, x):
        x = jnp.maximum(lax.conv(x, p["kernel"], (1, 1), "SAME"), 0)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return x.reshape(len(x), -1) @ p["dense"]

    def cost(p, batch):
        return -jnp.mean(jax.nn.log_softmax(scores(p, batch[0]))[jnp.arange(len(batch[1])), batch[1]])

    task = kobai.Task(
        parameters={"kernel": np.zeros((4, 1, 3, 3), np.float32), "dense": np.zeros((64, 3), np.float32)},
        loss=cost,
        train=(x[:40], y[:40]),
        validation=(x[40:], y[40:]),
        batch_size=20,
        roles={"kernel": "weight", "dense": "weight"},
    )
    cell = Cell(kobai.SGD(learning_rate=0.1), he(), 0)

    def curve():
        return Sweep(task, [cell.optimizer], steps=8, evaluate_every=2).train([cell])[0].validation_loss

    fast = curve()
    called = []
    monkeypatch.setitem(
        rewriting.FORMS, "conv_general_dilated", lambda *a, **k: called.append(a) or convolution(*a, **k)
    )
    curve()
    assert called
    for name in rewriting.FORMS:
        monkeypatch.setitem(rewriting.FORMS, name, lambda *a, **k: None)
    np.testing.assert_allclose(fast, curve(), rtol=1e-5)
