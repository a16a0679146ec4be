"""optax as a reference where its conventions are the lecture's, and both ways between its loops and ours."""

import dataclasses
import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from kobai.basics.errors import UsageError
from kobai.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    NesterovDefinition,
    RMSProp,
    from_optax,
)
from kobai.words import TABLES, language

START = np.array([-7.0, 2.0])
CURVATURE = np.array([0.1, 2.0])

PAIRS = {
    "sgd": (SGD(learning_rate=0.3), optax.sgd(0.3)),
    "momentum": (Momentum(learning_rate=0.1, momentum=0.8), optax.sgd(0.1, momentum=0.8)),
    "nesterov": (Nesterov(learning_rate=0.1, momentum=0.8), optax.sgd(0.1, momentum=0.8, nesterov=True)),
    # Nearly no ε on either side: optax has it inside the root, and starts h at 0.1 unless told otherwise.
    "adagrad": (
        AdaGrad(learning_rate=1.5, epsilon=1e-14),
        optax.adagrad(1.5, initial_accumulator_value=0.0, eps=1e-14),
    ),
    # Without the 1.0, optax.adadelta ascends.
    "adadelta": (AdaDelta(decay=0.9, epsilon=1e-3), optax.adadelta(1.0, rho=0.9, eps=1e-3)),
    "rmsprop": (
        RMSProp(learning_rate=0.3, decay=0.8, epsilon=1e-3),
        optax.rmsprop(0.3, decay=0.8, eps=1e-3),
    ),
    "adam": (
        Adam(learning_rate=0.3, decay_1=0.8, decay_2=0.99, epsilon=1e-3),
        optax.adam(0.3, b1=0.8, b2=0.99, eps=1e-3),
    ),
}
"""Away from the defaults, with an ε that shows."""


def descend(optimizer, steps=200):
    """Iterates of f = x²/20 + y² in float64, [steps, 2]; any (init, update) will do."""

    def step(carry, _):
        θ, state = carry
        Δ, state = optimizer.update(CURVATURE * θ, state, θ)
        return (θ + Δ, state), θ + Δ

    with jax.enable_x64(True):
        # init inside the program, where both sides make arrays of one dtype
        run = jax.jit(lambda θ: lax.scan(step, (θ, optimizer.init(θ)), length=steps)[1])
        return np.asarray(run(jnp.asarray(START)))


@pytest.mark.parametrize("name", PAIRS)
def test_trajectories_equal_optax(name):
    ours, theirs = PAIRS[name]
    # 1e-11: 200 steps of float64 rounding at a scale of 7, in two orders of the same operations.
    np.testing.assert_allclose(descend(ours), descend(theirs), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AdaGrad(learning_rate=1.5), optax.adagrad(1.5)),  # h from 0.1
        (RMSProp(learning_rate=0.3, epsilon=1e-3), optax.rmsprop(0.3, eps=1e-3, eps_in_sqrt=False)),
        (Adam(learning_rate=0.3, epsilon=1e-3), optax.adam(0.3, eps=0.0, eps_root=1e-6)),  # √(v̂ + ε²)
        (Momentum(learning_rate=0.1), optax.sgd(0.1, momentum=0.9, nesterov=True)),
        (NesterovDefinition(learning_rate=0.1), optax.sgd(0.1, momentum=0.9, nesterov=True)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_another_convention_is_another_trajectory(ours, theirs):
    """The comparison above is no matter of tolerance: it sees each of these."""
    assert np.abs(descend(ours) - descend(theirs)).max() > 1e-4


def test_a_falling_learning_rate_parts_momentum_from_optax():
    """η .1 → .01 → .01, g = 1: the lecture's v remembers steps (−.300), optax's trace gradients (−.146)."""
    rates = [0.1, 0.01, 0.01]

    def total(made):
        state, moved = made(rates[0]).init(np.zeros(1)), 0.0
        for rate in rates:
            Δ, state = made(rate).update(np.ones(1), state)
            moved += float(Δ[0])
        return moved

    assert total(lambda rate: Momentum(learning_rate=rate)) == pytest.approx(-0.300, rel=1e-12)
    # float32, as optax makes of NumPy's arrays
    assert total(lambda rate: optax.sgd(rate, momentum=0.9)) == pytest.approx(-0.1461, rel=1e-6)


# Ours in a loop of optax.

INPUTS = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
TARGETS = np.sin(INPUTS.sum(1, keepdims=True))


def network():
    rng = np.random.default_rng(1)
    weights = {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in (("v", (4, 8)), ("w", (8, 1)))
    }
    return {"weights": weights, "biases": [np.zeros(8, np.float32), np.zeros(1, np.float32)]}


def loss(params):
    weights, (b, c) = params["weights"], params["biases"]
    return jnp.mean((jnp.tanh(INPUTS @ weights["v"] + b) @ weights["w"] + c - TARGETS) ** 2)


def train(init, step):
    """30 steps of a loop, step(params, state) -> (params, state)."""
    return jax.jit(lambda start: lax.fori_loop(0, 30, lambda _, carry: step(*carry), (start, init(start))))(
        network()
    )[0]


def train_with_optax(transformation):
    def step(params, state):
        updates, state = transformation.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    return train(transformation.init, step)


def train_by_hand(rule):
    """Clip to the global norm .5, update, halve the update."""

    def step(params, state):
        gradient = jax.grad(loss)(params)
        norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))
        gradient = jax.tree.map(lambda g: g * jnp.minimum(1, 0.5 / norm), gradient)
        update, state = rule.update(gradient, state, params)
        return jax.tree.map(lambda θ, Δ: θ + 0.5 * Δ, params, update), state

    return train(rule.init, step)


