"""Modules of PyTorch as networks: each of the zoo against torch itself."""

import copy
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from kobai.basics.errors import UsageError  # noqa: E402
from kobai.tasks.frameworks.torch import network_of, state_dict  # noqa: E402
from torch_zoo import BATCH, ZOO, called, cnn, images, member, tensors  # noqa: E402


def arrays(inputs):
    """Tensors as NumPy arrays, in the same tree."""
    return jax.tree.map(lambda tensor: tensor.numpy(), inputs)


@functools.cache
def translated(name):
    """A member of the zoo, its inputs, and its network, all of which stay as they are."""
    module, inputs = member(name)
    return module, inputs, network_of(module, arrays(inputs))


def outputs_and_gradients(module, inputs, factors):
    """(outputs, gradients by name) of torch, of the sum of all outputs times given factors."""
    outputs = tensors(called(module, inputs))
    module.zero_grad()
    each = zip(outputs, factors, strict=True)
    sum((output * torch.tensor(factor)).sum() for output, factor in each).backward()
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    return [output.detach().numpy() for output in outputs], gradients


def factors_of(outputs):
    generator = np.random.default_rng(1)
    return [generator.standard_normal(output.shape).astype(np.float32) for output in outputs]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ZOO)
def test_outputs_gradients_and_statistics_are_those_of_torch(name, training, quickly):
    module, inputs, network = translated(name)
    module = copy.deepcopy(module).train(training)
    factors = factors_of(tensors(called(copy.deepcopy(module), inputs)))
    outputs, gradients = outputs_and_gradients(module, inputs, factors)

    def weighted(parameters, state):
        result, new = network.apply(parameters, arrays(inputs), state, training)
        leaves = jax.tree.leaves(result)
        return sum(jnp.sum(leaf * f) for leaf, f in zip(leaves, factors, strict=True)), (leaves, new)

    derived = quickly(jax.grad(weighted, has_aux=True))
    ours, (leaves, state) = derived(network.parameters, network.state)
    for leaf, output in zip(leaves, outputs, strict=True):
        assert leaf.dtype == output.dtype
        np.testing.assert_allclose(leaf, output, rtol=1e-5, atol=1e-5)
    largest = max(float(g.abs().max()) for g in gradients.values() if g is not None)
    for parameter, gradient in gradients.items():
        theirs = 0.0 if gradient is None else gradient.numpy()
        np.testing.assert_allclose(ours[parameter], theirs, rtol=0, atol=1e-4 * largest, err_msg=parameter)
    buffers = dict(module.named_buffers())
    for buffer, array in (state or {}).items():
        np.testing.assert_allclose(array, buffers[buffer], rtol=1e-5, atol=1e-6, err_msg=buffer)
    if training:
        before = dict(member(name)[0].named_buffers())
        moved = {name for name, buffer in buffers.items() if not torch.equal(buffer, before[name])}
        assert moved == set(state or {})


@pytest.mark.parametrize("name", ["cnn", "lstm", "transformer", "branch", "functional", "answers"])
@pytest.mark.parametrize("examples", [1, 3, 9])
def test_any_number_of_examples(name, examples):
    module, inputs, network = translated(name)
    module = copy.deepcopy(module).eval()

    def rows(tensor):
        return torch.cat([tensor, tensor])[:examples]

    inputs = jax.tree.map(rows, inputs)
    with torch.no_grad():
        outputs = tensors(called(module, inputs))
    result, _ = network.apply(network.parameters, arrays(inputs), network.state, False)
    for leaf, output in zip(jax.tree.leaves(result), outputs, strict=True):
        np.testing.assert_allclose(leaf, output, rtol=1e-5, atol=1e-5)


def test_another_length_is_traced_once_more():
    module, inputs, network = translated("lstm")
    longer = torch.cat([inputs, inputs], dim=1)
    with torch.no_grad():
        output = copy.deepcopy(module).eval()(longer)
    result, _ = network.apply(network.parameters, longer.numpy(), None, False)
    np.testing.assert_allclose(result, output, rtol=1e-5, atol=1e-5)


