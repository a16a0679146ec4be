"""Trainings that stop and go on are trainings that never stopped."""

import numpy as np
import pytest

import kobai
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.questions.range.trials import Trials
from kobai.tasks.sine import sine
from ranged import valley

RULES = [(rate, kobai.Adam(rate)) for rate in (0.001, 0.03)]


@pytest.fixture(scope="module")
def trials():
    """Two rates, first for 6 steps with two seeds, then the larger for 20 with one."""
    raced = Trials(sine(hidden=4), RULES[0][1], he(), 50)
    raced.advance(RULES, [5, 6], [0, 4, 6])
    raced.advance(RULES[1:], [5], [15, 20])
    return raced


def test_what_comes_out_is_what_one_training_gives_bit_for_bit(trials):
    sweep = Sweep(sine(hidden=4), [kobai.Adam()], steps=20, evaluate_every=1)
    [run] = THREADS.runs(sweep, [Cell(RULES[1][1], he(), 5)])
    marks = [0, 4, 6, 15, 20]
    np.testing.assert_array_equal(trials.of(0.03, [5])[0].at(marks), run.validation_loss[marks].astype(float))


def test_nothing_is_computed_twice(trials):
    assert trials.gradients == 2 * 2 * 6 + 14
    trials.advance(RULES[1:], [5], [15, 20])
    assert trials.gradients == 2 * 2 * 6 + 14


def test_what_diverges_is_lost_from_there_on():
    raced = Trials(valley([1.0, 2.0]), kobai.SGD(0.1), he(), 400)
    rules = [(0.5, kobai.SGD(0.5)), (1e6, kobai.SGD(1e6))]
    raced.advance(rules, [0], [0, 30, 60])
    fine, lost = (raced.of(rate, [0])[0] for rate, _ in rules)
    assert not fine.is_lost
    assert fine.losses[60] < fine.losses[0]
    assert lost.is_lost
    assert lost.at([0, 60])[1] == np.inf
    steps = lost.step
    raced.advance(rules, [0], [100])
    assert (fine.step, lost.step) == (100, steps)


def test_a_segment_that_ends_between_two_rungs_changes_nothing():
    """Batches are drawn segment by segment; a rung may begin and end in any of them."""
    whole, parts = (Trials(sine(hidden=3), kobai.SGD(0.01), he(), 30) for _ in range(2))
    for raced in (whole, parts):
        raced.sweep.program.capacity = raced.sweep.training.shared.capacity = 8 if raced is parts else 512
    whole.advance([(0.01, kobai.SGD(0.01))], [1], [0, 5, 21])
    parts.advance([(0.01, kobai.SGD(0.01))], [1], [0, 5])
    parts.advance([(0.01, kobai.SGD(0.01))], [1], [21])
    np.testing.assert_array_equal(*(raced.of(0.01, [1])[0].at([0, 5, 21]) for raced in (whole, parts)))


def test_as_many_are_told_as_have_come_to_an_end():
    told = []
    Trials(sine(hidden=3), kobai.SGD(0.01), he(), 5, told.append).advance(RULES_OF_SGD, [0, 1], [0, 2])
    assert sum(told) == 4


RULES_OF_SGD = [(rate, kobai.SGD(rate)) for rate in (0.01, 0.02)]
