"""What each leaf of the parameters is: as the frameworks have it, as the user says it, or asked for."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.leaf import leaves
from kobai.basics.roles import roles
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import he, normal, orthogonal
from kobai.stabilizers import l2, polyak, weight_decay
from kobai.tasks.check import check_task


def zeros(*shape):
    return np.zeros(shape, np.float32)


def told(tree, said=None, layout=None):
    """The kind and the fans of every leaf, by its name."""
    every = zip(leaves(tree), roles(tree, said, layout), strict=True)
    return {leaf.name: role and (role.fans or role.layout or role.kind) for leaf, role in every}


def task(parameters, loss=None, **fields):
    data = np.ones((40, 3), np.float32)

    def everything(p, batch):
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(p)) + jnp.mean(batch)

    parts = {"train": data, "validation": data}
    return kobai.Task(
        **{"parameters": parameters, "loss": loss or everything, "batch_size": 8, **parts, **fields}
    )


class Network(eqx.Module):
    """One of each kind of layer that misleads whoever counts dimensions."""

    convolution: eqx.nn.Conv2d
    norm: eqx.nn.LayerNorm
    table: eqx.nn.Embedding
    activation: object
    steps: jax.Array

    def __init__(self):
        key = jax.random.key(0)
        self.convolution = eqx.nn.Conv2d(3, 64, 3, key=key)
        self.norm = eqx.nn.LayerNorm((8, 16))
        self.table = eqx.nn.Embedding(7, 4, key=key)
        self.activation = jax.nn.relu
        self.steps = jnp.int32(3)


FLAX = {
    "attention": {
        "query": {"kernel": zeros(64, 8, 16), "bias": zeros(8, 16)},
        "out": {"kernel": zeros(8, 16, 64), "bias": zeros(64)},
    },
    "Conv_0": {"kernel": zeros(3, 16, 8), "bias": zeros(8)},
    "DenseGeneral_0": {"kernel": zeros(8, 3, 5), "bias": zeros(3, 5)},
    "Embed_0": {"embedding": zeros(10, 6)},
    "LayerNorm_0": {"scale": zeros(8), "bias": zeros(8)},
    "batch_stats": {"BatchNorm_0": {"mean": zeros(8), "var": zeros(8)}},
}


def test_the_layers_of_equinox_are_known_by_their_modules():
    assert told(Network()) == {
        "convolution.weight": "out_in",
        "convolution.bias": "bias",
        "norm.weight": "scale",
        "norm.bias": "bias",
        "table.weight": (4, 7),
        "activation": "frozen",
        "steps": "frozen",
    }


def test_a_matrix_of_an_equinox_module_of_one_s_own_is_asked_for():
    class Own(eqx.Module):
        w: jax.Array
        b: jax.Array
        layer: eqx.nn.Linear

    module = Own(zeros(3, 4), zeros(4), eqx.nn.Linear(4, 2, key=jax.random.key(0)))
    assert told(module) == {"w": None, "b": "bias", "layer.weight": "out_in", "layer.bias": "bias"}
    assert told(module, {"w": "weight"})["w"] == "in_out"
    assert told(module, layout="out_in")["w"] == "out_in"


@pytest.mark.parametrize("mode", ["batch", "ema"])
def test_what_a_layer_of_equinox_keeps_in_its_state_is_frozen(mode):
    """A `StateIndex` holds the state's first value, in whatever tree that is."""
    layer = eqx.nn.Linear(3, 4, key=jax.random.key(0))
    norm = eqx.nn.BatchNorm(4, "batch", mode=mode)
    spectral = eqx.nn.SpectralNorm(layer, "weight", key=jax.random.key(0))
    kinds = {name: value for name, value in told((norm, spectral)).items() if "index" in name}
    assert len(kinds) >= 4
    assert set(kinds.values()) == {"frozen"}
    assert told(norm)["weight"] == "scale"
    assert told(norm)["bias"] == "bias"
    assert told(spectral)["layer.weight"] == "out_in"


