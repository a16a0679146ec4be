"""The dense network."""

import jax
import numpy as np

from kobai.networks import mlp


def test_a_network_of_many_layers_keeps_their_order():
    """JAX sorts the keys of a dict, and "layer_10" would come before "layer_2"."""
    network = mlp.network((3, *range(4, 16), 2), "relu")
    parameters = jax.tree.map(lambda a: a, network.parameters)
    assert [layer["weights"].shape[0] for layer in parameters] == [*range(4, 16), 2]
    outputs, state = network.apply(parameters, np.ones((1, 3), np.float32), None, False)
    assert outputs.shape == (1, 2)
    assert state is None


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
