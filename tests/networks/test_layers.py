"""Convolution and batch normalization against XLA, statistics and torch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kobai
from kobai import initializers as initial_values
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.networks.layers import (
    EPSILON,
    NEW_BATCH,
    batch_norm,
    batch_norm_parameters,
    batch_norm_state,
    convolution,
)
from kobai.optimizers.adam import Adam
from libraries import normal


@pytest.mark.parametrize(
    ("space", "kernel", "stride", "padding"),
    [
        ((8, 8), (3, 3), 1, None),
        ((7, 4), (2, 3), 2, None),
        ((40,), (5,), 2, None),
        ((40,), (5,), 2, 1),
        ((7, 4), (2, 3), 2, 2),
    ],
)
def test_convolution_is_that_of_xla(space, kernel, stride, padding):
    x, weights = normal(4, *space, 3), normal(*kernel, 3, 6, seed=1)
    numbers = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC")}[len(space)]

    def expected(weights, x):
        ends = "SAME" if padding is None else [(padding, padding)] * len(space)
        return lax.conv_general_dilated(x, weights, (stride,) * len(space), ends, dimension_numbers=numbers)

    def ours(weights, x):
        return convolution(weights, x, stride=stride, padding=padding)

    np.testing.assert_allclose(ours(weights, x), expected(weights, x), rtol=1e-4, atol=1e-5)

    def derivatives(f):
        return jax.grad(lambda weights, x: jnp.sum(jnp.sin(f(weights, x))), (0, 1))(weights, x)

    for mine, theirs in zip(derivatives(ours), derivatives(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_convolution_looks_at_neighbours_in_order():
    """By hand: a kernel (1, 10, 100) on 1 2 3 4, with a zero at either end."""
    y = convolution(np.array([1.0, 10, 100]).reshape(3, 1, 1), np.arange(1.0, 5).reshape(1, 4, 1))
    np.testing.assert_array_equal(y[0, :, 0], [210, 321, 432, 43])


# Batch normalization


def normalized(x, *, scale=1.0, shift=0.0, training=True, state=None):
    features = x.shape[-1]
    parameters = {"scale": np.full(features, scale), "shift": np.full(features, shift)}
    return batch_norm(parameters, state or batch_norm_state(features), x, training=training)


@pytest.mark.parametrize("shape", [(64, 5), (64, 7, 5), (16, 4, 4, 5)])
def test_the_output_has_mean_β_and_standard_deviation_γ(shape):
    x = 3 + 7 * normal(*shape)
    y, _ = normalized(x, scale=2.5, shift=-1.5)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(np.mean(y, axes), -1.5, atol=1e-4)
    np.testing.assert_allclose(np.std(y, axes), 2.5, rtol=1e-4)


def test_the_output_does_not_depend_on_scale_and_shift_of_the_input():
    x = normal(64, 5)
    y, _ = normalized(x)
    for factor, offset in ((10, 0), (1, 100), (0.5, -3)):
        again, _ = normalized(factor * x + offset)
        np.testing.assert_allclose(again, y, atol=1e-3)


def test_training_and_inference_differ():
    x = 3 + 7 * normal(64, 5)
    in_training, state = normalized(x)
    in_inference, unchanged = normalized(x, training=False, state=state)
    assert np.abs(in_training - in_inference).max() > 0.5
    jax.tree.map(np.testing.assert_array_equal, unchanged, state)
    # In inference an example's output does not depend on its company; in training it does.
    alone, _ = normalized(x[:1], training=False, state=state)
    np.testing.assert_allclose(alone, in_inference[:1], rtol=1e-6)
    half, _ = normalized(x[:32])
    assert np.abs(half - in_training[:32]).max() > 0.01


def running(population, *, batch, steps):
    """The mean, over the second half of the steps, of the running statistics."""
    rows = np.random.default_rng(1).integers(len(population), size=(steps, batch))
    parameters = batch_norm_parameters(population.shape[-1])

    def step(state, rows):
        _, state = batch_norm(parameters, state, jnp.asarray(population)[rows], training=True)
        return state, state

    _, past = lax.scan(step, batch_norm_state(population.shape[-1]), rows)
    return jax.tree.map(lambda values: np.mean(values[steps // 2 :], axis=0), past)


def test_running_statistics_converge_to_the_population():
    population = np.array([3.0, -2.0], np.float32) + np.array([7.0, 0.5], np.float32) * normal(10_000, 2)
    found = running(population, batch=8, steps=10_000)
    np.testing.assert_allclose(found["mean"], population.mean(axis=0), rtol=0.03)
    # Planted: the biased variance of batches of 8 would converge to 7/8 of it, which this test would see.
    np.testing.assert_allclose(found["variance"], population.var(axis=0), rtol=0.04)


def test_the_convention_is_pytorchs(from_torch):
    """Weight w on the new batch, unbiased variance; torch calls w its momentum."""
    x = [3 + 2 * normal(16, 4, seed=i) for i in range(5)]

    def theirs(torch):
        """The output for each batch, the running mean and variance, the output in inference: [97 …, 4]."""
        layer = torch.nn.BatchNorm1d(4, eps=EPSILON, momentum=NEW_BATCH)
        outputs = [layer(torch.tensor(batch)).detach().numpy() for batch in x]
        running = [layer.running_mean.numpy()[None], layer.running_var.numpy()[None]]
        return np.concatenate([*outputs, *running, layer.eval()(torch.tensor(x[0])).detach().numpy()])

    *outputs, running, inference = np.split(from_torch("batch_norm", theirs), [16, 32, 48, 64, 80, 82])
    state, parameters = batch_norm_state(4), batch_norm_parameters(4)
    for batch, expected in zip(x, outputs, strict=True):
        y, state = batch_norm(parameters, state, batch, training=True)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose([state["mean"], state["variance"]], running, rtol=1e-5)
    y, _ = batch_norm(parameters, state, x[0], training=False)
    np.testing.assert_allclose(y, inference, rtol=1e-4, atol=1e-5)


def test_the_gradient_goes_through_the_statistics(from_torch):
    """A gradient that took μ and σ for constants would be another one: torch knows the right one."""
    x, c = normal(16, 4), normal(16, 4, seed=1)

    def theirs(torch):
        given = torch.tensor(x, requires_grad=True)
        (torch.nn.BatchNorm1d(4, eps=EPSILON)(given) * torch.tensor(c)).sum().backward()
        return given.grad.numpy()

    ours = jax.grad(lambda x: jnp.sum(c * normalized(x)[0]))(x)
    np.testing.assert_allclose(ours, from_torch("batch_norm_gradient", theirs), rtol=1e-3, atol=1e-5)
    # Σ over the batch of ∂/∂x is zero, since a shift of all examples changes nothing.
    np.testing.assert_allclose(np.sum(ours, axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("make", [kobai.tasks.digits, kobai.tasks.digits_cnn])
def test_a_task_with_batch_normalization(make, place):
    task = make(batch_norm=place)
    *hidden, output = initial_values.he().fill(task.parameters, 0, layout=task.layout)
    for layer in hidden:
        # Initializers, and whatever else keeps to two and more dimensions, leave γ and β alone.
        np.testing.assert_array_equal(layer["scale"], 1)
        np.testing.assert_array_equal(layer["shift"], 0)
        assert ("biases" in layer) == (place == "after")  # β would undo biases before it
    assert set(output) == {"weights", "biases"}
    x, y = (array[:50] for array in task.train)
    loss, state = task.loss([*hidden, output], (x, y), state=task.state)
    inference = task.validation_loss([*hidden, output], (x, y), state=task.state)
    assert abs(float(loss) - float(inference)) > 0.01
    assert len(state) == len(hidden)
    assert all(np.abs(layer["mean"]).max() > 0 for layer in state)


def test_batch_normalization_stands_where_it_is_asked_for():
    """By hand, on a network of one hidden layer."""
    x = 2 + normal(32, 64)
    weights, last = normal(64, 6, seed=1), normal(6, 10, seed=2)

    def by_hand(a):
        return (a - a.mean(axis=0)) / np.sqrt(a.var(axis=0) + EPSILON)

    z = x @ weights
    expected = {"before": np.maximum(by_hand(z), 0), "after": by_hand(np.maximum(z, 0))}
    for place, h in expected.items():
        network = kobai.networks.mlp.network((64, 6, 10), "relu", place)
        parameters = network.parameters
        parameters[0]["weights"], parameters[1]["weights"] = weights.T, last.T
        outputs, _ = network.apply(parameters, x, network.state, True)
        np.testing.assert_allclose(outputs, h @ last, rtol=1e-3, atol=1e-3)


def test_names_of_places():
    assert kobai.tasks.digits(batch_norm=True).parameters[0].keys() == {"weights", "scale", "shift"}
    assert kobai.tasks.digits(batch_norm="on").parameters[0].keys() == {"weights", "scale", "shift"}
    for off in (False, "off"):
        assert kobai.tasks.digits(batch_norm=off).state is None
    with pytest.raises(kobai.UsageError, match="there is no place for batch normalization 'befor'; did you"):
        kobai.tasks.digits(batch_norm="befor")


def test_the_engine_carries_the_running_statistics():
    """A short training in the engine against a plain loop over the same draws."""
    from kobai.engine.draws import INITIAL, mini_batch, stream

    task = kobai.tasks.digits(hidden=10, batch_norm=True, batch_size=32)
    rule = Adam(learning_rate=0.01)
    [run] = THREADS.runs(Sweep(task, [rule], steps=8, evaluate_every=8), [Cell(rule, initial_values.he(), 0)])
    parameters = initial_values.he().fill(task.parameters, stream(0, INITIAL), layout=task.layout)
    memory, state = rule.init(parameters), task.state
    gradient = jax.jit(jax.grad(lambda p, batch, state: task.loss(p, batch, state=state), has_aux=True))
    for rows in mini_batch(0, 0, 8, 32, len(task.train[0])):
        batch = tuple(array[rows] for array in task.train)
        g, state = gradient(parameters, batch, state)
        update, memory = rule.update(g, memory, parameters)
        parameters = jax.tree.map(jnp.add, parameters, update)
    expected = task.validation_loss(parameters, task.validation, state=state)
    assert run.validation_loss[-1] == pytest.approx(float(expected), rel=1e-3)
    # Planted: without the carried statistics the answer would be another one.
    assert run.validation_loss[-1] != pytest.approx(
        float(task.validation_loss(parameters, task.validation, state=task.state)), rel=0.05
    )


def test_batch_norm_is_the_same_along_another_axis():
    x = np.random.default_rng(2).standard_normal((8, 3)).astype(np.float32)
    parameters = {"scale": np.float32([1, 2, 3]), "shift": np.float32([0.1, 0.2, 0.3])}
    for training in (True, False):
        y, state = batch_norm(parameters, batch_norm_state(3), x, training=training)
        turned, same = batch_norm(parameters, batch_norm_state(3), x.T, training=training, axis=0)
        np.testing.assert_allclose(turned.T, y, rtol=1e-6)
        assert y.std() > 0.5
        for name, value in state.items():
            np.testing.assert_allclose(same[name], value, rtol=1e-6)
