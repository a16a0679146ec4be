"""From a name, a class or an instance to a method: one way for every question."""

import numpy as np
import optax
import pytest

import kobai
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.candidates.named import Choice, distinct, named, spelled_out
from kobai.questions.descent.grid import grid
from terminal import says_in_each_language

ADAM = registry.OPTIMIZERS["adam"].learning_rates


@hyperparameters
class Own(kobai.Optimizer):
    learning_rate: float = 0.1

    def rule(self, g, t):
        return -self.learning_rate * g, ()


class Careful(kobai.BFGS):
    """A minimizer of one's own."""


class Plain(kobai.Optimizer):
    """Lacks the decorator."""


@pytest.mark.parametrize(
    ("item", "choice"),
    [
        ("adam", Choice("adam", kobai.Adam(), ADAM)),
        (kobai.Adam, Choice("adam", kobai.Adam(), ADAM)),
        (kobai.Adam(), Choice("adam", kobai.Adam())),
        (kobai.Adam(0.5), Choice("adam", kobai.Adam(0.5))),
        ("bfgs", Choice("bfgs", kobai.BFGS())),
        (kobai.BFGS, Choice("bfgs", kobai.BFGS())),
        (kobai.BFGS(0.01), Choice("bfgs", kobai.BFGS(0.01))),
        (Own, Choice("own", Own())),
        (Own(0.5), Choice("own", Own(0.5))),
        (Careful, Choice("careful", Careful())),
    ],
    ids=str,
)
def test_what_is_meant(item, choice):
    assert named(item) == choice


def test_an_optimizer_of_optax_carries_its_name():
    lion = kobai.from_optax(optax.lion, learning_rate=0.1)
    assert named(lion) == Choice("lion", lion)


def test_every_registered_method_is_meant_by_its_name_and_by_its_class():
    for table in (registry.OPTIMIZERS, registry.MINIMIZERS):
        for name, entry in table.items():
            assert named(name) == named(entry.load()) == Choice(name, entry.load()(), entry.learning_rates)


@pytest.mark.parametrize(
    ("item", "kind", "parts"),
    [
        ("adm", "optimizer", ("adm", "adam")),
        ("bfsg", "method", ("bfsg", "bfgs")),
        (3, "optimizer", ("kobai.Optimizer", "kobai.from_optax", "3")),
        (3, "method", ("kobai.Optimizer", "kobai.Minimizer", "3")),
        (int, "optimizer", ("kobai.Optimizer", "PyTorch", "'adam'", "int")),
        (Plain, "optimizer", ("Plain", "kobai.optimizers.hyperparameters")),
        (Plain(), "method", ("Plain", "kobai.optimizers.hyperparameters")),
    ],
)
def test_what_cannot_be_meant(item, kind, parts):
    with pytest.raises(UsageError) as caught:
        named(item, kind)
    assert says_in_each_language(caught.value, parts)


def test_names_are_told_apart():
    assert distinct(["adam", "sgd", "adam", "adam"]) == ["adam", "sgd", "adam_2", "adam_3"]


def test_a_descent_means_by_a_name_what_a_comparison_means():
    [candidate] = grid(kobai.landscapes.beale(), [Own(np.array([0.1, 0.2]))])
    assert candidate.name == "own"
    assert candidate.variants == (Own(0.1), Own(0.2))
    with pytest.raises(UsageError, match="Plain"):
        grid(kobai.landscapes.beale(), [Plain()])


def test_a_name_that_two_lists_hold_is_one_candidate():
    assert spelled_out(["sgd", "adam", "sgd"]) == ["sgd", "adam"]
    lecture = spelled_out("lecture")
    assert spelled_out(["lecture", "adam", kobai.Adam(0.5)]) == [*lecture, kobai.Adam(0.5)]
    assert set(spelled_out(["modern", "lecture"])) < set(spelled_out("all"))
    assert len(spelled_out(["all", "modern"])) == len(registry.OPTIMIZERS)
