"""The examples: short, and what a user would see of them is true."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import kobai
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
