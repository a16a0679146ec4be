"""What the instruments see at one site; that their steps are those of the engine, `test_record` tests."""

import jax.numpy as jnp
import numpy as np
import pytest

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


def test_the_curvature_is_that_of_the_penalty_too():
    """½λw² + ½λ₂w²: both add up, where w pays."""
    task = valley([1.0, 4.0])
    own = Instruments(task, [SGD(0.1)])
    for penalty, ends in ((np.zeros(2), (1, 4)), (np.array([2.0, 2.0]), (3, 6))):
        examples = own.examples(task.train)
        found = own.curvature(np.ones(2, np.float32), None, examples, np.ones(2), penalty)
        np.testing.assert_allclose(found, ends, rtol=1e-4)
