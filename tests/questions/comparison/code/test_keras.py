"""The program for Keras follows the engine step for step, on Keras's backend for JAX."""

import pytest

from framework_loop import framework
from kobai.questions.comparison.code.write import code
from programs import (
    AT_THETA,
    CASES,
    LOOKAHEAD,
    behind,
    compare,
    compare_arrays,
    executed,
    recommendation,
    start,
    trainings,
)

keras = framework("keras")

pytestmark = [
    pytest.mark.usefixtures("quick_engine"),
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # of Keras's own variables
]


def begin(names):
    pairs = start("float32")
    names["model"].set_weights([array for pair in pairs for array in pair])


def paired(values):
    values = [keras.ops.convert_to_numpy(getattr(value, "value", value)) for value in values]
    return list(zip(values[::2], values[1::2], strict=True))


def tolerance(rule):
    return 1e-3 if rule.startswith("adam") else 1e-4


@pytest.mark.parametrize("case", AT_THETA, ids=" ".join)
def test_a_program_follows_the_engine(case):
    rule, strategy = CASES[case]
    names, losses = executed(recommendation(rule, strategy), "keras", "float32", begin, strategy)
    arrays = paired(names["model"].trainable_variables)
    compare(trainings("float32")[case], strategy, losses, arrays, tolerance(case[0]))


@pytest.mark.parametrize("case", LOOKAHEAD, ids=" ".join)
def test_a_look_ahead_is_the_same_path_at_another_point_which_the_program_says(case):
    rule, strategy = CASES[case]
    names, _ = executed(recommendation(rule, strategy), "keras", "float32", begin, strategy)
    v, arrays = paired(names["optimizer"].momentums), paired(names["model"].trainable_variables)
    compare_arrays(trainings("float32")[case], behind(arrays, v, rule), 1e-4)
    assert "θ = Θ − αv" in code(recommendation(rule), "keras")
