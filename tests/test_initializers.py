"""Initial values against their formulas, JAX's untruncated initializers, Gram–Schmidt, and planted slips."""

import math
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobai import initializers as init
from kobai.basics.errors import UsageError
from kobai.basics.registry import INITIALIZERS
from kobai.initializers import Initializer, fans, parse
from kobai.words import TABLES

Z = np.random.default_rng(1).standard_normal((1000, 500))
"""Half a million normals: a sampled standard deviation is within .1 % of the true one, relatively."""

FIVE_SIGMA = 5 / math.sqrt(2 * Z.size)
"""Five standard errors of a normal sample's standard deviation (a uniform sample's is smaller)."""

DEVIATIONS = {
    "constant": 0.0,
    "normal": 0.01,
    "uniform": 0.01,
    "xavier": 0.1154700538,  # √(2/150)
    "xavier_uniform": 0.1154700538,
    "he": 0.1414213562,  # √(2/100)
    "he_uniform": 0.1414213562,
    "lecun": 0.1,  # √(1/100)
    "lecun_uniform": 0.1,
    "orthogonal": 1 / math.sqrt(1000),  # a column of 1,000 entries has length 1
}
"""Between 100 nodes and 50."""

LIMITS = {
    "uniform": 0.01 * math.sqrt(3),
    "xavier_uniform": math.sqrt(6 / 150),
    "he_uniform": math.sqrt(6 / 100),
    "lecun_uniform": math.sqrt(3 / 100),
}

RANDOM = [name for name in INITIALIZERS if name != "constant"]
ELEMENTWISE = [name for name in INITIALIZERS if name != "orthogonal"]


def check_deviation(initializer, name):
    weights = initializer.weights(Z, 100, 50)
    assert weights.std() == pytest.approx(DEVIATIONS[name], rel=FIVE_SIGMA, abs=1e-15)


def check_limit(initializer, name):
    """The largest of half a million draws: within 1e-4 of the limit (1e-5 is expected), never beyond."""
    largest = np.abs(initializer.weights(Z, 100, 50)).max()
    assert LIMITS[name] * (1 - 1e-4) < largest <= LIMITS[name] * (1 + 1e-12)


# The formulas


@pytest.mark.parametrize("name", INITIALIZERS)
def test_standard_deviation_of_every_initializer(name):
    check_deviation(parse(name), name)


def planted(form, spread, scale=1.0):
    return Initializer("planted", form, spread, scale)


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        ("xavier", planted(init._normal, lambda n1, _: math.sqrt(1 / n1))),
        ("xavier", planted(init._normal, lambda n1, n2: math.sqrt(2 / n1 + n2))),
        ("he", planted(init._normal, lambda _, n2: math.sqrt(2 / n2))),
        ("he", planted(init._normal, lambda n1, _: 2 / n1)),
        ("he", planted(lambda z, _: np.clip(z, -2, 2), init._he)),  # truncated
        ("he_uniform", planted(lambda z, axis: init._uniform(z, axis) / math.sqrt(3), init._he)),  # ±σ
        ("lecun", planted(init._normal, init._he)),
    ],
)
def test_the_check_of_standard_deviations_sees_planted_slips(name, slip):
    with pytest.raises(AssertionError):
        check_deviation(slip, name)


def test_the_common_xavier_slip_hides_where_the_fans_are_equal():
    """Why the check above is made between 100 and 50 nodes."""
    slip = planted(init._normal, lambda n1, _: math.sqrt(1 / n1))
    np.testing.assert_allclose(slip.weights(Z, 100, 100), init.xavier().weights(Z, 100, 100), rtol=1e-12)
    assert init.xavier().weights(np.ones(1), 100, 50)[0] == pytest.approx(0.11547, abs=5e-6)
    assert slip.weights(np.ones(1), 100, 50)[0] == pytest.approx(0.1)


@pytest.mark.parametrize("name", LIMITS)
def test_uniform_forms_reach_their_limits_and_are_flat(name):
    check_limit(parse(name), name)
    counts, _ = np.histogram(parse(name).weights(Z, 100, 50), 10, (-LIMITS[name], LIMITS[name]))
    # Of 50,000 expected in a bin, five binomial standard deviations.
    assert np.abs(counts - Z.size / 10).max() < 5 * math.sqrt(Z.size * 0.1 * 0.9)


