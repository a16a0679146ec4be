"""Which hyperparameters are tried."""

import json
import re

import pytest

import kobai
from descended import rows
from kobai import landscapes
from kobai.basics.errors import UsageError
from kobai.questions.descent import outcome as read
from kobai.questions.descent.grid import RATES, grid
from kobai.questions.descent.table import labels


def test_the_rate_of_a_rule_is_asked_for_named_or_searched():
    def settings(landscape, **ask):
        [candidate] = grid(landscape, "sgd", **ask)
        return [setting.learning_rate for setting in candidate.variants], candidate.searched

    bowl, other = landscapes.bowl(), landscapes.beale()
    assert settings(bowl) == ([0.95], False)
    assert settings(other) == (list(RATES), True)
    assert settings(bowl, learning_rates=[0.1, 0.2]) == ([0.1, 0.2], False)
    assert settings(other, learning_rates=[0.1]) == ([0.1], False)
    assert settings(other, hyperparameters={"sgd.learning_rate": [0.3]}) == ([0.3], False)
    [candidate] = grid(other, kobai.SGD(0.7))
    assert (candidate.variants, candidate.searched) == ((kobai.SGD(0.7),), False)
    [candidate] = grid(bowl, kobai.Momentum, hyperparameters={"momentum.momentum": [0.5, 0.9]})
    assert candidate.variants == (kobai.Momentum(0.1, 0.5), kobai.Momentum(0.1, 0.9))
    assert [c.name for c in grid(bowl, [kobai.Adam(0.1), "adam", "bfgs", kobai.BFGS()])] == [
        "adam",
        "adam_2",
        "bfgs",
        "bfgs_2",
    ]


def test_options_of_a_minimizer_are_axes_too():
    [candidate] = grid(landscapes.bowl(), "lbfgs", hyperparameters={"lbfgs.curvature": [0.5, 0.9]})
    assert [setting.curvature for setting in candidate.variants] == [0.5, 0.9]
    with pytest.raises(UsageError, match="lbfgs.curvatur"):
        grid(landscapes.bowl(), "lbfgs", hyperparameters={"lbfgs.curvatur": [0.5]})


def test_names_are_alternatives_and_short_in_the_table():
    found = kobai.descend(
        "bowl",
        ["conjugate_gradient", "coordinate_descent", "newton_cg"],
        hyperparameters={
            "conjugate_gradient.formula": ["fr", "PR+"],
            "coordinate_descent.order": "random",
            "newton_cg.most": [3, None],
        },
    )
    shown = repr(found)
    for row in ("formula FR", "formula PR\\+", "order random", "most 3", "most –"):
        assert re.search(f"– {row} ", shown), shown
    assert {"conjugate_gradient formula FR", "newton_cg most 3", "coordinate_descent"} < set(
        labels(found.outcome)
    )
    formulas = [json.loads(row)["formula"] for row in found.table["hyperparameters"] if "formula" in row]
    assert set(formulas) == {"fletcher_reeves", "polak_ribiere"}
    rows = json.loads(found.to_json())["rows"]
    assert {row["hyperparameters"].get("most", 0) for row in rows} == {0, 3, None}
    assert "hyperparameters={'conjugate_gradient.formula': ['fr', 'PR+']" in found.command


def test_each_value_asked_for_has_its_row_with_its_own_best_rate():
    found = kobai.descend("beale", "momentum", hyperparameters={"momentum.momentum": [0.5, 0.9]}, steps=200)
    alone = [
        kobai.descend("beale", kobai.Momentum(list(RATES), α), steps=200).outcome.rows for α in (0.5, 0.9)
    ]
    best = {row.variant for rows in alone for row in [read.best(rows)]}
    assert {row.variant for row in found.outcome.rows} == best
    assert len(found.tried) == 2 * len(RATES)


@pytest.fixture(scope="module")
def searched():
    return kobai.descend("beale", ["sgd", "bfgs"], steps=300)


def test_a_searched_rate_is_the_best_of_those_tried(searched):
    assert len(searched.tried) == len(RATES)
    [row] = rows(searched, "sgd")
    stays = searched.tried["stays"].drop_nulls()
    assert len(stays) < len(RATES)  # not every rate arrives
    assert row.stays == stays.min()
    assert "best of 21 from 0.0001 to 10" in repr(searched)