def test_the_arrays_of_flax_are_known_by_their_names():
    assert told(FLAX) == {
        "attention.query.kernel": (64, 128),
        "attention.query.bias": "bias",
        "attention.out.kernel": (128, 64),
        "attention.out.bias": "bias",
        "Conv_0.kernel": "in_out",
        "Conv_0.bias": "bias",
        "DenseGeneral_0.kernel": (8, 15),
        "DenseGeneral_0.bias": "bias",
        "Embed_0.embedding": (6, 10),
        "LayerNorm_0.scale": "scale",
        "LayerNorm_0.bias": "bias",
        "batch_stats.BatchNorm_0.mean": "frozen",
        "batch_stats.BatchNorm_0.var": "frozen",
    }


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        # PyTorch
        ({"0.weight": zeros(30, 20), "0.bias": zeros(30)}, ["bias", "out_in"]),
        ({"norm.weight": zeros(8, 16), "norm.bias": zeros(8, 16)}, ["bias", "scale"]),
        ({"weight_ih_l0": zeros(40, 5), "bias_ih_l0": zeros(40)}, ["bias", "out_in"]),
        ({"bn.running_mean": zeros(3), "bn.weight": zeros(3)}, ["frozen", "scale"]),
        # Keras
        ({"dense/kernel": zeros(20, 30), "dense/bias": zeros(30)}, ["bias", "in_out"]),
        (
            {"recurrent_kernel": zeros(5, 20), "gamma": zeros(5), "moving_mean": zeros(5)},
            ["scale", "frozen", "in_out"],
        ),
        ({"depthwise_kernel": zeros(3, 3, 16, 2)}, [(9, 18)]),
        # plain
        ({"w1": zeros(2, 20), "b1": zeros(1, 20)}, ["bias", "in_out"]),
        ({"W_xh": zeros(20, 2), "b_h": zeros(20, 1)}, ["in_out", "bias"]),
        ([(zeros(2, 20), zeros(20)), (zeros(20, 1), zeros(1))], ["in_out", "bias", "in_out", "bias"]),
        (
            {"w": [zeros(2, 3), zeros(3, 2)], "n": np.arange(3), "on": np.ones(2, bool)},
            ["frozen", "frozen", "in_out", "in_out"],
        ),
        ([zeros(2, 32), zeros(32), zeros(32, 1)], ["in_out", "bias", "in_out"]),
        # not to be told
        ({"cls_token": zeros(1, 1, 64)}, [None]),
        ([zeros(64, 8, 16), zeros(8, 16)], ["in_out", None]),
        ([zeros(1, 64)], [None]),
    ],
)
def test_names_and_places_tell_the_rest(tree, expected):
    assert list(told(tree).values()) == expected


def test_a_bias_beside_a_weight_tells_its_layout_unless_it_is_said():
    tree = {"weight": zeros(30, 20), "bias": zeros(30)}
    assert told(tree)["weight"] == "out_in"
    assert told(tree, layout="in_out")["weight"] == "in_out"
    assert told({"weight": zeros(20, 30), "bias": zeros(30)})["weight"] == "in_out"


@pytest.mark.parametrize(
    "said",
    [
        {"encoder": "frozen", "head": kobai.Role("weight", fans=(4, 6))},
        {"encoder.*": "frozen", "head": kobai.Role("weight", fans=(4, 6))},
        {"encoder": {"w": "frozen"}, "head": kobai.Role("weight", fans=(4, 6))},
        lambda path, leaf: (
            "frozen" if path.startswith("encoder") else kobai.Role("weight", fans=(4, leaf.size / 4))
        ),
    ],
)
def test_the_user_says_roles_by_name_by_a_tree_or_by_a_function(said):
    tree = {"encoder": {"w": zeros(3, 2)}, "head": zeros(2, 2, 6)}
    assert told(tree, said) == {"encoder.w": "frozen", "head": (4, 6)}


def test_the_longest_name_counts_and_whole_numbers_stay_frozen():
    tree = {"a": {"w": zeros(3, 2), "n": np.arange(2)}}
    assert told(tree, {"a": "frozen", "a.w": "scale"}) == {"a.n": "frozen", "a.w": "scale"}
    assert told(tree, {"a": {"w": "bias", "n": "weight"}})["a.n"] == "frozen"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"heat": "weight"}, "did you mean 'head'"),
        ({"head": "wieght"}, "did you mean 'weight'"),
        ({"head": 3}, "the role of head must be"),
        (5, "roles must be a mapping"),
        ({"v": "weight"}, "v of shape (3,) has no fans"),
    ],
)
def test_roles_that_cannot_be_are_refused(said, sentence):
    with pytest.raises(kobai.UsageError) as caught:
        roles({"head": zeros(2, 3), "v": zeros(3)}, said)
    assert sentence in str(caught.value)


