"""What each parameter of a module is, with fans worked out by hand; initial values against torch's own."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from kobai.basics.roles import roles as every_role  # noqa: E402
from kobai.initializers import he, orthogonal, xavier  # noqa: E402
from kobai.tasks.frameworks.torch.roles import roles  # noqa: E402
from kobai.tasks.frameworks.torch.tensors import array_of  # noqa: E402
from torch_zoo import ZOO, member  # noqa: E402

FANS = {
    "mlp": {"0.weight": (4, 5), "2.weight": (5, 3)},
    "cnn": {"0.weight": (9, 36), "5.weight": (36, 45), "9.weight": (5, 3)},
    "residual": {
        "stem.weight": (18, 36),
        "inner.weight": (36, 54),
        "short.weight": (4, 6),
        "head.weight": (6, 3),
    },
    "conv1d": {"0.weight": (6, 12), "3.weight": (8, 6)},
    # Of four groups of one channel, of two groups of two that give three each, of six that give two each.
    "grouped": {"0.weight": (9, 9), "2.weight": (18, 27), "4.weight": (4, 8), "6.weight": (54, 18)},
    "norms": {"0.weight": (2, 4), "6.weight": (100, 6)},
    "words": {"table.weight": (5, 11), "head.weight": (5, 3)},
    "lstm": {
        f"layer.weight_{kind}_l{layer}{end}": ({"ih": inputs, "hh": 4}[kind], 4)
        for layer, inputs in ((0, 3), (1, 8))
        for end in ("", "_reverse")
        for kind in ("ih", "hh")
    }
    | {"head.weight": (8, 3)},
    "lstm with projection": {
        "layer.weight_ih_l0": (3, 4),
        "layer.weight_hh_l0": (2, 4),
        "layer.weight_hr_l0": (4, 2),
        "head.weight": (2, 3),
    },
    "gru": {
        "module.layer.weight_ih_l0": (3, 4),
        "module.layer.weight_hh_l0": (4, 4),
        "module.layer.weight_ih_l1": (4, 4),
        "module.layer.weight_hh_l1": (4, 4),
        "module.head.weight": (4, 3),
    },
    "rnn": {"layer.weight_ih_l0": (3, 4), "layer.weight_hh_l0": (4, 4), "head.weight": (4, 3)},
    "attention": {"attention.in_proj_weight": (8, 8), "attention.out_proj.weight": (8, 8)},
    "foreign attention": {
        "attention.q_proj_weight": (8, 8),
        "attention.k_proj_weight": (5, 8),
        "attention.v_proj_weight": (6, 8),
        "attention.out_proj.weight": (8, 8),
    },
    "transformer": {
        "self_attn.in_proj_weight": (8, 8),
        "self_attn.out_proj.weight": (8, 8),
        "linear1.weight": (8, 16),
        "linear2.weight": (16, 8),
    },
    "tied": {"table.weight": (5, 9), "inner.weight": (5, 5)},
    "functional": {},
    "branch": {"few.weight": (4, 3), "many.weight": (4, 3)},
    "answers": {"table.weight": (4, 7), "head.weight": (4, 2)},
    "weight norm": {"0.parametrizations.weight.original1": (4, 3)},
    "bilinear": {"weight": (12, 8)},
}
"""(fan in, fan out) of every weight of the zoo."""

SCALES = {
    "cnn": {"1.weight"},
    "residual": {"norm.weight"},
    "grouped": {"5.weight"},
    "norms": {"1.weight", "3.weight", "4.weight", "7.weight"},
    "transformer": {"norm1.weight", "norm2.weight"},
    "weight norm": {"0.parametrizations.weight.original0"},
}
OWN = {"functional": {"weight"}}
"""Parameters of a module's own, of which its class says nothing."""


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_every_parameter_of_the_zoo(name):
    module, _ = member(name)
    told = roles(module)
    weights = {place: role.fans for place, role in told.items() if role.kind == "weight"}
    assert weights == FANS[name]
    assert {place for place, role in told.items() if role.kind == "scale"} == SCALES.get(name, set())
    rest = {place for place, _ in module.named_parameters()} - set(told)
    assert rest == OWN.get(name, set())
    biases = {place for place, role in told.items() if role.kind == "bias"}
    assert biases == {place for place in told if "bias" in place}