def test_a_normal_of_equal_variance_is_not_taken_for_a_uniform():
    with pytest.raises(AssertionError):
        check_limit(init.he(), "he_uniform")


def test_normal_is_not_truncated():
    assert np.abs(init.normal(1.0).weights(Z, 100, 50)).max() > 4


def test_constant_is_the_same_everywhere_whatever_the_draw():
    assert np.array_equal(init.constant().weights(Z, 100, 50), np.full(Z.shape, 0.5))
    assert np.array_equal(init.constant(-2).weights(Z, 100, 50), np.full(Z.shape, -2.0))


@pytest.mark.parametrize(
    ("name", "scale", "mode"), [("he", 2.0, "fan_in"), ("xavier", 1.0, "fan_avg"), ("lecun", 1.0, "fan_in")]
)
@pytest.mark.parametrize(
    ("shape", "layout", "axes"),
    [
        ((6, 4), "in_out", (0, 1)),
        ((6, 4), "out_in", (1, 0)),
        ((2, 3, 4), "in_out", (1, 2)),
        ((2, 3, 4), "out_in", (1, 0)),
    ],
)
def test_jax_agrees_draw_by_draw(name, scale, mode, shape, layout, axes):
    """JAX's "normal" (untruncated) variance scaling, with the axes of the layout, on the same key."""
    reference = jax.nn.initializers.variance_scaling(scale, mode, "normal", in_axis=axes[0], out_axis=axes[1])
    key = jax.random.key(3)
    weights = parse(name)(key, shape, jnp.float32, layout=layout)
    np.testing.assert_allclose(weights, reference(key, shape, jnp.float32), rtol=1e-6)  # float32


# Orthogonal


def gram_schmidt(columns):
    """Orthonormal columns by the schoolbook's recipe, which leaves no sign open."""
    found = []
    for column in columns.T:
        rest = column - sum((column @ q) * q for q in found)
        found.append(rest / np.linalg.norm(rest))
    return np.stack(found, axis=1)


@pytest.mark.parametrize("gain", [1.0, 1.5])
@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (30, 30)])
def test_orthogonal_is_gram_schmidt_on_the_shorter_side(shape, gain):
    z = np.random.default_rng(0).standard_normal(shape)
    q = init.orthogonal(gain).weights(z, *shape)
    tall, z_tall = (q, z) if shape[0] >= shape[1] else (q.T, z.T)
    np.testing.assert_allclose(tall.T @ tall, gain**2 * np.eye(min(shape)), atol=1e-12)
    np.testing.assert_allclose(tall, gain * gram_schmidt(z_tall), atol=1e-10)


def test_a_qr_without_the_fixed_sign_is_seen():
    z = np.random.default_rng(0).standard_normal((40, 20))
    assert not np.allclose(np.linalg.qr(z)[0], gram_schmidt(z))


@pytest.mark.parametrize(
    ("shape", "layout", "output_axis"),
    [
        ((3, 3, 4, 8), "in_out", -1),
        ((8, 4, 3, 3), "out_in", 0),
        ((2, 2, 3, 60), "in_out", -1),  # more outputs than incoming numbers
        ((60, 3, 2, 2), "out_in", 0),
        ((3, 3, 3, 3), "in_out", -1),  # the fans alone cannot tell these two apart
        ((3, 3, 3, 3), "out_in", 0),
    ],
)
def test_orthogonal_convolution(shape, layout, output_axis):
    [kernel] = init.orthogonal(2.0).fill([np.zeros(shape)], 0, layout=layout)
    matrix = np.moveaxis(kernel, output_axis, -1).reshape(-1, shape[output_axis])
    shorter = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(shorter.T @ shorter, 4 * np.eye(shorter.shape[1]), atol=1e-12)


@pytest.mark.parametrize(("shape", "layout"), [((3, 3, 4, 8), "in_out"), ((8, 4, 3, 3), "out_in")])
def test_orthogonal_reads_the_output_axis_off_the_fans(shape, layout):
    z = np.random.default_rng(0).standard_normal(shape)
    by_fans = init.orthogonal().weights(z, *fans(shape, layout))
    said = init.orthogonal().weights(z, *fans(shape, layout), output_axis=-1 if layout == "in_out" else 0)
    assert np.array_equal(by_fans, said)


