"""Every exercise of the course: the reference passes, each wrong answer is recognised, nothing raises."""

import contextlib
import linecache
import time

import pytest

from kobai import words
from kobai.course import check, done, hint
from kobai.course.exercise import Exercise, Mistake
from kobai.course.exercises import find, of_lesson
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN, WRONG, judge
from kobai.course.source import lesson_names, load
from kobai.errors import UsageError
from kobai.words import TABLES

EXERCISES = {name: exercise for lesson in lesson_names() for name, exercise in of_lesson(lesson).items()}
MISTAKES = [(name, mistake) for name, exercise in EXERCISES.items() for mistake in exercise.wrong]


def judged(name, answer, **more):
    return judge(name, EXERCISES[name], {EXERCISES[name].defines: answer}, **more)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_passes(name):
    assert judged(name, EXERCISES[name].reference).status == PASSED


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_named_wrong_answer_gets_its_own_sentence(name, mistake):
    """Twice: what one check saw must not change what the next one sees."""
    for language in ("en", "ja", "en"):
        verdict = judged(name, EXERCISES[name].wrong[mistake])
        assert (verdict.status, verdict.mistake) == (WRONG, mistake)
        with words.language(language):
            assert verdict.message == words.say(f"course.wrong.{mistake}", **verdict.values)


@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_three_hints(name):
    for table in TABLES.values():
        assert len({table[f"course.hint.{name}.{level}"] for level in (1, 2, 3)}) == 3


def test_no_sentence_of_a_mistake_or_hint_is_left_over():
    said = {f"course.wrong.{mistake}" for _, mistake in MISTAKES} | {"course.wrong.not_numbers"}
    said |= {"course.wrong.no_class", "course.wrong.arguments_changed", "course.wrong.quiz_length"}
    said |= {f"course.hint.{name}.{level}" for name in EXERCISES for level in (1, 2, 3)}
    keys = {key for key in TABLES["en"] if key.startswith(("course.wrong.", "course.hint."))}
    assert sorted(keys - said) == []


def test_a_missing_or_unfinished_answer_is_not_yet_written():
    class SGD:
        def update(self, params, grads):
            raise NotImplementedError

    def update(self, params, grads):
        raise NotImplementedError

    SGD.__init__ = lambda self, learning_rate: None
    for namespace in ({}, {"SGD": SGD}):
        verdict = check("3_1.sgd", namespace)
        assert verdict.status == UNWRITTEN
        assert verdict.message.startswith("not yet written")
    assert check("3_1.review", {"review": " "}).message.startswith("not yet written")


@pytest.mark.parametrize("answer", [None, 3, "SGD", [], print, object(), int, dict])
@pytest.mark.parametrize("name", EXERCISES)
def test_nothing_raises_whatever_the_answer_is(name, answer):
    verdict = judged(name, answer)
    assert verdict.status in (WRONG, UNWRITTEN)
    assert verdict.message


def test_an_exception_names_its_kind_and_the_line_of_the_learner():
    source = "def arrival(values, tolerance):\n    wrong = values[0] / 'a'\n    return 1, 2\n"
    namespace = {}
    linecache.cache["cell"] = (len(source), None, source.splitlines(keepends=True), "cell")
    exec(compile(source, "cell", "exec"), namespace)
    message = check("3_1.arrival", namespace).message
    assert "TypeError" in message or "UFuncNoLoopError" in message
    assert "wrong = values[0] / 'a'" in message


def test_an_answer_that_leaves_the_program_or_never_ends_is_told_so():
    def leaves(values, tolerance):
        raise SystemExit(1)

    def never_ends(values, tolerance):
        while True:
            with contextlib.suppress(Exception):  # which must not swallow the end of the time
                time.sleep(0)

    assert "SystemExit" in judged("3_1.arrival", leaves).message
    assert judged("3_1.arrival", never_ends, seconds=0.05).status == STOPPED


