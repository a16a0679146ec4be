"""The built-in tasks against their sources, and the contract of `Task`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.datasets import load_digits

import kobai
from kobai import initializers as initial_values
from kobai.basics import registry
from kobai.networks import mlp
from kobai.tasks.check import check_start, check_task
from kobai.tasks.digits import TEST, TRAIN, VALIDATION, load
from kobai.tasks.load import load as load_task


def test_the_digits_are_scikit_learns():
    images, labels, _ = load()
    expected_images, expected_labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(images * 16, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)


def test_the_split_is_fixed_and_stratified():
    _, labels, split = load()
    assert [int((split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [1097, 350, 350]
    for part in (TRAIN, VALIDATION, TEST):
        shares = np.bincount(labels[split == part]) / (split == part).sum()
        np.testing.assert_allclose(shares, np.bincount(labels) / 1797, atol=0.005)
    # Anybody's numbers on this split stay comparable only while it stays as it is.
    assert int(np.flatnonzero(split == TEST).sum()) == 329635


def filled(task, seed=0):
    return initial_values.he().fill(task.parameters, seed, layout=task.layout)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_the_loss_of_digits_is_cross_entropy(activation):
    task = kobai.tasks.digits(hidden=(7, 5), activation=activation)
    parameters = filled(task)
    x, y = (a[:20] for a in task.train)
    by_hand = {"relu": lambda a: np.maximum(a, 0), "tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a))}
    h = x
    for layer in parameters[:-1]:
        h = by_hand[activation](h @ layer["weights"].T + layer["biases"])
    z = h @ parameters[-1]["weights"].T + parameters[-1]["biases"]
    expected = -log_softmax(z, axis=1)[np.arange(20), y].mean()
    assert float(task.loss(parameters, (x, y))) == pytest.approx(expected, rel=1e-5)
    assert float(task.metric(parameters, (x, y))) == pytest.approx(np.mean(z.argmax(1) == y))


def test_a_network_of_many_layers_keeps_their_order():
    """JAX sorts the keys of a dict, and "layer_10" would come before "layer_2"."""
    network = mlp.network((3, *range(4, 16), 2), "relu")
    parameters = jax.tree.map(lambda a: a, network.parameters)
    assert [layer["weights"].shape[0] for layer in parameters] == [*range(4, 16), 2]
    outputs, state = network.apply(parameters, np.ones((1, 3), np.float32), None, False)
    assert outputs.shape == (1, 2)
    assert state is None


def test_sine_is_a_sine_with_its_noise():
    task = kobai.tasks.sine()
    for x, y in (task.train, task.validation, task.test):
        assert np.abs(x).max() <= np.pi
        assert np.mean((y - np.sin(x)) ** 2) == pytest.approx(0.01, rel=0.3)
    np.testing.assert_array_equal(task.train[0], kobai.tasks.sine().train[0])
    assert len(np.unique(np.concatenate([task.train[0], task.validation[0], task.test[0]]))) == 800


def test_flatten_and_back():
    parameters = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.arange(2),
        "f": jnp.tanh,
        "z": np.ones(1),
    }
    data = {"train": np.ones(1), "validation": np.ones(1)}
    task = kobai.Task(parameters=parameters, loss=lambda p, b: 0.0, roles={"a": "weight"}, **data)
    θ = task.flatten(parameters)
    np.testing.assert_array_equal(θ, [0, 1, 2, 3, 4, 5, 1])
    back = task.unflatten(θ + 1)
    np.testing.assert_array_equal(back["a"], parameters["a"] + 1)
    np.testing.assert_array_equal(back["n"], parameters["n"])
    assert back["f"] is jnp.tanh
    assert back["a"].dtype == np.float32


def test_every_built_in_task_is_in_the_table_and_passes_its_own_check():
    for name in registry.TASKS:
        task = load_task(name)
        check_task(task)
        check_start(task, filled(task))
        assert task.name == name
        assert task.targets[0] == task.target[0]


def test_relu_is_max_with_derivative_zero_at_zero():
    """Values and both derivatives of jax.nn.relu, forwards and backwards; NaN stays."""
    x = np.array([-2.0, -0.0, 0.0, 1e-30, 3.0, np.inf, -np.inf], np.float32)
    for ours, theirs in (
        (mlp.relu, jax.nn.relu),
        (jax.vmap(jax.grad(mlp.relu)), jax.vmap(jax.grad(jax.nn.relu))),
        (lambda x: jax.jvp(mlp.relu, (x,), (x * 0 + 2,))[1], lambda x: 2 * (x > 0)),
        (jax.vmap(jax.grad(jax.grad(lambda x: mlp.relu(x) ** 2))), lambda x: 2 * (x > 0)),
    ):
        finite = x[:5]
        np.testing.assert_array_equal(ours(finite), theirs(finite))
    np.testing.assert_array_equal(mlp.relu(x), np.maximum(x, 0))
    assert np.isnan(mlp.relu(np.float32("nan")))
