"""What is said of a trouble is what was measured of it."""

import math

import pytest

from kobai.questions.diagnosis import table
from kobai.questions.diagnosis.case import Trouble
from kobai.questions.diagnosis.confirm import Confirmation
from kobai.questions.diagnosis.cure import END, Cure
from kobai.questions.diagnosis.cures import CURES
from kobai.study.statistics import Estimate
from kobai.words import TABLES, language, say


def evidence(name, **numbers):
    return table.evidence(Trouble(name, None, None, numbers, 1))


def test_inputs_that_are_too_small_are_told_by_their_size():
    assert "root mean square of 0.01" in evidence("unscaled_inputs", size=0.01, apart=1.0)
    assert "root mean square of 200" in evidence("unscaled_inputs", size=200.0, apart=20.0)
    assert "the widest has 50 times" in evidence("unscaled_inputs", size=100.0, apart=50.0)


HIGH = {"curvature": 3.0, "leap": 2.0, "overshoot": 0.7, "diverged": 0.0, "lost": 1.0}
CURVED = "curvature as the rule sees it was up to 3 times"


@pytest.mark.parametrize(
    ("change", "said", "not_said"),
    [
        ({}, ["thrown up and did not come down again", CURVED], ["no longer finite"]),
        ({"diverged": 7.0}, ["no longer finite from step 7 on", CURVED], ["thrown up"]),
        ({"lost": 0.0}, ["70 % of the steps raised the loss", CURVED], ["thrown up", "no longer finite"]),
        ({"curvature": math.nan}, ["thrown up"], ["curvature", "–"]),
        ({"curvature": math.nan, "diverged": 7.0}, ["no longer finite"], ["curvature", "–"]),
    ],
)
def test_a_rate_is_too_high_in_three_ways(change, said, not_said):
    sentence = evidence("rate_too_high", **(HIGH | change))
    assert all(part in sentence for part in said)
    assert not any(part in sentence for part in not_said)


@pytest.mark.parametrize("spoken", TABLES)
@pytest.mark.parametrize(
    ("trouble", "names"),
    [
        ("symmetry", ["he", "xavier", "lecun"]),
        ("saturation", ["he", "xavier", "lecun"]),
        ("long_term", ["orthogonal", "he", "xavier", "Adam"]),
        ("vanishing", ["he", "xavier", "ReLU", "Adam"]),
        ("saddle", ["he", "xavier", "Adam"]),
        ("plateau", ["he", "xavier", "Adam"]),
    ],
)
def test_a_remedy_names_what_is_tried(trouble, names, spoken):
    assert trouble in CURES
    with language(spoken):
        remedy = say(f"diagnose.remedy.{trouble}")
    assert all(name in remedy for name in names)


@pytest.mark.parametrize("helps", [True, False])
def test_what_judges_a_cure_is_set_off_from_the_cure(helps):
    effect = Estimate(-0.4, -0.5, -0.3)
    even = Confirmation(
        Cure("even", {}, None, END), None, 1.2, 0.8, effect, "", 9, 10, 0.01, helps=helps, on="validation"
    )
    with language("ja"):
        said = table.cure(even)
        change, loss = say("diagnose.cure.even"), say("diagnose.loss.even")
    assert f"{change}で、{loss}は1.2 → 0.8" in said