def test_what_cannot_be_told_is_asked_for_with_the_argument_to_write():
    unclear = task({"cls_token": zeros(1, 1, 64), "w": zeros(3, 2)})
    with pytest.raises(kobai.UsageError) as caught:
        check_task(unclear)
    assert "cls_token (1, 1, 64)" in str(caught.value)
    assert 'say it by roles={"cls_token": "weight"}' in str(caught.value)
    check_task(dataclasses.replace(unclear, roles={"cls_token": "weight"}))
    with pytest.raises(kobai.UsageError, match='roles="weight"'):
        check_task(task(zeros(1, 3)))
    check_task(task(zeros(1, 3), roles="weight"))


def test_biases_and_scales_of_several_dimensions_are_not_drawn():
    network = Network()
    filled = task(network).filled(he(), 0)
    for drawn, kept in ((filled.convolution, network.convolution), (filled.norm, network.norm)):
        np.testing.assert_array_equal(drawn.bias, kept.bias)
    np.testing.assert_array_equal(filled.norm.weight, network.norm.weight)
    assert np.std(filled.convolution.weight) == pytest.approx(np.sqrt(2 / 27), rel=0.05)
    assert int(filled.steps) == 3
    # The very shape of a bias decided the answer once: (8, 1, 1) or (8,).
    by_shape = he().fill({"weight": zeros(8, 1, 3, 3), "bias": zeros(8, 1, 1)}, 0)
    assert not by_shape["bias"].any()


def test_the_fan_in_of_an_attention_kernel_does_not_count_heads():
    query = task(FLAX).filled(he(), 0)["attention"]["query"]
    assert np.std(query["kernel"]) == pytest.approx(np.sqrt(2 / 64), rel=0.05)  # .177, once .062
    assert not query["bias"].any()
    matrix = task(FLAX).filled(orthogonal(), 0)["attention"]["query"]["kernel"].reshape(64, 128)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(64), atol=1e-5)


def stopped_loss(p, batch):
    features = jnp.tanh(batch @ jax.lax.stop_gradient(p["features"]))

    def turned(h, _):
        return jnp.tanh(h @ jax.lax.stop_gradient(p["w_loop"])), None

    features, _ = jax.lax.scan(jax.jit(turned), features, None, length=3)
    return jnp.mean((features @ p["w"] + p["b"]) ** 2)


PARAMETERS = {
    "features": np.eye(3, dtype=np.float32),
    "w_loop": zeros(3, 3) + 0.5,
    "w": zeros(3, 2),
    "b": zeros(2),
}


@pytest.mark.parametrize("name", ["w_features", "features"])
def test_an_array_behind_stop_gradient_is_frozen_through_loops_and_calls(name):
    """One whose name says nothing as well: the loss tells it."""
    renamed = {(name if key == "features" else key): array for key, array in PARAMETERS.items()}
    behind = task(renamed, lambda p, batch: stopped_loss({**p, "features": p[name]}, batch))
    check_task(behind)
    assert [place.name for place in behind.places] == ["b", "w"]
    # Whoever says so draws it: random features.
    drawn = dataclasses.replace(behind, roles={name: "weight"})
    assert {place.name for place in drawn.places} == {"b", "w", name}


def test_what_a_transformation_stacks_is_drawn_copy_by_copy():
    """Fans are those of one layer: Flax under scan and vmap, Equinox under filter_vmap."""

    def stack(layer):
        return eqx.filter_vmap(layer)(jax.random.split(jax.random.key(0), 5))

    linear = stack(lambda key: eqx.nn.Linear(128, 64, key=key))
    convolution = stack(lambda key: eqx.nn.Conv2d(3, 64, 3, key=key))
    parameters = {
        "linear": linear,
        "convolution": convolution,
        "VmapDense_0": {"kernel": zeros(5, 128, 64)},
        "up": {"kernel": zeros(5, 128, 64), "bias": zeros(5, 64)},
        "ConvLocal_0": {"kernel": zeros(8, 8, 27, 16), "bias": zeros(8, 8, 16)},
    }
    drawn = he().fill(parameters, 0)
    fans = {"linear": 128, "convolution": 27, "VmapDense_0": 128, "up": 128, "ConvLocal_0": 27}
    for name, fan_in in fans.items():
        weights = drawn[name]["kernel"] if isinstance(drawn[name], dict) else drawn[name].weight
        assert np.std(weights) == pytest.approx(np.sqrt(2 / fan_in), rel=0.03), name
    np.testing.assert_array_equal(drawn["convolution"].bias, convolution.bias)
    columns = orthogonal().fill({"Dense_0": {"kernel": zeros(5, 128, 64)}}, 0)["Dense_0"]["kernel"]
    for matrix in columns:
        np.testing.assert_allclose(matrix.T @ matrix, np.eye(64), atol=1e-5)


