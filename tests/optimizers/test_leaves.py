"""What the parts make of leaves that are no plain float arrays: modules, counters, complex, half."""

import equinox as eqx
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

import kobai
from kobai.networks.layers import batch_norm, batch_norm_parameters, batch_norm_state
from kobai.stabilizers import (
    clip_norm,
    clip_value,
    early_stopping,
    exponential,
    l1,
    l2,
    polyak,
    weight_decay,
)

RULES = [
    kobai.SGD(), kobai.Momentum(), kobai.Nesterov(), kobai.AdaGrad(), kobai.AdaDelta(), kobai.RMSProp(),
    kobai.Adam(), kobai.AdamW(), kobai.Lion(weight_decay=0.1),
]  # fmt: skip
HALF = [np.float16, ml_dtypes.bfloat16, jnp.float16, jnp.bfloat16]


class Module(eqx.Module):
    """A module as users have them: arrays, a counter, a flag, a function, a name."""

    layer: eqx.nn.Linear
    convolution: eqx.nn.Conv2d
    steps: jax.Array
    on: jax.Array
    activation: object
    name: str

    def __init__(self, shift=0.0):
        key = jax.random.key(0)
        layer = eqx.nn.Linear(3, 2, key=key)
        self.layer = eqx.tree_at(lambda layer: layer.bias, layer, layer.bias + shift)
        self.convolution = eqx.nn.Conv2d(1, 4, 2, key=key)
        self.steps = jnp.int32(shift)
        self.on = jnp.bool_(True)
        self.activation = jax.nn.relu
        self.name = "mine"


