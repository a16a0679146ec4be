"""Sites of networks against their own layers, and what is run with them against the network itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai import tasks
from kobai.initializers import parse
from kobai.questions.curvature import training_loss
from kobai.questions.diagnosis.sites import Site, observed

KINDS = {
    "mlp": (lambda: tasks.sine(hidden=(5, 4)), [Site("tanh"), Site("tanh")]),
    "relu": (lambda: tasks.digits(hidden=7), [Site("relu")]),
    "sigmoid": (lambda: tasks.digits(hidden=7, activation="sigmoid"), [Site("sigmoid")]),
    "cnn": (lambda: tasks.digits_cnn(hidden=(3, 4)), [Site("relu"), Site("relu")]),
    "elman": (lambda: tasks.adding(length=4, hidden=5), [Site("state", time=True), Site("tanh", time=True)]),
    "linear": (lambda: tasks.mnist1d(model="logistic"), []),
}


@functools.cache
def network(name):
    task = KINDS[name][0]()
    batch = jax.tree.map(lambda array: array[:16], task.train)
    return training_loss(task, batch), jnp.asarray(task.start(parse("xavier"), 0))


@pytest.mark.parametrize("name", KINDS)
def test_the_sites_are_the_layers_of_the_network(name):
    loss, θ = network(name)
    assert observed(loss, θ).sites == KINDS[name][1]


def test_the_gates_of_an_lstm_are_factors():
    task = tasks.adding(length=4, hidden=5, cell="lstm")
    batch = jax.tree.map(lambda array: array[:16], task.train)
    sites = observed(training_loss(task, batch), task.start(parse("xavier"), 0)).sites
    assert [site.kind for site in sites[:2]] == ["state", "state"]
    assert all(site.gate for site in sites[2:])


def test_a_relu_may_be_written_in_other_ways():
    for relu in (jax.nn.relu, lambda x: jnp.maximum(x, 0), lambda x: jnp.maximum(jnp.zeros_like(x), x)):
        assert observed(lambda x, relu=relu: jnp.sum(relu(x)), np.ones((2, 3))).sites == [Site("relu")]
    for other in (lambda x: jnp.maximum(x, 1), jax.nn.softplus, jax.nn.log_softmax):
        assert observed(lambda x, other=other: jnp.sum(other(x)), np.ones((2, 3))).sites == []


@pytest.mark.parametrize("name", ["mlp", "relu", "cnn", "elman"])
def test_with_shifts_of_zero_loss_and_gradient_are_those_of_the_network(name):
    loss, θ = network(name)
    program = observed(loss, θ)
    _, values = jax.eval_shape(functools.partial(program.run, None), θ)
    zeros = [jnp.zeros(value.shape, value.dtype) for value in values]
    plain = jax.jit(jax.value_and_grad(loss))(θ)
    with_shifts = jax.jit(jax.value_and_grad(lambda θ: program.run(zeros, θ)[0]))(θ)
    np.testing.assert_allclose(with_shifts[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(with_shifts[1], plain[1], rtol=1e-5, atol=1e-7)


def test_the_derivative_by_a_shift_is_the_one_by_the_activation():
    """Of a network written by hand: L = Σ tanh(x w) v, so ∂L/∂a = v."""
    x, w, v = (np.random.default_rng(i).standard_normal(shape) for i, shape in enumerate([(6, 3), (3, 4), 4]))
    program = observed(lambda w: jnp.sum(jnp.tanh(x @ w) @ v), w)
    by_shift = jax.grad(lambda shift: program.run([shift], w)[0])(jnp.zeros((6, 4)))
    np.testing.assert_allclose(by_shift, np.broadcast_to(v, (6, 4)), rtol=1e-6)


def test_through_time_it_is_the_product_of_the_jacobians():
    """h ← tanh(h W): ∂L/∂h_t by the shift of the state against the derivative of the rest of the run."""
    W = 0.5 * np.random.default_rng(3).standard_normal((4, 4)).astype(np.float32)
    h = np.random.default_rng(4).standard_normal((1, 4)).astype(np.float32)

    def after(h, steps):
        for _ in range(steps):
            h = jnp.tanh(h @ W)
        return h

    def loss(h):
        return jnp.sum(jax.lax.scan(lambda h, _: (jnp.tanh(h @ W), None), h, None, length=5)[0])

    program = observed(loss, h)
    shifts = [jnp.zeros((5, 1, 4)), jnp.zeros((5, 1, 4))]
    by_state = jax.grad(lambda shifts: program.run(shifts, h)[0])(shifts)[0]
    for t in range(5):
        expected = jax.grad(lambda h, t=t: jnp.sum(after(h, 5 - t)))(after(h, t))
        np.testing.assert_allclose(by_state[t], expected, rtol=1e-4, atol=1e-6)
