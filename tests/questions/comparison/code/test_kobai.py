"""The program with kobai's own rules follows the engine step for step."""

import jax
import jax.numpy as jnp
import pytest

from programs import CASES, compare, executed, recommendation, start, trainings

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