def test_orthogonal_refuses_where_the_fans_do_not_tell():
    with pytest.raises(UsageError, match=r"\(3, 3, 4, 8\).*in_out"):
        init.orthogonal().weights(np.ones((3, 3, 4, 8)), 5, 7)


# One draw, many initializers; NumPy and JAX


@pytest.mark.parametrize("name", INITIALIZERS)
def test_numpy_and_jax_agree_and_keep_library_shape_and_dtype(name):
    z = np.random.default_rng(2).standard_normal((6, 4)).astype(np.float32)
    initializer = parse(name)
    on_numpy, on_jax = initializer.weights(z, 6, 4), initializer.weights(jnp.asarray(z), 6, 4)
    assert isinstance(on_numpy, np.ndarray)
    assert isinstance(on_jax, jax.Array)
    assert on_numpy.shape == on_jax.shape == z.shape
    assert on_numpy.dtype == on_jax.dtype == np.float32
    np.testing.assert_allclose(on_numpy, on_jax, rtol=2e-5, atol=1e-6)  # float32 through two QRs, two Φs


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float64])
def test_other_precisions_pass(name, dtype):
    z = np.random.default_rng(2).standard_normal((6, 4))
    weights = parse(name).weights(z.astype(dtype), 6, 4)
    assert weights.dtype == dtype
    # bfloat16 keeps 8 bits, of z and again of the weights; Q gathers the errors of z's columns.
    np.testing.assert_allclose(weights.astype(np.float64), parse(name).weights(z, 6, 4), rtol=0.03, atol=0.03)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_call_makes_only_z_of_the_key(name):
    key, shape = jax.random.key(7), (6, 4)
    initializer = parse(name)
    z = jax.random.normal(key, shape, jnp.float32)
    assert np.array_equal(initializer(key, shape), initializer.weights(z, 6, 4))
    assert initializer(key, shape, jnp.bfloat16).dtype == jnp.bfloat16


@pytest.mark.parametrize("name", ["constant", "he_uniform", "orthogonal"])
def test_call_under_jit_and_vmap_equals_the_loop(name):
    initializer, keys = parse(name), jax.random.split(jax.random.key(0), 3)
    one_by_one = np.stack([initializer(key, (6, 4)) for key in keys])
    batched = jax.jit(jax.vmap(lambda key: initializer(key, (6, 4))))(keys)
    np.testing.assert_allclose(batched, one_by_one, rtol=1e-5, atol=1e-6)  # float32, another order of sums


def test_an_empty_array_stays_empty():
    assert init.he().weights(np.ones((0, 5)), 0, 5).shape == (0, 5)


# Pytrees

PARAMETERS = {
    "b": {"weights": np.zeros((5, 3), np.float32), "biases": np.full(3, 7.0, np.float32)},
    "a": [jnp.ones((2, 4)), {"scale": np.array(2.0), "count": np.arange(6).reshape(2, 3)}],
    "c": (np.zeros((2, 3), np.float64), None, np.tanh, "text", 3.5),
}


def test_fill_draws_leaf_after_leaf_in_tree_order_and_keeps_the_rest():
    filled = init.normal(1.0).fill(PARAMETERS, 5)
    draw = np.random.default_rng(5)  # a dict's leaves come in the order of its keys
    assert np.array_equal(filled["a"][0], draw.standard_normal((2, 4)).astype(np.float32))
    assert np.array_equal(filled["b"]["weights"], draw.standard_normal((5, 3)).astype(np.float32))
    assert np.array_equal(filled["c"][0], draw.standard_normal((2, 3)))
    assert np.array_equal(filled["b"]["biases"], np.full(3, 7.0))
    assert np.array_equal(filled["a"][1]["count"], np.arange(6).reshape(2, 3))
    assert filled["a"][1]["count"].dtype == PARAMETERS["a"][1]["count"].dtype
    assert filled["a"][1]["scale"] == 2.0
    assert filled["c"][1:] == (None, np.tanh, "text", 3.5)
    assert jax.tree.structure(filled) == jax.tree.structure(PARAMETERS)
    arrays = [leaf for leaf in jax.tree.leaves(filled) if hasattr(leaf, "dtype")]
    assert all(type(leaf) is np.ndarray for leaf in arrays)
    assert [a.dtype for a in arrays] == [a.dtype for a in jax.tree.leaves(PARAMETERS) if hasattr(a, "dtype")]


