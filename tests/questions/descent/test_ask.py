"""The lecture's reference numbers, and the mistakes that are named."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from descended import rows
from kobai import landscapes
from kobai.basics.errors import UsageError
from kobai.questions.descent.walk import walk
from terminal import says_in_each_language

REFERENCE = {
    "sgd": (43, 43),
    "momentum": (58, 83),
    "nesterov_definition": (25, 57),
    "nesterov": (24, 56),
    "adagrad": (29, 29),
    "rmsprop": (31, None),
    "adam": (63, 82),
}


"""First step below 1e-3 and first from which it stays there, of 1,000."""


# The reference numbers


@pytest.mark.parametrize("name", REFERENCE)
def test_the_lectures_table(bowl, name):
    row = rows(bowl, name)[0]
    assert (row.first, row.stays) == REFERENCE[name]
    assert row.evaluations == row.first
    assert row.status == ("reached" if row.stays else "left")


def test_adadelta_takes_3000_steps():
    [row] = kobai.descend("bowl", "adadelta", steps=3000).outcome.rows
    assert (row.first, row.stays) == (1637, 1637)


def test_the_first_steps_are_the_lectures(bowl):
    for name, expected in (("sgd", (-6.335, -1.8)), ("momentum", (-6.93, 1.6)), ("adam", (-6.7, 1.7))):
        np.testing.assert_allclose(rows(bowl, name)[0].path.points[1], expected, rtol=1e-6)
    np.testing.assert_allclose(
        rows(bowl, "nesterov_definition")[0].path.points[2], (-6.79833, 0.992), rtol=1e-5
    )


def test_the_bounds_of_stability():
    found = kobai.descend("bowl", kobai.SGD([0.99, 1.0, 1.01])).table.sort("learning_rate")
    assert found["status"].to_list() == ["reached", "not_reached", "diverged"]
    assert found["value"][1] == pytest.approx(4, rel=1e-9)
    # f ≈ 4 · 1.02^2t passes a million times its start of 6.45 at this step.
    assert found["diverged_at"].to_list() == [None, None, math.ceil(math.log(6.45e6 / 4) / math.log(1.02**2))]
    found = kobai.descend("bowl", kobai.Momentum([1.88, 1.92])).table.sort("learning_rate")
    assert found["status"].to_list()[1] == "diverged"
    assert found["status"][0] != "diverged"


def test_how_long_the_saddle_holds():
    found = kobai.descend("saddle", ["sgd", "momentum", "adam"], steps=300)
    left = {row.method: int(np.argmax(np.abs(row.path.points[:, 1]) >= 1)) for row in found.outcome.rows}
    assert left == {"sgd": 76, "momentum": 36, "adam": 11}
    assert found.table["status"].to_list() == ["reached"] * 3  # to have left is to have arrived


def test_a_rule_with_its_sign_turned_is_caught():
    """The planted mistake: ascending instead of descending."""

    @kobai.optimizers.hyperparameters
    class Ascent(kobai.Optimizer):
        learning_rate: float = 0.1

        def rule(self, g, t):
            return self.learning_rate * g, ()

    [row] = kobai.descend("bowl", Ascent()).outcome.rows
    assert row.status == "diverged"
    assert row.method == "ascent"


# Mistakes


@pytest.mark.parametrize(
    ("ask", "parts"),
    [
        ({"landscape": "bowel"}, ("landscape 'bowel'", "did you mean 'bowl'")),
        ({"landscape": 3}, ("a landscape must be", "3")),
        ({"methods": "amad"}, ("method 'amad'", "'adam'")),
        ({"methods": []}, ("methods is empty",)),
        ({"methods": [3]}, ("a method must be", "3")),
        ({"methods": "lbgfs"}, ("method 'lbgfs'", "'lbfgs'")),
        ({"start": (1, 2, 3)}, ("bowl", "2 dimensions", "start has 3")),
        ({"start": (1, math.nan)}, ("start", "finite", "nan")),
        ({"start": "here"}, ("start", "finite numbers", "'here'")),
        ({"start": ()}, ("start", "finite numbers", "()")),
        ({"start": (1e200, 0)}, ("not defined at the start (1e+200, 0.0)", "f there is inf")),
        ({"dimension": 3}, ("bowl", "2 dimensions", "3")),
        ({"steps": 0}, ("steps", "at least 1", "0")),
        ({"steps": 2_000_000}, ("steps", "at most 1000000", "2000000")),
        ({"steps": 1_000_000, "learning_rates": [1, 2, 3, 4]}, ("paths of 1000000 steps", "fewer")),
        ({"tolerance": math.inf}, ("tolerance", "finite", "inf")),
        ({"tolerance": 0}, ("above 0", "least value of bowl, 0", "got 0")),
        ({"landscape": "rosenbrock", "start": (1,)}, ("dimension", "from 2", "1")),
        ({"landscape": "rosenbrock", "start": (1, 2, 3), "dimension": 2}, ("2 dimensions", "start has 3")),
        ({"tolerance": True}, ("tolerance", "finite number", "True")),
        ({"start": (True, 2)}, ("start", "finite numbers", "(True, 2)")),
        ({"start": (10**400, 1)}, ("start", "finite numbers")),
        ({"start": [1, [2, 3]]}, ("start", "finite numbers", "[1, [2, 3]]")),
        ({"steps": True}, ("steps", "whole number", "True")),
        ({"learning_rates": [True]}, ("learning_rates", "numbers", "True")),
        ({"hyperparameters": {"momentum.momentum": [False]}}, ("momentum.momentum", "numbers", "False")),
        ({"learning_rates": [-1]}, ("learning_rate", "at least 0", "-1.0")),
        ({"learning_rates": []}, ("learning_rates is empty",)),
        ({"hyperparameters": {"adam.decya_1": [0.5]}}, ("hyperparameter 'adam.decya_1'", "'adam.decay_1'")),
        ({"hyperparameters": {"adm.decay_1": [0.5]}}, ("candidate 'adm'", "'adam'")),
        ({"hyperparameters": ["momentum.momentum"]}, ("hyperparameters", "mapping", "['momentum.momentum']")),
        ({"hyperparameters": {3: [0.5]}}, ("hyperparameters", "mapping", "{3: [0.5]}")),
        ({"sort": "frist"}, ("column 'frist'", "'first'")),
        ({"language": "fr"}, ("language 'fr'",)),
        ({"landscape": lambda x: x @ x}, ("needs a start",)),
        ({"landscape": lambda x: x, "start": (1, 2)}, ("one number", "(2,)")),
        ({"landscape": lambda x: jnp.log(x).sum(), "start": (-1, 2)}, ("not defined", "f there is nan")),
        (
            {"landscape": lambda x: jnp.sqrt(x).sum(), "start": (0, 2)},
            ("not defined", "gradient there is inf"),
        ),
        ({"landscape": lambda x: math.sin(x[0]), "start": (1, 2)}, ("cannot be computed", "TypeError")),
        ({"landscape": lambda x: x[5.0], "start": (1, 2), "dimension": 2}, ("dimension", "2")),
    ],
)
def test_mistakes_name_the_thing_the_rule_and_the_value(ask, parts):
    with pytest.raises(UsageError) as caught:
        kobai.descend(**{"landscape": "bowl", **ask})
    assert says_in_each_language(caught.value, parts)


def test_the_start_says_how_many_dimensions_where_they_are_open():
    assert kobai.descend("rosenbrock", "newton", start=(1, 2, 3, 4)).outcome.landscape.dimension == 4


def test_one_dimension_is_said_as_one():
    found = kobai.descend(lambda x: x[0] ** 2, "newton", start=(1,))
    assert "1 dimension, start (1)" in str(found)


def test_a_start_may_be_an_array():
    found = kobai.descend("bowl", "sgd", start=np.array([1, 2]), learning_rates=np.array([0.5]), steps=5)
    assert (
        found.command == "kobai.descend('bowl', methods='sgd', start=[1, 2], learning_rates=[0.5], steps=5)"
    )


def test_a_walk_without_any_rule():
    [path] = walk(landscapes.bowl().objective, [kobai.BFGS()], np.array([1.0, 1.0]), 5)
    assert path.ended in ("converged", "iteration_limit")