def test_frozen_parameters_are_frozen():
    module = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
    module[0].requires_grad_(False)
    assert [role.kind for role in roles(module).values()] == ["frozen", "frozen", "weight", "bias"]


def test_an_array_of_the_users_own_is_told_by_its_name_or_asked_for():
    module = member("functional")[0]
    module.table = nn.Parameter(torch.zeros(3, 4))
    tree = {name: array_of(parameter) for name, parameter in module.named_parameters()}
    told = dict(zip(sorted(tree), every_role(tree, roles(module), "out_in"), strict=True))
    assert told["table"] is None
    assert told["weight"].is_weight


def filled(module, initializer, seed=0):
    tree = {name: array_of(parameter) for name, parameter in module.named_parameters()}
    return initializer.fill(tree, seed, roles=roles(module))


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(200, 300),
        nn.Conv2d(16, 32, 3),
        nn.Conv1d(32, 64, 5, groups=4),
        nn.Conv2d(256, 256, 3, groups=256),
    ],
    ids=str,
)
def test_he_has_the_deviation_of_kaiming(module):
    torch.manual_seed(0)
    theirs = nn.init.kaiming_normal_(torch.empty_like(module.weight), nonlinearity="relu")
    ours = filled(module, he())["weight"]
    assert ours.shape == tuple(theirs.shape)
    assert ours.std() == pytest.approx(float(theirs.std()), rel=0.05)


def test_stacked_matrices_are_drawn_by_the_fans_of_each():
    attention = filled(nn.MultiheadAttention(128, 4), xavier())["in_proj_weight"]
    assert attention.std() == pytest.approx(np.sqrt(2 / 256), rel=0.05)  # torch: of the whole, √(2/512)
    for layer, gates in ((nn.LSTM(32, 64), 4), (nn.GRU(32, 64), 3), (nn.LSTMCell(32, 64), 4)):
        weights = filled(layer, orthogonal())
        recurrent = next(array for name, array in weights.items() if "weight_hh" in name)
        for gate in np.split(recurrent, gates):
            np.testing.assert_allclose(gate @ gate.T, np.eye(64), atol=1e-5)
        assert not np.allclose(recurrent @ recurrent.T, np.eye(64 * gates), atol=1e-5)


def test_orthogonal_rows_in_each_group_of_a_convolution():
    weight = filled(nn.Conv2d(4, 8, 3, groups=2), orthogonal())["weight"]
    for group in np.split(weight.reshape(8, -1), 2):
        np.testing.assert_allclose(group @ group.T, np.eye(4), atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolutions_are_orthogonal_group_by_group(groups):
    """A weight (in, out, *kernel) whose axis 1 counts the outputs; the groups lie along axis 0."""
    module = nn.ConvTranspose2d(4, 6, 3, groups=groups)
    parameters = {name: array_of(tensor) for name, tensor in module.named_parameters()}
    start = orthogonal().fill(parameters, 0, roles=roles(module))["weight"]
    assert start.shape == (4, 6 // groups, 3, 3)
    for block in np.split(start, groups):
        matrix = np.moveaxis(block, 1, -1).reshape(-1, 6 // groups)
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(6 // groups), atol=1e-5)


@pytest.mark.parametrize(("module", "name", "count"), [
    (nn.MultiheadAttention(8, 2), "in_proj_weight", 3),
    (nn.LSTM(3, 4), "weight_ih_l0", 4),
    (nn.GRU(3, 4), "weight_hh_l0", 3),
    (nn.GRUCell(3, 4), "weight_hh", 3),
], ids=["attention", "lstm", "gru", "cell"])  # fmt: skip
def test_matrices_below_one_another_are_orthogonal_each_by_itself(module, name, count):
    parameters = {each: array_of(tensor) for each, tensor in module.named_parameters()}
    start = orthogonal().fill(parameters, 0, roles=roles(module))[name]
    for block in np.split(start, count):
        np.testing.assert_allclose(block.T @ block, np.eye(block.shape[1]), atol=1e-5)
    assert not np.allclose(start.T @ start, np.eye(start.shape[1]), atol=1e-3)
