"""Every exercise of the course: the reference passes, each wrong answer is recognised, nothing raises."""

import contextlib
import linecache
import re
import time
from functools import partial

import numpy as np
import pytest

from kobai import words
from kobai.basics.errors import UsageError
from kobai.course import check, done, hint, learner
from kobai.course.cases import AUTHORS
from kobai.course.exercise import Exercise, Mistake
from kobai.course.exercises import find, of_lesson
from kobai.course.judge import PASSED, STOPPED, UNWRITTEN, WRONG, judge
from kobai.course.source import lesson_names, load
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
            assert verdict.sentence == words.say(f"course.wrong.{mistake}", **verdict.values)
            assert verdict.message.startswith(verdict.sentence)


@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_three_hints(name):
    for table in TABLES.values():
        assert len({table[f"course.hint.{name}.{level}"] for level in (1, 2, 3)}) == 3


def test_no_sentence_of_a_mistake_or_hint_is_left_over():
    said = {f"course.wrong.{mistake}" for _, mistake in MISTAKES} | {"course.wrong.not_numbers"}
    said |= {"course.wrong.no_class", "course.wrong.arguments_changed", "course.wrong.quiz_length"}
    said |= {"course.wrong.no_array"}
    said |= {f"course.hint.{name}.{level}" for name in EXERCISES for level in (1, 2, 3)}
    keys = {key for key in TABLES["en"] if key.startswith(("course.wrong.", "course.hint."))}
    keys = {key for key in keys if not key.startswith("course.wrong.any.")}  # see test_diagnosis
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


def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def log_epsilon(scores, t, small):
    p, rows = softmax(scores), np.arange(len(scores))
    loss = -np.log(p[rows, t] + small).mean()
    p[rows, t] -= 1
    return loss, p / len(scores)


def moved_and_moved_back(f, x, h=1e-4):
    """x + h − 2h + h differs from x in its last digit."""
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += h
        above = f(x)
        x[i] -= 2 * h
        below = f(x)
        x[i] += h
        found[i] = (above - below) / (2 * h)
    return found


def standardized(scale, train, others):
    mean = train.mean(axis=0)
    return scale(train - mean, train.std(axis=0)), scale(others - mean, train.std(axis=0))


RIGHT = {
    "arrays in place of a list": ("3_5.layer_stds", EXERCISES["3_5.layer_stds"].reference, np.array),
    "an array in place of a pair": ("3_8.fit_normal", EXERCISES["3_8.fit_normal"].reference, np.array),
    "a list in place of a pair": ("3_1.arrival", EXERCISES["3_1.arrival"].reference, list),
    "moved and moved back": ("3_2.numerical_gradient", moved_and_moved_back, np.asarray),
    "a small ε after all": ("3_2.softmax_loss", partial(log_epsilon, small=1e-12), tuple),
}
STANDARDIZING = {
    "where": lambda x, std: np.divide(x, std, out=np.zeros_like(x), where=std > 0),
    "small": lambda x, std: x / np.where(std < 1e-8, 1, std),
    "close": lambda x, std: x / np.where(np.isclose(std, 0), 1, std),
    "largest": lambda x, std: x / np.maximum(std, 1e-9),
    "nan": lambda x, std: np.nan_to_num(x / std),
    "one": lambda x, std: x / np.where(std == 0, 1, std),
}


@pytest.mark.parametrize("way", RIGHT)
def test_other_ways_to_write_a_right_answer_are_right(way):
    name, answer, made_of = RIGHT[way]
    assert judged(name, lambda *case: made_of(answer(*case))).message == words.say("course.verdict.passed")


@pytest.mark.parametrize("way", STANDARDIZING)
@pytest.mark.parametrize("seed", [AUTHORS, 4])
def test_however_a_feature_that_never_varies_becomes_0_it_is_right(way, seed):
    answer = partial(standardized, STANDARDIZING[way])
    assert judged("3_4.standardize", answer, seed=seed).message == words.say("course.verdict.passed")


