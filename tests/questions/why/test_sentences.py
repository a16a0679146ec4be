"""The causes in words: in the terminal, on the page, in the file, in both languages."""

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

import studies
from kobai import words
from kobai.questions.comparison.result import ComparisonResult
from reasons import look, measured


@pytest.fixture
def result(monkeypatch):
    numbers = measured(
        {
            "he": look(0.01, 1.0, activations={"relu 1": 0.5, "relu 2": 0.4}),
            "xavier": look(0.01, 1.0, activations={"relu 1": 0.5, "relu 2": 0.4}),
            "normal:0.01": look(0.0001, 1.0, activations={"relu 1": 0.1, "relu 2": 0.001}),
        },
        end=look(common=0.03, activations={"relu 1": 0.6, "relu 2": 0.5}),
        at_start=0.03,
        at_end=0.02,
    )
    return ComparisonResult.of(studies.known(monkeypatch), "", measured=numbers)


def test_a_line_each_in_the_terminal(result):
    text = str(result)
    assert "why he: with normal:0.01 the gradients begin 100 times smaller (0.weights)" in text
    assert "why 0.01: 0.1 lies beyond theory's limit (0.03 → 0.02)" in text
    assert "why adam: gradients differ 100 times between layers, too much for one rate" in text
    assert sum(line.startswith("why ") for line in text.splitlines()) == 3


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_line_fits_the_terminal(result, language):
    with words.language(language):
        again = ComparisonResult.of(result.outcome, "", measured=result.why.measured)
        assert all(cell_len(line) <= 80 for line in str(again).splitlines())


def test_each_paragraph_leads_to_its_numbers(result):
    """The places that it names are there."""
    page = result.html()
    section = page[page.index('<section aria-labelledby="why">') :]
    section = section[: section.index("</section>")]
    links = [re.findall(r'href="#([^"]+)"', item) for item in section.split("<li>")[1:]]
    assert [each[0] for each in links] == ["why-arrays", "why-points", "why-arrays"]
    assert all(f'id="{place}"' in page for each in links for place in each)


def test_why_this_rate_says_where_it_diverges_what_theory_bears_and_the_noise_floor(result):
    text = json.loads(result.to_json())["why"]["learning_rate"]["text"]
    assert "With adam and he, no run of the tuning diverged, up to a rate of 0.1." in text
    assert "2/λ, which is 0.5 at the start and 0.5 at the end" in text
    assert "At the end the loss is 1, at the mean of the iterates of the last quarter 0.9." in text
    assert "have 3 % in common" in text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_section_of_the_page(result, language):
    with words.language(language):
        page = ComparisonResult.of(result.outcome, "", measured=result.why.measured).html()
        assert '<section aria-labelledby="why"><h2 id="why">' in page
        assert words.say("why.optimizer") in page
        assert words.say("why.end") in page
        assert words.say("why.row.units", name="relu 2") in page


def test_where_nothing_is_found_that_is_said(monkeypatch):
    plain = ComparisonResult.of(studies.known(monkeypatch), "", measured=measured(at_start=None, at_end=None))
    assert "why" not in str(plain)
    content = json.loads(plain.to_json())["why"]
    for name in ("initializer", "learning_rate", "optimizer"):
        assert content[name]["cause"] == "none"
        assert content[name]["text"].startswith("No cause found.")
    assert plain.html().count("No cause found.") == 3


def test_the_file_explains_every_field(result):
    page = (Path(__file__).parents[3] / "docs/reference/files.md").read_text("utf-8")
    section = page[page.index("## answer.json") :]
    content = json.loads(result.to_json())["why"]
    assert [content[name]["cause"] for name in ("initializer", "learning_rate", "optimizer")] == [
        *("vanishing", "limit", "scales")
    ]
    for fields in (content, content["optimizer"], content["measured"]):
        assert [name for name in fields if f"`{name}`" not in section] == []
    assert content["share"] == pytest.approx(100 / sum_of(result))


def sum_of(result):
    """The steps of all trainings, none of which diverged."""
    return 100 * len(result.cells)
