"""Troubles of the data: labels that tell nothing, classes, and what has a size."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis import of_data, of_ends, of_layers, signs, table
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.constant import Constant
from kobai.questions.diagnosis.examine import examine
from kobai.questions.diagnosis.facts import facts, outputs
from kobai.questions.diagnosis.outcome import Diagnosis
from kobai.questions.diagnosis.sites import TANH, Site
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


def told(train, validation, control=(1.02, 1.01), saturated=()):
    """A case whose best constant answer has a loss of 1, with these losses at evenly spaced looks."""

    def seen(train, validation):
        return SimpleNamespace(
            marks=np.linspace(0, 100, len(train)),
            train=np.column_stack([train, train]),
            validation=np.column_stack([validation, validation]),
            units=[{"saturated": np.array(saturated)}] if saturated else [],
            diverged_at=0,
        )

    record = seen(train, validation)
    setting = Setting(None, None, None, None, 100)
    sites = [Site(TANH)] if saturated else []
    return Case(setting, None, [], sites, [record], seen(control, control), Constant(1.0, 1.0)), record


def test_a_control_that_is_as_sick_as_the_training_accuses_no_labels():
    """Initial values from which both stay at tens of thousands, where a constant answer has 1."""
    case, record = told([9e4, 4e4], [9e4, 5.8e4], control=(9e4, 58_810.0))
    assert case.level == 1
    assert of_data.unlearnable_labels(case, record) is None
    assert of_data.nothing_to_learn(case, record) is None
    assert signs.fitted(record, 58_810.0) > 0.2, "the wrong variant: beside the sick control it is fitted"
    assert signs.learned(record, 58_810.0) < 0.05
    by_heart, own = told([1.0, 0.1], [1.0, 0.99])
    assert of_data.unlearnable_labels(by_heart, own).numbers["fitted"] == pytest.approx(0.9)


def test_what_is_still_falling_is_not_said_to_stand_still():
    """.635 to .552 in the last quarter, from 3 at the start: a thirtieth of that, a seventh of the rest."""
    falling = [3.0, *np.linspace(0.9, 0.635, 12), 0.622, 0.6, 0.57, 0.552]
    case, record = told(falling, [3.0, *[0.6] * 16])
    assert of_ends.underfitting(case, record) is None
    assert (0.635 - 0.552) / falling[0] < 0.05, "the wrong variant, beside the start"
    still, own = told([3.0, *[0.56] * 16], [3.0, *[0.6] * 16])
    assert of_ends.underfitting(still, own).numbers["fitted"] == pytest.approx(0.44)
    worse, own = told([3.0, *[1.33] * 16], [3.0, *[0.6] * 16])
    assert of_ends.underfitting(worse, own).numbers["fitted"] == 0, "no −33 % of anything is gone"


def test_units_that_saturate_in_a_training_that_succeeds_are_no_trouble():
    later, from_the_start = (0.0, 0.5, 0.9), (0.8, 0.85, 0.9)
    well, badly = [1.2, 0.3, 0.02], [1.2, 0.9, 0.8]
    assert of_layers.saturation(*told(well, well, saturated=later)) is None
    assert of_layers.saturation(*told(badly, badly, saturated=later)).later
    assert of_layers.saturation(*told(well, well, saturated=from_the_start)).step == 0


def test_labels_that_are_all_the_same_are_nothing_to_learn():
    """Of a loss that can be brought to 0 without the inputs there is no standstill to speak of."""
    same = with_labels(tasks.digits(hidden=3), np.zeros_like)
    [trouble] = troubles(examined(same, optimizers.Adam(0.03), 40))
    assert trouble.name == "unlearnable_labels"
    assert "All labels of the training examples are the same" in table.evidence(trouble)
    assert table.remedy(trouble) == say("diagnose.remedy.unlearnable_labels.alike")


def test_a_single_example_is_told_to_be_one():
    task = tasks.sine(hidden=3, batch_size=1)
    one = dataclasses.replace(task, train=tuple(part[:1] for part in task.train))
    first, *_ = troubles(examined(one, optimizers.SGD(0.01), 20))
    assert first.name == "constant_inputs"
    assert "a single training example" in table.evidence(first)
    assert table.remedy(first) == say("diagnose.remedy.constant_inputs.one")


def test_a_training_that_learned_nothing_is_not_called_well():
    """No cause is seen: validation loss stays at that of a constant answer."""
    case, _ = told([1.0, 0.97], [1.0, 0.98])
    assert table.answer(Diagnosis(case, "sgd", [], [0])) == say("diagnose.nothing.learned")
    case, _ = told([1.0, 0.1], [1.0, 0.1])
    assert table.answer(Diagnosis(case, "sgd", [], [0])) == say("diagnose.nothing")
