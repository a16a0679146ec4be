"""Every check catches every slip: programs that differ from the answer in one thing do not pass.

A false pass costs more than a false fail. The mutants are made from the answers in the lessons. Those that do
what the answer does, whatever they are given, stand in ``equivalent_mutants.txt``, read and agreed to.
"""

import ast
import difflib
import itertools
from pathlib import Path

import numpy as np
import pytest

from kobai import words
from kobai.course.cases import AUTHORS
from kobai.course.exercises import of_lesson
from kobai.course.judge import PASSED, _of_reference, judge
from kobai.course.limits import OutOfTime, limited
from kobai.course.mutants import does, of_code, surroundings
from kobai.course.source import answer_code, lesson_names
from kobai.words import TABLES

EXERCISES = {name: exercise for lesson in lesson_names() for name, exercise in of_lesson(lesson).items()}
FEWEST = 25
"""Mutants of an exercise, at least."""
RIGHT_TOO = {
    "3_10.remedies": ["bef", "d", "eai", "d", "dae", "cbe", "gi", "h", "i"],
    "3_13.remedies": ["a", "c", "d", "eb", "b", "d"],
}
"""The right letters of each question, where there are several."""
FRESH = 20261126
"""The seed of a grade: its numbers must catch what those of the notebook catch."""


def listed():
    """{exercise: the lines that a mutant equivalent to its answer has in place of the answer's}."""
    lines, name = {}, ""
    for line in Path(__file__).with_name("equivalent_mutants.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            lines.setdefault(name, set()).add(line.strip())
    return lines


EQUIVALENT = listed()


def mutants(code):
    """The code of every mutant; of a short answer with more changes, so that there are enough."""
    few = [text for _, text in of_code(code)]
    return few if len(few) >= FEWEST else [text for _, text in of_code(code, thorough=True)]


def changed(code, text):
    """The lines of a mutant that are not the answer's."""
    before, after = ast.unparse(ast.parse(code)).split("\n"), text.split("\n")
    return " / ".join(line[2:].strip() for line in difflib.ndiff(before, after) if line.startswith("+ "))


def survivors(name, seed):
    """What the mutants changed that do all that the answer does, as the check sees it."""
    exercise, (code, defined) = EXERCISES[name], answer_code(name)
    expected, passed = _of_reference(exercise, seed), set()
    for text in mutants(code):
        namespace = surroundings(code)
        try:
            exec(text, namespace)
            with limited(5), np.errstate(all="ignore"):
                if does(exercise, namespace[defined], expected, seed):
                    passed.add(changed(code, text))
        except (Exception, OutOfTime):  # it cannot even be defined, or never ends
            continue
    return passed


CODED = [name for name in EXERCISES if answer_code(name)[0]]
QUIZZES = [name for name in EXERCISES if not answer_code(name)[0]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [AUTHORS, FRESH])
@pytest.mark.parametrize("name", CODED)
def test_every_mutant_that_differs_in_value_is_caught(name, seed):
    code, _ = answer_code(name)
    assert len(mutants(code)) >= FEWEST
    assert survivors(name, seed) == EQUIVALENT.get(name, set())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CODED)
def test_whatever_two_slips_do_the_check_answers_in_both_languages(name):
    """Of any kind, so that no diagnosis trips over a form that its author did not think of."""
    exercise, (code, defined) = EXERCISES[name], answer_code(name)
    for number in range(8):
        first = nth(of_code(code), 11 * number + 3)
        namespace = surroundings(code)
        try:
            exec(nth(of_code(first), 17 * number + 5), namespace)
        except Exception:  # it cannot even be defined
            continue
        verdict = judge(name, exercise, {exercise.defines: namespace.get(defined)}, seconds=2)
        for language in TABLES:
            with words.language(language):
                assert verdict.message


def nth(mutants, number):
    """The code of that mutant, from the first again after the last."""
    texts = [text for _, text in itertools.islice(mutants, number + 1)]
    return texts[number % len(texts)]


@pytest.mark.parametrize("name", QUIZZES)
def test_every_other_string_of_letters_is_caught(name):
    exercise = EXERCISES[name]
    right = exercise.reference
    others = {right[:i] + letter + right[i + 1 :] for i in range(len(right)) for letter in "abcdefgh"} - {
        right
    }
    others |= {right[:i] + right[i + 1] + right[i] + right[i + 2 :] for i in range(len(right) - 1)}
    others |= {right[:i] + right[i + 1 :] for i in range(len(right))} | {right + "a", right[::-1]}
    others -= set(map("".join, itertools.product(*RIGHT_TOO.get(name, right))))
    assert len(others) >= FEWEST - 1
    passed = [other for other in others if judge(name, exercise, {exercise.defines: other}).status == PASSED]
    assert passed == []


def test_a_check_with_a_hole_would_be_noticed():
    """The planted hole: labels that are all alike hide that they are not looked at."""
    from kobai.course.exercise import function
    from kobai.course.exercises import lesson_3_8

    code, defined = answer_code("3_8.two_losses")
    alike = function("two_losses", lesson_3_8.two_losses, [(np.array([1.0, -2.0]), np.ones(2))])
    namespace = surroundings(code)
    exec(code.replace("(y * s <= 0)", "(s <= 0)"), namespace)
    with np.errstate(all="ignore"):
        assert does(alike, namespace[defined], _of_reference(alike, AUTHORS), AUTHORS)
        whole = EXERCISES["3_8.two_losses"]
        assert not does(whole, namespace[defined], _of_reference(whole, AUTHORS), AUTHORS)