def test_our_rule_stands_in_a_chain_of_optax():
    """Against optax's own Adam in the same chain, and against a loop without optax."""

    def chained(rule):
        return train_with_optax(optax.chain(optax.clip_by_global_norm(0.5), rule, optax.scale(0.5)))

    rule = Adam(learning_rate=0.05)
    ours = chained(rule.as_optax())
    # float32: 30 steps, two orders of the same operations.
    same = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    jax.tree.map(same, ours, chained(optax.adam(0.05)))
    jax.tree.map(same, ours, train_by_hand(rule))
    assert loss(ours) < 0.5 * loss(network())


def test_the_definition_form_is_refused_as_optax():
    with pytest.raises(UsageError, match=r"use kobai\.Nesterov"):
        NesterovDefinition().as_optax()
    with language("ja"), pytest.raises(UsageError, match=r"kobai\.Nesterovを使って"):
        NesterovDefinition().as_optax()
    assert isinstance(Nesterov().as_optax(), optax.GradientTransformation)


def test_as_optax_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(UsageError, match="pip install optax"):
        Adam().as_optax()


# Optax's in ours.

FACTORIES = [
    (optax.lion, {"learning_rate": 1e-3, "b1": 0.8}),
    (optax.adamw, {"learning_rate": 1e-2, "weight_decay": 0.1, "nesterov": True}),
    (optax.sgd, {"learning_rate": optax.exponential_decay(0.1, 2, 0.5), "momentum": 0.9}),
    (optax.lamb, {"learning_rate": 1e-2}),
    (optax.adafactor, {"learning_rate": 1e-2, "min_dim_size_to_factor": 2}),
    (functools.partial(optax.rmsprop, centered=True), {"learning_rate": 1e-2, "decay": 0.8}),
]


@pytest.mark.parametrize(("factory", "arguments"), FACTORIES, ids=lambda x: getattr(x, "__name__", ""))
def test_from_optax_is_plain_optax_bit_for_bit(factory, arguments):
    """Not through float32 arguments, as `optax.inject_hyperparams` would have it."""

    params = {"w": jnp.linspace(-1, 1, 6).reshape(2, 3), "b": jnp.ones(3)}

    def walk(optimizer, params):
        def step(carry, _):
            params, state = carry
            update, state = optimizer.update(jax.tree.map(jnp.cos, params), state, params)
            return 2 * ((optax.apply_updates(params, update), state),)

        return lax.scan(step, (params, optimizer.init(params)), length=3)[1]

    walked, plain = (
        jax.jit(functools.partial(walk, made(factory, **arguments)))(params)
        for made in (from_optax, lambda factory, **arguments: factory(**arguments))
    )
    assert jax.tree.structure(walked) == jax.tree.structure(plain)
    jax.tree.map(np.testing.assert_array_equal, walked, plain)


def test_floats_are_traced_and_the_rest_is_the_program():
    lion = from_optax(optax.lion, learning_rate=1e-3, b1=0.8)
    assert lion.name == "lion"
    assert (lion.hyperparameters, lion.switches) == ({"learning_rate": 1e-3, "b1": 0.8}, ())
    assert jax.tree.leaves(lion) == [0.8, 1e-3]
    adamw = from_optax(optax.adamw, learning_rate=1, weight_decay=np.float32(0.5), nesterov=True, eps_root=0)
    assert adamw.hyperparameters == {"learning_rate": 1.0, "weight_decay": 0.5}
    assert all(type(value) is float for value in adamw.hyperparameters.values())
    assert adamw.switches == (("eps_root", 0), ("nesterov", True))
    assert from_optax(functools.partial(optax.adam, b1=0.5), learning_rate=0.1).name == "adam"


