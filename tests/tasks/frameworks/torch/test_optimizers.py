"""An update rule as an optimizer of torch's: ten steps of each against the rule itself."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import kobai  # noqa: E402
from kobai.basics.errors import UsageError  # noqa: E402
from kobai.optimizers import from_optax  # noqa: E402
from kobai.tasks.frameworks.torch import optimizer_of  # noqa: E402

RULES = [
    kobai.SGD(learning_rate=0.1),
    kobai.Momentum(learning_rate=0.02, momentum=0.8),
    kobai.Nesterov(learning_rate=0.02, momentum=0.8),
    kobai.Nesterov(learning_rate=0.02, momentum=0.0),
    kobai.AdaGrad(learning_rate=0.1, epsilon=1e-3),
    kobai.RMSProp(learning_rate=0.05, decay=0.8, epsilon=0.01),
    kobai.AdaDelta(learning_rate=2.0, decay=0.9, epsilon=1e-3),
    kobai.Adam(learning_rate=0.05, decay_1=0.8, decay_2=0.95, epsilon=1e-3),
    kobai.AdamW(learning_rate=0.05, weight_decay=0.3),
    kobai.Lion(learning_rate=0.01, weight_decay=0.3),
]


def paths(optimizer, torch_optimizer_of):
    """Weights, bias and scale after ten steps on a function with curvature: of kobai, and of torch."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)).double()
    x, factor = torch.randn(5, 3).double(), torch.randn(5, 4).double()
    names = [name for name, _ in module.named_parameters()]
    θ = {name: parameter.detach().numpy().copy() for name, parameter in module.named_parameters()}
    theirs = torch_optimizer_of(optimizer, module)
    state = optimizer.init(θ)
    weights = {name: name == "0.weight" for name in names}
    for _ in range(10):
        module.zero_grad()
        (module(x) * factor).pow(2).sum().backward()
        gradient = {name: parameter.grad.numpy().copy() for name, parameter in module.named_parameters()}
        Δ, state = optimizer.update(gradient, state, θ, weights)
        θ = {name: θ[name] + Δ[name] for name in names}
        theirs.step()
    return θ, {name: parameter.detach().numpy() for name, parameter in module.named_parameters()}


@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_ten_steps_are_those_of_the_rule(optimizer):
    ours, theirs = paths(optimizer, optimizer_of)
    for name, array in ours.items():
        np.testing.assert_allclose(theirs[name], array, rtol=1e-9, atol=1e-9)


def outside(optimizer, module):
    return torch.optim.RMSprop(module.parameters(), lr=0.05, alpha=0.8, eps=0.01)


def everywhere(optimizer, module):
    return torch.optim.AdamW(module.parameters(), lr=0.05, weight_decay=0.3)


@pytest.mark.parametrize(
    ("optimizer", "wrong"), [(RULES[5], outside), (RULES[8], everywhere)], ids=["outside", "everywhere"]
)
def test_torch_as_it_is_would_go_elsewhere(optimizer, wrong):
    ours, theirs = paths(optimizer, wrong)
    assert max(np.abs(ours[name] - theirs[name]).max() for name in ours) > 1e-3


def test_parameters_alone_are_told_by_their_dimensions():
    module = nn.Sequential(nn.Linear(3, 4))
    groups = optimizer_of(kobai.AdamW(), module.parameters()).param_groups
    assert [group["weight_decay"] for group in groups] == [0.01, 0.0]
    assert groups[0]["params"] == [module[0].weight]


def test_what_has_no_equal_is_said():
    module = nn.Linear(3, 4)
    optax = pytest.importorskip("optax")
    for optimizer in (kobai.NesterovDefinition(), from_optax(optax.adabelief, learning_rate=0.1)):
        with pytest.raises(UsageError, match="no equal"):
            optimizer_of(optimizer, module)
    with pytest.raises(UsageError):
        optimizer_of(kobai.SGD(learning_rate=[0.1, 0.2]), module)


@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_a_step_may_be_given_what_computes_the_loss(optimizer):
    """As torch's own optimizers: the closure runs with gradients, and the step gives what it gave."""
    module = nn.Linear(3, 1)
    before = module.weight.detach().clone()

    def closure():
        loss = module(torch.ones(2, 3)).pow(2).mean()
        loss.backward()
        return loss

    assert optimizer_of(optimizer, module).step(closure).item() > 0
    assert not torch.equal(module.weight, before)