def test_fill_gives_copies():
    filled = init.he().fill(PARAMETERS, 0)
    filled["b"]["biases"][:] = 0
    assert PARAMETERS["b"]["biases"][0] == 7


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initializer_takes_the_same_draws(name):
    """After `fill` the generator stands where it stands after `normal`: the next seed's z is the same too."""
    left, right = np.random.default_rng(9), np.random.default_rng(9)
    parse(name).fill(PARAMETERS, left)
    init.normal().fill(PARAMETERS, right)
    assert left.bit_generator.state == right.bit_generator.state


def test_two_initializers_are_paired_on_one_draw():
    he, xavier = (parse(name).fill(PARAMETERS, 4)["b"]["weights"] for name in ("he", "xavier"))
    np.testing.assert_allclose(he / math.sqrt(2 / 5), xavier / math.sqrt(2 / 8), rtol=1e-6)
    uniform = init.he_uniform().fill(PARAMETERS, 4)["b"]["weights"]
    assert np.array_equal(np.argsort(uniform, axis=None), np.argsort(he, axis=None))


def test_a_seed_is_its_generator():
    by_seed = init.he().fill(PARAMETERS, 3)["b"]["weights"]
    by_generator = init.he().fill(PARAMETERS, np.random.default_rng(3))["b"]["weights"]
    assert np.array_equal(by_seed, by_generator)
    assert not np.array_equal(by_seed, init.he().fill(PARAMETERS, 4)["b"]["weights"])


@pytest.fixture(scope="module")
def model():
    return eqx.nn.MLP(3, 2, width_size=50, depth=1, key=jax.random.key(0))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_fill_of_an_equinox_model(name, model):
    filled = parse(name).fill(model, 0, layout="out_in")
    assert filled.activation is model.activation
    for before, after in zip(model.layers, filled.layers, strict=True):
        assert after.weight.shape == before.weight.shape
        assert np.array_equal(after.bias, before.bias)
        assert not np.array_equal(after.weight, before.weight)
    assert np.isfinite(filled(jnp.ones(3))).all()


def test_fans_of_an_equinox_model_are_read_as_its_layout_says(model):
    z = init.normal(1.0).fill(model, 0).layers[0].weight
    he = init.he().fill(model, 0, layout="out_in").layers[0].weight
    np.testing.assert_allclose(he, z * math.sqrt(2 / 3), rtol=1e-6)
    wrong = init.he().fill(model, 0, layout="in_out").layers[0].weight
    np.testing.assert_allclose(wrong, z * math.sqrt(2 / 50), rtol=1e-6)


def test_random_keys_in_a_pytree_are_left_alone():
    key = jax.random.key(0)
    assert init.he().fill({"key": key}, 0)["key"] is key


@pytest.mark.parametrize("seed", [-1, 0.5, None, "0", True, jax.random.key(0)])
def test_fill_refuses_what_is_no_seed(seed):
    with pytest.raises(UsageError, match="seed must be a whole number"):
        init.he().fill(PARAMETERS, seed)


# Fans


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((100, 50), "in_out", (100, 50)),
        ((100, 50), "out_in", (50, 100)),
        ((5, 5, 3, 16), "in_out", (75, 400)),  # Flax, Keras: (height, width, in, out)
        ((16, 3, 5, 5), "out_in", (75, 400)),  # Equinox, PyTorch: (out, in, height, width)
        ((7, 2, 4), "in_out", (14, 28)),
        ((4, 2, 7), "out_in", (14, 28)),
        ((6, 10, 20), lambda shape: shape[1:], (10, 20)),  # six dense layers in one array
    ],
)
def test_fans(shape, layout, expected):
    assert fans(shape, layout) == expected


