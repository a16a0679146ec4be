"""The numbers that answers are tried on: others for a grade, and one argument changed alone."""

import numpy as np
import pytest

from kobai.course.cases import AUTHORS, alone, moved, refreshed
from kobai.course.exercise import Case
from kobai.course.exercises import find, of_lesson
from kobai.course.judge import PASSED, WRONG, judge
from kobai.course.source import lesson_names

EXERCISES = {name: exercise for lesson in lesson_names() for name, exercise in of_lesson(lesson).items()}
FRESH = (1, 2, 987654321)


def inputs(exercise, seed):
    """What the answer to an exercise is called with, each call as text."""
    return [
        repr(step.inputs) for step in exercise.observe(exercise.reference, seed) if isinstance(step, Case)
    ]


@pytest.mark.parametrize("seed", FRESH)
@pytest.mark.parametrize("name", EXERCISES)
def test_with_fresh_numbers_the_reference_passes_and_each_wrong_answer_is_known(name, seed):
    exercise = EXERCISES[name]
    assert judge(name, exercise, {exercise.defines: exercise.reference}, seed=seed).status == PASSED
    for mistake, answer in exercise.wrong.items():
        verdict = judge(name, exercise, {exercise.defines: answer}, seed=seed)
        assert (verdict.status, verdict.mistake) == (WRONG, mistake)


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if not exercise.secret])
def test_no_call_of_a_grade_is_a_call_of_the_notebook(name):
    exercise = EXERCISES[name]
    assert inputs(exercise, AUTHORS) == inputs(exercise, AUTHORS)
    first, second = (set(inputs(exercise, seed)) for seed in FRESH[:2])
    zeros = {"{'differences': array([0., 0., 0.])}"}  # whose only other is themselves
    assert first & set(inputs(exercise, AUTHORS)) <= zeros
    assert first & second <= zeros


def test_an_answer_that_knows_the_notebooks_numbers_by_heart_passes_no_grade():
    exercise = find("3_5.variance_factor")
    by_heart = {(100, 0.1): 1.0, (400, 0.05): 1.0, (7, 2.0): 28.0}
    recited = {**by_heart}
    for step in exercise.observe(exercise.reference, AUTHORS):
        if isinstance(step, Case):
            recited[tuple(step.inputs.values())] = exercise.reference(*step.inputs.values())

    def variance_factor(n1, std):
        return recited.get((n1, std), 1.0)

    answer = {"variance_factor": variance_factor}
    assert judge("3_5.variance_factor", exercise, answer).status == PASSED
    assert judge("3_5.variance_factor", exercise, answer, seed=FRESH[0]).status == WRONG


def test_refreshed_numbers_keep_signs_zeros_order_ties_and_shapes():
    case = (np.array([[-3.0, 0.0, 2.0], [2.0, 5.0, -0.5]]), 2.0, {"b": np.array([5.0])}, 7, "name", None)
    [(array, number, table, count, text, nothing)] = refreshed([case], 5)
    assert (count, text, nothing) == (7, "name", None)
    np.testing.assert_array_equal(np.sign(array), np.sign(case[0]))
    np.testing.assert_array_equal(
        np.argsort(array, axis=None, kind="stable"), np.argsort(case[0], axis=None, kind="stable")
    )
    assert array[0, 2] == array[1, 0] == number
    assert array[1, 1] == table["b"][0]
    assert not np.isclose(array[array != 0], case[0][case[0] != 0]).any()
    assert moved(2.0, AUTHORS) == 2.0


def test_one_argument_is_changed_at_a_time_where_it_makes_a_difference():
    def reference(x, scale, unused, power):
        return scale * np.sum(x**power)

    cases = [(np.array([1.0, 2.0]), 0.5, 3.0, 2), (np.array([1.0]), 0.5, 3.0, 3)]
    changed = dict(alone(cases, reference, range(4)))
    assert sorted(changed) == [0, 1, 3]
    for i, case in changed.items():
        same = [np.array_equal(value, before) for value, before in zip(case, cases[0], strict=True)]
        assert same == [j != i for j in range(4)]
    assert changed[3][3] == 3  # a whole number is that of another case


def test_what_the_reference_cannot_compute_is_not_asked():
    def reference(x, i):
        return x[i]

    assert dict(alone([(np.array([1.0, 2.0]), 0), (np.arange(9.0), 8)], reference, [1])) == {}
