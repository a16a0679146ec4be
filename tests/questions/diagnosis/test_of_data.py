"""Troubles of the data: labels that tell nothing, classes, and what has a size."""

import dataclasses

import numpy as np
import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis import of_data, signs, table
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.examine import examine
from kobai.questions.diagnosis.facts import facts, outputs
from kobai.questions.diagnosis.troubles import troubles
from kobai.words import say

pytestmark = pytest.mark.usefixtures("quick_engine")


def examined(task, rule, steps, seeds=(0,)):
    return examine(Setting(task, rule, initializers.parse("xavier"), Strategy(), steps), seeds)


def with_labels(task, change):
    (x, y), (other, of_others) = task.train, task.validation
    return dataclasses.replace(task, train=(x, change(y)), validation=(other, change(of_others)))


def test_where_not_even_the_training_examples_are_fitted_it_does_not_say_so():
    """Shuffled labels, and a network that cannot learn them by heart."""
    shuffled = with_labels(tasks.mnist1d(model="logistic"), np.random.default_rng(1).permutation)
    [trouble] = troubles(examined(shuffled, optimizers.SGD(0.1), 150, seeds=(0, 1, 2)))
    assert trouble.name == "unlearnable_labels"
    assert trouble.numbers["fitted"] < 0.05
    assert "fitted no better than shuffled labels are" in table.evidence(trouble)
    assert "are fitted (" not in table.evidence(trouble)
    assert table.remedy(trouble) == say("diagnose.remedy.unlearnable_labels.nothing")


def test_a_training_that_has_not_gone_far_is_none_of_that():
    """Rows of digits in so few, so short steps that validation data show nothing yet."""
    case = examined(tasks.digits(hidden=10, batch_size=4), optimizers.SGD(0.001), 40, seeds=(0, 1))
    assert all(signs.learned(record, case.level) < 0.05 for record in case.records)
    assert [of_data.nothing_to_learn(case, record) for record in case.records] == [None, None]


def imbalance(task):
    setting = Setting(task, optimizers.SGD(0.1), initializers.parse("xavier"), Strategy(), 20)
    return of_data.imbalance(Case(setting, facts(task.train), [], [], [], None), None)


def test_only_classes_can_be_rare():
    """Counts are whole numbers as well, of which large ones are always rare."""
    digits = with_labels(tasks.digits(hidden=3), lambda y: np.where(np.arange(len(y)) % 12 == 0, y, 0))
    assert outputs(digits) == 10
    assert imbalance(digits).numbers["times"] > 10
    sine = tasks.sine(hidden=3)
    counts = with_labels(sine, lambda y: (np.arange(len(y)) % 12 == 0).astype(int)[:, None])
    assert outputs(counts) == 1
    assert facts(counts.train).outnumbered > 10
    assert imbalance(counts) is None


def test_whole_numbers_have_a_size_in_images_and_none_as_tokens():
    random, y = np.random.default_rng(0), np.zeros(50, int)
    images = random.integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    assert facts((images, y)).largest > 100
    assert facts((random.integers(0, 256, (50, 8)), y)).largest == 0
