"""What grading reads and passes on: IPython's lines in a cell, and what an answer did as a line of JSON."""

import ast
import json

import numpy as np
import pytest

from kobai.course.exercise import Seen
from kobai.course.exercises import of_lesson
from kobai.course.grading.cells import as_python
from kobai.course.grading.reports import MOST_NUMBERS, as_report, from_report
from kobai.course.judge import PASSED, Verdict, compared, observed
from kobai.course.source import lesson_names

EXERCISES = {name: exercise for lesson in lesson_names() for name, exercise in of_lesson(lesson).items()}


# Cells


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = (7\n% 3)", "a = (7\n% 3)"),  # Python as it stands
        ('"""\n%time\n!ls\n"""', '"""\n%time\n!ls\n"""'),
        ("%matplotlib inline\na = (7\n% 3)", "pass\na = (7\n% 3)"),
        ("if a:\n    %time\nb = 1", "if a:\n    pass\nb = 1"),
        ("%time a = f(1)\nb = a", "a = f(1)\nb = a"),
        ("%timeit f(1)", "pass"),
        ("files = !ls -l *.py\nfiles", "files = None\nfiles"),
        ("!pip install x \\\n  y\na = 1", "pass\n\na = 1"),
        ("!echo it's\n!echo '''\na = 1", "pass\npass\na = 1"),
        ("np.sum?\n?np.sum\na = 1", "pass\npass\na = 1"),
        ("\n%%time\na = 1\n!ls", "\n\na = 1\npass"),
        ("%%capture out\n%%time\na = 1", "\n\na = 1"),
        ("%%bash\nrm -r x", ""),
        ("%%html\n<b>", ""),
        ("", ""),
        ("%", "pass"),
        ("%%", ""),
    ],
)
def test_only_what_is_ipythons_is_left_out(source, expected):
    assert as_python(source) == expected
    ast.parse(expected)


@pytest.mark.parametrize(
    "source", ["class A(:\n    pass", "f(1\n%time", "x = ]", "a\0b", "(" * 10_000, "def f():\n!", "a = 5 %"]
)
def test_a_mistake_of_the_learners_stays_one(source):
    with pytest.raises((SyntaxError, ValueError, MemoryError, RecursionError)):
        ast.parse(as_python(source))


def test_a_mistake_below_a_magic_keeps_its_line():
    with pytest.raises(SyntaxError) as raised:
        ast.parse(as_python("%time\n!ls\n\nclass A(:"))
    assert raised.value.lineno == 4


# Reports


@pytest.mark.parametrize("name", EXERCISES)
def test_what_an_answer_did_comes_through_as_it_was(name):
    exercise = EXERCISES[name]
    seen = observed(name, exercise, {exercise.defines: exercise.reference})
    read = from_report(json.loads(json.dumps(as_report(seen))))
    assert compared(name, exercise, read).status == PASSED
    for one, other in zip(seen, read, strict=True):
        assert one.where == other.where
        np.testing.assert_array_equal(one.value, other.value, strict=True)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"status": "passed", "mistake": "", "message": ""},
        {"status": ["seen"]},
        {"status": "seen"},
        {"status": "seen", "seen": 3},
        {"status": "seen", "seen": [3]},
        {"status": "seen", "seen": [[]]},
        {"status": "seen", "seen": [["result", {}, [2], [1.0]]]},
        {"status": "seen", "seen": [["result", {}, [-1], None]]},
        {"status": "seen", "seen": [["result", {}, ["x"], [1.0]]]},
        {"status": "seen", "seen": [["result", 3, [], [1.0]]]},
        {"status": "seen", "seen": [["result", {}, [1], ["one"]]]},
        {"status": "seen", "seen": [["result", {}, [10**30], None]]},
        {"status": "wrong", "mistake": 3, "message": "x"},
        {"status": "stopped"},
    ],
)
def test_a_line_that_is_none_of_ours_is_no_verdict(line):
    assert from_report(line) is None


@pytest.mark.parametrize(
    "part", [["", {}, [], [1.0]], ["nowhere", {"case": []}, [2], [1.0, 2.0]], ["result", {}, [0], []]]
)
def test_forged_numbers_are_wrong_and_harm_nothing(part):
    forged = from_report({"status": "seen", "seen": [part]})
    for name in ("3_1.adam", "3_1.review", "3_1.arrival"):
        exercise = EXERCISES[name]
        assert compared(name, exercise, forged).status == "wrong"
        assert compared(name, exercise, forged).message
        assert compared(name, exercise, []).status == "wrong"
        assert compared(name, exercise, []).message


def test_of_an_array_larger_than_any_answer_only_the_shape_is_told():
    seen = [Seen(("result", {"name": "f", "case": 1}), np.zeros((MOST_NUMBERS, 2)))]
    line = json.dumps(as_report(seen))
    assert len(line) < 200
    [read] = from_report(json.loads(line))
    assert read.value.shape == (MOST_NUMBERS, 2)


def test_a_verdict_comes_through_with_its_sentence():
    verdict = Verdict("3_1.sgd", "wrong", "course.wrong.rebound", {"name": "SGD"}, "rebound")
    told = from_report(json.loads(json.dumps(as_report(verdict))))
    assert told == {"status": "wrong", "mistake": "rebound", "message": verdict.message}
