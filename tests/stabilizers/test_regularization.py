"""Penalties and decay against hand-computed numbers, torch and optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kobai.basics.errors import UsageError
from kobai.optimizers import SGD, AdamW, Lion
from kobai.optimizers.base import decayed
from kobai.stabilizers import l1, l2, weight_decay

PARAMS = {"w": np.array([[1.0, -2.0], [0.0, 3.0]]), "b": np.array([4.0, -5.0])}


ZERO = jax.tree.map(np.zeros_like, PARAMS)


def test_penalties_by_hand():
    assert l1(0.5).loss(PARAMS) == 0.5 * 6
    assert l2(0.5).loss(PARAMS) == 0.25 * 14
    assert l2(0.5, biases=True).loss(PARAMS) == 0.25 * (14 + 41)
    np.testing.assert_array_equal(l1(0.5).gradient(ZERO, PARAMS)["w"], [[0.5, -0.5], [0, 0.5]])
    np.testing.assert_array_equal(l2(0.5).gradient(ZERO, PARAMS)["w"], [[0.5, -1], [0, 1.5]])


@pytest.mark.parametrize("penalty", [l1(0.3), l2(0.3), l1(0.3, biases=True), l2(0.3, biases=True)])
def test_the_gradient_is_that_of_the_loss(penalty):
    """JAX's derivative of the penalty; biases are left alone unless asked for."""
    params = jax.tree.map(lambda a: a + 0.5, PARAMS)  # away from the corner of |w|
    expected = jax.grad(penalty.loss)(jax.tree.map(jnp.asarray, params))
    found = penalty.gradient(ZERO, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)
    assert found["b"].any() == penalty.biases


def test_weights_can_be_named_in_a_flat_vector():
    θ = np.array([1.0, -2.0, 0.0, 3.0, 4.0, -5.0])
    weights = np.array([1.0, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(l2(0.5).gradient(0 * θ, θ, weights), [0.5, -1, 0, 1.5, 0, 0])
    np.testing.assert_array_equal(weight_decay(0.5).update(0 * θ, θ, 0.1, weights), -0.05 * θ * weights)


def test_decay_is_l2_for_sgd_and_not_for_adam():
    g = jax.tree.map(lambda a: a + 1, PARAMS)
    sgd = SGD(learning_rate=0.1)
    penalized, _ = sgd.update(l2(0.5).gradient(g, PARAMS), sgd.init(PARAMS), PARAMS)
    beside = weight_decay(0.5).update(sgd.update(g, sgd.init(PARAMS))[0], PARAMS, 0.1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), penalized, beside)
    adamw = AdamW(learning_rate=0.1, weight_decay=0.5)
    plain = AdamW(learning_rate=0.1, weight_decay=0.0)
    penalized, _ = plain.update(l2(0.5).gradient(g, PARAMS), plain.init(PARAMS), PARAMS)
    beside, _ = adamw.update(g, adamw.init(PARAMS), PARAMS)
    assert np.abs(penalized["w"] - beside["w"]).max() > 0.01


def train(optimizer, steps=20):
    """Parameters after steps on a loss that pulls every entry towards 1, in float64."""

    def step(carry, _):
        params, state = carry
        update, state = optimizer.update(jax.tree.map(lambda a: a - 1, params), state, params)
        return (jax.tree.map(jnp.add, params, update), state), None

    with jax.enable_x64(True):
        params = jax.tree.map(jnp.asarray, PARAMS)
        (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), length=steps)
    return params


def only_weights(params):
    return jax.tree.map(lambda a: a.ndim >= 2, params)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AdamW(0.05, weight_decay=0.3), optax.adamw(0.05, weight_decay=0.3, mask=only_weights)),
        (Lion(0.05, weight_decay=0.3), optax.lion(0.05, weight_decay=0.3, mask=only_weights)),
    ],
    ids=["adamw", "lion"],
)
def test_adamw_and_lion_equal_optax_with_a_mask(ours, theirs):
    jax.tree.map(
        # 1e-12: 20 steps of float64 rounding, in two orders of the same operations.
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12),
        train(ours),
        train(theirs),
    )


def test_without_its_mask_optax_decays_biases():
    """The difference of the conventions is no matter of tolerance."""
    ours, theirs = train(AdamW(0.05, weight_decay=0.3)), train(optax.adamw(0.05, weight_decay=0.3))
    assert np.abs(ours["b"] - theirs["b"]).max() > 0.1


def test_adamw_equals_torch(from_torch):
    def theirs(torch):
        parameter = torch.nn.Parameter(torch.tensor(PARAMS["w"]))
        optimizer = torch.optim.AdamW([parameter], lr=0.05, weight_decay=0.3)
        for _ in range(20):
            optimizer.zero_grad()
            ((parameter - 1) ** 2 / 2).sum().backward()
            optimizer.step()
        return parameter.detach().numpy()

    # torch shrinks before it steps, by the same factor: Δ = −ηλθ + Adam's, whose g is of the old θ.
    np.testing.assert_allclose(
        train(AdamW(0.05, weight_decay=0.3))["w"], from_torch("adamw", theirs), rtol=1e-9
    )


def test_decay_without_parameters_is_refused():
    rule = AdamW()
    with pytest.raises(UsageError, match="update was given none"):
        rule.update(PARAMS, rule.init(PARAMS))
    assert decayed(np.ones(2), None, 0.1).tolist() == [1, 1]  # nothing there to decay
