"""What Python and NumPy say in English and in words of their own is told again in the learner's language."""

import re

import numpy as np
import pytest

from kobai import words
from kobai.course.problems import MESSAGES, raised
from kobai.words import TABLES

A, B = np.zeros((4, 3)), np.zeros((2, 3))
NOTHING, NUMBER = None, 2


def unset():
    if A.any():
        value = 1
    return value


def one(x):
    return x


RAISING = {
    "entrywise": lambda: A + B,
    "matmul": lambda: A @ B,
    "dot": lambda: np.dot(A, B),
    "scalar_matmul": lambda: A @ np.float64(2),
    "output": lambda: np.add(np.zeros(3), A, out=np.zeros(3)),
    "put": lambda: np.zeros(3).__setitem__(slice(None), A),
    "index": lambda: A[9],
    "boolean": lambda: A[np.zeros(9, bool)],
    "axis": lambda: A.sum(axis=2),
    "indices": lambda: A[0, 0, 0],
    "list_index": lambda: [1, 2][5],
    "reshape": lambda: A.reshape(5),
    "truth": lambda: bool(A == 0),
    "one_number": lambda: range(A),
    "one_entry": lambda: np.zeros(2).__setitem__(0, [1, 2]),
    "unknown_name": lambda: nothing_of_that_name,  # noqa: F821
    "unset_name": unset,
    "missing_argument": lambda: one(),
    "too_many_arguments": lambda: one(1, 2),
    "unknown_argument": lambda: one(y=1),
    "none": lambda: NOTHING[0],
    "no_attribute": lambda: A.average(),
    "operand": lambda: {} * 2.0,
    "not_callable": lambda: NUMBER(A),
    "unpack_few": lambda: [a for a, b in [(1,)]],
    "unpack_many": lambda: [a for a, b in [(1, 2, 3)]],
    "zero": lambda: 1 / 0,
    "singular": lambda: np.linalg.inv(np.zeros((2, 2))),
    "key": lambda: {}["W"],
}


def problem_of(call):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    return caught.value


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RAISING)
def test_a_message_that_beginners_meet_is_told_again(name):
    problem = problem_of(RAISING[name])
    told = raised(problem, {})["problem"]
    assert getattr(told, "key", str(told)) == f"course.problem.{name}"
    for language in TABLES:
        with words.language(language):
            assert str(told) not in ("", str(problem))


def test_each_message_has_its_case():
    assert set(RAISING) == {*MESSAGES, "key"}
    keys = {key.removeprefix("course.problem.") for key in TABLES["en"] if key.startswith("course.problem.")}
    assert keys == set(RAISING)


def test_the_numbers_of_a_message_are_those_of_the_arrays():
    assert re.findall(r"\d", str(raised(problem_of(RAISING["entrywise"]), {})["problem"])) == [
        "4",
        "3",
        "2",
        "3",
    ]
    matmul = str(raised(problem_of(RAISING["matmul"]), {})["problem"])
    assert "3 on the left, 2 on the right" in matmul


def test_any_other_message_stays_as_it_is():
    assert raised(ValueError("so it is\nand more"), {})["problem"] == "so it is"


def test_an_exception_that_cannot_say_what_it_is_is_told_all_the_same():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    assert raised(Silent(), {}) | {"line": ""} == {"kind": "Silent", "problem": "", "line": ""}
