"""What the fields of a method may be set to: numbers, whole numbers, names; and what is said of the rest."""

import dataclasses

import numpy as np
import pytest

import kobai
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.candidates.values import numbers_in, values_for, written
from kobai.minimizers.conjugate_gradient import FORMULAS
from kobai.minimizers.coordinate_descent import ORDERS
from terminal import says_in_each_language

CG, COORDINATE, NEWTON_CG = kobai.ConjugateGradient(), kobai.CoordinateDescent(), kobai.NewtonCG()
FR, HS = "fletcher_reeves", "hestenes_stiefel"


@pytest.mark.parametrize(
    ("key", "method", "values", "expected"),
    [
        ("cg.formula", CG, ["fr", "HS"], [FR, HS]),
        ("cg.formula", CG, ["PR+", "pr", "Polak-Ribiere", "dy"], ["polak_ribiere", "dai_yuan"]),
        ("cg.formula", CG, "fr", [FR]),
        ("cg.curvature", CG, [0.1, 0.4, 0.1], [0.1, 0.4]),
        ("coordinate.order", COORDINATE, ["random"], ["random"]),
        ("coordinate.block", COORDINATE, [2.0, 3], [2, 3]),
        ("newton_cg.most", NEWTON_CG, [3.0, "none", None, 2.5], [3, None, 2.5]),
        ("newton_cg.most", NEWTON_CG, 7, [7]),
        ("newton.keep", kobai.Newton(keep=0), [0, 0.5], [0.0, 0.5]),  # the default, 0.1, says what kind it is
        ("sgd.learning_rate", kobai.SGD(), np.float32(0.5), [0.5]),
        ("sgd.learning_rate", kobai.SGD(), np.array([0.5, 0.25]), [0.5, 0.25]),
    ],
)
def test_what_is_meant(key, method, values, expected):
    found = values_for(key, method, values)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("key", "method", "values", "parts"),
    [
        (
            "cg.formula",
            CG,
            ["fr", "fx"],
            ("cg.formula must be one of polak_ribiere (PR+)", "got 'fx'"),
        ),
        ("cg.formula", CG, [2], ("hestenes_stiefel (HS), dai_yuan (DY)", "got '2'")),
        ("cg.formula", CG, [True], ("one of", "'True'")),
        ("cg.formula", CG, [], ("cg.formula is empty",)),
        ("coordinate.order", COORDINATE, ["any"], ("coordinate.order", "one of cyclic, random; got 'any'")),
        ("coordinate.block", COORDINATE, [1.5], ("coordinate.block", "whole number", "1.5")),
        ("newton_cg.most", NEWTON_CG, ["many"], ("newton_cg.most", "numbers", "many")),
        ("newton_cg.most", NEWTON_CG, [True], ("newton_cg.most", "numbers", "True")),
        ("sgd.learning_rate", kobai.SGD(), [True, 0.5], ("sgd.learning_rate", "numbers", "True")),
        ("sgd.learning_rate", kobai.SGD(), ["high"], ("sgd.learning_rate", "numbers", "high")),
        ("sgd.learning_rate", kobai.SGD(), None, ("sgd.learning_rate", "numbers", "None")),
        ("sgd.learning_rate", kobai.SGD(), [], ("sgd.learning_rate is empty",)),
    ],
)
def test_what_cannot_be_meant(key, method, values, parts):
    with pytest.raises(UsageError) as caught:
        values_for(key, method, values)
    assert says_in_each_language(caught.value, parts)


def test_the_names_of_a_field_are_those_that_its_class_takes():
    for cls, field, taken in (
        (kobai.ConjugateGradient, "formula", FORMULAS),
        (kobai.CoordinateDescent, "order", ORDERS),
    ):
        [names] = [each.metadata["choices"] for each in dataclasses.fields(cls) if each.name == field]
        assert set(names) == set(taken)
        assert len({short.lower() for short in names.values()}) == len(names)
        for name in names:
            assert getattr(cls(**{field: name}), field) == name


def test_every_field_of_every_minimizer_can_be_set():
    """To its own default: no kind of field is left out."""
    for name, entry in registry.MINIMIZERS.items():
        usual = entry.load()()
        for field in dataclasses.fields(usual):
            [candidate] = candidates([name], None, {f"{name}.{field.name}": [field.default]})
            assert candidate.variants == (usual,)


def test_alternatives_multiply():
    axes = {"conjugate_gradient.formula": ["fr", "hs"], "conjugate_gradient.curvature": [0.1, 0.3, 0.4]}
    [candidate] = candidates(["conjugate_gradient"], None, axes)
    assert len(set(candidate.variants)) == 6
    assert {variant.formula for variant in candidate.variants} == {FR, HS}


def test_how_values_are_written():
    assert written(CG, "formula", FR) == "FR"
    assert written(COORDINATE, "order", "random") == "random"
    assert written(NEWTON_CG, "most", None) == "–"
    assert written(NEWTON_CG, "most", 3) == "3"
    assert written(kobai.Momentum(), "momentum", 0.123456) == "0.1235"


def test_numbers_keep_their_order_and_are_said_once():
    assert numbers_in("x", [3, 1.0, 3, 2]) == [3.0, 1.0, 2.0]
