"""The plan of a comparison on the command line."""

import json

import pytest

from kobai.study.plan import Plan

LINE = [
    "compare",
    "digits",
    "--quick",
    "--optimizers",
    "sgd",
    "--initializers",
    "he",
    "--hidden",
    "8",
    "--steps",
    "20",
]


def test_a_plan_says_how_many_how_long_and_how_large(kobai_here, place, everything_in):
    ran = kobai_here(*LINE, "--steps", "20", "--plan", "--json", "plan.json")
    assert ran.code == 0
    trainings, time, size = ran.out.splitlines()
    content = json.loads((place / "plan.json").read_text())
    assert trainings.startswith(f"{content['trainings']} trainings: {content['tuning']} for the tuning")
    assert "measured just now" in time
    assert size.endswith("MB")
    assert everything_in(place) == {"plan.json"}  # no folder was made
    assert content.keys() == {*Plan.__dataclass_fields__, "left"}


@pytest.mark.parametrize("line", [["--html", "page.html"], ["--steps", "0"], ["--budget", "1m"]])
def test_what_a_plan_has_no_use_for_is_refused(kobai_here, line):
    ran = kobai_here(*LINE, *line, "--plan")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_a_plan_of_a_growing_study_says_its_range(kobai_here, place):
    ran = kobai_here(*LINE, "--until-clear", "--plan", "--json", "plan.json")
    assert ran.code == 0
    _, _, grows, _ = ran.out.splitlines()
    content = json.loads((place / "plan.json").read_text())
    assert "first look, 8 fresh seeds" in grows
    assert f"40 seeds, it takes up to {content['trainings_at_most']} trainings" in grows
    per_seed = (content["trainings_at_most"] - content["trainings"]) / (40 - 8)
    assert per_seed == int(per_seed) > 0
    assert content["seconds_at_most"] > content["seconds"]
