"""The gradient of a wide layer's weights: which products are turned, and that they are the same."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kobai
from kobai.engine.cell import Cell
from kobai.engine.convolutions import lowered, rewriting
from kobai.engine.convolutions.product import is_slow, turned
from kobai.engine.sweep import Sweep
from swept import HE

random = np.random.default_rng(0)
OVER_ROWS = (((0,), (0,)), ((), ()))
BOTH_TURNED = (((0,), (1,)), ((), ()))


def normal(*shape, dtype=np.float32):
    return random.normal(size=shape).astype(dtype)


def test_a_tall_product_is_the_same_turned():
    a, b = normal(30, 300), normal(30, 7)
    expected = a.astype(float).T @ b.astype(float)
    np.testing.assert_allclose(turned(a, b, OVER_ROWS), expected, atol=1e-5)


def test_a_product_of_two_transposes_is_the_transpose_of_a_product():
    a, b = normal(30, 7), normal(4, 30)
    expected = a.astype(float).T @ b.astype(float).T
    np.testing.assert_allclose(turned(a, b, BOTH_TURNED), expected, atol=1e-5)
    np.testing.assert_allclose(lax.dot_general(a, b, BOTH_TURNED), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "dimensions"),
    [
        (normal(30, 100), normal(30, 7), OVER_ROWS),  # too few rows
        (normal(30, 300), normal(30, 200), OVER_ROWS),  # nearly square
        (normal(7, 30), normal(300, 30), (((1,), (1,)), ((), ()))),  # the second one turned
        (normal(300, 30), normal(30, 7), (((1,), (0,)), ((), ()))),  # forward
        (normal(4, 30, 300), normal(4, 30, 7), (((1,), (1,)), ((0,), (0,)))),  # several at once
        (normal(30, 300, dtype=np.float16), normal(30, 7, dtype=np.float16), OVER_ROWS),
    ],
)
def test_others_are_left_as_they_stand(a, b, dimensions):
    assert not is_slow(a, b, dimensions)
    assert turned(a, b, dimensions) is None


def loss(w, x):
    return jnp.sum(jnp.tanh(x @ w.T) ** 2)


def test_it_is_found_in_a_loop_and_nothing_else_is_touched():
    x, w = normal(20, 5), normal(200, 5)
    program = jax.grad(loss)

    def steps(w):
        return lax.fori_loop(0, 3, lambda _, w: w - 0.01 * program(w, x), w)

    compiled = lowered(steps, w)
    assert "optimization_barrier" in compiled.as_text()
    np.testing.assert_allclose(compiled.compile()(w), jax.jit(steps)(w), rtol=1e-5, atol=1e-6)
    narrow = w[:50]
    assert lowered(steps, narrow).as_text() == jax.jit(steps).lower(narrow).as_text()


@pytest.mark.usefixtures("quick_engine")
def test_a_wide_network_trains_as_it_did(monkeypatch):
    task = kobai.tasks.sine(hidden=150)
    task = dataclasses.replace(task, batch_size=8)
    cell = Cell(kobai.SGD(0.05), HE, 0)

    def curve():
        return Sweep(task, [cell.optimizer], steps=6, evaluate_every=2).train([cell])[0].validation_loss

    rewritten = curve()
    monkeypatch.setattr(rewriting, "_has_form", lambda equation: False)
    np.testing.assert_allclose(rewritten, curve(), rtol=1e-5)
