"""What the instruments see at one site; that their steps are those of the engine, `test_record` tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.optimizers.sgd import SGD
from kobai.questions.diagnosis.instruments import Instruments, _seen
from kobai.questions.diagnosis.sites import RELU, SIGMOID, TANH, Site
from ranged import valley


@pytest.mark.parametrize(
    ("kind", "values", "share"),
    [
        (SIGMOID, [0.04, 0.06, 0.94, 0.96], 0.5),
        (TANH, [-0.96, -0.94, 0.94, 0.96], 0.5),
        (RELU, [0.0, 0.5, 7.0, 9.0], 0),
    ],
)
def test_a_unit_is_saturated_near_the_ends_of_what_it_can_be(kind, values, share):
    value = jnp.asarray(np.tile(values, (3, 1)).astype(np.float32))
    seen = _seen(Site(kind), value, jnp.ones_like(value), -1)
    assert float(seen["saturated"]) == share
    assert float(seen["reach"]) == pytest.approx(np.sqrt(12))


def test_a_dead_unit_is_0_for_every_example():
    value = jnp.asarray([[0.0, 0.0, 1.0], [0.0, 2.0, 1.0]], jnp.float32)
    assert float(_seen(Site(RELU), value, value, -1)["dead"]) == pytest.approx(1 / 3)
    assert float(_seen(Site(TANH), value / 3, value, -1)["dead"]) == pytest.approx(
        2 / 3
    )  # those that never vary


@pytest.mark.parametrize("units", [9, 6])  # as many as there are examples, and fewer
def test_units_are_found_where_examples_are_columns(units):
    """A network by columns beside the same by rows; 9 of the 18 examples are looked at for units."""
    x, y = np.random.default_rng(0).standard_normal((2, 18, 3)).astype(np.float32)
    w, v = np.random.default_rng(1).standard_normal((2, units, 3)).astype(np.float32)

    def by_rows(p, x):
        return jax.nn.relu(x @ p["w"].T - 1) @ p["v"]

    def by_columns(p, x):
        return (p["v"].T @ jax.nn.relu(p["w"] @ x.T - 1)).T

    def seen(forward):
        task = kobai.Task(
            parameters={"w": w, "v": v},
            loss=lambda p, batch: jnp.mean((forward(p, batch[0]) - batch[1]) ** 2),
            train=(x, y),
            validation=(x, y),
            batch_size=6,
            roles={"w": "weight", "v": "weight"},
        )
        own = Instruments(task, [SGD(0.1)])
        examples = own.examples(task.train)
        [site] = own._at_sites(task.flatten(task.parameters), None, own._units(examples))
        return site

    rows, columns = seen(by_rows), seen(by_columns)
    assert rows.keys() == columns.keys()
    for name, value in rows.items():
        np.testing.assert_allclose(columns[name], value, rtol=1e-5, err_msg=name)
    assert float(rows["spread"]) > 0


def test_the_curvature_is_that_of_the_penalty_too():
    """½λw² + ½λ₂w²: both add up, where w pays."""
    task = valley([1.0, 4.0])
    own = Instruments(task, [SGD(0.1)])
    for penalty, ends in ((np.zeros(2), (1, 4)), (np.array([2.0, 2.0]), (3, 6))):
        examples = own.examples(task.train)
        found = own.curvature(np.ones(2, np.float32), None, examples, np.ones(2), penalty)
        np.testing.assert_allclose(found, ends, rtol=1e-4)
