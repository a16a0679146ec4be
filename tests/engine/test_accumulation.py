"""Gradient accumulation: k batches a step are one of all their examples, whatever asks for the gradient."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.engine import identity, program
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.study.axes import made as made_of
from kobai.tasks.check import check_task
from kobai.words import language
from swept import HE, runs_of

RULES = [kobai.Momentum(0.1), kobai.SAM(0.1)]


def task(batch_size, accumulate=1, **fields):
    """A linear regression of two numbers on three."""
    x = np.random.default_rng(0).standard_normal((120, 3)).astype(np.float32)
    y = x @ np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.0]], np.float32)
    made = kobai.Task(
        parameters={"w": np.zeros((3, 2), np.float32)},
        loss=lambda p, batch: jnp.mean((batch[0] @ p["w"] - batch[1]) ** 2),
        train=(x[:96], y[:96]),
        validation=(x[96:], y[96:]),
        batch_size=batch_size,
        accumulate=accumulate,
    )
    return dataclasses.replace(made, **fields)


def losses(task, population=False, strategy=Strategy()):  # noqa: B008
    sweep = Sweep(task, RULES, steps=20, evaluate_every=5, population=population, strategies=[strategy])
    runs = runs_of(sweep, [Cell(rule, HE, 0, strategy) for rule in RULES])
    return np.array([[run.validation_loss, run.training_loss] for run in runs])


@pytest.fixture(scope="module")
def large():
    return losses(task(16))


@pytest.mark.parametrize("population", [False, True])
def test_batches_that_are_accumulated_are_one_large_batch(large, population):
    np.testing.assert_allclose(losses(task(4, 4), population), large, rtol=2e-5)


def test_examples_a_step_are_those_of_all_batches():
    assert task(16).examples_a_step == task(4, 4).examples_a_step == 16


def test_the_comparison_sees_a_sum_and_other_examples(large):
    """Planted: gradients that are added, not averaged, and steps of one of the batches."""
    summed = task(4, 4, loss=lambda p, batch: 4 * task(4).loss(p, batch))
    assert np.abs(losses(summed)[:, 0, 1:] / large[:, 0, 1:] - 1).max() > 0.1
    assert np.abs(losses(task(4))[:, 0, 1:] / large[:, 0, 1:] - 1).max() > 0.1


def test_a_state_and_random_numbers_go_through_the_batches():
    """The model's state goes from batch to batch; each of them has a key of its own."""

    def loss(p, batch, state, key):
        mean = jnp.mean((batch[0] @ p["w"] - batch[1]) ** 2)
        noise = jnp.roll(state["noise"], 1).at[0].set(jax.random.uniform(key))  # the newest first
        return mean, {"n": state["n"] + 1, "noise": noise}

    state = {"n": np.float32(0), "noise": np.zeros(7, np.float32)}
    made = task(4, 3, loss=loss, state=state, random=True, validation_loss=lambda p, d, state: state["n"])
    sweep = Sweep(made, RULES[:1], steps=2, evaluate_every=1, keep_model=True)
    [run] = runs_of(sweep, [Cell(RULES[0], HE, 0, Strategy())])
    np.testing.assert_array_equal(run.validation_loss, [0, 3, 6])
    noises = set(run.model.state["noise"].tolist())
    assert len(noises) == 6 + 1  # of six batches, and the place that is left


OF_STRATEGY = "d2065888581c94be47b59c5a169c7548"
OF_CELL = {"0.10.2": "192979fc819b69d73c656c8d8831b0b5"}
"""As kobai had them before there were masks and accumulation: of a strategy beside a program whose hash is
"program", and of a whole cell, by the version of JAX, since each writes another text of a program."""


def test_what_old_stores_have_keeps_its_hash(monkeypatch):
    x = np.arange(48, dtype=np.float32).reshape(16, 3)
    data = x, x[:, :2]
    made = dataclasses.replace(task(4), train=data, validation=data)
    monkeypatch.setattr(identity, "versions", dict)
    monkeypatch.setattr(program, "accumulation", lambda *_: pytest.fail("one batch needs no sum"))
    rule = kobai.SGD(0.1)
    of = Sweep(made, [rule], steps=2, evaluate_every=1).identity
    found = of.of(Cell(rule, HE, 0, Strategy()))
    assert found == OF_CELL.get(jax.__version__, found)
    monkeypatch.setattr(identity.Identity, "of_program", lambda of, strategy: "program")
    assert of._of_strategy(Strategy()) == OF_STRATEGY


@pytest.mark.parametrize("number", [0, 1.5, True])
def test_no_number_of_batches_is_refused(number):
    with pytest.raises(UsageError, match="accumulate must be a whole number of batches, at least 1"):
        check_task(task(16, number))


def test_a_step_of_more_examples_than_there_are_is_refused():
    for made in (task(48, 3), made_of(lambda: task(16), {"batch_size": "full", "accumulate": 4})):
        with pytest.raises(UsageError, match="must be at most the 96 training examples, got"):
            check_task(made)
    with (
        language("ja"),
        pytest.raises(UsageError, match="数96以下でなければなりませんが、3 × 48"),
    ):
        check_task(task(48, 3))
    check_task(task(48, 2))
