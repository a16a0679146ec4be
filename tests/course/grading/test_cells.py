"""What grading reads and passes on: IPython's lines in a cell, and what an answer did as a line of JSON."""

import ast
import json

import numpy as np
import pytest

from kobai import words
from kobai.course.exercise import Observation
from kobai.course.exercises import of_lesson
from kobai.course.grading.cells import as_python
from kobai.course.grading.reports import MOST_NUMBERS, MOST_PARTS, accepted, as_report
from kobai.course.grading.watch import LONGEST
from kobai.course.judge import PASSED, Verdict, compared, judge, observed
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


def passed_on(name, answer):
    """The end of the use of an answer as it arrives in the process that judges."""
    exercise = EXERCISES[name]
    told = observed(name, exercise, {exercise.defines: answer})
    return accepted(json.loads(json.dumps(as_report(answer, told, exercise))), name, exercise)


@pytest.mark.parametrize("name", EXERCISES)
def test_what_an_answer_did_comes_through_as_it_was(name):
    exercise = EXERCISES[name]
    seen = observed(name, exercise, {exercise.defines: exercise.reference})
    read = passed_on(name, exercise.reference)
    assert compared(name, exercise, read).status == PASSED
    for one, other in zip(seen, read, strict=True):
        assert one.where == other.where
        np.testing.assert_array_equal(one.value, other.value, strict=True)


@pytest.mark.parametrize("name", EXERCISES)
def test_an_honest_line_is_far_from_the_largest_that_is_taken(name):
    exercise = EXERCISES[name]
    seen = observed(name, exercise, {exercise.defines: exercise.reference})
    assert len(json.dumps(as_report(exercise.reference, seen, exercise))) < LONGEST / 10
    assert sum(each.value.size for each in seen) < MOST_NUMBERS / 10
    assert len(seen) < MOST_PARTS / 10


@pytest.mark.parametrize(
    ("name", "mistake"), [(name, mistake) for name in EXERCISES for mistake in EXERCISES[name].wrong]
)
def test_a_wrong_answer_gets_the_verdict_that_a_notebook_gives(name, mistake):
    exercise = EXERCISES[name]
    wrong = exercise.wrong[mistake]
    end = passed_on(name, wrong)
    verdict = end if isinstance(end, Verdict) else compared(name, exercise, end)
    in_notebook = judge(name, exercise, {exercise.defines: wrong})
    assert (verdict.status, verdict.message) == (in_notebook.status, in_notebook.message)
    assert verdict.mistake == in_notebook.mistake


FORGED = [
    {},
    {"status": "passed", "key": "course.verdict.passed", "values": {}, "mistake": ""},
    {"status": ["seen"]},
    {"status": "seen"},
    {"status": "seen", "seen": 3},
    {"status": "seen", "seen": [3]},
    {"status": "seen", "seen": [[]]},
    {"status": "seen", "seen": [["result", {}, [2], [1.0]]]},
    {"status": "seen", "seen": [["result", {}, [-1], None]]},
    {"status": "seen", "seen": [["result", {}, ["x"], [1.0]]]},
    {"status": "seen", "seen": [["result", 3, [], [1.0]]]},
    {"status": "seen", "seen": [["result", {"case": []}, [], [1.0]]]},
    {"status": "seen", "seen": [["result", {}, [1], ["one"]]]},
    {"status": "seen", "seen": [["result", {}, [10**30], None]]},
    {"status": "seen", "seen": [["result", {}, [], [1.0]]] * 501},
    {"status": "wrong", "key": "course.verdict.raises", "values": {}, "mistake": ""},
    {"status": "wrong", "key": "error.write", "values": {}, "mistake": ""},
    {"status": "wrong", "key": "course.wrong.rebound", "values": {"name": []}, "mistake": ""},
    {"status": "wrong", "key": "course.wrong.rebound", "values": {"name": "x"}, "mistake": "<script>"},
    {"status": "wrong", "key": ["course"], "values": {}, "mistake": ""},
    {"status": "wrong", "mistake": 3, "message": "x"},
    {"status": "stopped"},
    {"status": "letters", "letters": 3},
    {"status": "ran"},
    {"status": "failed", "kind": [], "problem": "", "line": None},
]


