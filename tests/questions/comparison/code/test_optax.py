"""The program for optax follows the engine step for step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai.engine.strategy import Strategy
from kobai.questions.comparison.code.write import code
from programs import (
    AT_THETA,
    CASES,
    IN_OPTAX,
    LOOKAHEAD,
    STRATEGIES,
    behind,
    compare,
    compare_arrays,
    executed,
    in_optax,
    recommendation,
    start,
    trainings,
)

pytestmark = pytest.mark.usefixtures("quick_engine")


def begin(names):
    pairs = start("float64")
    names["params"] = [{"weights": jnp.asarray(w), "biases": jnp.asarray(b)} for w, b in pairs]


def arrays(names):
    return [(np.asarray(layer["weights"]), np.asarray(layer["biases"])) for layer in names["params"]]


def run(case, framework="optax"):
    """The names and the losses of the program of a case, in double precision."""
    rule, strategy = CASES[case]
    with jax.enable_x64(True), jax.disable_jit():  # ten steps are faster than their compilation
        return executed(recommendation(rule, strategy), framework, "float64", begin, strategy)


@pytest.mark.parametrize("case", AT_THETA, ids=" ".join)
def test_a_program_follows_the_engine(case):
    names, losses = run(case)
    compare(trainings("float64")[case], CASES[case][1], losses, arrays(names), 1e-6)


def test_programs_of_rules_since_adam_follow_the_engine():
    """Losses at every step, those of Schedule-Free at x; planted: at y, where it is trained."""
    runs = in_optax()
    for case, (rule, strategy) in IN_OPTAX.items():
        with jax.enable_x64(True):
            names, losses = executed(recommendation(rule, strategy), "optax", "float64", begin, strategy)
            if case[0].startswith("schedule_free"):
                assert abs(float(names["evaluate"](names["params"])[0]) - losses[-1]) > 1e-4
                names["params"] = optax.contrib.schedule_free_eval_params(names["state"], names["params"])
        compare(runs[case], strategy, losses, arrays(names), 1e-6)


def test_what_optax_has_otherwise_is_not_written():
    """Decay of biases too, and a rate that changes: Schedule-Free's programs would be others."""
    for rule, strategy in (
        (kobai.ScheduleFreeSGD(0.3, weight_decay=0.1), Strategy()),
        (kobai.ScheduleFreeSGD(0.3), STRATEGIES["step"]),
        (kobai.ScheduleFreeSGD(0.3), STRATEGIES["polyak"]),
        (kobai.Prodigy(weight_decay=0.1), Strategy()),
    ):
        assert "kobai does not write" in code(recommendation(rule, strategy), "optax")


@pytest.mark.parametrize("case", LOOKAHEAD, ids=" ".join)
def test_a_look_ahead_is_the_same_path_at_another_point_which_the_program_says(case):
    rule, _ = CASES[case]
    names, _ = run(case)
    [trace] = [node.trace for node in jax.tree.leaves(names["state"], is_leaf=is_trace) if is_trace(node)]
    inside = 1 if case[1] == "schedule" else -rule.learning_rate
    v = [(inside * np.asarray(layer["weights"]), inside * np.asarray(layer["biases"])) for layer in trace]
    compare_arrays(trainings("float64")[case], behind(arrays(names), v, rule), 1e-6)
    assert "θ = Θ − αv" in code(recommendation(rule), "optax")


def is_trace(node):
    return type(node).__name__ == "TraceState"
