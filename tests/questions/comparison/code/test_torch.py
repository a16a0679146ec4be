"""The program for PyTorch follows the engine step for step."""

import pytest

from framework_loop import framework
from kobai.questions.comparison.code.write import code
from programs import (
    AT_THETA,
    CASES,
    IN_OPTAX,
    LOOKAHEAD,
    begin_torch,
    behind,
    compare,
    compare_arrays,
    executed,
    recommendation,
    trained,
    trainings,
)

torch = framework("torch")

pytestmark = pytest.mark.usefixtures("quick_engine")


def arrays(names):
    layers = [layer for layer in names["model"] if isinstance(layer, torch.nn.Linear)]
    return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in layers]


@pytest.mark.parametrize("case", AT_THETA, ids=" ".join)
def test_a_program_follows_the_engine(case):
    rule, strategy = CASES[case]
    names, losses = executed(recommendation(rule, strategy), "torch", "float64", begin_torch, strategy)
    compare(trainings("float64")[case], strategy, losses, arrays(names), 1e-6)


def test_nadamw_is_torch_s_without_its_warm_up_of_the_momentum():
    case = ("nadamw", "nothing")
    rule, strategy = IN_OPTAX[case]
    names, losses = executed(recommendation(rule, strategy), "torch", "float64", begin_torch, strategy)
    run = trained({case: (rule, strategy)}, "float64")[case]
    compare(run, strategy, losses, arrays(names), 1e-6)


@pytest.mark.parametrize("case", LOOKAHEAD, ids=" ".join)
def test_a_look_ahead_is_the_same_path_at_another_point_which_the_program_says(case):
    rule, strategy = CASES[case]
    said = recommendation(rule, strategy)
    names, _ = executed(said, "torch", "float64", begin_torch, strategy)
    state = [names["optimizer"].state[parameter] for parameter in names["model"].parameters()]
    v = [s["memory"] if "memory" in s else -rule.learning_rate * s["momentum_buffer"] for s in state]
    v = [(weight.numpy().T, bias.numpy()) for weight, bias in zip(v[::2], v[1::2], strict=True)]
    compare_arrays(trainings("float64")[case], behind(arrays(names), v, rule), 1e-6)
    assert "θ = Θ − αv" in code(said, "torch")