@pytest.mark.parametrize("population", [False, True])
def test_frozen_leaves_are_never_drawn_decayed_averaged_or_trained(population):
    rng = np.random.default_rng(0)
    start = {
        "features": rng.normal(size=(3, 5)),
        "w": np.zeros((5, 2)),
        "w_norm": np.ones((5, 2)),
        "b": np.ones((1, 2)),
    }
    start = jax.tree.map(lambda array: array.astype(np.float32), start)

    def loss(p, batch):
        return jnp.mean((jnp.tanh(batch @ p["features"]) @ (p["w"] * p["w_norm"]) + p["b"] - 1) ** 2)

    mine = task(start, loss, roles={"features": "frozen", "w_norm": "scale"})
    strategy = Strategy(
        l2=l2(0.1, biases=True), weight_decay=weight_decay(0.5, biases=True), averages=(polyak(2),)
    )
    rule = kobai.AdamW(learning_rate=0.1)
    sweep = Sweep(
        mine,
        [rule],
        steps=20,
        evaluate_every=10,
        strategies=[strategy],
        keep_model=True,
        population=population,
    )
    [run] = THREADS.runs(sweep, [Cell(rule, he(), 0, strategy)])
    np.testing.assert_array_equal(run.model.parameters["features"], start["features"])
    assert not np.array_equal(run.model.parameters["w_norm"], start["w_norm"])


def test_only_weights_decay_and_pay_in_the_engine():
    """With a gradient of zero: the weight becomes .95ᵗ of itself, biases and scales of any shape stay."""
    start = {"weight": zeros(4, 3) + 1, "bias": zeros(4, 1) + 1, "scale": zeros(4, 3) + 1}

    def loss(p, batch):
        return 0 * sum(jnp.sum(leaf) for leaf in jax.tree.leaves(p)) + jnp.mean(batch)

    for rule, strategy in (
        (kobai.SGD(learning_rate=0.1), Strategy(weight_decay=weight_decay(0.5))),
        (kobai.SGD(learning_rate=0.1), Strategy(l2=l2(0.5))),
        (kobai.AdamW(learning_rate=0.1, weight_decay=0.5), Strategy()),
    ):
        sweep = Sweep(
            task(start, loss), [rule], steps=2, evaluate_every=2, strategies=[strategy], keep_model=True
        )
        [run] = THREADS.runs(sweep, [Cell(rule, normal(1.0), 0, strategy)])

        z = task(start, loss).filled(normal(1.0), stream(0, INITIAL))["weight"]

        np.testing.assert_allclose(run.model.parameters["weight"], z * 0.95**2, rtol=1e-5)
        np.testing.assert_array_equal(run.model.parameters["bias"], start["bias"])
        np.testing.assert_array_equal(run.model.parameters["scale"], start["scale"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"kind": "weight", "outer": "yes"}, "outer must be True, False or None of a weight.* got 'yes'"),
        ({"kind": "weight", "outer": 1}, "got 1 for a weight"),
        ({"kind": "bias", "outer": True}, "got True for a bias"),
    ],
)
def test_an_outer_that_says_nothing_is_refused(asked, message):
    with pytest.raises(kobai.UsageError, match=message):
        kobai.Role(**asked)


@pytest.mark.parametrize(("word", "message"), [("otter", "outer"), ("head", "bias, frozen, outer, scale")])
def test_outer_is_among_the_roles_that_are_named(word, message):
    with pytest.raises(kobai.UsageError, match=message):
        roles({"w": zeros(4, 3)}, {"w": word})


def test_complex_parameters_are_refused_by_name_in_a_task():
    with pytest.raises(kobai.UsageError, match="w holds complex numbers"):
        check_task(task({"w": np.zeros((3, 2), np.complex64)}))
    with pytest.raises(kobai.UsageError, match="complex"):
        he().fill({"w": np.zeros((3, 2), np.complex64)}, 0)
