"""The adding and the copy problem: their data, their options, what is seen of a state."""

import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.networks import recurrent
from kobai.tasks.adding import examples as additions
from kobai.tasks.check import check_start, check_task
from kobai.tasks.copy import examples as copies

# Data


@pytest.mark.parametrize("length", [2, 7, 20])
def test_the_sum_is_that_of_the_marked_numbers(length):
    x, y = additions(length, 200)
    assert x.shape == (200, length, 2)
    assert ((x[..., 0] >= 0) & (x[..., 0] < 1)).all()
    for (numbers, markers), total in zip(np.moveaxis(x, 2, 1)[:50], y[:50], strict=True):
        [first, second] = np.flatnonzero(markers)
        assert first < length // 2 <= second
        assert total == pytest.approx(numbers[first] + numbers[second])


def test_to_answer_one_makes_an_error_of_a_sixth():
    task = kobai.tasks.adding()
    assert np.mean((task.validation[1] - 1) ** 2) == pytest.approx(1 / 6, rel=0.1)


def test_the_symbols_to_copy():
    x, y = copies(length=6, items=3, symbols=4, count=100)
    assert x.shape == (100, 12, 5)
    np.testing.assert_array_equal(x[:, :3, :4].argmax(axis=2), y)
    np.testing.assert_array_equal(x[:, :3].sum(axis=2), 1)
    assert not x[:, 3:9].any()  # blanks say nothing
    np.testing.assert_array_equal(x[:, 9:], np.broadcast_to([0, 0, 0, 0, 1], (100, 3, 5)))
    assert set(np.unique(y)) == {0, 1, 2, 3}


@pytest.mark.parametrize("make", [kobai.tasks.adding, kobai.tasks.copy])
def test_data_never_change_and_parts_do_not_overlap(make):
    task, again = make(), make()
    for part in ("train", "validation", "test"):
        for one, other in zip(getattr(task, part), getattr(again, part), strict=True):
            np.testing.assert_array_equal(one, other)
    assert [len(part[1]) for part in (task.train, task.validation, task.test)] == [5000, 1000, 1000]


def test_the_numbers_are_pinned():
    """Anybody's results stay comparable only while the data stay as they are."""
    x, y = additions(10, 7000)
    assert x[0, 0, 0] == pytest.approx(0.25092363, abs=1e-7)
    assert float(y.sum()) == pytest.approx(6980.97, abs=0.05)
    _, y = copies(10, 4, 8, 7000)
    assert y[0].tolist() == [4, 0, 7, 1]


# Networks


def filled(task, seed=0):
    return initial_values.orthogonal().fill(task.parameters, seed, layout=task.layout)


def test_only_the_last_state_is_seen_by_adding():
    """By hand: h' = tanh(h W + x U), then a line."""
    task = kobai.tasks.adding(length=4, hidden=5)
    parameters = filled(task)
    gate, last = parameters["recurrent"]["state"], parameters["output"]
    x, y = (array[:6] for array in task.train)
    h = np.zeros((6, 5))
    for t in range(4):
        h = np.tanh(h @ gate["recurrent"] + x[:, t] @ gate["inputs"])
    expected = np.mean(((h @ last["weights"])[:, 0] - y) ** 2)
    assert float(task.loss(parameters, (x, y))) == pytest.approx(expected, rel=1e-5)


def test_each_of_the_last_states_answers_in_copy():
    task = kobai.tasks.copy(length=2, items=3, symbols=4, hidden=5)
    parameters = filled(task)
    x, y = (array[:6] for array in task.train)
    states = recurrent.run("elman", parameters["recurrent"], x)
    z = np.asarray(states)[:, -3:] @ parameters["output"]["weights"]
    log_p = z - np.log(np.exp(z).sum(axis=2, keepdims=True))
    expected = -np.take_along_axis(log_p, y[..., None], axis=2).mean()
    assert float(task.loss(parameters, (x, y))) == pytest.approx(expected, rel=1e-5)
    assert float(task.metric(parameters, (x, y))) == pytest.approx(np.mean(z.argmax(axis=2) == y))


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
@pytest.mark.parametrize("make", [kobai.tasks.adding, kobai.tasks.copy])
def test_every_cell_can_be_chosen(make, cell):
    task = make(cell=cell, hidden=6, length=4)
    check_task(task)
    check_start(task, filled(task))
