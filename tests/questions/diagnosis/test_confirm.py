"""What judges a cure: the data that have had no say in it."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis import table
from kobai.questions.diagnosis.case import Case, Setting, Trouble
from kobai.questions.diagnosis.confirm import compared, confirmed
from kobai.questions.diagnosis.constant import constant
from kobai.questions.diagnosis.cure import END, STEPS, Cure
from kobai.questions.diagnosis.cures import cures
from kobai.questions.diagnosis.examine import instruments_for
from kobai.questions.diagnosis.sick import _rare
from kobai.tasks.check import check_task
from kobai.words import language, say

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


CURVE = Setting(tasks.sine(hidden=4), optimizers.SGD(0.1), initializers.parse("xavier"), Strategy(), 40)
LOOKS = 21
"""Evaluations of it."""


def trainings(curves, *, diverged=()):
    """Runs with these validation losses, of which some diverge at the end."""
    return [
        SimpleNamespace(
            validation_metric=list(curve),
            validation_loss=[*curve[:-1], np.nan if i in diverged else curve[-1]],
            test_loss=np.nan if i in diverged else curve[-1],
            diverged_at=5 if i in diverged else None,
        )
        for i, curve in enumerate(curves)
    ]


def judged(before, after, by=STEPS, without=np.nan):
    task = dataclasses.replace(CURVE.task, target=None)
    setting = dataclasses.replace(CURVE, task=task)
    return compared(
        setting, Cure("clip", {"new": "norm:1"}, setting, by), before, after, 0.05, without=without
    )


def falling(start, end):
    """Most of the way in the first half."""
    way = 1 - np.linspace(1, 0, LOOKS) ** 4
    return [start + way * (end - i / 1000 - start) for i in range(8)]


def test_to_come_down_from_absurd_outputs_is_no_learning():
    """From a loss of millions to what a constant answer has, .11: a target on that way is met by anything."""
    sick = trainings([np.full(LOOKS, 6e7)] * 8)
    tame = trainings([np.full(LOOKS, 0.12 + i / 1000) for i in range(8)])
    found = judged(sick, tame, without=0.11)
    assert (found.target, found.helps) == (None, False)
    # The wrong variant: nine tenths of the way from the sick start, which the cure has met before it begins.
    assert judged(sick, tame).target > 1e6
    assert not judged(sick, tame).helps, "what is there before the first step has learned nothing"
    learned = judged(sick, trainings(falling(0.2, 0.02)), without=0.11)
    assert (learned.target < 0.05, learned.helps, learned.better) == (True, True, 8)
    assert f"steps to {learned.target:.3g}, ratio" in table.cure(learned)


@pytest.mark.parametrize(("by", "unit"), [(STEPS, "steps to"), (END, "test loss")])
def test_a_cure_that_does_harm_is_said_to(by, unit):
    good, bad = trainings(falling(1.0, 0.1)), trainings(falling(1.0, 0.5))
    harmed, helped = judged(good, bad, by), judged(bad, good, by)
    assert (harmed.verdict, helped.verdict) == ("harms", "helps")
    assert (harmed.better, helped.better) == (0, 8)
    said = table.cure(harmed)
    assert "makes it worse" in said
    assert unit in said
    assert judged(good, good, by).verdict == "not"


def test_an_end_that_has_diverged_is_worse_than_any_other():
    well, lost = trainings(falling(1.0, 0.1)), trainings(falling(1.0, 0.1), diverged=range(8))
    cured, spoiled = judged(lost, well, END), judged(well, lost, END)
    assert (cured.verdict, cured.better, cured.diverged) == ("helps", 8, (8, 0))
    assert (spoiled.verdict, spoiled.better, spoiled.diverged) == ("harms", 0, (0, 8))
    assert judged(lost, lost, END).verdict == "not"
    said = table.cure(cured)
    assert "nan" not in said
    assert "8 diverged without it, 0 with it" in said
    # The wrong variant: the one pair of which both are finite, which says the opposite.
    one = judged(trainings(falling(1.0, 0.05), diverged=range(7)), well, END)
    assert (one.effect.value > 0, one.better, one.before) == (True, 7, pytest.approx(0.043))


def test_the_best_constant_answer_is_the_mean_or_the_shares_of_the_classes():
    sine, digits = tasks.sine(hidden=4), tasks.digits(hidden=4)
    for task in (sine, digits):
        y, held_out = np.asarray(task.train[1]), np.asarray(task.validation[1])
        found = constant(instruments_for([dataclasses.replace(CURVE, task=task)]), task)
        if task is sine:
            expected = np.mean((held_out - y.mean()) ** 2)
        else:
            shares = np.bincount(y) / len(y)
            expected = -np.log(shares[held_out]).mean()
        assert found.loss == pytest.approx(expected, rel=0.01)
    assert found.metric == pytest.approx(np.mean(held_out == np.bincount(y).argmax()), abs=0.03)


def test_a_rate_that_is_too_high_is_first_brought_to_half_of_what_the_curvature_bears():
    """η λ / 2 is 2900: half of what is borne is 1/5800 of the rate. The fixed ones stop at 1/1000."""
    record = SimpleNamespace(curvature={0: (-1.0, 1.0, 2900.0), 5: (0.0, 0.0, np.inf)})
    case = dataclasses.replace(of(CURVE.task, optimizers.SGD(58.0), 40), records=[record])
    first, *others = cures(case, Trouble("rate_too_high", None, None, {}, 1))
    assert first.key == "borne"
    assert first.setting.optimizer.learning_rate == pytest.approx(0.01)
    assert min(each.setting.optimizer.learning_rate for each in others) > 0.05
    unknown = of(CURVE.task, optimizers.Adam(3.0), 40)
    assert next(cures(unknown, Trouble("rate_too_high", None, None, {}, 1))).key == "rate"


def test_what_has_not_gone_far_is_trained_longer_and_at_a_higher_rate():
    small = Trouble("underfitting", None, None, {}, 1)
    tried = cures(of(CURVE.task, optimizers.SGD(0.01), 40), small)
    assert [each.key for each in tried] == ["wider", "rate", "longer", "longer"]
    linear = list(cures(of(tasks.mnist1d(model="logistic"), optimizers.SGD(0.01), 40), small))
    assert [each.key for each in linear] == ["hidden", "rate", "longer", "longer"]
    assert [each.setting.steps for each in linear] == [40, 40, 80, 160]
    assert linear[0].setting.task.dense.widths == (40, 100, 10)
    check_task(linear[0].setting.task)


def test_a_target_is_what_as_many_pairs_reach_as_the_test_needs():
    """Of eight seeds one does not learn: .0078 ≤ .05 is met by seven pairs of eight, as by all."""
    bad = trainings([np.full(LOOKS, 1.0 + i / 1000) for i in range(8)])
    good = trainings([*falling(1.0, 0.1)[:7], np.full(LOOKS, 0.999)])
    found = judged(bad, good)
    assert (found.verdict, found.better) == ("helps", 7)
    # The wrong variant, the way of the median: with four of eight that learn it is met by four pairs alone.
    half = trainings([*falling(1.0, 0.1)[:3], *falling(1.0, 0.5)[:4], np.full(LOOKS, 0.999)])
    assert judged(bad, half).target == pytest.approx(0.55, abs=0.01)
    assert judged(bad, half).helps
    best = np.median([min(run.validation_metric) for run in half])
    met = sum(min(run.validation_metric) <= 1 - 0.9 * (1 - best) for run in half)
    assert met < 8


def test_a_rate_for_weights_that_are_much_too_large_is_raised_with_usual_ones():
    case = of(CURVE.task, optimizers.SGD(0.01), 40)
    case = dataclasses.replace(
        case, setting=dataclasses.replace(case.setting, initializer=initializers.parse("normal:5"))
    )
    both = cure(case, "explosion", "initializer.rate")
    assert both.setting.initializer == initializers.xavier()
    assert both.setting.optimizer == optimizers.SGD(0.1)
    for spoken in ("en", "ja"):
        with language(spoken):
            assert "0.1" in say("diagnose.cure.initializer.rate", **both.values)


def slow(task, part):
    """Running statistics that take in a part of what they usually do."""
    usual = task.loss

    def loss(parameters, batch, state):
        value, new = usual(parameters, batch, state=state)
        return value, jax.tree.map(lambda old, now: old + part * (now - old), state, new)

    return dataclasses.replace(task, loss=loss)


def test_slow_statistics_are_measured_and_brought_to_a_tenth():
    usual = tasks.digits(hidden=4, batch_norm=True)
    lagging = cure(of(slow(usual, 0.02), optimizers.SGD(), 20), "batch_norm_lag", "statistics")
    assert lagging.values == {"new": "0.1", "old": "0.002"}
    task = lagging.setting.task
    check_task(task)
    batch = jax.tree.map(lambda array: array[:32], task.train)
    states = [each.training_loss(task.parameters, task.state, batch, None)[1] for each in (task, usual)]
    jax.tree.map(lambda own, other: np.testing.assert_allclose(own, other, rtol=1e-4), *states)
    keys = [
        each.key
        for each in cures(of(usual, optimizers.SGD(), 20), Trouble("batch_norm_lag", None, None, {}, 1))
    ]
    assert "statistics" not in keys, "they take in a tenth"


NOWHERE = [np.full(LOOKS, 0.5 + i / 1000) for i in range(8)]


def counted(before, after, level=0.05):
    """Judged by the steps to a loss of .2."""
    cure = Cure("clip", {"new": "norm:1"}, CURVE, STEPS)
    return compared(CURVE, cure, trainings(before), trainings(after), level, target=0.2)


def test_a_bound_is_explained_and_so_is_an_effect_that_is_not_established():
    there = falling(1.0, 0.1)
    cured, spoiled = counted(NOWHERE, there), counted(there, NOWHERE)
    assert (cured.bound, cured.verdict, cured.arrived, cured.doubt) == ("≤", "helps", 8, "")
    assert "ratio ≤" in table.cure(cured)
    assert "Without it no training arrives within 40 steps." in table.cure(cured)
    assert (spoiled.bound, spoiled.verdict, spoiled.arrived) == ("≥", "harms", 0)
    assert "With it no training arrives within 40 steps." in table.cure(spoiled)
    unsure = counted(NOWHERE, there, level=0.001)  # of eight seeds p is at least 1/128
    assert (unsure.verdict, unsure.doubt) == ("not", "unsure")
    assert "p = .0078; .001 or less is asked for" in table.cure(unsure)
    both = counted([each + 0.05 for each in there], there)
    assert (both.bound, both.doubt) == ("", "")
    assert "in place of an interval" not in table.cure(both)


def test_where_few_arrive_the_sentence_says_how_many():
    """Three of eight arrive very early: the interval leaves out 1, and half of them are asked for."""
    early = [np.r_[1.0, np.full(LOOKS - 1, 0.1)]] * 3
    few = counted(NOWHERE, [*early, *NOWHERE[3:]], level=1.0)
    few = dataclasses.replace(few, effect=dataclasses.replace(few.effect, high=0.96))
    assert (few.verdict, few.doubt, few.arrived) == ("not", "few", 3)
    assert "ratio ≤ .96" in table.cure(few)
    assert "With it 3 of 8 trainings arrive" in table.cure(few)


def test_a_target_that_half_of_the_runs_miss_is_left_for_one_on_the_way():
    """Of eight two may miss the task's own; of four the others would count as the whole budget."""
    target = CURVE.task.targets[0]
    there, near = falling(1.0, target / 2), [each + target for each in falling(1.0, target / 2)]
    cure = Cure("clip", {"new": "norm:1"}, CURVE, STEPS)
    for missing, is_own in ((2, True), (4, False)):
        after = trainings([*near[:missing], *there[missing:]])
        found = compared(CURVE, cure, trainings(NOWHERE), after, 0.05)
        assert (found.target == target) is is_own
        assert found.arrived == (8 - missing if is_own else 8)
