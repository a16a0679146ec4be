"""The examples: short, and what a user would see of them is true."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import kobai
from framework_loop import framework
from kobai.initializers import fans
from kobai.tasks.load import load

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
BY_NAME = {path.stem: str(path) for path in EXAMPLES}


def compared(name, **settings):
    """A small comparison, asked for as the command line asks: by the file's path."""
    small = {"optimizers": ["adam"], "initializers": ["he"], "tuning_seeds": 1, "seeds": 3, "steps": 300}
    return kobai.compare(BY_NAME[name], progress=False, **(small | settings))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_under_thirty_lines(path):
    assert len(path.read_text("utf-8").splitlines()) < 30


def test_own_task_in_plain_jax_learns_the_spirals():
    result = compared("own_task", steps=500, learning_rates=[1e-5, 0.0316])
    [row] = result.answer.rows
    assert (row.trials, row.seeds) == (2, 3)
    assert row.learning_rate == 0.0316  # the other is far too small to get anywhere
    assert row.reached == 3
    assert row.test_metric > 0.9
    assert result.answer.target_stated
    assert (result.answer.metric, result.answer.maximize) == ("accuracy", True)


def test_own_task_cannot_be_solved_without_its_hidden_layers():
    """A line through the plane tells the spirals apart hardly better than chance."""
    x, y = load(BY_NAME["own_task"]).test
    features = np.c_[x, np.ones(len(x))]
    line, *_ = np.linalg.lstsq(features, 1.0 - 2 * y, rcond=None)
    assert np.mean((features @ line > 0) == (y == 0)) < 0.75


def test_own_equinox_learns_the_digits_by_convolution():
    result = compared("own_equinox", optimizers=["nesterov"], learning_rates=[0.0316])
    [row] = result.answer.rows
    assert result.answer.task == "convolution"
    assert row.reached == 3
    assert row.steps.value < 250
    assert row.test_metric < 0.1  # an error rate


def test_own_equinox_states_the_layout_of_its_arrays():
    """The fans of its convolution and its linear layer; with the other layout they would be wrong."""
    task = load(BY_NAME["own_equinox"])
    _, kernel, _, _, matrix = task.parameters.layers
    assert fans(kernel.weight.shape, task.layout) == (1 * 9, 8 * 9)
    assert fans(matrix.weight.shape, task.layout) == (128, 10)
    wrong = dataclasses.replace(task, layout="in_out")
    assert fans(matrix.weight.shape, wrong.layout) == (10, 128)


@pytest.mark.parametrize(
    ("package", "name"), [("torch", "own_torch"), ("keras", "own_keras"), ("flax", "own_flax")]
)
def test_a_model_and_data_of_a_framework_learn_the_rings(package, name):
    """By the values that the framework itself draws, anew for each seed."""
    framework(package)
    result = compared(name, initializers=["own"], learning_rates=[1e-5, 0.0316])
    [row] = result.answer.rows
    assert (result.answer.task, row.learning_rate, row.reached) == (name, 0.0316, 3)
    assert row.test_metric > 0.9  # half of the points are of the largest class
    assert "Labels: 3 classes; loss: cross-entropy" in " ".join(str(result).split())
    task = load(BY_NAME[name])
    one, other = (max(map(np.ptp, task.own(seed).values())) for seed in (0, 1))
    assert one != other


def test_own_table_needs_a_network_since_no_line_tells_ripe_fruit():
    result = compared("own_table", steps=200, learning_rates=[0.0316])
    [row] = result.answer.rows
    linear = next(each for each in result.answer.baselines if each.name == "logistic regression")
    assert linear.beaten
    assert row.test_metric > linear.test_metric + 0.05
    assert "Left out: id (names each row), colour (as asked)." in " ".join(repr(result).split())


def test_the_table_of_the_example_is_a_task_without_a_line_of_code():
    table = Path(BY_NAME["own_table"]).with_name("fruit.csv")
    whole, example = (kobai.tasks.table(table, label="ripe", leave_out="colour"), load(BY_NAME["own_table"]))
    np.testing.assert_array_equal(whole.train[0], example.train[0])
