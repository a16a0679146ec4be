"""What judges a cure: the data that have had no say in it."""

import dataclasses

import numpy as np
import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis import table
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.confirm import confirmed
from kobai.questions.diagnosis.cures import cures
from kobai.questions.diagnosis.sick import _rare
from kobai.tasks.check import check_task

pytestmark = pytest.mark.usefixtures("quick_engine")

OVERFITTING = Trouble("overfitting", None, None, {}, 1)


def stopped(task):
    setting = Setting(task, optimizers.Adam(0.01), initializers.parse("xavier"), Strategy(), 40)
    case = Case(setting, None, [], [], [], None)
    return next(confirmed(case, OVERFITTING, range(4), lambda _: None))


def test_early_stopping_is_judged_by_test_data_where_there_are_any():
    task = tasks.sine(hidden=4)
    x, y = task.validation
    far = dataclasses.replace(task, test=(x, y + np.float32(100)))
    tested = stopped(far)
    assert tested.on == "test"
    assert tested.before > 1000
    assert tested.after > 1000
    assert "test loss" in table.cure(tested)


def test_without_them_it_is_said_what_it_is_judged_by():
    validated = stopped(dataclasses.replace(tasks.sine(hidden=4), test=None))
    assert validated.on == "validation"
    assert validated.before < 10
    assert "validation loss (of the data by which it stops" in table.cure(validated)


def of(task, optimizer, steps):
    return Case(Setting(task, optimizer, initializers.parse("he"), Strategy(), steps), None, [], [], [], None)


def test_rare_classes_are_judged_by_data_in_which_none_is_rare():
    """Of twelve examples eleven are a 0; on data with as many of each class the loss falls where they are
    drawn alike."""
    task = tasks.digits(hidden=8)
    rare = dataclasses.replace(task, train=_rare(*task.train), validation=_rare(*task.validation))
    case = of(rare, optimizers.Adam(0.01), 40)
    [found] = confirmed(case, Trouble("imbalance", None, None, {}, 1), range(8), lambda _: None)
    drawn, before = found.cure.setting.task, found.cure.against.task
    counts = np.bincount(drawn.train[1], minlength=10)
    assert counts.max() - counts.min() <= 1
    assert len(drawn.train[1]) == len(rare.train[1])
    np.testing.assert_array_equal(drawn.test[1], before.test[1])
    assert np.bincount(before.train[1])[0] > 0.9 * len(before.train[1])
    assert found.helps
    assert "loss with classes equally often" in table.cure(found)


def cure(case, trouble, key):
    return next(each for each in cures(case, Trouble(trouble, None, None, {}, 1)) if each.key == key)


def test_a_network_with_batch_normalization_or_gates_is_one_that_trains():
    dense = cure(of(tasks.digits(hidden=4), optimizers.SGD(), 20), "vanishing", "batch_norm").setting.task
    gated = cure(of(tasks.adding(length=4, hidden=4), optimizers.SGD(), 20), "long_term", "cell").setting.task
    assert (dense.dense.batch_norm, gated.recurrent.cell) == ("before", "gru")
    for task in (dense, gated):
        check_task(task)
    usual = tasks.digits(hidden=4, batch_norm=True)
    start = usual.start(initializers.he(), 0)
    np.testing.assert_array_equal(start, dense.start(initializers.he(), 0))
    losses = [task.evaluate(task.unflatten(start), task.state, task.validation) for task in (usual, dense)]
    np.testing.assert_array_equal(*losses)