def test_a_layout_of_ones_own_decides_the_deviation():
    [stacked] = init.he().fill([np.zeros((6, 10, 20))], 0, layout=lambda shape: shape[1:])
    z = np.random.default_rng(0).standard_normal((6, 10, 20))
    np.testing.assert_allclose(stacked, z * math.sqrt(2 / 10), rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "layout", "message"),
    [
        ((3,), "in_out", r"shape \(3,\)"),
        ((), "out_in", r"shape \(\)"),
        ((3, 4), "out-in", "did you mean 'out_in'"),
        ((3, 4), lambda _: 12, "gave 12"),
        ((3, 4), lambda _: (0, 4), r"gave \(0, 4\)"),
    ],
)
def test_fans_refuse(shape, layout, message):
    with pytest.raises(UsageError, match=message):
        fans(shape, layout)


# Names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("he", "he"),
        (" Xavier_Uniform ", "xavier_uniform"),
        ("constant", "constant:0.5"),
        ("constant:0", "constant:0"),
        ("constant:-1.50", "constant:-1.5"),
        ("normal", "normal:0.01"),
        ("normal:0.1", "normal:0.1"),
        ("normal:1e-3", "normal:0.001"),
        ("uniform", "uniform:0.01"),
        ("orthogonal", "orthogonal"),
        ("orthogonal:1", "orthogonal"),
        ("orthogonal:2", "orthogonal:2"),
    ],
)
def test_parse_and_the_canonical_name(text, name):
    initializer = parse(text)
    assert initializer.name == str(initializer) == name
    assert parse(name) == initializer
    assert repr(initializer) == f"Initializer(name='{name}')"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("he_normal", "he"),  # JAX, Flax, Keras
        ("HeNormal", "he"),  # a class of Keras
        ("kaiming_normal_", "he"),  # PyTorch
        ("kaiming_uniform", "he_uniform"),
        ("glorot_normal", "xavier"),
        ("glorot_uniform", "xavier_uniform"),
        ("GlorotUniform", "xavier_uniform"),
        ("xavier_normal_", "xavier"),
        ("xavier_uniform_", "xavier_uniform"),
        ("lecun_normal", "lecun"),
        ("zeros", "constant:0"),
        ("ones_", "constant:1"),
    ],
)
def test_names_of_other_frameworks_are_known(text, name):
    assert parse(text) == parse(name)
    assert parse(text).name == name


@pytest.mark.parametrize(("text", "near"), [("random_normal", "normal"), ("random_uniform", "uniform")])
def test_what_another_framework_means_otherwise_is_only_suggested(text, near):
    """Their spread is another one: Keras takes 0.05, JAX 0.01."""
    with pytest.raises(UsageError, match=f"did you mean '{near}'"):
        parse(text)


@given(st.floats(0, 1e300))
@settings(derandomize=True, deadline=None)
def test_names_keep_every_digit(value):
    assert parse(init.normal(value).name) == init.normal(value)


def test_an_initializer_passes_unchanged():
    mine = init.normal(0.2)
    assert parse(mine) is mine


def test_equal_initializers_are_equal_and_hashable():
    assert init.he() == init.he() != init.he_uniform()
    assert len({init.normal(0.1), init.normal(0.1), init.normal(0.2)}) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hee", "no initializer 'hee'; did you mean 'he'"),
        ("xavier-uniform", "did you mean 'xavier_uniform'"),
        ("glorot", "did you mean 'xavier'"),
        ("", "choose one of"),
        (3, "choose one of"),
        ("he:2", "'he' takes no value, got '2'"),
        ("normal:much", "normal: deviation must be a finite number of at least 0, got 'much'"),
        ("normal:", "got ''"),
        ("normal:-0.1", "got -0.1"),
        ("uniform:inf", "uniform: deviation .* got inf"),
        ("constant:nan", "constant: value must be a finite number, got nan"),
        ("orthogonal:-1", "orthogonal: gain .* got -1.0"),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(UsageError, match=message):
        parse(text)


def test_constructors_refuse_too():
    with pytest.raises(UsageError, match="got '0.1'"):
        init.normal("0.1")
    with pytest.raises(UsageError, match="got None"):
        init.constant(None)


def test_every_name_is_described_in_every_language():
    for table in TABLES.values():
        described = {key.removeprefix("initializer.") for key in table if key.startswith("initializer.")}
        assert described == set(INITIALIZERS)


def test_the_table_answers_without_jax_and_scipy():
    code = "import sys, kobai.initializers; print({'jax', 'scipy', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_true_is_no_deviation():
    with pytest.raises(UsageError, match="normal: deviation must be a finite number of at least 0, got True"):
        init.normal(True)
