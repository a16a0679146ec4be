"""From a run to one number."""

import json
import math

import numpy as np
import polars as pl
import pytest

import kobai
from judged import curves, table
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


# A slope


def budgets(new=1800):
    frame = curves({"main": 300, "new": 280})
    return frame.filter((pl.col("method") == "main") | (pl.col("step") <= new))


def test_the_shorter_budget_is_extrapolated_by_a_declared_slope():
    without, by_slope = kobai.judge(budgets()), kobai.judge(budgets(), slope=-2e-5)
    main, new = (np.array([arm.x for arm in each.judgement.arms]) for each in (without, by_slope))
    np.testing.assert_allclose(new - main, [[0.0] * 8, [-2e-5 * 200] * 8], atol=1e-12)
    assert [note.key for note in without.judgement.warnings] == ["judge.trap.budgets"]
    assert [note.key for note in by_slope.judgement.warnings] == ["judge.trap.extrapolated"]
    assert "extrapolated" in str(by_slope)
    assert "−0.004" in str(by_slope)
    assert json.loads(by_slope.to_json())["slope"] == -2e-5
    turned = kobai.judge(budgets().with_columns(score=-pl.col("val_loss")), metric="score", slope="2e-5")
    np.testing.assert_allclose([arm.x for arm in turned.judgement.arms], new)


def test_a_run_that_crashed_is_not_extrapolated_from_where_it_did():
    crashed = budgets().filter((pl.col("seed") != 3) | (pl.col("method") == "main") | (pl.col("step") <= 100))
    new = kobai.judge(crashed, slope=-2e-5).judgement.arms[1]
    early = crashed.filter((pl.col("seed") == 3) & (pl.col("method") == "new"))["val_loss"][-1]
    assert new.x[3] == pytest.approx(early - 2e-5 * 200)


def test_a_slope_without_a_gap_changes_nothing_and_says_so():
    result = kobai.judge(budgets(new=2000), slope=-1e-5)
    assert [note.key for note in result.judgement.warnings] == ["judge.trap.slope"]
    plain = kobai.judge(budgets(new=2000))
    assert [list(arm.x) for arm in result.judgement.arms] == [list(arm.x) for arm in plain.judgement.arms]


@pytest.mark.parametrize(
    ("ask", "parts"),
    [
        ({"slope": "steep"}, ["slope", "steep"]),
        ({"slope": 0}, ["slope", "0"]),
        ({"slope": -1e-5, "by": "best"}, ["--slope", "best"]),
    ],
)
def test_a_slope_that_cannot_be_meant(ask, parts):
    with pytest.raises(UsageError) as problem:
        kobai.judge(budgets(), **ask)
    assert says_in_each_language(problem.value, parts)
    with pytest.raises(UsageError) as problem:
        kobai.judge(table({"main": 1, "new": 2}), slope=-1e-5)
    assert says_in_each_language(problem.value, ["--slope", "--step"])
