"""What a hyperparameter may be, in every rule, and how a mistake is put into words."""

import dataclasses
import unicodedata

import numpy as np
import pytest

from kobai import words
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers import SGD, Optimizer, State

RULES = [entry.load() for entry in registry.OPTIMIZERS.values()]
FIELDS = [(rule, field.name) for rule in RULES for field in dataclasses.fields(rule)]

each_field = pytest.mark.parametrize(("rule", "name"), FIELDS, ids=lambda x: getattr(x, "__name__", x))

NAN, INF = float("nan"), float("inf")
WRONG = [  # what is given, what the sentence shows
    (-0.1, "-0.1"), (-1, "-1"), (NAN, "nan"), (INF, "inf"), (-INF, "-inf"), (np.float32(-0.5), "-0.5"),
    ("0.1", "'0.1'"), (b"1", "b'1'"), (True, "True"), (np.True_, "True"), (None, "None"), (0.1j, "0.1j"),
    ([0.1, -0.5], "-0.5"), (np.array([0.1, -1]), "-1.0"), ((0.1, (0.2, NAN)), "nan"), ([0.1, "1"], "'1'"),
    ([False], "False"), ([], "[]"), (np.array([]), "[]"), ({}, "{}"), (abs, "<built-in function abs>"),
]  # fmt: skip


@each_field
def test_what_is_no_hyperparameter_is_refused(rule, name):
    for value, shown in WRONG:
        with pytest.raises(UsageError) as caught:
            rule(**{name: value})
        assert str(caught.value).startswith(f"{rule.__name__}: {name} must be a")
        assert str(caught.value).endswith(f", got {shown}")
        with words.language("ja"):
            assert str(caught.value).startswith(f"{rule.__name__}: {name}は")
            assert f"、{shown}が渡されました" in str(caught.value)


@pytest.mark.parametrize("name", ["momentum", "decay", "decay_1", "decay_2"])
@pytest.mark.parametrize("value", [1, 1.0, 1.5, [0.9, 1.0]])
def test_a_decay_of_one_or_more_is_refused(name, value):
    rules = [rule for rule, field in FIELDS if field == name]
    assert rules
    for rule in rules:
        said = "above 0 and below 1" if name in rule.ranges else r"in \[0, 1\)"
        with pytest.raises(UsageError, match=rf"{name} must be a number {said}, got 1"):
            rule(**{name: value})


@each_field
@pytest.mark.parametrize(
    "value", [0, 0.0, 0.999, np.float32(0.5), np.int64(0), [0.1, 0.2], np.array([0.1, 0.2])]
)
def test_what_is_one_is_taken(rule, name, value):
    if name in rule.ranges and np.all(value == 0):  # those whose formula divides by it
        with pytest.raises(UsageError, match=f"{name} must be a .*number above 0"):
            rule(**{name: value})
    else:
        assert getattr(rule(**{name: value}), name) is value


def test_a_learning_rate_may_exceed_one():
    assert SGD(learning_rate=1.5).learning_rate == 1.5


@each_field
def test_a_grid_cannot_be_run(rule, name):
    """A TypeError deep in a formula would not say why."""
    state = rule().init(np.ones(2))
    for grid in ([0.01, 0.1], (0.01, 0.1), [0.1], np.array([0.01, 0.1])):
        for use in (lambda o: o.init(np.ones(2)), lambda o: o.update(np.ones(2), state)):
            with pytest.raises(UsageError, match=f"{rule.__name__}: {name} is a grid .*kobai.compare"):
                use(rule(**{name: grid}))


def test_a_rule_of_ones_own_may_have_other_fields():
    @hyperparameters
    class Decayed(Optimizer):
        learning_rate: float = 0.1
        shrink: float = 0.0

        def rule(self, g, t):
            return -self.learning_rate * g / (1 + self.shrink * t), ()

    assert Decayed(shrink=-0.5).update(np.ones(1), State(np.int32(0), {}))[0] == -0.2
    with pytest.raises(UsageError, match="Decayed: shrink must be a finite number, got nan"):
        Decayed(shrink=float("nan"))


# Words.


@pytest.mark.parametrize("language", words.TABLES)
def test_every_rule_is_described_in_a_line(language):
    for name in registry.OPTIMIZERS:
        line = words.TABLES[language][f"optimizer.{name}"]
        assert 10 < sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= 60


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_docstrings_describe_every_field(rule):
    assert all(f"      {field.name}:" in rule.__doc__ for field in dataclasses.fields(rule))


def test_defaults_are_the_lectures_and_the_papers():
    assert [dataclasses.astuple(rule()) for rule in RULES] == [
        (0.01,), (0.01, 0.9), (0.01, 0.9), (0.01, 0.9), (0.01, 1e-10), (1.0, 0.95, 1e-6), (0.001, 0.9, 1e-8),
        (0.001, 0.9, 0.999, 1e-8), (0.001, 0.9, 0.999, 1e-8, 0.01), (0.0001, 0.9, 0.99, 0.0),
        (0.001, 0.9, 0.999, 1e-8, 0.01), (0.001, 0.9, 0.999, 1e-8), (0.001, 0.9, 0.999, 1e-16),
        (0.001, 0.98, 0.92, 0.99, 1e-8, 0.0), (0.001, 0.9, 0.999, 0.9999, 5.0, 1e-8, 0.0),
        (0.001, 0.9, 0.9999, 1e-6), (0.01, 0.9, 0.999, 1e-6, 0.0), (0.01, 0.8), (1.0, 0.9, 0.0),
        (0.0025, 0.9, 0.999, 1e-8, 0.0), (1.0, 0.9, 0.999, 1e-8, 0.0), (1.0, 0.9, 0.999, 1e-8, 0.0),
        (0.001, 0.001, 0.95, 0.0), (0.003, 0.95, 0.95, 1e-8, 0.0), (0.1, 1e-4), (0.01, 0.9, 0.05),
        (0.001, 0.96, 0.99, 0.01, 1e-12, 0.0),
    ]  # fmt: skip
