"""The recommended optimizer for PyTorch: a loop of torch's with it ends where the comparison ends."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import kobai  # noqa: E402
from kobai.basics.errors import UsageError  # noqa: E402
from kobai.basics.notices import Notice  # noqa: E402
from kobai.engine.draws import mini_batch  # noqa: E402
from kobai.tasks.frameworks.torch.optimizers import DECAY  # noqa: E402

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((100, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0.5)
STEPS, BATCH = 30, 32


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 3))


def compared(model, optimizer=None, **parts):
    return kobai.compare(
        model,
        (X, Y),
        optimizers=[kobai.Momentum(0.1) if optimizer is None else optimizer],
        initializers=["given"],
        steps=STEPS,
        seeds=2,
        tuning_seeds=1,
        target=0.5,
        progress=False,
        **parts,
    )


def looped(result, model, optimizer, scheduler):
    """The weights after a loop of torch's on the batches of seed 1000."""
    x, y = map(torch.from_numpy, result.outcome.study.task.train)
    for batch in mini_batch(1000, 0, STEPS, BATCH, len(x)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch].long()).backward()
        optimizer.step()
        scheduler.step()
    return model.state_dict()


def distance(result, model, optimizer=None, scheduler=None):
    optimizer = optimizer or result.optimizer(model.parameters())
    weights = looped(result, model, optimizer, scheduler or result.scheduler(optimizer))
    return max(float((weights[name] - array).abs().max()) for name, array in result.state_dict().items())


CASES = {
    "nothing": {},
    "norm": {"clip": "norm:0.3"},
    "value": {"clip": "value:0.02"},
    "percentile": {"clip": "percentile:50:8"},
    "l1": {"l1": 0.02},
    "l2": {"l2": 0.05},
    "l2 of all": {"l2": kobai.stabilizers.l2(0.05, biases=True)},
    "decay": {"weight_decay": 0.3},
    "decay of all": {"weight_decay": kobai.stabilizers.weight_decay(0.3, biases=True)},
    "schedule": {"schedule": "warm-up:10+cosine"},
    "together": {"clip": "norm:0.5", "l1": 0.01, "weight_decay": 0.2, "schedule": "cosine"},
}


@pytest.mark.parametrize("case", CASES)
def test_a_loop_of_torch_s_ends_where_the_comparison_ends(case):
    model = network()
    result = compared(model, **CASES[case])
    assert distance(result, model) < 2e-5


@pytest.mark.parametrize(
    "optimizer", [kobai.Adam(0.02), kobai.AdamW(0.02, weight_decay=0.1), kobai.Lion(0.01)]
)
def test_decay_stands_in_the_place_of_the_rule_s_own(optimizer):
    model = network()
    result = compared(model, optimizer, weight_decay=0.3)
    start = copy.deepcopy(model)
    assert distance(result, model) < 2e-4
    wrong = result.optimizer(start.parameters())
    for group in wrong.param_groups:
        for key in {"weight_decay", DECAY} & set(group):
            group[key] = 0.0
    assert distance(result, start, wrong) > 1e-3


def test_the_plain_momentum_of_torch_goes_elsewhere_under_a_schedule():
    model = network()
    result = compared(model, schedule="cosine")
    plain = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    assert distance(result, model, plain) > 1e-3


def test_frozen_parameters_are_left_out_and_biases_are_not_decayed():
    model = network()
    model[3].bias.requires_grad_(False)
    result = compared(model, kobai.AdamW(0.02), roles={"0.weight": "frozen"})
    for parameters in (model.parameters(), model.named_parameters(), model):
        weights, others = result.optimizer(parameters).param_groups
        assert [id(tensor) for tensor in weights["params"]] == [id(model[3].weight)]
        assert [id(tensor) for tensor in others["params"]] == [
            id(tensor) for tensor in (model[0].bias, model[1].weight, model[1].bias)
        ]
        assert (weights["weight_decay"], others["weight_decay"]) == (0.01, 0.0)


def test_parameters_of_another_model_are_told_by_their_dimensions():
    result = compared(network())
    weights, others = result.optimizer(nn.Linear(7, 2).parameters()).param_groups
    assert [tuple(tensor.shape) for tensor in weights["params"] + others["params"]] == [(2, 7), (2,)]


def test_what_is_not_finite_becomes_zero():
    model = network()
    optimizer = compared(model, clip="norm:1").optimizer(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, float("inf"))
    before = copy.deepcopy(model.state_dict())
    optimizer.step()
    assert all(bool((before[name] == tensor).all()) for name, tensor in model.state_dict().items())


def test_what_remains_for_the_loop_is_told():
    model = network()
    result = compared(model, average="polyak", early_stopping="patience:50")
    with pytest.warns(
        Notice, match="for the training loop remain: average polyak, early_stopping patience:50"
    ):
        result.optimizer(model.parameters())


def test_a_minimizer_has_no_equal():
    model = network()
    result = compared(model, kobai.LBFGS())
    with pytest.raises(UsageError, match="lbfgs looks at all examples at once"):
        result.optimizer(model.parameters())
