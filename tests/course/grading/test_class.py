"""What a class is told: the sheet, the page of the class, the feedback, answers that are the same."""

import csv
import dataclasses
import datetime
import html
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kobai import words
from kobai.course.evidence import Sentence
from kobai.course.grading import grade, pages, sheet
from kobai.course.grading.alike import Alike, alike
from kobai.course.grading.marks import Mark
from kobai.course.grading.overview import heading_of, overview, title_of
from kobai.course.grading.points import Points
from kobai.course.grading.reading import CodeCell, Submission, Unreadable
from kobai.course.notebooks import notebook
from kobai.course.source import load

LESSON = load("3_1_SGD")
KEYS = {"passed": "course.verdict.passed", "unwritten": "course.verdict.unanswered"}


def handed_in(learner, *, language="en", time=1000.0, hints=None, cells=(), problem=None, **marks):
    """What a learner earned in lesson 3_1: exercise=(status, mistake), all others not written."""
    earned = []
    for exercise in LESSON.exercises:
        status, mistake = marks.get(exercise.partition(".")[2], ("unwritten", ""))
        key = KEYS.get(status) or f"course.wrong.{mistake or 'rebound'}"
        earned.append(Mark(exercise, status, key, {"name": "<b>Name", "kind": ""}, mistake))
    path = None if problem else Path(learner, "3_1_SGD_trainee.ipynb")
    about = {"language": language, "time": time, "hints": hints or {}, "problem": problem}
    submission = Submission(Path(learner), path, "" if problem else LESSON.name, tuple(cells), **about)
    return grade.NotebookMarks(submission, () if problem else tuple(earned))


RIGHT, NO_CORRECTION = ("passed", ""), ("wrong", "adam_no_correction")
POINTS = Points({"3_1.adam": 4}, {"adam_no_correction": 0.25})


@pytest.fixture
def whole():
    """Four learners: right, wrong, wrong, and a folder without notebooks."""
    return overview(
        [
            handed_in("class/anna", sgd=RIGHT, adam=RIGHT, time=999.0),
            handed_in("class/=ben", sgd=RIGHT, adam=NO_CORRECTION, hints={"3_1.adam": 2}),
            handed_in("class/佐藤", adam=NO_CORRECTION, sgd=("failed", "rebound"), language="ja"),
            handed_in("class/<i>", problem=Unreadable("error.course.no_folder", path="class/<i>")),
        ],
        POINTS,
    )


