"""What is written alike in every framework."""

from types import SimpleNamespace

import pytest

from kobai.basics.registry import SCHEDULES
from kobai.questions.comparison.code.common import FACTORS, factor
from kobai.schedules import schedule

STEPS = 20
NAMES = (
    "constant",
    "step:4:0.5",
    "cosine",
    "cosine:0.1",
    "warm-up:3",
    "one-cycle",
    "one-cycle:0.5",
    "wsd",
    "wsd:0.5",
)


def plan(name):
    """As much of a plan as a schedule needs."""
    return SimpleNamespace(schedule=name, said=SimpleNamespace(own={}))


@pytest.mark.parametrize("name", [*NAMES, "warm-up:3+cosine"])
def test_the_factor_of_a_schedule_is_that_of_kobai(name):
    namespace = {"STEPS": STEPS}
    exec("import math\n" + factor(plan(name)), namespace)
    expected = schedule(name).factors(0, STEPS, STEPS)
    assert [namespace["factor"](step) for step in range(STEPS)] == pytest.approx(expected.tolist())


def test_every_registered_schedule_is_written():
    assert {name.replace("_", "-") for name in SCHEDULES} == set(FACTORS)
    assert {name.partition(":")[0] for name in NAMES} == set(FACTORS)


def test_a_schedule_that_is_not_known_is_missing_and_no_constant():
    """The planted slip: a factor of 1."""
    for name in ("halves:3", "warm-up:3+halves"):
        with pytest.raises(NotImplementedError, match="halves"):
            exec(factor(plan(name)), {})
