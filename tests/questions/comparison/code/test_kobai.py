"""The program with kobai's own rules follows the engine step for step."""

import jax
import jax.numpy as jnp
import pytest

import kobai
from kobai.questions.comparison.code.write import programmed
from programs import (
    CASES,
    SINCE_ADAM,
    compare,
    executed,
    recommendation,
    start,
    trained,
    trainings,
)

pytestmark = pytest.mark.usefixtures("quick_engine")


def begin(names):
    pairs = start("float64")
    names["params"] = [{"weights": jnp.asarray(w), "biases": jnp.asarray(b)} for w, b in pairs]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_program_follows_the_engine(case):
    rule, strategy = CASES[case]
    with jax.enable_x64(True), jax.disable_jit():  # ten steps are faster than their compilation
        names, losses = executed(recommendation(rule, strategy), "kobai", "float64", begin, strategy)
    arrays = [(layer["weights"], layer["biases"]) for layer in names["params"]]
    compare(trainings("float64")[case], strategy, losses, arrays, 1e-6)


def test_programs_of_rules_that_ask_for_more_follow_the_engine():
    """Second gradients are penalized, and clipped as the first; products with the Hessian are not clipped."""
    alone = {
        case: SINCE_ADAM[case] for case in SINCE_ADAM if case[0] == "prodigy"
    }  # it refuses another's decay
    others = {case: SINCE_ADAM[case] for case in SINCE_ADAM if case not in alone}
    runs = trained(others, "float64") | trained(alone, "float64")
    for case, (rule, strategy) in SINCE_ADAM.items():
        with jax.enable_x64(True):
            names, losses = executed(recommendation(rule, strategy), "kobai", "float64", begin, strategy)
            point = rule.evaluation_point(names["params"], names["state"])
        arrays = [(layer["weights"], layer["biases"]) for layer in point]
        compare(runs[case], strategy, losses, arrays, 1e-6)


def test_a_clipped_curvature_would_be_seen(monkeypatch):
    """The planted mistake, in the engine: Sophia's products taken of the clipped gradient."""
    case = ("sophia", "norm")
    rule, strategy = SINCE_ADAM[case]
    right = trained({case: (rule, strategy)}, "float64")[case]
    monkeypatch.setattr(kobai.Sophia, "asks", "gradient")
    wrong = trained({case: (rule, strategy)}, "float64")[case]
    assert abs(right.validation_loss - wrong.validation_loss).max() > 1e-5


def test_frameworks_without_a_rule_say_so():
    said = recommendation(kobai.SOAP(0.01))
    for framework in ("torch", "keras", "optax"):
        assert "has no equal in this framework" in str(programmed(said, framework))
