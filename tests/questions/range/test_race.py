"""Who goes on in the race, and what is read off it."""

import math

import numpy as np
import pytest

import kobai
from kobai.initializers import he
from kobai.questions.range.race import RUNGS, Rung, lengths_of, looks, race, ranked, typical
from kobai.questions.range.trials import Trials
from ranged import INF, LOSSES, race_of, valley


def test_the_lengths_are_parts_of_the_training():
    assert lengths_of(500, RUNGS) == [8, 24, 110]
    assert lengths_of(5000, RUNGS) == [80, 240, 1100]
    assert lengths_of(10, RUNGS) == [2, 3, 4]


def test_a_loss_is_looked_at_in_the_last_third():
    assert looks(110) == [74, 86, 98, 110]
    assert looks(8) == [6, 7, 8]
    assert looks(2) == [2]


def test_the_typical_loss_is_a_geometric_mean():
    assert typical(np.array([[1.0, 4.0], [2.0, 2.0]])) == pytest.approx(2)
    assert typical(np.array([[-1.0, 4.0]])) == pytest.approx(1.5)
    assert typical(np.array([1.0, np.inf])) == math.inf


def test_the_lowest_loss_comes_first_and_what_diverged_last():
    assert ranked({0.1: 1.0, 1.0: 0.5, 10.0: 0.7, 100.0: INF, 0.01: 3.0}) == [1.0, 10.0, 0.1, 0.01, 100.0]


@pytest.mark.parametrize(("factor", "first"), [(1.04, 0.316), (1.06, 0.1)])
def test_of_nearly_equal_losses_half_a_decade_apart_the_larger_rate_is_preferred(factor, first):
    """Up to 5 %; by the place of a loss alone the smaller would always come first."""
    assert ranked({0.1: 0.2, 0.316: 0.2 * factor})[0] == first


def test_losses_of_any_sign_can_be_ranked():
    assert ranked({0.1: 1.0, 1.0: -0.5, 10.0: 0.0}) == [1.0, 10.0, 0.1]
    assert ranked({0.1: 0.0, 1.0: 0.0}) == [1.0, 0.1]


def test_what_is_read_off_the_usual_shape():
    found = race_of()
    assert [each.rate for each in found.finalists] == [0.1, 1.0]
    assert found.suggestion.rate == 1.0
    assert found.low == 0.01  # has fallen by .3 of the .9 of the best; .001 by .01
    assert (found.high, found.failing) == (1.0, 10.0)


def test_where_nothing_fails_the_range_is_open():
    found = race_of({rate: own for rate, own in LOSSES.items() if rate < 10})
    assert (found.high, found.failing) == (1.0, None)


def test_where_nothing_is_learned_there_is_no_suggestion():
    found = race_of({0.1: {2: 2.1, 4: 2.2, 8: 2.3}, 1.0: {2: INF}})
    assert found.suggestion is None
    assert found.low is None
    assert found.high is None
    assert found.failing == 0.1


def test_a_rate_that_fails_early_and_recovers_fails():
    """It stands above its start after a rung, which is what the range tells."""
    found = race_of({0.1: {2: 1.0, 4: 0.5, 8: 0.2}, 1.0: {2: 2.5, 4: 1.0, 8: 0.3}})
    assert (found.suggestion.rate, found.failing) == (0.1, 1.0)


def test_a_race_on_a_parabola_ends_at_the_rate_of_the_fastest_descent():
    """On ½λx² a step multiplies x by 1 − ηλ, alike for all λ here: η = 1/λ arrives at once."""
    rules = [(rate, kobai.SGD(rate)) for rate in (0.001, 0.01, 0.125, 0.3, 1.0)]
    trials = Trials(valley([4.0, 4.0]), rules[0][1], he(), 40)
    found = race(trials, rules, 40, 2, (Rung(0.1, 9), Rung(0.25, 3), Rung(0.5, 2)))
    assert found.suggestion.rate == 0.3  # |1 − 1.2| = .2 against |1 − .5| = .5
    assert found.failing == 1.0
    assert [each.steps for each in found.reached] == [4, 10, 20, 20, 4]
    assert found.rungs == [4, 10, 20]
    assert found.gradients == 2 * (5 * 4 + 3 * 6 + 2 * 10)
    assert found.alone == [0.3, 0.3]


def test_the_suggestion_of_all_seeds_is_not_that_of_each():
    """From a start on the steep side the smaller rate is better, from one on the flat side the other."""
    rules = [(rate, kobai.SGD(rate)) for rate in (0.25, 0.45)]

    def raced(seeds):
        return race(Trials(valley([4.0, 1.0]), rules[0][1], he(), 40), rules, 40, seeds, (Rung(0.1, 9),))

    found = raced(8)
    assert set(found.alone) == {0.25, 0.45}
    assert len(found.alone) == 8
    assert found.suggestion.rate in found.alone
    assert raced(1).suggestion.rate == found.alone[0]  # the first seed is the first seed


def test_the_race_takes_less_than_a_twentieth_of_the_grid_that_judges_it():
    """12 rates, 4 seeds; the grid is 8 rates, 10 seeds, all steps. The curvature takes 48 gradients."""
    lengths = [0, *lengths_of(500, RUNGS)]
    total = 0
    for before, rung, length in zip(lengths, RUNGS, lengths[1:], strict=False):
        total += 4 * min(rung.rates, 12) * (length - before)
    assert total + 48 <= 0.05 * 8 * 10 * 500
    assert total / 4 + 48 <= 0.05 * 8 * 3 * 500  # with one seed of a tuning