def test_an_unknown_mistake_gets_the_first_differing_step_and_values():
    class SGD:
        def __init__(self, learning_rate):
            self.learning_rate, self.t = learning_rate, 0

        def update(self, params, grads):
            self.t += 1
            for key in params:
                params[key] -= self.learning_rate * grads[key] * (1 if self.t < 2 else 1.5)

    verdict = judged("3_1.sgd", SGD)
    assert (verdict.status, verdict.mistake) == (WRONG, "")
    assert verdict.message.startswith(
        'not yet. First difference: after step 2, params["W"] (instance 1)[0, 0] is '
    )
    with words.language("ja"):
        assert verdict.message.startswith("もう少しです。最初の違い: ステップ2の後の")


def test_the_state_of_a_class_from_earlier_cells_does_not_hide_that_it_is_shared():
    shared = EXERCISES["3_1.momentum"].wrong["shared"]
    for _ in range(3):
        assert judged("3_1.momentum", shared).mistake == "shared"


def test_two_mistakes_at_once_are_told_one_at_a_time():
    class Momentum(EXERCISES["3_1.momentum"].wrong["no_rate"]):
        def update(self, params, grads):
            new = {key: p.copy() for key, p in params.items()}
            super().update(new, grads)
            params.update(new)

    assert judged("3_1.momentum", Momentum).mistake == "rebound"


def test_an_answer_that_writes_into_its_arguments_is_told_so():
    def arrival(values, tolerance):
        values -= tolerance
        return 1, 1

    assert judged("3_1.arrival", arrival).mistake == "arguments_changed"


def test_done_prints_one_line_only_where_something_is_missing(capsys):
    assert done("3_1.review", {"review": "bcabd"})
    assert capsys.readouterr().out == ""
    assert not done("3_1.review", {"review": "bcabc"})
    assert capsys.readouterr().out.count("\n") == 1


def test_check_and_done_read_the_variables_of_whoever_calls():
    namespace = {"check": check, "done": done, "review": "bcabd"}
    exec('verdict, is_done = check("3_1.review"), done("3_1.review")', namespace)
    assert namespace["verdict"].status == PASSED
    assert namespace["is_done"]


def test_each_hint_is_stronger_than_the_last(capsys):
    for _ in range(4):
        hint("3_1.adam")
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines] == ["hint 1 of 3", "hint 2 of 3", "hint 3 of 3", "hint 3 of 3"]
    hint("3_1.adam", 1)
    assert capsys.readouterr().out.startswith("hint 1 of 3")


@pytest.mark.parametrize("call", [check, hint, done])
def test_an_unknown_exercise_is_refused_with_the_nearest(call):
    with pytest.raises(UsageError, match="no exercise '3_1.adm'; did you mean '3_1.adam'?"):
        call("3_1.adm")
    with pytest.raises(UsageError, match="there is no exercise"):
        find("")


def test_a_verdict_shows_itself_as_text_and_as_html():
    verdict = check("3_1.review", {"review": "<b>"})
    assert repr(verdict).startswith("✗ 3_1.review: ")
    assert "<b>" not in verdict._repr_html_().partition(">")[2]


def test_every_check_of_a_lesson_has_its_exercise_and_nothing_is_unused():
    for lesson in map(load, lesson_names()):
        if lesson.exercises:
            table = __import__(f"kobai.course.exercises.lesson_{lesson.number}", fromlist=["EXERCISES"])
            assert [f"{lesson.number}.{name}" for name in table.EXERCISES] == list(lesson.exercises)


def test_two_wrong_answers_that_look_alike_would_be_noticed():
    """The planted mistake that `test_a_named_wrong_answer_gets_its_own_sentence` is there for."""
    sgd = EXERCISES["3_1.sgd"]
    twice = Exercise(
        defines="SGD",
        observe=sgd.observe,
        reference=sgd.reference,
        wrong={"one": sgd.wrong["sign"], "sign": sgd.wrong["sign"]},
    )
    assert judge("x", twice, {"SGD": twice.wrong["sign"]}).mistake == "one"


def test_a_mistake_carries_the_values_of_its_sentence():
    assert Mistake("nothing_returned", name="f").values == {"name": "f"}
