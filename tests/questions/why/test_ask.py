"""Measurements of a study are made once, kept in its folder, and never cost the answer."""

import json

import pytest

import kobai
from kobai.questions.why import ask
from reasons import two_layers

SMALL = {
    "optimizers": ["sgd", "adam"],
    "initializers": ["normal:1", "normal:0.1"],
    "steps": 60,
    "seeds": 3,
    "tuning_seeds": 1,
    "progress": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("why") / "run"
    kobai.compare(two_layers(10.0), output=place, **SMALL)
    return place


def test_the_folder_answers_why_without_the_task(folder, monkeypatch):
    monkeypatch.setattr(ask, "_measured", None)
    opened = kobai.open(folder)
    written = json.loads((folder / "answer.json").read_text("utf-8"))["why"]
    assert written is not None
    assert json.loads(opened.to_json())["why"] == written
    assert '<h2 id="why">' in (folder / "report.html").read_text("utf-8")
    assert opened.html() == (folder / "report.html").read_text("utf-8")


def test_the_same_question_again_measures_nothing(folder, monkeypatch):
    def none(outcome):
        raise AssertionError(outcome)

    monkeypatch.setattr(ask, "_measured", none)
    again = kobai.compare(two_layers(10.0), output=folder, **SMALL)
    assert again.why is not None


@pytest.mark.filterwarnings("ignore::kobai.basics.notices.Notice")  # the store tells of what it sets aside
def test_what_is_damaged_is_measured_again(folder):
    [file] = (folder / "store").glob("why-*.json")
    content = file.read_text("utf-8")
    file.write_text("{", "utf-8")
    again = kobai.compare(two_layers(10.0), output=folder, **SMALL)
    assert again.why is not None
    assert file.read_text("utf-8") == content


def test_what_cannot_be_measured_costs_no_answer_and_is_said(monkeypatch, tmp_path):
    def fails(*_, **__):
        raise TypeError("no <gradient>")

    monkeypatch.setattr(ask, "measured", fails)
    result = kobai.compare(two_layers(1.0), output=tmp_path / "run", **SMALL)
    assert (result.why, result.unmeasured.reason) == (None, "TypeError: no <gradient>")
    assert json.loads(result.to_json())["why"] == {"failed": "TypeError: no <gradient>"}
    assert "It could not be measured: TypeError: no &lt;gradient&gt;" in result.html()
    assert kobai.open(tmp_path / "run").unmeasured == result.unmeasured


def test_a_study_that_is_too_small_measures_nothing_and_says_so():
    result = kobai.compare(two_layers(1.0), **SMALL | {"steps": 2, "optimizers": [kobai.SGD(0.1)]})
    assert (result.why, result.unmeasured.reason) == (None, "small")
    assert "The study is too small to measure anything" in result.html()
