"""A judgement in terminals of several widths, in both languages."""

import pytest

import kobai
from judged import curves, table
from kobai import words
from kobai.questions.judgement import table as written
from kobai.questions.judgement import terminal
from terminal import widest

RESULTS = {
    "arms": kobai.judge(table({"main": 0.31, "new": 0.29, "same": 0.31}), margin=0.03),
    "steps": kobai.judge(curves({"main": 300, "new": 290}, seeds=3), by="steps:3.1", watch=True),
    "one": kobai.judge({"main": [0.3], "new": [0.2]}, maximize=False),
}


@pytest.mark.parametrize("language", words.TABLES)
@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", RESULTS)
def test_it_fits(name, width, language):
    with words.language(language):
        text = terminal.text(RESULTS[name].judgement, width)
    assert widest(text) <= width
    for arm in RESULTS[name].judgement.arms:
        assert arm.name in text


def test_it_says_the_verdict_its_ground_and_what_would_decide():
    text = str(RESULTS["arms"])
    for part in (
        "new is BETTER than main",
        "same and main: NO DIFFERENCE larger than 0.03.",
        "Paired on 10 seeds",
    ):
        assert part in " ".join(text.split())
    assert "The look at" in str(RESULTS["steps"]) or "foreseen" in str(RESULTS["steps"])
    assert "Give 4 runs of each" in " ".join(str(RESULTS["one"]).split())


def test_an_interval_of_rounding_alone_is_none():
    assert written.interval(-0.1, -0.1 - 3e-17, -0.1 + 3e-17, signed=True) == "−0.1"
    assert written.interval(0.312, 0.301, 0.324) == "0.312 [0.301, 0.324]"
