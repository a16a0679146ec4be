"""A landscape of one's own, and the mistakes that are named."""

import math

import pytest

import kobai
from kobai import landscapes, words
from kobai.basics.errors import UsageError


def own(**fields):
    """A landscape of one's own."""
    return kobai.Landscape(**{"name": "own", "objective": lambda x: (x**2).sum(), "start": (1, 2), **fields})


def test_a_landscape_of_ones_own_may_be_said_in_whole_numbers():
    made = own(box=[[-2, 2], [-3, 3]], minima=[[0, 0]], least=0)
    assert made.start == (1.0, 2.0)
    [row] = kobai.descend(made, "newton").outcome.rows
    assert (row.status, row.first) == ("reached", 1)


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: landscapes.load("bowel"), ("landscape 'bowel'", "'bowl'")),
        (lambda: landscapes.load("bowl", 3), ("bowl", "2 dimensions", "3")),
        (lambda: landscapes.load("rosenbrock", 1), ("dimension", "from 2", "1")),
        (lambda: landscapes.rosenbrock(2.5), ("dimension", "whole number", "2.5")),
        (lambda: landscapes.ill_conditioned(spectrum=(1, -1)), ("spectrum", "positive", "(1, -1)")),
        (lambda: landscapes.ill_conditioned(spectrum=()), ("spectrum", "positive", "()")),
        (lambda: landscapes.resource_allocation(budget=0), ("budget", "positive", "0")),
        (lambda: landscapes.resource_allocation((1, 2), (1,)), ("equally many", "(1, 2)")),
        (lambda: landscapes.least_resistance(length=math.inf), ("length", "above 0", "inf")),
        (lambda: landscapes.least_resistance(0), ("rings", "at least 1", "0")),
        (lambda: landscapes.shortest_path(-1), ("points", "at least 1", "-1")),
        (lambda: landscapes.least_resistance(length="a"), ("length", "above 0", "'a'")),
        (lambda: landscapes.ill_conditioned(spectrum="ab"), ("spectrum", "positive", "'ab'")),
        (lambda: landscapes.ill_conditioned(spectrum=[[1, 2], [3]]), ("spectrum", "[[1, 2], [3]]")),
        (
            lambda: landscapes.ill_conditioned(seed=-1),
            ("ill_conditioned: seed", "from 0 to", "-1"),
        ),
        (lambda: landscapes.noisy(size="a"), ("noisy: size", "at least 0", "'a'")),
        (lambda: landscapes.noisy(seed=1.5), ("noisy: seed", "whole number", "1.5")),
        (lambda: landscapes.cliff(0), ("cliff: steps", "at least 1", "0")),
        (lambda: landscapes.resource_allocation(budget=None), ("budget", "positive", "None")),
        (lambda: landscapes.resource_allocation(returns=["a", "b"]), ("positive numbers", "['a', 'b']")),
        (lambda: own(objective=3), ("Landscape: objective", "function", "3")),
        (lambda: own(start=()), ("Landscape: start", "finite numbers", "()")),
        (lambda: own(start=(1, "a")), ("Landscape: start", "finite numbers", "(1, 'a')")),
        (lambda: own(box=((1, 0), (0, 1))), ("Landscape: box", "left < right", "((1, 0), (0, 1))")),
        (lambda: own(box=3), ("Landscape: box", "left < right", "3")),
        (lambda: own(minima=((1, 2, 3),)), ("Landscape: minima", "as start", "((1, 2, 3),)")),
        (lambda: own(least="a"), ("Landscape: least", "finite number", "'a'")),
        (lambda: own(tolerance=math.nan), ("Landscape: tolerance", "finite number", "nan")),
    ],
)
def test_mistakes_name_the_thing_the_rule_and_the_value(make, parts):
    with pytest.raises(UsageError) as caught:
        make()
    for language in words.TABLES:
        with words.language(language):
            assert "\n" not in str(caught.value)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_the_dimension_that_a_landscape_has_may_be_said():
    assert landscapes.load("bowl", 2).dimension == 2
    assert kobai.landscapes.load("shortest_path").dimension == 20
