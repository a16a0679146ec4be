"""Rules that look at names, at the rate of a step, or at another point; and mixed precision."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import he, normal
from kobai.optimizers import hyperparameters
from kobai.schedules import cosine
from kobai.stabilizers import (
    clip_norm,
    clip_percentile,
    early_stopping,
    exponential,
    l2,
    polyak,
    weight_decay,
)
from kobai.tasks.check import check_start, check_task

DATA = np.ones((16, 3), np.float32)
PLAIN = Strategy()


def task(loss=None, parameters=None, **fields):
    parameters = parameters or {
        "body": {"w": np.zeros((3, 4), np.float32)},
        "head": {"w": np.zeros((4, 1), np.float32)},
    }

    def squares(p, batch):
        return jnp.mean((jnp.tanh(batch @ p["body"]["w"]) @ p["head"]["w"] - 1) ** 2)

    parts = {"train": DATA, "validation": DATA, "test": DATA}
    return kobai.Task(
        **{"parameters": parameters, "loss": loss or squares, "batch_size": 8, **parts, **fields}
    )


def trained(task, rule, strategy=PLAIN, steps=6, **fields):
    sweep = Sweep(
        task, [rule], steps=steps, evaluate_every=1, strategies=[strategy], keep_model=True, **fields
    )
    [run] = THREADS.runs(sweep, [Cell(rule, normal(0.5), 0, strategy)])
    return run


def by_hand(task, transformation, steps=6):
    """optax's own loop on the user's own tree."""
    parameters = task.filled(normal(0.5), stream(0, INITIAL))
    state = transformation.init(parameters)
    iterates = [(parameters, state)]
    for _ in range(steps):
        gradient = jax.grad(task.loss)(parameters, DATA[:8])
        update, state = transformation.update(gradient, state, parameters)
        parameters = optax.apply_updates(parameters, update)
        iterates.append((parameters, state))
    return iterates


def labels(parameters):
    return {name: jax.tree.map(lambda _, name=name: name, part) for name, part in parameters.items()}


FACTORIES = {
    "labels": lambda learning_rate: optax.multi_transform(
        {"body": optax.set_to_zero(), "head": optax.sgd(learning_rate)}, labels
    ),
    "masked": lambda learning_rate: optax.chain(
        optax.masked(optax.set_to_zero(), {"body": True, "head": False}), optax.adam(learning_rate)
    ),
    "mask": lambda learning_rate: optax.adamw(
        learning_rate, weight_decay=0.5, mask=lambda p: {"body": {"w": True}, "head": {"w": False}}
    ),
    "injected": optax.inject_hyperparams(optax.adam),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_an_optimizer_of_optax_gets_the_user_s_own_tree(name):
    mine = task()
    run = trained(mine, kobai.from_optax(FACTORIES[name], learning_rate=0.1))
    expected, _ = by_hand(mine, FACTORIES[name](learning_rate=0.1))[-1]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5), run.model.parameters, expected)
    if name == "labels":
        start = mine.filled(normal(0.5), stream(0, INITIAL))
        np.testing.assert_array_equal(run.model.parameters["body"]["w"], start["body"]["w"])


def test_injected_hyperparameters_follow_the_schedule_of_the_study():
    mine, strategy = task(), Strategy(schedule=cosine())
    plain = trained(mine, kobai.from_optax(optax.adam, learning_rate=0.1), strategy)
    injected = trained(mine, kobai.from_optax(FACTORIES["injected"], learning_rate=0.1), strategy)
    # optax keeps injected numbers in float32, and rounds elsewhere.
    np.testing.assert_allclose(injected.validation_loss, plain.validation_loss, rtol=1e-3)
    constant = trained(mine, kobai.from_optax(optax.adam, learning_rate=0.1))
    assert not np.allclose(injected.validation_loss, constant.validation_loss, rtol=0.1)


def test_labels_that_do_not_fit_the_tree_are_told_in_one_sentence():
    with pytest.raises(kobai.UsageError, match="no corresponding transformation"):
        trained(
            task(parameters={"w": np.zeros((3, 4), np.float32)}),
            kobai.from_optax(FACTORIES["labels"], learning_rate=0.1),
        )


# Decay beside the step


def flat(p, batch):
    return 0 * jnp.sum(p["w"]) + jnp.mean(batch)


@hyperparameters
class OwnRate(kobai.Optimizer):
    eta: float = 0.1

    def rule(self, g, t):
        return -self.eta * g, ()


@hyperparameters
class NoRate(kobai.Optimizer):
    speed: float = 0.1

    def rule(self, g, t):
        return -self.speed * g, ()


@pytest.mark.parametrize(
    "rule",
    [
        kobai.SGD(learning_rate=0.1),
        OwnRate(eta=0.1),
        kobai.from_optax(optax.sgd, learning_rate=optax.constant_schedule(0.1)),
        kobai.from_optax(optax.adamw, learning_rate=optax.constant_schedule(0.1), weight_decay=7.0),
    ],
)
def test_decay_is_multiplied_by_the_rate_of_the_rule(rule):
    """With a gradient of 0, λ = .5, η = .1: 1, .95, .9025; with η taken as 1 it was 1, .5, .25."""
    mine = task(flat, {"w": np.zeros((2, 3), np.float32)})
    run = trained(mine, rule, Strategy(weight_decay=weight_decay(0.5)), steps=2)
    start = mine.filled(normal(0.5), stream(0, INITIAL))
    np.testing.assert_allclose(run.model.parameters["w"], start["w"] * 0.9025, rtol=1e-5)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (NoRate(), "no number called learning_rate"),
        (kobai.from_optax(optax.contrib.prodigy, learning_rate=1.0), "prodigy finds its rate itself"),
    ],
)
def test_decay_beside_an_unknown_rate_is_refused(rule, sentence):
    with pytest.raises(kobai.UsageError, match=sentence):
        trained(task(), rule, Strategy(weight_decay=weight_decay(0.5)))


def scheduled(learning_rate):
    return optax.sgd(optax.cosine_decay_schedule(learning_rate, 4))


def test_decay_beside_a_rate_that_a_factory_schedules_is_refused():
    """η was taken as .1 throughout, which its own schedule had brought to 0."""
    with pytest.raises(kobai.UsageError, match="scheduled makes a schedule of its own"):
        trained(
            task(), kobai.from_optax(scheduled, learning_rate=0.1), Strategy(weight_decay=weight_decay(0.5))
        )


# Where a rule is evaluated


@pytest.mark.parametrize("population", [False, True])
@pytest.mark.parametrize("strategy", [Strategy(), Strategy(early_stopping=early_stopping(50))])
def test_schedule_free_is_evaluated_at_x_and_not_at_y(strategy, population):
    mine = task()
    rule = kobai.from_optax(optax.contrib.schedule_free_sgd, learning_rate=0.3)
    run = trained(mine, rule, strategy, population=population)
    iterates = by_hand(mine, optax.contrib.schedule_free_sgd(0.3))
    points = [optax.contrib.schedule_free_eval_params(state, y) for y, state in iterates]
    at_x = [float(mine.loss(x, DATA)) for x in points]
    at_y = [float(mine.loss(y, DATA)) for y, _ in iterates]
    if strategy.early_stopping:  # the last row shows the weights that were restored
        at_x[-1] = min(at_x)
    np.testing.assert_allclose(run.validation_loss, at_x, rtol=1e-4)
    assert not np.allclose(run.validation_loss, at_y, rtol=1e-3)  # the wrong point is told apart
    best = np.argmin(at_x)
    assert run.test_loss == pytest.approx(at_x[best if strategy.early_stopping else -1], rel=1e-4)
    expected = points[best if strategy.early_stopping else -1]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), run.model.parameters, expected)


# What the check sees, and the engine


def mixed(parameters_in, data_in, **fields):
    random = np.random.default_rng(0)
    data = random.normal(size=(40, 3)).astype(data_in)

    def loss(p, batch):
        return jnp.mean((batch @ p["w"]) ** 2)

    parts = {"train": data, "validation": data, "test": data}
    return task(loss, {"w": np.zeros((3, 2), parameters_in)}, **parts, **fields)


def test_double_precision_data_beside_a_network_in_single():
    strategies = [
        Strategy(early_stopping=early_stopping(2), l2=l2(0.1), clip=clip_norm(1.0)),
        Strategy(
            averages=(polyak(2), exponential()), clip=clip_percentile(50.0, 3), weight_decay=weight_decay(0.1)
        ),
    ]
    with jax.enable_x64(True):
        mine = mixed(np.float32, np.float64)
        check_task(mine)
        check_start(mine, mine.filled(he(), 0))
        rules = [kobai.SGD(), kobai.AdamW(), kobai.from_optax(optax.adamw, learning_rate=0.1)]
        sweep = Sweep(mine, rules, steps=6, evaluate_every=2, strategies=strategies)
        for run in THREADS.runs(
            sweep, [Cell(rule, he(), 0, strategy) for rule in rules for strategy in strategies]
        ):
            assert np.isfinite(run.validation_loss).all()


@pytest.mark.parametrize("leaf", [jax.random.key(0), "text", object()])
def test_a_state_that_is_no_number_is_refused(leaf):
    mine = mixed(np.float32, np.float32, state={"leaf": leaf}, validation_loss=flat)
    with pytest.raises(kobai.UsageError, match="state must hold arrays of numbers"):
        check_task(mine)


def test_a_metric_may_be_a_number_of_python():
    run = trained(task(metric=lambda p, batch: 0.25), kobai.SGD())
    np.testing.assert_array_equal(run.validation_metric, 0.25)


def test_a_module_that_keeps_its_own_state_is_refused(monkeypatch):
    """Flax is no dependency: a class of its name stands in for it."""
    module = type("Module", (), {"__module__": "flax.nnx.module", "__qualname__": "Module"})
    network = type("Network", (module,), {})
    jax.tree_util.register_pytree_node(network, lambda n: ((jnp.ones((3, 2)),), None), lambda _, c: network())
    for fields in ({"parameters": {"net": network()}}, {"state": [network()], "validation_loss": flat}):
        with pytest.raises(kobai.UsageError, match=r"Network is a module of Flax NNX.*flax\.nnx\.split"):
            check_task(task(**fields))
