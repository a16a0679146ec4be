"""From a run to one number."""

import math

import numpy as np
import pytest

from kobai import UsageError
from kobai.questions.judgement import scale
from kobai.questions.judgement.runs import Run, Runs
from terminal import says_in_each_language

NAN = math.nan


def runs(*curves, steps=(0, 10, 20, 30)):
    made = [
        Run(arm, str(seed), np.array(steps[: len(v)], float), np.array(v, float)) for arm, seed, v in curves
    ]
    return Runs("loss", tuple(made), True, True)


THREE = runs(("a", 0, [4, 2, 3, 2]), ("a", 1, [4, 3, 3, NAN]), ("b", 0, [4, 1, NAN, 3]))


@pytest.mark.parametrize(
    ("by", "maximize", "expected"),
    [
        ("final", False, [2, 3, 3]),  # a run that ends without a number counts as the worst of all
        ("best", False, [2, 3, 1]),
        ("final", True, [-2, -2, -3]),
        ("best", True, [-4, -4, -4]),
        ("steps:2", False, np.log([30, 30, 30])),  # 10 holds once, and does not stay
        ("steps:3", False, np.log([10, 30, 30])),
        ("steps:4", False, np.log([1, 30, 30])),  # at the start: one step; a run that ends in NaN never stays
    ],
)
def test_by_hand(by, maximize, expected):
    ruler = scale.parse(by, maximize, THREE)
    np.testing.assert_allclose(np.concatenate([arm.x for arm in scale.arms(THREE, ruler)]), expected)


def test_what_has_no_number_is_told():
    for by, failed in (("final", [False, True, False]), ("steps:2", [False, True, True])):
        arms = scale.arms(THREE, scale.parse(by, False, THREE))
        assert np.concatenate([arm.failed for arm in arms]).tolist() == failed


def test_the_budget_is_the_smallest_of_the_arms():
    unequal = runs(("a", 0, [4, 3, 2, 1]), ("b", 0, [4, 3, 1]))
    ruler = scale.parse("steps:1", False, unequal)
    assert ruler.budget == 20
    assert [arm.x[0] for arm in scale.arms(unequal, ruler)] == [math.log(20)] * 2  # at 30 it is too late


def test_a_margin_in_the_metric_or_as_a_part_of_the_steps():
    final, steps = scale.Scale("final", False), scale.Scale("steps", False, 1.0, 10)
    assert final.margin("0.01") == final.margin(0.01) == 0.01
    assert steps.margin("10%") == steps.margin(0.1) == pytest.approx(math.log(1.1))
    assert (final.effect(-0.5), scale.Scale("final", True).effect(-0.5)) == (-0.5, 0.5)
    assert steps.effect(math.log(0.8)) == pytest.approx(0.8)
    for ruler, value in (
        (final, "1%"),
        (final, 0),
        (final, "x"),
        (steps, -1),
        (steps, True),
        (final, 10**400),
    ):
        with pytest.raises(UsageError) as problem:
            ruler.margin(value)
        assert says_in_each_language(problem.value, [str(value)[:5], "margin"])


@pytest.mark.parametrize("by", ["last", "steps", "steps:x", "steps:nan", "final:3", 3, None, ""])
def test_other_words_are_refused(by):
    with pytest.raises(UsageError) as problem:
        scale.parse(by, False, THREE)
    assert says_in_each_language(problem.value, ["steps:TARGET"])


def test_nothing_to_judge():
    nothing = runs(("a", 0, [NAN]), ("b", 0, [math.inf]))
    with pytest.raises(UsageError, match="no run has a finite loss"):
        scale.arms(nothing, scale.parse("final", False, nothing))
