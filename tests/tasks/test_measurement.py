"""A loss and a metric of one network's outputs."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from kobai.networks import mlp
from kobai.networks.network import Network
from kobai.tasks.of_network import classification, task_of

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 1, 0, 1, 0])


def test_the_outputs_are_computed_once_and_in_inference_mode():
    modes = []

    def apply(parameters, x, state, training, key=None):
        modes.append(training)
        return x @ parameters["w"] * (10 if training else 1), state

    network = Network({"w": np.ones((2, 1), np.float32)}, None, apply)
    data = X, X.sum(axis=1, keepdims=True) + 2
    task = task_of(
        network,
        loss=lambda outputs, y: jnp.mean((outputs - y) ** 2),
        metric=lambda outputs, y: jnp.max(outputs - y),
        train=data,
        validation=data,
        batch_size=2,
        name="line",
    )
    loss, metric = task.evaluate(task.parameters, None, data)
    assert modes == [False]
    np.testing.assert_allclose((loss, metric), (4, -2), rtol=1e-6)
    trained, _ = task.training_loss(task.parameters, None, data, None)
    assert modes == [False, True]
    np.testing.assert_allclose(trained, np.mean((9 * X.sum(axis=1) - 2) ** 2), rtol=1e-5)


def test_a_loss_or_a_metric_of_ones_own_takes_its_place():
    network = mlp.network((2, 3, 2), "relu")
    task = classification(network, classes=2, train=(X, Y), validation=(X, Y), batch_size=2, name="t")
    usual = task.evaluate(task.parameters, None, (X, Y))
    metric = dataclasses.replace(task, metric=lambda parameters, data: jnp.float32(7))
    assert metric.evaluate(task.parameters, None, (X, Y)) == (usual[0], 7)
    loss = dataclasses.replace(task, loss=lambda parameters, data: jnp.float32(8))
    assert loss.evaluate(task.parameters, None, (X, Y)) == (8, usual[1])


def test_no_layer_is_there_for_all_examples_of_a_large_part():
    """100,000 examples in a layer of 64 are 26 MB in single precision."""
    network = mlp.network((2, 64, 2), "relu")
    data = np.zeros((100_000, 2), np.float32), np.zeros(100_000, np.int32)
    task = classification(network, classes=2, train=data, validation=data, batch_size=128, name="t")

    def is_whole(function):
        return "f32[64,100000]" in str(jax.make_jaxpr(function)(task.parameters, data))

    assert not is_whole(lambda parameters, data: task.evaluate(parameters, None, data))
    assert is_whole(task.loss)
