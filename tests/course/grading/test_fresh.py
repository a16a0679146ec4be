"""A grade tries answers on numbers that stand in no message."""

import pytest

from kobai.course.cases import AUTHORS
from kobai.course.exercise import Case
from kobai.course.exercises import find
from kobai.course.grading import grade
from kobai.course.judge import PASSED, WRONG
from kobai.course.notebooks import dump, notebook
from kobai.course.source import load


def by_heart():
    """A cell whose answer knows what the notebook asks, and nothing else."""
    exercise, known = find("3_5.variance_factor"), {}
    for step in exercise.observe(exercise.reference, AUTHORS):
        if isinstance(step, Case):
            known[tuple(step.inputs.values())] = float(exercise.reference(*step.inputs.values()))
    return f"def variance_factor(n1, std):\n    return {known!r}.get((n1, std), 0.0)\n"


@pytest.fixture
def folder(tmp_path):
    """A notebook whose answer knows the notebook's numbers by heart, and nothing else."""
    lesson = load("3_5_initial_value_Xavier")
    made = notebook(lesson, "en", "trainee")
    kept = ("3_5-variance_factor", "3_5-variance_factor-check")
    made["cells"] = [cell for cell in made["cells"] if cell["id"] in kept]
    made["cells"][0]["source"] = [by_heart()]
    (tmp_path / f"{lesson.name}_trainee.ipynb").write_text(dump(made), "utf-8")
    return tmp_path


def mark_of(folder, **options):
    [result] = grade.grade([folder], **options)
    return result.marks[0]


def test_what_is_known_by_heart_passes_a_notebook_and_no_grade(folder):
    assert mark_of(folder, seed=AUTHORS).status == PASSED
    first, second = mark_of(folder), mark_of(folder)
    assert (first.status, second.status) == (WRONG, WRONG)
    assert first.message != second.message  # each grade has numbers of its own


def test_a_mark_shows_the_failing_case(folder):
    mark = mark_of(folder, seed=5)
    assert "First difference: in example 1, variance_factor(…) is 0, and should be " in mark.message
    assert "Called as variance_factor(n1=100, std=0." in mark.message