def test_the_module_stays_as_it_is():
    module = nn.Sequential(cnn(0.5), nn.Flatten())
    module[0][1].eval()
    x = images(1, 8, 8).numpy()
    before = copy.deepcopy(module.state_dict())
    modes = [part.training for part in module.modules()]
    parameters = list(module.parameters())
    random = torch.get_rng_state()
    network = network_of(module, x)
    network.parameters["0.0.weight"] += 1
    network.own(5)
    assert [part.training for part in module.modules()] == modes
    assert all(a is b for a, b in zip(module.parameters(), parameters, strict=True))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_what_the_user_put_into_inference_mode_stays_there_in_training():
    module = cnn()
    module[1].eval()
    network = network_of(module, images(1, 8, 8).numpy())
    assert network.state is None
    module.eval()  # the whole module: as it stands after an evaluation
    assert network_of(module, images(1, 8, 8).numpy()).state is not None


def test_dropout_draws_anew_with_each_key_at_the_rate_that_it_has():
    network = network_of(nn.Sequential(nn.Dropout(0.25), nn.Dropout(0.5)), np.ones((4, 10), np.float32))
    assert network.random
    x = np.ones((500, 400), np.float32)
    masks = [np.asarray(network.apply({}, x, None, True, jax.random.key(seed))[0]) for seed in (0, 0, 1)]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])
    stays = masks[0] > 0
    # Both layers drop, each with a mask of its own: 3/8 stay, give or take five deviations.
    assert abs(stays.mean() - 0.375) < 5 * np.sqrt(0.375 * 0.625 / x.size)
    np.testing.assert_allclose(masks[0][stays], 1 / 0.375, rtol=1e-6)
    np.testing.assert_array_equal(network.apply({}, x, None, False)[0], x)
    with pytest.raises(UsageError, match="key="):
        network.apply({}, x, None, True)


def test_dropout_inside_layers_draws_too():
    torch.manual_seed(0)
    layers = {
        "lstm": (nn.LSTM(3, 4, 2, dropout=0.5, batch_first=True), images(5, 3)),
        "attention": (nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True), images(4, 8)),
        "channels": (nn.Dropout2d(0.5), images(8, 2, 2)),
        "alpha": (nn.AlphaDropout(0.5), images(8)),
    }
    for name, (module, inputs) in layers.items():
        network = network_of(module, inputs.numpy())
        assert network.random, name
        results = [
            np.asarray(jax.tree.leaves(network.apply(network.parameters, inputs.numpy(), None, True, key))[0])
            for key in (jax.random.key(0), jax.random.key(1))
        ]
        assert not np.array_equal(*results), name
        if name == "channels":
            dropped = results[0] == 0
            assert np.array_equal(dropped.all((2, 3)), dropped.any((2, 3)))


def test_a_module_that_never_draws_is_not_random():
    assert not translated("mlp")[2].random


def test_half_precision_is_computed_in_it():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)).bfloat16()
    x = torch.randn(BATCH, 4)
    network = network_of(module, x.numpy())
    assert all(array.dtype == jnp.bfloat16 for array in network.parameters.values())
    result, _ = network.apply(network.parameters, x.numpy(), None, True)
    assert result.dtype == jnp.bfloat16
    theirs = module(x.bfloat16()).float().detach().numpy()
    np.testing.assert_allclose(result.astype(np.float32), theirs, atol=2e-2)


def test_own_initial_values_are_those_of_reset_parameters():
    network = network_of(member("transformer")[0], images(4, 8).numpy())
    first, again, other = (network.own(seed) for seed in (0, 0, 1))
    assert set(first) == set(network.parameters)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["linear1.weight"], other["linear1.weight"])
    bound = 1 / np.sqrt(8)
    assert np.abs(first["linear1.weight"]).max() <= bound
    deviations = [network.own(seed)["linear1.weight"].std() for seed in range(20)]
    assert np.mean(deviations) == pytest.approx(bound / np.sqrt(3), rel=0.05)
    xavier = [network.own(seed)["self_attn.in_proj_weight"].std() for seed in range(20)]
    assert np.mean(xavier) == pytest.approx(np.sqrt(2 / (8 + 24)), rel=0.05)  # as torch draws it


def test_what_draws_nothing_has_no_initial_values_of_its_own():
    assert network_of(nn.ReLU(), np.ones((3, 2), np.float32)).own is None


