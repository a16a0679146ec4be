"""Ten steps of training follow torch's own loop."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import kobai  # noqa: E402
from kobai.tasks.frameworks.torch import network_of, optimizer_of  # noqa: E402
from torch_zoo import BATCH, Words, called, member  # noqa: E402

STEPS = 10
MOMENTUM = kobai.Momentum(learning_rate=0.05, momentum=0.9)
ADAM = kobai.Adam(learning_rate=0.01)


def batches(inputs):
    """Different rows of the inputs for each step, and targets."""
    generator = np.random.default_rng(2)
    for _ in range(STEPS):
        rows = generator.permutation(BATCH)
        targets = generator.standard_normal((BATCH, 3))
        yield jax.tree.map(lambda tensor, rows=rows: tensor[rows], inputs), targets


def first(outputs):
    return outputs[0] if isinstance(outputs, tuple) else outputs


def theirs(module, inputs, optimizer):
    """The parameters and buffers after torch's own loop."""
    stepper = optimizer_of(optimizer, module)
    for batch, y in batches(inputs):
        stepper.zero_grad()
        output = first(called(module, batch))
        middle = output.reshape(BATCH, -1, output.shape[-1]).mean(1)[:, :3]
        (middle - torch.tensor(y).to(output)).square().mean().backward()
        stepper.step()
    arrays = {name: p.detach().numpy() for name, p in module.named_parameters()}
    return arrays, {name: b.numpy() for name, b in module.named_buffers()}


def ours(network, inputs, optimizer, quickly):
    """The parameters and the state after a loop of JAX."""

    def loss(parameters, state, x, y):
        outputs, state = network.apply(parameters, x, state, True)
        output = first(outputs)
        middle = output.reshape(BATCH, -1, output.shape[-1]).mean(1)[:, :3]
        return jnp.mean(jnp.square(middle - y.astype(output.dtype))), state

    @quickly
    def step(parameters, memory, state, x, y):
        gradient, state = jax.grad(loss, has_aux=True)(parameters, state, x, y)
        update, memory = optimizer.update(gradient, memory, parameters)
        return jax.tree.map(jnp.add, parameters, update), memory, state

    parameters, state = network.parameters, network.state
    memory = optimizer.init(parameters)
    for batch, y in batches(inputs):
        x = jax.tree.map(lambda tensor: tensor.numpy(), batch)
        parameters, memory, state = step(parameters, memory, state, x, y)
    return parameters, state


def compared(name, optimizer, quickly, *, double, tolerance, steps=ours):
    """Assert that both loops end at the same parameters and statistics."""
    with jax.enable_x64(True) if double else contextlib.nullcontext():
        module, inputs = member(name)
        if double:
            module = module.double()
            inputs = jax.tree.map(lambda t: t.double() if t.is_floating_point() else t, inputs)
        network = network_of(module, jax.tree.map(lambda tensor: tensor.numpy(), inputs))
        parameters, state = steps(network, inputs, optimizer, quickly)
        expected, buffers = theirs(module, inputs, optimizer)
        for place, array in parameters.items():
            assert array.dtype == expected[place].dtype
            np.testing.assert_allclose(array, expected[place], rtol=0, atol=tolerance, err_msg=place)
        for place, array in (state or {}).items():
            close = {"rtol": tolerance, "atol": tolerance}
            np.testing.assert_allclose(array, buffers[place], **close, err_msg=place)


@pytest.mark.parametrize("optimizer", [MOMENTUM, ADAM], ids=["momentum", "adam"])
@pytest.mark.parametrize("name", ["cnn", "residual", "lstm", "transformer", "tied"])
def test_in_double_precision(name, optimizer, quickly):
    compared(name, optimizer, quickly, double=True, tolerance=1e-6)


@pytest.mark.parametrize("name", ["cnn", "lstm", "transformer", "tied"])
def test_momentum_in_single_precision(name, quickly):
    compared(name, MOMENTUM, quickly, double=False, tolerance=1e-4)


@pytest.mark.parametrize("name", ["mlp", "residual", "lstm", "tied"])
def test_adam_in_single_precision(name, quickly):
    """Not where a gradient is zero but for rounding (a bias before BatchNorm): Adam blows it up."""
    compared(name, ADAM, quickly, double=False, tolerance=1e-3)


def test_a_state_that_is_left_behind_is_seen(quickly):
    def forgetful(network, inputs, optimizer, quickly):
        parameters, _ = ours(network, inputs, optimizer, quickly)
        return parameters, network.state

    with pytest.raises(AssertionError, match="norm"):
        compared("residual", MOMENTUM, quickly, double=False, tolerance=1e-4, steps=forgetful)


def test_the_table_of_words_and_the_last_layer_are_at_the_ends_of_a_module():
    rng = np.random.default_rng(0)
    task = kobai.Task.of(Words(), (rng.integers(1, 11, size=(24, 4)), rng.integers(3, size=24)))
    flags = {place.name: flag for place, flag in zip(task.places, task.flags, strict=True)}
    assert flags == {"head.bias": False, "head.weight": "outer", "table.weight": "outer"}