def test_a_tuple_is_one_argument_and_no_grid():
    muon = from_optax(optax.contrib.muon, learning_rate=0.1, ns_steps=2, ns_coeffs=(3.4, -4.7, 2.0))
    assert jax.tree.leaves(muon) == [0.1]
    assert muon.switches == (("ns_coeffs", (3.4, -4.7, 2.0)), ("ns_steps", 2))


def test_only_switches_compile_again():
    count = 0

    @jax.jit
    def update(optimizer, params):
        nonlocal count
        count += 1
        return optimizer.update(params, optimizer.init(params), params)

    for nesterov in (False, True):
        for rate in (0.1, 0.2, 1):
            update(from_optax(optax.adamw, learning_rate=rate, nesterov=nesterov), jnp.ones(2))
    assert count == 2


@pytest.mark.parametrize(
    "rates", [[1e-4, 1e-3], [1e-4, 1], np.array([1e-4, 1e-3]), list(np.geomspace(1e-4, 1, 3))]
)
def test_a_list_is_a_grid(rates):
    grid = from_optax(optax.lion, learning_rate=rates, b1=[0.8, 0.9])
    assert grid.hyperparameters == {"learning_rate": [float(rate) for rate in rates], "b1": [0.8, 0.9]}
    for use in (grid.as_optax, lambda: grid.init(jnp.ones(2)), lambda: grid.update(jnp.ones(2), None)):
        with pytest.raises(UsageError, match=r"lion: learning_rate is a grid .*kobai\.compare"):
            use()
    one = dataclasses.replace(grid, hyperparameters={"learning_rate": 0.5, "b1": 0.9})
    zero = np.zeros(2, np.float32)
    np.testing.assert_array_equal(one.update(zero + 3, one.init(zero), zero)[0], [-0.5, -0.5])


RATE = {"learning_rate": 0.1}
REFUSED = [
    (optax.lbfgs, {}, "lbfgs cannot be compared: its update needs 'value_fn'"),
    (optax.polyak_sgd, {"max_learning_rate": 0.1}, "polyak_sgd cannot be compared: its update needs 'value'"),
    (optax.lion, {}, "lion does not work .* missing 1 required positional argument: 'learning_rate'"),
    (optax.lion, {**RATE, "beta": 0.9}, "lion does not work .* unexpected keyword argument 'beta'"),
    (optax.lion, {**RATE, "b1": None}, "lion does not work with these arguments: .*NoneType"),
    (optax.lion, {"learning_rate": "a"}, "lion: learning_rate must be a finite number .*, got 'a'"),
    (optax.lion, {"learning_rate": -0.1}, "lion: learning_rate must be a finite number .*, got -0.1"),
    (optax.lion, {"learning_rate": [0.1, np.nan]}, "lion: learning_rate must be .*, got nan"),
    (optax.lion, {"learning_rate": None}, "lion: learning_rate must be .*, got None"),
    (optax.lion, {"learning_rate": []}, r"lion: learning_rate must be .*, got \[\]"),
    (optax.adamw, {**RATE, "mask": {"w": True}}, "adamw: mask must be .*, got {'w': True}"),
    (optax.sgd, {**RATE, "momentum": [0.1, "a"]}, "sgd: momentum must be a float, a list of floats"),
    (optax.adam(0.1), {}, "from_optax needs the function itself .*, got GradientTransformationExtraArgs"),
    ("adam", {}, "from_optax needs the function itself .*, got str"),
    (optax.constant_schedule, {"value": 0.1}, "optax's constant_schedule is no optimizer"),
    (optax.contrib.mechanize, {}, r"optax's mechanize goes around another optimizer \(base_optimizer\)"),
    (optax.contrib.sam, {}, r"optax's sam goes around another optimizer \(optimizer, adv_optimizer\)"),
    (optax.identity, {}, "optax's identity is no optimizer"),
    (lambda value: optax.constant_schedule(value), {"value": 0.1}, "does not work .*'init'"),
]


@pytest.mark.parametrize(("factory", "arguments", "sentence"), REFUSED)
def test_what_cannot_be_compared_is_refused_in_one_line(factory, arguments, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        from_optax(factory, **arguments)
    for name in TABLES:
        with language(name):
            assert "\n" not in str(caught.value)
