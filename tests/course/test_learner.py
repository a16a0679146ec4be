"""What a learner calls: the first check of a notebook waits for nothing that it does not need."""

import json
import subprocess
import sys

import pytest

from kobai.basics.errors import UsageError
from kobai.course.exercises import of_lesson
from kobai.course.learner import check, done, hint
from kobai.course.source import lesson_names

FIRST_CHECK = """
import json, sys
from kobai.course import check
exercise, defined = sys.argv[1:]
verdicts = [check(exercise, answers).status for answers in ({}, {defined: lambda *arguments: 0.25})]
print(json.dumps([verdicts, sorted(sys.modules)]))
"""
LIGHT = {"numpy", "kobai"}
"""What every check needs, beside Python itself."""
ON_JAX = {"3_1", "3_13"}
"""Lessons whose checks compare with kobai's own rules and statistics, or trace the answer."""
WITH_JAX = {"jax", "jaxlib", "jaxtyping", "wadler_lindig", "ml_dtypes", "opt_einsum", "etils", "filelock"}
WITH_JAX |= {"cloudpickle", "pygments", "typing_extensions"}
ROOMS = {"basics", "words", "course"}
"""The rooms of kobai that a check may enter."""


def modules_after_first_check(lesson):
    """The names of all modules after the first check of a lesson, on no answer and on a wrong one."""
    exercise, table = next(iter(of_lesson(lesson).items()))
    command = [sys.executable, "-c", FIRST_CHECK, exercise, table.defines]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    verdicts, modules = json.loads(ran.stdout)
    assert verdicts == ["unwritten", "wrong"]
    return modules


@pytest.mark.parametrize("lesson", [name for name in lesson_names() if of_lesson(name)])
def test_the_first_check_imports_what_it_needs_and_nothing_heavier(lesson):
    modules = modules_after_first_check(lesson)
    number = "_".join(lesson.split("_")[:2])
    packages = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    packages = {name for name in packages if not name.startswith(("_", "cython_runtime"))}
    assert packages <= (LIGHT | WITH_JAX if number in ON_JAX else LIGHT)
    rooms = {name.split(".")[1] for name in modules if name.startswith("kobai.")}
    assert rooms <= (ROOMS | {"optimizers", "study"} if number in ON_JAX else ROOMS)


def test_a_heavier_import_would_be_noticed():
    """The planted one: figures bring plotly."""
    code = FIRST_CHECK.replace("import check\n", "import check\nimport kobai.course.figures\n")
    command = [sys.executable, "-c", code, "3_2.affine_forward", "affine_forward"]
    modules = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)[1]
    assert "plotly" in {name.partition(".")[0] for name in modules} - LIGHT


@pytest.mark.parametrize("exercise", [{}, None, 5, ["3_1.adam"], ""], ids=repr)
@pytest.mark.parametrize("called", [check, hint, done])
def test_what_names_no_exercise_is_refused(called, exercise):
    with pytest.raises(UsageError, match="exercise"):
        called(exercise)


@pytest.mark.parametrize("called", [check, done])
def test_a_namespace_that_is_none_is_refused(called):
    with pytest.raises(UsageError, match="namespace must be a dictionary from names to values, got 5"):
        called("3_1.adam", 5)


@pytest.mark.parametrize("level", ["2", -1, True])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(UsageError, match="level must be a whole number"):
        hint("3_1.adam", level)