@pytest.mark.parametrize("line", FORGED)
def test_a_line_that_is_none_of_ours_is_no_end(line):
    for name in ("3_1.adam", "3_1.arrival"):
        assert accepted(line, name, EXERCISES[name]) is None
    assert accepted(line, "3_1.review", EXERCISES["3_1.review"]) is None
    cell = accepted(line)
    assert cell is None or cell.status == line["status"] in ("ran", "stopped")


def test_letters_are_for_questions_and_numbers_for_the_others():
    letters = {"status": "letters", "letters": "bcabd"}
    numbers = as_report(None, [Observation(("result", {}), np.zeros(1))], EXERCISES["3_1.adam"])
    assert compared(
        "3_1.review", EXERCISES["3_1.review"], accepted(letters, "3_1.review", EXERCISES["3_1.review"])
    )
    assert accepted(letters, "3_1.adam", EXERCISES["3_1.adam"]) is None
    assert accepted(numbers, "3_1.review", EXERCISES["3_1.review"]) is None


@pytest.mark.parametrize(
    "part", [["", {}, [], [1.0]], ["nowhere", {"case": 1}, [2], [1.0, 2.0]], ["result", {}, [0], []]]
)
def test_forged_numbers_are_wrong_and_harm_nothing(part):
    for name in ("3_1.adam", "3_1.arrival"):
        exercise = EXERCISES[name]
        forged = accepted({"status": "seen", "seen": [part]}, name, exercise)
        assert compared(name, exercise, forged).status == "wrong"
        assert compared(name, exercise, forged).message
        assert compared(name, exercise, []).status == "wrong"
        assert compared(name, exercise, []).message


def test_of_an_array_larger_than_any_answer_only_the_shape_is_told():
    exercise = EXERCISES["3_1.adam"]
    seen = [Observation(("result", {"name": "f", "case": 1}), np.zeros((MOST_NUMBERS, 2)))]
    line = json.dumps(as_report(None, seen, exercise))
    assert len(line) < 200
    [read] = accepted(json.loads(line), "3_1.adam", exercise)
    assert read.value.shape == (MOST_NUMBERS, 2)


def test_whatever_a_learner_returns_the_line_is_no_longer_than_is_taken():
    exercise = EXERCISES["3_12.reuse"]
    many = {"k" * 10**5 + str(i): np.full(50, 1 / 3) for i in range(10**4)}
    seen = [
        Observation(("entry", {"name": "reuse", "case": 1, "entry": repr(key)}), value)
        for key, value in many.items()
    ]
    assert len(json.dumps(as_report(None, seen, exercise))) < LONGEST


@pytest.mark.parametrize(
    "answer", ["b" * 10**6, [object()] * 10**6, 10**4000, {"b": 1}, 3.0, ("b", "c"), None]
)
def test_no_code_of_a_learners_runs_where_letters_are_read(answer):
    class Odd:
        def __str__(self):
            raise AssertionError

    exercise = EXERCISES["3_1.review"]
    for each in (answer, Odd(), [Odd()]):
        line = json.dumps(as_report(each, [], exercise))
        assert len(line) < 10**4
        assert accepted(json.loads(line), "3_1.review", exercise).status in ("wrong", "unwritten")


def test_a_verdict_speaks_the_language_of_whoever_reads_it():
    verdict = Verdict("3_1.sgd", "wrong", "course.wrong.rebound", {"name": "SGD"}, "rebound")
    told = accepted(
        json.loads(json.dumps(as_report(None, verdict, EXERCISES["3_1.sgd"]))),
        "3_1.sgd",
        EXERCISES["3_1.sgd"],
    )
    for language in words.TABLES:
        with words.language(language):
            assert (told.message, told.mistake) == (verdict.message, "rebound")