def test_back_to_torch():
    module, inputs, network = translated("cnn")
    trained = {name: array + 1 for name, array in network.parameters.items()}
    outputs, state = network.apply(trained, inputs.numpy(), network.state, True)
    loaded = copy.deepcopy(module)
    loaded.load_state_dict(state_dict(module, trained, state))
    assert loaded[1].num_batches_tracked.dtype == torch.int64
    result, _ = network.apply(trained, inputs.numpy(), state, False)
    np.testing.assert_allclose(loaded.eval()(inputs).detach(), result, rtol=1e-5, atol=1e-5)


def test_tied_weights_are_one_array_there_and_back():
    module, _, network = translated("tied")
    assert set(network.parameters) == {"table.weight", "inner.weight", "inner.bias"}
    trained = {**network.parameters, "table.weight": network.parameters["table.weight"] + 1}
    state = state_dict(module, trained)
    assert torch.equal(state["table.weight"], state["head.weight"])
    assert not torch.equal(state["table.weight"], module.table.weight)


# What cannot be translated.


class Own(torch.autograd.Function):
    @staticmethod
    def forward(_, x):
        return x.round()

    @staticmethod
    def backward(_, g):
        return g


class Refused(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.layer = function, nn.Linear(4, 4)

    def forward(self, x):
        return self.function(self, self.layer(x))


def written(self, x):
    with torch.no_grad():
        self.layer.bias.mul_(0.5)
    return x


def hooked(self, x):
    x.register_hook(lambda g: 2 * g)
    return x


def wrong(self, x):
    return x @ torch.ones(5, 5)


@pytest.mark.parametrize(
    ("function", "parts"),
    [
        (lambda self, x: torch.linalg.qr(x)[0] + x[x > 0].sum(), ["linalg_qr", "index"]),
        (written, ["layer.bias (written to in forward)"]),
        (lambda self, x: Own.apply(x), ["Own", "autograd.Function"]),
        (hooked, ["register_hook"]),
        (lambda self, x: x if x.sum() > 0 else -x, ["torch.where"]),
        (wrong, ["cannot be called", "test_network.py"]),
        (lambda self, x: torch.distributions.Normal(x, 1.0), ["Normal", "dicts"]),
    ],
)
def test_what_cannot_be_translated_is_told_in_one_sentence(function, parts):
    with pytest.raises(UsageError) as told:
        network_of(Refused(function), np.ones((4, 4), np.float32))
    assert all(part in str(told.value) for part in parts), str(told.value)
    assert "\n" not in str(told.value)
    assert torch.autograd.Function.apply.__func__.__name__ == "apply"  # torch is as it was
    assert torch.Tensor.register_hook.__name__ == "register_hook"


def test_a_module_without_shapes_is_told_to_be_called():
    with pytest.raises(UsageError, match="call the module once"):
        network_of(nn.LazyLinear(3), np.ones((4, 4), np.float32))


def test_a_hook_on_the_gradients_of_a_module_is_refused():
    module = nn.Sequential(nn.Linear(4, 3))
    module[0].register_full_backward_hook(lambda *_: None)
    with pytest.raises(UsageError, match="Linear"):
        network_of(module, np.ones((4, 4), np.float32))


def test_a_scripted_module_is_refused():
    with pytest.warns(DeprecationWarning, match="deprecated"):
        scripted = torch.jit.script(nn.Linear(3, 2))
    with pytest.raises(UsageError, match="the module that it was made of"):
        network_of(scripted, jnp.zeros((4, 3)))


def test_a_result_that_is_written_into_another_array_is_there():
    """Spectral normalization divides into the vector that it keeps."""
    torch.manual_seed(0)
    module = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    network = network_of(module, jnp.asarray(x))
    outputs, state = network.apply(network.parameters, x, network.state, True)
    expected = module.train()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)
    for name, array in (state or {}).items():
        np.testing.assert_allclose(array, dict(module.named_buffers())[name], rtol=0, atol=1e-5)


def test_torch_prints_nothing_of_what_it_cannot_trace(capfd):
    class Branching(nn.Module):
        def forward(self, x):
            return x * 2 if x.mean().item() > 0 else x

    with pytest.raises(UsageError, match="torch.export cannot trace"):
        network_of(Branching(), jnp.ones((4, 3)))
    assert capfd.readouterr() == ("", "")