@pytest.mark.parametrize(
    "answer",
    [
        "BCABD",
        "b c a b d",
        "b, c, a, b, d",
        "ｂｃａｂｄ",
        "b、c、a、b、d",
        list("bcabd"),
        "(b)(c)(a)(b)(d)",
        "（ｂ）（ｃ）（ａ）（ｂ）（ｄ）",
        "1b2c3a4b5d",
        "1. b  2. c  3. a  4. b  5. d",
        "問1: b、問2: c、問3: a、問4: b、問5: d",
        {1: "b", 2: "c", 3: "a", 4: "b", 5: "d"},
        ("b", "c", "a", "b", "d"),
    ],
)
def test_letters_may_be_written_as_a_keyboard_gives_them(answer):
    assert judged("3_1.review", answer).status == PASSED


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ("23124", "quiz_letters"),
        ("ウイア", "quiz_letters"),
        ("bcabe", "quiz_letters"),
        (23124, "quiz_letters"),
        ("bcab", "quiz_length"),
        ("bcabdd", "quiz_length"),
        ("bcaba", "3_1.review.5"),
        ("acaba", "3_1.review.1"),
    ],
)
def test_what_is_wrong_with_letters_is_told(answer, mistake):
    verdict = judged("3_1.review", answer)
    assert (verdict.status, verdict.mistake) == (WRONG, mistake)
    assert verdict.message == verdict.sentence  # and not the letters that would be right


@pytest.mark.parametrize(
    "answer",
    [
        "A:e B:d C:a D:c E:b F:h G:g H:i I:j",
        "Ae Bd Ca Dc Eb Fh Gg Hi Ij",
        "a: e, b: d, c: a, d: c, e: b, f: h, g: g, h: i, i: j",
        "Ｂ＝ｄ、Ａ＝ｅ、Ｃ＝ａ、Ｄ＝ｃ、Ｅ＝ｂ、Ｇ＝ｇ、Ｆ＝ｈ、Ｉ＝ｊ、Ｈ＝ｉ",
        ["A:e", "Bd", "C:a", "D:c", "E:b", "Fh", "G:g", "H:i", "Ij"],
        {"A": "e", "B": "d", "C": "a", "D": "c", "E": "b", "F": "h", "G": "g", "H": "i", "I": "j"},
    ],
)
def test_letters_for_A_to_I_may_stand_beside_these(answer):  # noqa: N802 - as the questions are called
    assert judged("3_10.troubles", answer).status == PASSED
    assert judged("3_1.review", "Ab Bc Ca Db Ed").mistake == "quiz_length"  # its questions are 1 to 5


def test_a_quiz_has_as_many_choices_as_its_text():
    assert judged("3_1.derivation", "abcfd").status == PASSED
    assert judged("3_1.derivation", "abcff").mistake == "3_1.derivation.5"


LISTS = {
    "3_10.nearest": list,
    "3_11.averages": list,
    "3_13.holm": list,
    "3_1.nesterov_path": lambda pair: (list(pair[0]), list(pair[1])),
    "3_7.backward": lambda grads: {key: g.tolist() for key, g in grads.items()},
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_where_later_cells_need_an_array_is_told_so(name):
    reference = EXERCISES[name].reference
    verdict = judged(name, lambda *case: LISTS[name](reference(*case)))
    assert (verdict.mistake, "np.array" in verdict.message) == ("no_array", True)


def test_numbers_that_differ_late_are_shown_with_as_many_digits():
    message = judged("3_2.softmax_loss", partial(log_epsilon, small=1e-6)).message
    found, right = re.search(r" is (\S+), and should be (\S+)$", message, re.MULTILINE).groups()
    assert found != right
    assert float(right) - float(found) == pytest.approx(2e-6, rel=0.5)


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
        assert verdict.message.startswith("まだ違います。最初の違い: ステップ2の後の")


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


def test_done_looks_for_no_reason(monkeypatch, capsys):
    """A notebook asks it before many cells, and a diagnosis takes its time."""
    monkeypatch.setattr("kobai.course.judge.diagnosis", None)
    assert not done("3_8.fit_normal", {"fit_normal": lambda x: (x.sum(), x.sum())})
    assert capsys.readouterr().out.count("\n") == 1


def test_check_and_done_read_the_variables_of_whoever_calls():
    namespace = {"check": check, "done": done, "review": "bcabd"}
    exec('verdict, is_done = check("3_1.review"), done("3_1.review")', namespace)
    assert namespace["verdict"].status == PASSED
    assert namespace["is_done"]


def test_each_hint_is_stronger_than_the_last(capsys, monkeypatch):
    monkeypatch.setattr(learner, "_hints", {})
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
