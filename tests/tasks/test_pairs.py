"""The built-in pairs of tasks, and pairs that do not fit."""

import dataclasses

import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics.registry import PAIRS
from kobai.tasks.check import check_start, check_task
from kobai.tasks.pairs import Pair, halves, moved, unrelated


@pytest.mark.parametrize("name", PAIRS)
def test_built_in_pairs_fit(name):
    pair = PAIRS[name].load()()
    assert pair.heads() == [False] * 4 + [True] * 2
    for task in (pair.source, pair.target):
        check_task(task)
        check_start(task, initial_values.he().fill(task.parameters, 0, layout=task.layout))


def test_halves_have_no_class_in_common():
    digits, pair = kobai.tasks.digits(), halves()
    sizes = [len(task.train[1]) for task in (pair.source, pair.target)]
    assert sum(sizes) == len(digits.train[1])
    for task, first in ((pair.source, 0), (pair.target, 5)):
        assert set(np.unique(task.test[1])) == {0, 1, 2, 3, 4}
        for image, label in zip(task.train[0][:20], task.train[1][:20], strict=True):
            [row] = np.flatnonzero((digits.train[0] == image).all(axis=1))
            assert digits.train[1][row] == label + first


def test_moved_digits_are_the_digits_moved():
    pair, again = moved(), moved()
    np.testing.assert_array_equal(pair.target.train[0], again.target.train[0])
    np.testing.assert_array_equal(pair.target.train[1], pair.source.train[1])
    x, y = pair.source.train[0], pair.target.train[0]
    assert 0.02 < np.abs(x - y).mean() < 0.25
    assert y.min() >= 0
    assert y.max() <= 1
    # The digits fill the image: of the ink, a little leaves it.
    assert 0.8 < y.sum() / x.sum() < 1


def test_the_unrelated_source_has_nothing_to_teach():
    pair = unrelated()
    x, y = pair.source.train
    means = np.array([x[y == label].mean(axis=0) for label in range(10)])
    assert np.abs(means - 0.5).max() < 0.15  # 110 uniform numbers each: ± 4 standard errors
    np.testing.assert_array_equal(pair.target.train[0], kobai.tasks.digits().train[0])


def pair_of(**changes):
    pair = halves(hidden=(6, 4))
    return dataclasses.replace(pair, **changes)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: pair_of(head="7"),
            "head '7' must name some but not all .* parameters: 0, 1, 2",
        ),
        (lambda: pair_of(target=kobai.tasks.digits(hidden=(6,))), "different trees"),
        (
            lambda: pair_of(target=kobai.tasks.digits(hidden=(7, 4))),
            r"the array 0\.biases has the shape",
        ),
        (lambda: pair_of(target=kobai.tasks.digits(hidden=(6, 4), batch_norm=True)), "with state or random"),
    ],
)
def test_pairs_that_do_not_fit(make, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        make().heads()


def test_a_head_may_have_another_shape_and_another_name():
    target = kobai.tasks.digits(hidden=(6, 4))  # ten classes
    assert pair_of(target=target).heads() == [False] * 4 + [True] * 2
    task = kobai.tasks.adding(hidden=4)
    assert Pair(task, task).heads() == [True, True, False, False, False]
    assert Pair(task, task, head="recurrent").heads() == [False, False, True, True, True]
