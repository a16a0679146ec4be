"""Whom to choose: the leader, the rule on its reach, and what an earlier look has settled."""

import numpy as np
import pytest

from kobai.basics.errors import UsageError
from kobai.study import statistics as s
from kobai.study.statistics.choice import choose_again

BUDGET = np.log(500.0)


def runs(*gaps, seeds=10):
    return 4 + np.array(gaps) + 0.1 * np.random.default_rng(0).normal(size=(seeds, len(gaps)))


def test_it_is_its_parts():
    x = runs(0.02, 0, 1)
    choice = s.choose(x)
    best = s.best_set(x)
    assert (choice.seeds, choice.leader, choice.reach) == (10, 1, 1)
    for name, value in vars(best).items():
        np.testing.assert_array_equal(getattr(choice.best, name), value)
    np.testing.assert_array_equal(choice.bounds, s.cost_bounds(x, best.members))
    np.testing.assert_allclose(choice.cost, np.exp(choice.bounds) - 1)
    assert choice.best.members.tolist() == [True, True, False]


@pytest.mark.parametrize(("missed", "told"), [(0, True), (2, True), (3, False), (10, False)])
def test_no_cost_where_the_leader_arrives_on_less_than_four_fifths_of_the_seeds(missed, told):
    x = runs(0, 0.02, 0.03)
    x[:missed] = BUDGET
    choice = s.choose(x, arrived=x < BUDGET)
    assert choice.reach == 1 - missed / 10
    assert (choice.cost is not None) == told
    assert choice.is_clear(10) == told
    if missed:  # planted: without the rule, all cut off would be all alike
        assert s.choose(np.full((10, 3), BUDGET)).cost == pytest.approx([0, 0, 0], abs=1e-12)


def test_the_reach_is_that_of_the_leader():
    x, arrived = runs(0, 1), np.ones((10, 2), bool)
    arrived[:, 1] = False
    assert s.choose(x, arrived).reach == 1
    assert s.choose(x[:, ::-1], arrived).reach == 0


def test_clear_is_a_small_bound_or_one_alone():
    close, alone = s.choose(runs(0, 0)), s.choose(runs(0, 1), arrived=np.zeros((10, 2)))
    bound = close.bounds[close.leader]
    assert close.best.members.all()
    assert close.is_clear(bound + 1e-9)
    assert not close.is_clear(bound)
    assert alone.best.members.tolist() == [True, False]
    assert alone.cost is None  # its rivals are cut off, and how much it is ahead is not known
    assert alone.is_clear(0)


def test_one_candidate_is_the_best_and_costs_nothing():
    choice = s.choose(runs(0))
    assert (choice.leader, choice.best.members.tolist(), choice.cost.tolist()) == (0, [True], [0])


def test_the_first_leads_where_nothing_differs():
    choice = s.choose(np.ones((8, 3)))
    assert (choice.leader, choice.cost.tolist()) == (0, [0, 0, 0])


def test_who_was_excluded_stays_so_and_is_not_read():
    before = s.choose(runs(3, 0.1, 0, seeds=8), alpha=0.01)
    assert before.best.members.tolist() == [False, True, True]
    x = np.concatenate([runs(3, 0.1, 0, seeds=8), runs(-9, 0, 0.1, seeds=4)])  # it would be far ahead now
    x[8:, 0] = np.nan
    now = choose_again(before, x, None, 0.01)
    assert now.best.members.tolist() == [False, True, True]
    assert now.leader == 1 + x[:, 1:].mean(axis=0).argmin()
    assert now.bounds[0] == before.bounds[0]
    assert now.best.not_best.tolist() == [True, False, False]
    np.testing.assert_array_equal(now.bounds[1:], s.choose(x[:, 1:], alpha=0.01).bounds)
    assert before.best.members.tolist() == [False, True, True]  # not changed in place


def test_arrivals_of_other_runs_are_refused():
    with pytest.raises(UsageError, match=r"shape of x, \(10, 2\); got \(9, 2\)"):
        s.choose(runs(0, 1), arrived=np.ones((9, 2)))