def slope(model):
    """The gradient of ½‖θ‖², as Equinox gives it: None for whatever is no float array."""
    floats = lambda model: jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))  # noqa: E731
    return eqx.filter_grad(lambda model: sum(jnp.sum(leaf**2) / 2 for leaf in floats(model)))(model)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_trains_a_whole_module_as_it_trains_its_arrays(rule):
    model = Module()
    arrays = eqx.filter(model, eqx.is_inexact_array)
    update, state = rule.update(slope(model), rule.init(model), model)
    plain, _ = rule.update(slope(model), rule.init(arrays), arrays)
    for mine, theirs in zip(jax.tree.leaves(update), jax.tree.leaves(plain), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    moved = eqx.apply_updates(model, update)
    assert moved.activation is model.activation
    assert int(moved.steps) == 0
    update, _ = rule.update(slope(moved), state, moved)
    assert np.isfinite(update.layer.weight).all()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("own", [False, True])
def test_random_keys_and_what_has_no_gradient_stay(rule, own):
    """A key of JAX is an array of no numbers; None for an array is a gradient that is not asked for."""
    parameters = {"w": jnp.ones(2), "frozen": np.ones(2, np.float32), "key": jax.random.key(0), "pace": 0.5}
    gradient = {"w": jnp.ones(2), "frozen": None, "key": parameters["key"] if own else None, "pace": None}
    update, state = rule.update(gradient, rule.init(parameters), parameters)
    update, _ = rule.update(gradient, state, parameters)
    assert (update["frozen"], update["pace"]) == (None, None)
    assert update["key"] is gradient["key"]
    assert np.all(update["w"] < 0)


def test_the_best_parameters_are_kept_with_their_random_keys():
    parameters = {"w": jnp.ones(2), "key": jax.random.key(3)}
    rule = early_stopping(2)
    best = rule.update(0.5, parameters, rule.init({"w": jnp.zeros(2), "key": jax.random.key(0)}))
    assert best.params["key"] == jax.random.key(3)
    worse = rule.update(0.7, {"w": jnp.zeros(2), "key": jax.random.key(1)}, best)
    assert worse.params["key"] == jax.random.key(3)


def test_whole_numbers_and_the_gradients_by_them_do_not_move():
    parameters = {"w": jnp.ones((2, 2)), "n": jnp.int32(3), "on": jnp.bool_(True)}
    gradient = jax.grad(lambda p: jnp.sum(p["w"] ** 2), allow_int=True)(parameters)
    update, _ = kobai.AdamW().update(gradient, kobai.AdamW().init(parameters), parameters)
    assert not np.any(update["n"])
    assert not np.any(update["on"])
    clipped, _ = clip_norm(1.0).update(gradient, clip_norm(1.0).init(parameters))
    np.testing.assert_allclose(clipped["w"], 0.5)


@pytest.mark.parametrize("zero", [jnp.int32(0), np.int64(5), jnp.float32(2.0), None], ids=str)
@pytest.mark.parametrize("rule", [*RULES, kobai.NesterovDefinition()], ids=lambda rule: type(rule).__name__)
def test_every_rule_leaves_whole_numbers_alone(rule, zero):
    """Whatever their gradient is said to be. SGD once made -0.0 of them, in float32."""
    parameters = {"w": jnp.ones(2), "n": jnp.int32(3)}
    gradient = {"w": jnp.ones(2), "n": zero}
    state = rule.init(parameters)
    update, state = rule.update(gradient, state, parameters)
    assert not np.all(update["w"] == 0)
    if zero is None:
        assert update["n"] is None
    else:
        assert update["n"] == 0
        assert update["n"].dtype == zero.dtype
    assert rule.lookahead(parameters, state)["n"] == 3


def test_without_parameters_a_rule_with_no_memory_takes_whole_numbers_for_none():
    update, _ = kobai.SGD().update({"n": np.int32([4])}, kobai.SGD().init({"n": np.int32([1])}))
    assert update["n"].dtype == np.int32
    assert update["n"] == 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_gradient_of_whole_numbers_moves_floats(rule):
    parameters = np.ones(2)
    whole, _ = rule.update(np.array([1, 2]), rule.init(parameters), parameters)
    floats, _ = rule.update(np.array([1.0, 2.0]), rule.init(parameters), parameters)
    np.testing.assert_allclose(whole, floats)


@pytest.mark.parametrize("averaging", [polyak(), exponential(0.5)], ids=lambda averaging: averaging.name)
def test_an_average_passes_through_what_cannot_be_averaged(averaging):
    state = averaging.init(Module(0.0))
    for shift in (1.0, 2.0, 7.0):
        state = averaging.update(Module(shift), state)
    assert int(state.mean.steps) == 7  # once 3.5
    assert state.mean.steps.dtype == jnp.int32
    assert state.mean.on.dtype == bool
    assert state.mean.activation is jax.nn.relu
    assert state.mean.name == "mine"
    assert not np.array_equal(state.mean.layer.bias, Module(7.0).layer.bias)
    assert np.isfinite(state.mean.layer(jnp.ones(3))).all()


def test_early_stopping_keeps_a_whole_module():
    rule, first = early_stopping(3), Module(0.0)
    best = rule.update(2.0, Module(1.0), rule.update(1.0, first, rule.init(first)))
    assert best.params.activation is jax.nn.relu
    assert int(best.params.steps) == 0
    np.testing.assert_array_equal(best.params.layer.bias, first.layer.bias)
    np.testing.assert_array_equal(best.params.layer(jnp.ones(3)), first.layer(jnp.ones(3)))


def test_penalty_and_decay_alone_know_a_module_s_weights():
    model = Module()
    nothing = jax.tree.map(jnp.zeros_like, slope(model))
    decayed = weight_decay(0.5).update(nothing, model, 0.1)
    np.testing.assert_allclose(decayed.layer.weight, -0.05 * model.layer.weight, rtol=1e-6)
    assert not np.any(decayed.convolution.bias)  # (4, 1, 1): once a weight
    assert not np.any(l2(0.5).gradient(nothing, model).convolution.bias)
    weights = [model.layer.weight, model.convolution.weight]
    assert l2(2.0).loss(model) == pytest.approx(sum(float(jnp.sum(w**2)) for w in weights), rel=1e-5)
    assert l1(2.0).loss(model) == pytest.approx(2 * sum(float(jnp.sum(abs(w))) for w in weights), rel=1e-5)


# Complex numbers


@pytest.mark.parametrize(
    ("rule", "reference"),
    [
        (kobai.Adam(learning_rate=0.1), optax.adam(0.1)),
        (kobai.AdamW(learning_rate=0.1), optax.adamw(0.1, weight_decay=0)),
        (kobai.RMSProp(learning_rate=0.1), optax.rmsprop(0.1)),
        (kobai.AdaGrad(learning_rate=0.1), optax.adagrad(0.1, initial_accumulator_value=0, eps=1e-14)),
    ],
    ids=lambda rule: type(rule).__name__,
)
@pytest.mark.parametrize("library", [np, jnp])
def test_second_moments_of_complex_gradients_are_those_of_optax(rule, reference, library):
    gradients = [3 + 4j, 1 - 2j, -2 + 0.5j]
    params = jnp.zeros(1, jnp.complex64)
    mine, theirs = rule.init(library.zeros(1, "complex64")), reference.init(params)
    for g in gradients:
        update, mine = rule.update(library.asarray([g], dtype="complex64"), mine, params)
        expected, theirs = reference.update(jnp.asarray([g], jnp.complex64), theirs, params)
        np.testing.assert_allclose(update, expected, rtol=2e-5)
        assert update.dtype == np.complex64


def test_adam_s_first_step_is_a_step_of_eta_against_the_gradient():
    g = np.array([3 + 4j])
    update, _ = kobai.Adam(learning_rate=0.1).update(g, kobai.Adam().init(g))
    np.testing.assert_allclose(update, [-0.06 - 0.08j], rtol=1e-6)


def test_adadelta_s_first_steps_by_hand():
    """optax squares g itself there, so that its step is no multiple of g."""
    g, ρ, ε = np.array([3 + 4j]), 0.95, 1e-6
    first, state = kobai.AdaDelta().update(g, kobai.AdaDelta().init(g))
    second, _ = kobai.AdaDelta().update(g, state)
    h = (1 - ρ) * 25
    δ = -np.sqrt(ε / (ε + h)) * g
    np.testing.assert_allclose(first, δ, rtol=1e-12)
    h, r = ρ * h + (1 - ρ) * 25, (1 - ρ) * abs(δ) ** 2
    np.testing.assert_allclose(second, -np.sqrt((ε + r) / (ε + h)) * g, rtol=1e-12)


@pytest.mark.parametrize("library", [np, jnp])
def test_clipping_and_penalties_measure_the_modulus(library):
    g = library.asarray([3 + 4j])
    for clip in (clip_norm(1.0), clip_value(1.0)):
        np.testing.assert_allclose(clip.update(g, clip.init(g))[0], [0.6 + 0.8j], rtol=1e-6)  # once 1 + 0j
    w = {"w": library.asarray([[3 + 4j]])}
    assert float(l2(2.0).loss(w)) == pytest.approx(25)
    assert float(l1(2.0).loss(w)) == pytest.approx(10)
    np.testing.assert_allclose(l1(2.0).gradient({"w": w["w"] * 0}, w)["w"], [[1.2 + 1.6j]], rtol=1e-6)


# Half precision


@pytest.mark.parametrize("dtype", HALF, ids=str)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_computes_and_remembers_in_single_precision(rule, dtype):
    """The steps in float32, rounded: squares of 1e-4 are zero in half precision, and 0.999 is 1."""
    library = jnp if dtype in (jnp.float16, jnp.bfloat16) else np
    half = library.full((2, 2), 1e-4, dtype=dtype)
    single = np.asarray(half).astype(np.float32)
    mine, reference = rule.init(half), rule.init(single)
    for _ in range(5):
        update, mine = rule.update(half, mine, half)
        expected, reference = rule.update(single, reference, single)
        assert update.dtype == half.dtype
        np.testing.assert_array_equal(np.asarray(update), expected.astype(np.asarray(half).dtype))
    assert {leaf.dtype for leaf in jax.tree.leaves(mine.memory)} <= {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=str)
@pytest.mark.parametrize("averaging", [polyak(), exponential(0.999)], ids=lambda averaging: averaging.name)
def test_an_average_in_half_precision_moves_as_in_single(averaging, dtype):
    iterates = [np.full(3, value, dtype) for value in (1.0, 2.0) * 400]
    half, single = averaging.init(iterates[0]), averaging.init(iterates[0].astype(np.float32))
    for θ in iterates:
        half, single = averaging.update(θ, half), averaging.update(θ.astype(np.float32), single)
    assert half.mean.dtype == dtype
    np.testing.assert_allclose(half.mean.astype(float), single.mean, rtol=5e-3)
    assert np.all(np.abs(single.mean - 1.5) < 0.01)


@pytest.mark.parametrize(
    ("dtype", "size"), [(jnp.float16, 300), (jnp.bfloat16, 300), (jnp.float32, 1e19), (jnp.float32, 1e25)]
)
def test_batch_norm_of_large_numbers(dtype, size):
    x = (jax.random.normal(jax.random.key(0), (50, 3)) * size).astype(dtype)
    y, state = batch_norm(batch_norm_parameters(3), batch_norm_state(3), x, training=True)
    assert y.dtype == dtype
    exact = np.asarray(x, np.float64)
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    np.testing.assert_allclose(np.asarray(y, np.float64), expected, atol=0.02)
    assert np.isfinite(state["variance"]).all()
    at_rest, _ = batch_norm(batch_norm_parameters(3), state, x, training=False)
    assert np.isfinite(np.asarray(at_rest, np.float64)).all()
