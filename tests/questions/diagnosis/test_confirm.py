"""What judges a cure: the data that have had no say in it."""

import dataclasses

import numpy as np
import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis import table
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.confirm import confirmed

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
