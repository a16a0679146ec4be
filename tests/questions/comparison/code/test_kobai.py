"""The program with kobai's own rules follows the engine step for step."""

import jax
import jax.numpy as jnp
import pytest

import kobai
from kobai.engine.strategy import Strategy
from kobai.questions.comparison.code.program import refusals, worked_out
from kobai.questions.comparison.code.write import programmed
from kobai.schedules import schedule
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


def test_a_program_has_its_empty_lines_and_no_digits_of_rounding():
    """Around functions two lines, in those that accumulate, too."""
    strategy = Strategy(schedule=schedule("cosine:0.1"))
    for framework in ("kobai", "optax"):
        text = str(programmed(recommendation(kobai.SGD(0.1), strategy, accumulate=4), framework))
        before = text[: text.index("@jax.jit\ndef train")]
        assert before.endswith("\n\n\n")
        assert not before.endswith("\n\n\n\n")
    assert [worked_out(x) for x in (0.7999999999999999, 1 / 3, 0.1, 2)] == ["0.8", repr(1 / 3), "0.1", "2.0"]


def test_frameworks_without_a_rule_say_so():
    said = recommendation(kobai.SOAP(0.01))
    for framework, name in (("torch", "PyTorch"), ("keras", "Keras"), ("optax", "optax")):
        text = str(programmed(said, framework))
        assert refusals(text) == [
            f"kobai does not write soap for {name}; kobai's own program does: kobai code … --framework kobai"
        ]
