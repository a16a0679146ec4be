"""The initial values that belong to a task's model: its own, drawn anew, and those that it has."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import initializers
from kobai.basics.errors import UsageError
from kobai.engine.draws import INITIAL, stream
from kobai.tasks.check import check_task

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 0.5], np.float32)


def drawn(seed):
    """Weights and a bias, both at random."""
    random = np.random.default_rng(seed)
    return {"w": random.uniform(-1, 1, 3).astype(np.float32)[:, None], "b": random.uniform(-1, 1, 1)}


def loss(parameters, batch):
    x, y = batch
    return jnp.mean(((x @ parameters["w"] + parameters["b"])[:, 0] - y) ** 2)


def linear(**fields):
    data = {"train": (X[:20], Y[:20]), "validation": (X[20:], Y[20:])}
    return kobai.Task(parameters=drawn(5), loss=loss, batch_size=5, own=drawn, **data, **fields)


def test_own_values_are_all_that_the_model_draws_by_the_seed_alone():
    first, again, other = (linear().filled(initializers.own(), stream(seed, INITIAL)) for seed in (1, 1, 2))
    for name in ("w", "b"):  # an initializer by fans would leave the bias
        np.testing.assert_array_equal(first[name], again[name])
        assert (first[name] != other[name]).all()


def test_given_values_are_those_of_the_parameters_for_every_seed():
    task = linear()
    for seed in (1, 2):
        filled = task.filled(initializers.given(), stream(seed, INITIAL))
        assert jax.tree.all(jax.tree.map(np.array_equal, filled, task.parameters))


def compared(task, **settings):
    small = {"optimizers": "sgd", "learning_rates": [0.1], "tuning_seeds": 1, "seeds": 3, "steps": 20}
    return kobai.compare(task, progress=False, **small, **settings)


def test_a_comparison_tries_the_own_values_of_a_model_unless_the_task_says_otherwise():
    def tried(task):
        return [initializer.name for initializer in compared(task).outcome.study.initializers]

    assert tried(linear()) == ["own", "he", "xavier"]
    assert tried(linear(initializers=("given",))) == ["given"]
    assert tried(dataclasses.replace(linear(), own=None)) == ["he", "xavier", "normal:0.01"]


def test_curves_begin_where_the_values_say_and_the_answer_says_what_the_seeds_vary():
    task = linear()
    result = compared(task, initializers=["given", "own"])
    cells = result.cells.filter(result.cells["phase"] == "confirmation")
    starts = {
        name: {curve[0] for curve in cells.filter(cells["initializer"] == name)["validation_loss"]}
        for name in ("given", "own")
    }
    [value] = starts["given"]
    assert value == pytest.approx(float(loss(task.parameters, task.validation)), rel=1e-6)
    assert len(starts["own"]) == 3
    assert any("the seeds differ in their batches alone" in str(note) for note in result.answer.notes)


def test_a_model_that_nobody_can_draw_is_refused():
    with pytest.raises(UsageError, match=r"kobai\.Task\(own=…\)"):
        compared(dataclasses.replace(linear(), own=None), initializers="own")


def test_own_values_of_other_shapes_are_refused():
    with pytest.raises(UsageError, match="own must return arrays like parameters"):
        check_task(dataclasses.replace(linear(), own=lambda seed: {"w": np.zeros((2, 1), np.float32)}))


def test_what_own_raises_is_the_users():
    def own(seed):
        raise ValueError("no such file")

    with pytest.raises(UsageError, match=r"no such file \(.*test_own_values"):
        check_task(dataclasses.replace(linear(), own=own))


@pytest.mark.parametrize("name", ["own", "given"])
def test_without_a_task_there_is_no_model(name):
    for use in (
        lambda: initializers.parse(name).fill({"w": np.zeros((2, 3))}, 0),
        lambda: initializers.parse(name).weights(np.zeros((2, 3)), 2, 3),
        lambda: kobai.probe(name, activation="relu"),
    ):
        with pytest.raises(UsageError, match=r"those of a task's model"):
            use()