class Reader(HTMLParser):
    """The tags and letters of a page, and whether every tag is closed."""

    VOID = ("meta", "link", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.letters = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.letters += data


# The sheet


def test_the_sheet_has_a_row_for_each_learner(whole):
    rows = list(csv.DictReader(io.StringIO(sheet.as_csv(whole))))
    first = ["learner", *LESSON.exercises]
    assert list(rows[0]) == [*first, "points", "total", "right", "submitted", "late"]
    assert [row["learner"] for row in rows] == ["anna", "'=ben", "佐藤", "<i>"]
    assert [row["3_1.adam"] for row in rows] == ["4", "1", "1", ""]
    assert [row["3_1.sgd"] for row in rows] == ["1", "1", "0", ""]
    assert [row["points"] for row in rows] == ["5", "2", "1", "0"]
    assert {row["total"] for row in rows} == {str(len(LESSON.exercises) + 3)}
    assert [row["right"] for row in rows] == ["2", "1", "0", "0"]
    assert {row["late"] for row in rows} == {""}


def test_with_a_deadline_the_sheet_says_who_was_late(whole):
    points = Points(deadline=datetime.datetime.fromtimestamp(999).astimezone())
    results = [result for learner in whole.learners for result in learner.results]
    rows = list(csv.DictReader(io.StringIO(sheet.as_csv(overview(results, points)))))
    assert [row["late"] for row in rows] == ["no", "yes", "yes", "yes"]
    assert rows[0]["submitted"] == datetime.datetime.fromtimestamp(999).isoformat(" ")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x"])
def test_no_folder_becomes_a_formula(name):
    [row] = csv.DictReader(io.StringIO(sheet.as_csv(overview([handed_in(f"class/{name}")], Points()))))
    assert row["learner"] == f"'{name}"


# The class


def test_mistakes_are_counted_among_those_who_tried(whole):
    most, other = whole.slips
    assert (most.exercise, len(most.marks), most.tried, most.share) == ("3_1.adam", 2, 3, 2 / 3)
    assert (other.exercise, len(other.marks), other.share) == ("3_1.sgd", 1, 1 / 3)
    assert [(each.exercise, each.right, each.tried, each.hints) for each in whole.again] == [
        ("3_1.adam", 1, 3, 1)
    ]


def test_the_page_of_the_class_tells_all_that_and_opens_the_feedback(whole):
    files = {learner.folder: f"feedback/{i}.html" for i, learner in enumerate(whole.learners)}
    text = pages.class_page(whole, files)
    page = Reader(text)
    for sentence in (
        "67 % (2 of 3)",
        "What to explain again",
        "1 of 3",
        "Who is where",
        "there is no folder",
    ):
        assert sentence in page.letters
    assert [about["href"] for tag, about in page.tags if tag == "a"] == list(files.values())
    cells = [about for tag, about in page.tags if about.get("role") == "img" and tag == "span"]
    assert len(cells) == 3 * len(LESSON.exercises)
    assert "Plotly" in text
    assert not [about for _, about in page.tags if "//" in str(about.get("src", about.get("href", "")))]


def test_nothing_that_a_learner_wrote_is_taken_for_html(whole):
    for text in (pages.class_page(whole, {}), pages.feedback_page(whole.learners[1], whole)):
        assert "<b>Name" not in text
        assert "<i>" not in re.sub(r"<style>.*?</style>|<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_class_without_a_single_notebook_has_a_page_too():
    nobody = handed_in("class/a", problem=Unreadable("error.course.no_folder", path="class/a"))
    empty = overview([nobody], Points())
    assert "there is no folder class/a" in Reader(pages.class_page(empty, {})).letters
    assert sheet.as_csv(empty).count("\n") == 2
    assert "there is no folder class/a" in Reader(pages.feedback_page(empty.learners[0], empty)).letters


def test_what_is_fine_is_not_to_be_looked_at():
    fine = overview(
        [handed_in("a", **{name.partition(".")[2]: RIGHT for name in LESSON.exercises})], Points()
    )
    letters = Reader(pages.class_page(fine, {})).letters
    for key in ("again", "slips", "look", "alike"):
        assert words.say(f"course.class.{key}") not in letters


# A learner


def test_feedback_says_what_is_wrong_what_it_earned_and_where_to_go_on(whole):
    ben = whole.learners[1]
    text = pages.feedback_page(ben, whole)
    page = Reader(text)
    assert ben.marks["3_1.adam"].message in page.letters
    for sentence in (
        "Feedback for =ben",
        f"1 of {len(LESSON.exercises)} exercises right, 2 of {len(LESSON.exercises) + 3} points",
        "1 of 4 points",
        "Hints used: 2 of 3.",
        'Run hint("3_1.adam")',
        "8. Adam",
    ):
        assert sentence in page.letters
    assert "Plotly.newPlot(" not in text.partition("figures = JSON")[0]
    assert len(text) < 50_000  # without plotly: one a learner


def test_feedback_speaks_the_language_of_the_notebook(whole):
    assert [learner.language for learner in whole.learners] == ["en", "en", "ja", "en"]
    with words.language("ja"):
        page = Reader(pages.feedback_page(whole.learners[2], whole))
        assert whole.learners[2].marks["3_1.adam"].message in page.letters
    assert "佐藤さんへのフィードバック" in page.letters


def differing(learner, found, *, place="sgd", key="course.verdict.differs", mistake="", **values):
    """A learner whose answer to one exercise differs in a number, and nothing else is known."""
    where = Sentence("course.where.result", name="f", case=1)
    difference = Sentence("course.difference.value", where=where, at="", found=found, expected="2")
    result = handed_in(learner, **{place: ("wrong", "")})
    marks = [
        dataclasses.replace(mark, key=key, mistake=mistake, values={"difference": difference, **values})
        if mark.exercise == f"3_1.{place}"
        else mark
        for mark in result.marks
    ]
    return dataclasses.replace(result, marks=tuple(marks))


def test_unknown_mistakes_are_one_only_where_the_numbers_are_the_same():
    class_ = [differing("a", "1"), differing("b", "3"), differing("c", "1"), differing("d", "4")]
    class_.append(differing("e", "7", place="adam"))
    whole = overview(class_, Points())
    assert [(slip.exercise, len(slip.marks), slip.tried) for slip in whole.slips] == [("3_1.sgd", 2, 4)]
    assert whole.unlike == {"3_1.sgd": 2, "3_1.adam": 1}
    for language, sentence in (
        ("en", "with no known mistake: 3 answers (3_1.sgd: 2, 3_1.adam: 1)"),
        ("ja", "誤答が3件あります（3_1.sgd: 2、3_1.adam: 1）"),
    ):
        with words.language(language):
            assert sentence in Reader(pages.class_page(whole, {})).letters


def test_a_general_mistake_is_one_only_where_it_tells_the_same():
    def factor(learner, factor):
        more = {"key": "course.wrong.any.factor", "mistake": "any.factor", "factor": factor}
        return differing(learner, "1", **more)

    slips = overview([factor("a", "2"), factor("b", "1/3"), factor("c", "2")], Points()).slips
    assert [(len(slip.marks), slip.marks[0].values["factor"]) for slip in slips] == [(2, "2"), (1, "1/3")]


def test_exceptions_are_one_mistake_where_they_say_the_same_whatever_the_line():
    def raised(learner, problem, line):
        more = {"key": "course.verdict.raises", "kind": "TypeError", "problem": problem, "line": line}
        return differing(learner, "1", **more)

    slips = overview([raised("a", "x", "l"), raised("b", "y", "l"), raised("c", "x", "m")], Points()).slips
    assert [len(slip.marks) for slip in slips] == [2, 1]


def test_every_learner_has_a_file_of_a_name_of_its_own():
    names = ["a/x", "b/x", "c/X", "a/<>", "b/??", "a/x-2", "a/" + "y" * 300, "a/con.x"]
    learners = overview([handed_in(name) for name in names], Points()).learners
    files = pages.file_names(list(learners))
    assert len({name.casefold() for name in files.values()}) == len(names)
    assert all(re.fullmatch(r"[\w-]{1,90}\.html", name) for name in files.values())


def test_headings_are_without_their_minutes():
    assert heading_of(LESSON, "3_1.adam") == "8. Adam"
    with words.language("ja"):
        assert not re.search(r"\d分", heading_of(LESSON, "3_1.momentum"))
        assert title_of(LESSON).startswith("3-1")


# Answers that are the same

OWN = """class Momentum:
    def __init__(self, learning_rate=0.01, momentum=0.9):
        self.rate, self.share, self.v = learning_rate, momentum, {{}}

    def update(self, params, grads):
        for name in params:  # {note}
            self.v[name] = self.share * self.v.get(name, 0) - self.rate * grads[name]
            params[name] += self.v[name]
"""


def wrote(learner, kind="trainee", language="en", **texts):
    """A learner's notebook with these texts in its exercises, all others as in a kind of notebook."""
    cells = []
    for cell in notebook(LESSON, language, kind)["cells"]:
        if cell["cell_type"] == "code":
            name = cell["id"].partition("-")[2]
            cells.append(CodeCell(cell["id"], texts.get(name, "".join(cell["source"]))))
    names = [name.partition(".")[2] for name in LESSON.exercises]
    written = names if kind == "answer" else texts
    return handed_in(learner, cells=cells, **dict.fromkeys(written, RIGHT))


def mine(note):
    text = OWN.format(note=note)
    return {"momentum": text, "nesterov": text.replace("Momentum", "Nesterov")}


def test_two_learners_with_the_same_answers_are_named():
    spaced = {name: text.replace("\n", "   \n\n") for name, text in mine("as one").items()}
    same, other = wrote("a", **mine("as one")), wrote("b", language="ja", **spaced)
    own = wrote("c", **mine("of my own"))
    assert alike([same, own, other]) == [Alike("a", "b", ("3_1.momentum", "3_1.nesterov"), 2)]


def test_one_equal_answer_may_be_chance_and_short_ones_are_alike_anyway():
    one = {"momentum": OWN.format(note="as one")}
    short = {"review": "review = 'bcabd'", "sgd": "class SGD: pass"}
    assert alike([wrote("a", **one, **short), wrote("b", **one, **short)]) == []


def test_unwritten_notebooks_are_not_alike():
    assert alike([wrote("a"), wrote("b")]) == []


def test_the_courses_own_answers_are_told_as_that_and_not_as_copied_from_each_other():
    pairs = alike([wrote("a", "answer"), wrote("b", "answer", "ja")])
    assert [(pair.learner, pair.other) for pair in pairs] == [("a", ""), ("b", "")]
    assert "3_1.adam" in pairs[0].exercises


def test_equal_answers_stand_on_the_page():
    results = [wrote("a", **mine("as one")), wrote("b", **mine("as one"))]
    letters = Reader(pages.class_page(overview(results, Points()), {})).letters
    assert "a = b" in letters
    assert html.unescape("3_1.momentum, 3_1.nesterov") in letters
