"""The task of a network: state, randomness, several inputs, and the built-in networks as they were."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai.networks.network import Network
from kobai.tasks.check import check_task
from kobai.tasks.of_network import task_of

X = {"left": np.arange(12, dtype=np.float32).reshape(6, 2), "right": np.ones((6, 2), np.float32)}
Y = np.arange(6, dtype=np.float32)[:, None]


def apply(parameters, x, state, training, key=None):
    """A weighted sum of two inputs; in training with noise, and a state that counts."""
    outputs = (x["left"] + x["right"]) @ parameters["w"]
    if not training:
        return outputs + state["shift"], state
    return outputs + jax.random.normal(key, outputs.shape), {"shift": state["shift"] + 1}


def squared_error(outputs, y):
    return jnp.mean((outputs - y) ** 2)


@pytest.fixture
def task():
    network = Network(
        {"w": np.ones((2, 1), np.float32)},
        {"shift": np.zeros((), np.float32)},
        apply,
        roles={"w": "bias"},
        random=True,
    )
    return task_of(network, loss=squared_error, train=(X, Y), validation=(X, Y), batch_size=3)


def test_a_network_of_named_inputs_draws_with_the_key_and_carries_its_state(task):
    check_task(task)
    losses = [
        task.training_loss(task.parameters, task.state, task.train, jax.random.key(seed))
        for seed in (0, 0, 1)
    ]
    assert losses[0][0] == losses[1][0] != losses[2][0]
    assert losses[0][1]["shift"] == 1


def test_inference_takes_no_key_and_uses_the_state(task):
    values = [task.evaluate(task.parameters, {"shift": np.float32(s)}, task.validation)[0] for s in (0, 5)]
    sums = (X["left"] + 1).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(values, [np.mean((sums + s - Y) ** 2) for s in (0, 5)], rtol=1e-6)


def test_the_roles_of_the_network_are_those_of_the_task_unless_others_are_said(task):
    assert [role.kind for role in task.every_role] == ["bias"]
    network = Network({"w": np.ones((2, 1), np.float32)}, None, apply, roles={"w": "bias"})
    other = task_of(network, loss=squared_error, roles={"w": "frozen"}, train=(X, Y), validation=(X, Y))
    assert [role.kind for role in other.every_role] == ["frozen"]
