"""Every sick training has its trouble named first, and healthy ones none."""

import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis.case import Setting
from kobai.questions.diagnosis.examine import examine, instruments_for
from kobai.questions.diagnosis.sick import FAMILIES, families, sick
from kobai.questions.diagnosis.troubles import NAMES, troubles
from kobai.words import TABLES

pytestmark = pytest.mark.usefixtures("quick_engine")

SICK = families()


def test_of_every_trouble_there_are_two_sick_trainings_of_different_shape():
    for name in NAMES:
        own = [each for each in sick() if each.trouble == name]
        assert len({each.family for each in own}) >= 2, name
        assert len({type(each.optimizer) for each in own}) >= 2, name
    assert set(FAMILIES) == {each.family for each in sick()}


def test_every_trouble_has_words():
    for table in TABLES.values():
        for name in NAMES:
            assert {f"diagnose.{kind}.{name}" for kind in ("name", "evidence", "remedy")} <= set(table)


@pytest.mark.parametrize("i", range(len(SICK)), ids=lambda i: f"{SICK[i][0].family}-{i}")
def test_the_trouble_of_a_sick_training_is_named_first(i):
    settings = [each.setting for each in SICK[i]]
    instruments = instruments_for(settings)
    found = [troubles(examine(setting, (0,), instruments)) for setting in settings]
    first = [each[0].name if each else None for each in found]
    assert first == [each.trouble for each in SICK[i]]


HEALTHY = {
    "sine": (
        lambda: tasks.sine(hidden=20),
        [
            (optimizers.SGD(0.1), "xavier", 300),
            (optimizers.Momentum(0.03), "xavier", 300),
            (optimizers.Nesterov(0.03), "xavier", 300),
            (optimizers.Adam(0.03), "xavier", 300),
            (optimizers.RMSProp(0.003), "lecun", 400),
        ],
    ),
    "digits": (
        lambda: tasks.digits(hidden=30),
        [
            (optimizers.SGD(0.5), "he", 200),
            (optimizers.Momentum(0.1), "xavier", 200),
            (optimizers.Adam(0.01), "he", 200),
            (optimizers.AdaGrad(0.1), "he", 200),
        ],
    ),
    "adding": (
        lambda: tasks.adding(length=6, hidden=16),
        [(optimizers.Adam(0.01), "xavier", 400), (optimizers.Momentum(0.03), "orthogonal", 400)],
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_of_healthy_trainings_nothing_is_said(name):
    """Those of the built-in tasks in their full size are in benchmarks/diagnosis.py."""
    make, cases = HEALTHY[name]
    task = make()
    settings = [
        Setting(task, rule, initializers.parse(start), Strategy(), steps) for rule, start, steps in cases
    ]
    instruments = instruments_for(settings)
    for setting in settings:
        assert troubles(examine(setting, (0,), instruments)) == [], setting.optimizer
