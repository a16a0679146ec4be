"""A range from the call to the answer, for every source of a task, and the mistakes that are named."""

import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai.questions.range.ask import _rule, usual_rates
from ranged import valley

TINY = {"steps": 50, "progress": False}


@pytest.fixture(scope="module")
def found():
    return kobai.learning_rate_range("sine", optimizer="sgd", progress=False)


def test_the_rates_that_are_tried():
    """A decade beyond both ends of the usual grid; about the rate of a rule that has none."""
    rates = _rule("adam", None).learning_rates()
    assert (rates[0], rates[-1], len(rates)) == (1e-5, 3.16, 12)
    assert usual_rates([0.00316, 10.0]) == [
        *(0.000316, 0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6, 100.0)
    ]
    assert _rule(kobai.Momentum(0.3, momentum=0.5), None).learning_rates()[-1] == 10.0
    assert {rule.momentum for rule in _rule(kobai.Momentum(0.3, momentum=0.5), None).variants} == {0.5}
    assert _rule(kobai.SGD([0.1, 0.2]), None).learning_rates() == [0.1, 0.2]
    assert _rule("sgd", [0.3, 0.1]).learning_rates() == [0.1, 0.3]
    own = _rule(kobai.from_optax(optax.sgd, learning_rate=0.1), None).learning_rates()
    assert (own[0], own[-1], len(own)) == (0.0001, 100.0, 13)


def test_a_whole_range(found):
    """It takes less than a twentieth of the full grid, and the suggestion lies where sgd is known to work."""
    assert found.outcome.gradients <= 0.05 * 8 * 10 * 500
    assert len(found.outcome.race.alone) == 4
    assert found.outcome.share == found.outcome.gradients / 12_000
    assert 0.003 <= found.suggestion <= 0.1
    assert found.outcome.bound.rate == pytest.approx(0.034, rel=0.1)
    assert found.outcome.race.failing is not None
    assert found.suggestion in found.grid
    assert found.table["verdict"].to_list().count("suggested") == 1
    assert found.outcome.initializer == "he"


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_a_training_without_room_for_the_rungs_is_refused(steps):
    with pytest.raises(kobai.UsageError, match=f"needs a training of at least 10 steps, got {steps}"):
        kobai.learning_rate_range("sine", optimizer="sgd", steps=steps, progress=False)
    assert kobai.learning_rate_range(
        "sine", learning_rates=[0.001, 0.01], steps=10, seeds=1, progress=False
    ).outcome.race.rungs == [2, 3, 4]


def test_the_same_again(found):
    again = kobai.learning_rate_range("sine", optimizer="sgd", progress=False)
    assert again.table.equals(found.table)


def test_one_seed_takes_a_quarter_of_the_race(found):
    single = kobai.learning_rate_range("sine", optimizer="sgd", seeds=1, progress=False)
    assert single.outcome.race.gradients * 4 == found.outcome.race.gradients
    assert single.outcome.race.alone == [single.suggestion]
    assert single.outcome.gradients <= 0.05 * 8 * 3 * 500
    assert "by itself" not in str(single)


def test_what_comes_of_the_grid_is_what_compare_takes(found):
    study = kobai.compare(
        "sine",
        optimizers="sgd",
        learning_rates=found.grid,
        initializers="he",
        steps=20,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert set(study.cells["optimizer"]) == {"sgd"}


def test_a_table_and_options_of_a_task(tmp_path):
    x = np.random.default_rng(0).standard_normal((60, 3))
    file = tmp_path / "data.csv"
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] - x[:, 1]}).write_csv(file)
    found = kobai.learning_rate_range(file, label="y", optimizer="sgd", learning_rates=[1e-5, 0.001], **TINY)
    assert found.suggestion == 0.001
    small = kobai.learning_rate_range(
        "sine",
        hidden=3,
        activation="tanh",
        batch_size=8,
        learning_rates=[0.01, 0.1],
        initializer="xavier",
        **TINY,
    )
    assert small.outcome.initializer == "xavier"


def test_the_steps_may_be_epochs():
    found = kobai.learning_rate_range(
        valley([1.0]), optimizer="sgd", learning_rates=[0.1, 0.5], steps="10epochs", progress=False
    )
    assert found.outcome.steps == 40


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"task": "sien"}, "there is no task 'sien'; did you mean 'sine'?"),
        ({"optimizer": "bfgs"}, "one update rule that has a learning rate and no other grid, got 'bfgs'"),
        ({"optimizer": "adamm"}, "did you mean 'adam'?"),
        ({"optimizer": kobai.Momentum([0.1, 0.2], momentum=[0.5, 0.9])}, "and no other grid, got"),
        ({"learning_rates": [0.1]}, "a range needs at least two learning rates, got 0.1 alone"),
        ({"learning_rates": [0.1, 0.0]}, "learning_rate = 0.0 moves nothing"),
        ({"activation": ["relu", "tanh"]}, "activation takes one value here"),
        ({"batch_size": [8, 16]}, "batch_size takes one value here"),
        ({"initializer": "hee"}, "did you mean"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"label": "y"}, "label"),
        ({"initializer": "own"}, "own"),
    ],
)
def test_mistakes_are_named(given, problem):
    with pytest.raises(kobai.UsageError) as raised:
        kobai.learning_rate_range(**{"task": "sine", "progress": False} | given)
    assert problem in str(raised.value)
