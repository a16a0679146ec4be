"""Every sick training has its trouble named first, and healthy ones none."""

import dataclasses
import json
from pathlib import Path

import pytest

from kobai import initializers, optimizers, tasks
from kobai.basics import registry
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis.case import Setting, Trouble
from kobai.questions.diagnosis.examine import examine, instruments_for
from kobai.questions.diagnosis.sick import FAMILIES, families, sick
from kobai.questions.diagnosis.troubles import NAMES, _place, troubles
from kobai.tasks.load import load
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


def test_units_that_die_before_the_loss_stands_still_are_why_it_does():
    """By steps that are too long; where the standstill begins first, it is not because of them."""
    task = FAMILIES["digits"]()
    rules = [(optimizers.Adam(rate), start) for rate in (1.0, 3.0) for start in ("normal:1", "normal:3")]
    settings = [Setting(task, rule, initializers.parse(start), Strategy(), 100) for rule, start in rules]
    instruments = instruments_for(settings)
    for setting in settings:
        dead, *others = troubles(examine(setting, (3000,), instruments))
        assert dead.name == "dead_units"
        assert [each.name for each in others][:1] == ["plateau"]
        assert 0 < dead.step <= others[0].step
    early, late, unrelated = (
        Trouble(name, None, step, {}, 1)
        for name, step in (("plateau", 3), ("underfitting", 60), ("overfitting", 60))
    )
    units = Trouble("dead_units", None, 5, {}, 1)
    assert _place(units, [early]) == 1
    assert _place(units, [early, unrelated, late]) == 2


MEASURED = json.loads((Path(__file__).parents[3] / "benchmarks/diagnosis.json").read_text("utf-8"))
"""What the benchmark has found, of every task in its full size."""
OF_THE_BENCHMARK = {
    name: [each for each in MEASURED["healthy"] if each["task"] == name] for name in ("sine", "digits")
}


def settings_of(name):
    """Those of the benchmark: each rule at the rate that its tuning found."""
    task = load(name)
    for each in OF_THE_BENCHMARK[name]:
        rule = registry.OPTIMIZERS[each["optimizer"]].load()(each["learning_rate"])
        yield Setting(task, rule, initializers.parse(each["initializer"]), Strategy(), each["steps"])


@pytest.mark.parametrize("name", OF_THE_BENCHMARK)
def test_of_healthy_trainings_nothing_is_said(name):
    """Two seeds by each of five rules, other ones than those of the benchmark."""
    settings = list(settings_of(name))
    assert len(settings) == 5
    instruments = instruments_for(settings)
    for setting in settings:
        case = examine(setting, (0, 1), instruments)
        for record in case.records:
            alone = dataclasses.replace(case, records=[record])
            assert troubles(alone) == [], setting.optimizer


def test_of_healthy_sequences_nothing_is_said():
    task = tasks.adding(length=6, hidden=16)
    rules = {"xavier": optimizers.Adam(0.01), "orthogonal": optimizers.Momentum(0.03)}
    settings = [
        Setting(task, rule, initializers.parse(start), Strategy(), 400) for start, rule in rules.items()
    ]
    instruments = instruments_for(settings)
    for setting in settings:
        assert troubles(examine(setting, (0,), instruments)) == [], setting.optimizer
