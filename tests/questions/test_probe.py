"""`probe` against the lecture's reference values, a hand-written back-propagation, a closed-form gradient."""

import json
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len

import kobai
from kobai.basics.errors import UsageError
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.initializers import he, lecun, normal
from kobai.networks.mlp import ACTIVATIONS
from kobai.questions.probe import SATURATED, probe
from kobai.report import cut
from kobai.tasks.task import Task
from kobai.words import TABLES, language

SMALL = {"widths": (6, 5, 4), "inputs": 8}


# The lecture's reference values (METHODS section 3)

SEEDS = 16


def last_layer(initializer, activation, column):
    frames = [probe(initializer, activation=activation, seed=seed).table for seed in range(SEEDS)]
    return np.mean([frame[column][-1] for frame in frames])


@pytest.mark.parametrize(
    ("initializer", "activation", "column", "expected", "over_seeds", "rounding"),
    [
        ("normal:1", "tanh", "saturated", 0.849, 0.002, 0.0005),
        ("normal:1", "sigmoid", "saturated", 0.66, 0.034, 0.005),
        ("he", "relu", "activation_std", 0.81, 0.10, 0.005),
        ("xavier", "relu", "activation_std", 0.143, 0.018, 0.0005),
        ("normal:0.01", "relu", "activation_std", 0.0, 0.0, 0.00005),
    ],
)
def test_reference_values(initializer, activation, column, expected, over_seeds, rounding):
    """Five layers of 100 nodes on 1,000 unit-normal inputs; the reference gives mean ± std over seeds.

    A mean over 16 seeds has a standard error of a quarter of that std: four of them, and the rounding.
    """
    assert last_layer(initializer, activation, column) == pytest.approx(
        expected, abs=over_seeds / math.sqrt(SEEDS) * 4 + rounding
    )


def test_the_reference_value_of_he_sees_the_slip():
    """With √(1/n₁) for √(2/n₁) the activations fall by √2 a layer."""
    assert abs(last_layer("lecun", "relu", "activation_std") - 0.81) > 0.5


# Statistics against NumPy

DERIVATIVES = {
    "relu": (lambda u: np.maximum(u, 0), lambda u: (u > 0).astype(float)),
    "tanh": (np.tanh, lambda u: 1 - np.tanh(u) ** 2),
    "sigmoid": (lambda u: 1 / (1 + np.exp(-u)), lambda u: np.exp(-u) / (1 + np.exp(-u)) ** 2),
}


def back_propagation(activation, inputs, weights, cotangent, forget_last=False):
    """(activations, gradients by node, by weights) of every layer, by the chain rule written out."""
    f, df = DERIVATIVES[activation]
    a, before, u = [inputs], [], None
    for w in weights:
        u = a[-1] @ w
        before.append(u)
        a.append(f(u))
    by_node, by_weights = [], []
    flowing = cotangent
    for i in reversed(range(len(weights))):
        last = i == len(weights) - 1
        δ = flowing if last and forget_last else flowing * df(before[i])
        by_node.insert(0, δ)
        by_weights.insert(0, a[i].T @ δ)
        flowing = δ @ weights[i].T
    return a[1:], by_node, by_weights


def draws(seed):
    """The three draws of `probe`: inputs, weights, cotangent. In float64; probe computes in float32."""
    inputs, weights, cotangent = np.random.default_rng(seed).spawn(3)
    pairs = [(6, 5), (5, 4)]
    return (
        inputs.standard_normal((8, 6)),
        [weights.standard_normal(pair) for pair in pairs],
        cotangent.standard_normal((8, 4)),
    )


@pytest.mark.parametrize("activation", DERIVATIVES)
def test_statistics_equal_a_handwritten_back_propagation(activation):
    seen = probe(normal(1.0), activation=activation, seed=5, **SMALL)
    activations, by_node, by_weights = back_propagation(activation, *draws(5))
    expected = {
        "activation_mean": [a.mean() for a in activations],
        "activation_std": [a.std() for a in activations],
        "gradient_std": [g.std() for g in by_node],
        "weight_gradient_std": [g.std() for g in by_weights],
    }
    for column, values in expected.items():
        # float32 against float64; the mean may cancel
        np.testing.assert_allclose(seen.table[column], values, rtol=1e-4, atol=1e-6, err_msg=column)
    assert seen.table["layer"].to_list() == [1, 2]
    assert seen.table["nodes"].to_list() == [5, 4]
    assert (seen.table["not_finite"] == 0).all()
    for panel, arrays in (("activations", activations), ("gradients", by_node)):
        for (counts, edges), values in zip(seen.histograms[panel], arrays, strict=True):
            assert counts.sum() == values.size
            assert len(edges) == len(counts) + 1
            # A value may fall into the neighbouring bin, by rounding.
            own, _ = np.histogram(values, edges)
            assert np.abs(counts - own).sum() <= 4


def test_a_forgotten_derivative_is_seen():
    seen = probe(normal(1.0), activation="tanh", seed=5, **SMALL)
    _, by_node, _ = back_propagation("tanh", *draws(5), forget_last=True)
    assert not np.allclose(seen.table["gradient_std"], [g.std() for g in by_node], rtol=1e-2)


@pytest.mark.parametrize(
    ("activation", "slope", "values", "share"),
    [
        ("tanh", math.atanh, [0.94, -0.94, 0.96, -0.96, 0.0], 2 / 5),
        ("sigmoid", lambda p: math.log(p / (1 - p)), [0.06, 0.94, 0.04, 0.96, 0.5], 2 / 5),
        ("relu", lambda u: u, [-1.0, 0.0, 1e-6, 1.0, 2.0], 2 / 5),
    ],
)
def test_what_counts_as_saturated(activation, slope, values, share):
    """One input, one node, weight 1: the pre-activation is the input."""
    inputs = [[slope(value)] for value in values]
    seen = probe("constant:1", activation=activation, inputs=inputs, widths=(1, 1))
    assert seen.table["saturated"][0] == pytest.approx(share)


def test_every_activation_has_its_saturation_and_its_note():
    assert set(SATURATED) == set(ACTIVATIONS)
    assert {f"probe.note.{activation}" for activation in ACTIVATIONS} <= set(TABLES["en"])


def test_two_initializers_meet_the_same_draws():
    """With ReLU the network is homogeneous: he is lecun times √2 a layer, if all three draws are the same."""
    a, b = (probe(i, activation="relu", seed=1, **SMALL).table for i in (he(), lecun()))
    ratios = (a["activation_std"] / b["activation_std"]).to_list()
    np.testing.assert_allclose(ratios, [math.sqrt(2), 2], rtol=1e-5)
    np.testing.assert_allclose(a["gradient_std"][-1], b["gradient_std"][-1], rtol=1e-6)
    np.testing.assert_allclose(a["saturated"], b["saturated"])


def test_the_seed_decides():
    one, same, other = (str(probe("he", seed=seed, **SMALL).table) for seed in (1, 1, 2))
    assert one == same != other


def test_own_inputs_are_used():
    seen = probe("constant:1", activation="relu", inputs=np.array([[1, 2], [3, 4]]), widths=(2, 3))
    assert seen.table["activation_mean"][0] == 5  # (1+2 + 3+4) / 2
    assert seen.table["activation_std"][0] == 2


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initializer", ["constant:0", "normal:1e-20", "normal:1e30", "constant:3e38"])
def test_extreme_values_are_reported_and_drawn(initializer, activation):
    seen = probe(initializer, activation=activation, **SMALL)
    assert seen.table.height == 2
    assert initializer in str(seen).replace("e+", "e")
    assert len(seen.figures["histograms"].data) == 4


def test_overflow_is_counted_and_left_out():
    seen = probe("normal:1e30", activation="relu", **SMALL)
    assert 0 < seen.table["not_finite"][1] <= 1  # 1e30 · 1e30 is beyond float32
    assert seen.table["activation_std"][0] > 1e30
    assert "not finite" in str(seen)
    assert "not finite" not in str(probe("he", activation="relu", **SMALL))


# A task


def line(weights_shape=(3, 2), **changes):
    """A linear regression, whose gradient is known in closed form."""
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((40, 3)), draw.standard_normal((40, 2))
    data = (x.astype(np.float32), y.astype(np.float32))

    def loss(parameters, batch):
        x, y = batch
        return jnp.mean((x @ parameters["w"] + parameters["b"] - y) ** 2)

    given = {
        "name": "line",
        "parameters": {"w": np.zeros(weights_shape, np.float32), "b": np.ones(2, np.float32)},
        "loss": loss,
        "train": data,
        "validation": data,
        "batch_size": 16,
    }
    return Task(**{**given, **changes})


def test_a_task_is_probed_where_its_sweep_starts():
    """The closed-form gradient on the sweep's own first batch and initial values of this seed."""
    task = line()
    seen = probe("normal:0.5", task=task, seed=4)
    [chosen] = mini_batch(4, 0, 1, 16, 40)
    x, y = (part[chosen].astype(float) for part in task.train)
    w = 0.5 * stream(4, INITIAL).standard_normal((3, 2))
    error = x @ w + 1 - y
    by_b, by_w = 2 / error.size * error.sum(axis=0), 2 / error.size * x.T @ error
    assert seen.table["array"].to_list() == ["b", "w"]
    assert seen.table["shape"].to_list() == ["2", "3×2"]
    np.testing.assert_allclose(seen.table["weight_std"], [0, w.std()], rtol=1e-5)
    np.testing.assert_allclose(seen.table["gradient_std"], [by_b.std(), by_w.std()], rtol=1e-4)
    assert seen.table["zero_gradients"].to_list() == [0, 0]
    assert f"loss {np.mean(error**2):.3g}" in str(seen)
    assert [counts.sum() for counts, _ in seen.histograms["gradients"]] == [2, 6]


def test_gradients_of_exactly_zero_are_counted():
    """The second output is not in the loss: half of b's two gradients, and half of w's six."""

    def loss(parameters, batch):
        x, y = batch
        return jnp.mean((x @ parameters["w"] + parameters["b"] - y)[:, 0] ** 2)

    seen = probe("he", task=line(loss=loss))
    assert seen.table["zero_gradients"].to_list() == [0.5, 0.5]


def test_a_loss_that_is_no_number_is_reported():
    assert "loss inf" in str(probe("normal:1e30", task=line()))
    seen = probe("he", task=line(loss=lambda parameters, _: jnp.sum(jnp.sqrt(parameters["w"]))))
    w = stream(0, INITIAL).standard_normal((3, 2))
    assert "loss nan" in str(seen)
    assert seen.table["not_finite"].to_list() == [0, np.mean(w < 0)]


def test_an_equinox_model_with_functions_and_its_layout():
    model = eqx.nn.Sequential([eqx.nn.Linear(3, 2, key=jax.random.key(0)), eqx.nn.Lambda(jax.nn.relu)])
    task = line(
        parameters=model,
        layout="out_in",
        loss=lambda model, batch: jnp.mean((jax.vmap(model)(batch[0]) - batch[1]) ** 2),
    )
    seen = probe("he", task=task)
    assert seen.table["array"].to_list() == ["layers.0.weight", "layers.0.bias"]
    z = stream(0, INITIAL).standard_normal((2, 3))
    assert seen.table["weight_std"][0] == pytest.approx(math.sqrt(2 / 3) * z.std(), rel=1e-5)


def test_a_task_that_cannot_be_trained_is_refused():
    with pytest.raises(UsageError) as refused:
        probe("he", task=line(batch_size=0))
    assert refused.value.key == "error.task.batch"


# What is shown


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_aligned_and_fit_the_terminal(name):
    long = {"deeply": {"nested": {"and_" * 15: {"names_of": {"parameters": np.zeros((3, 2), np.float32)}}}}}
    task = line(
        parameters=long,
        roles={"parameters": "weight"},
        loss=lambda p, batch: jnp.mean(batch[0] @ jax.tree.leaves(p)[0]),
    )
    probes = [
        probe("normal:0.123456789", activation="sigmoid"),
        probe("normal:1e30", activation="relu", widths=(100,) * 3),
        probe("he", task=task),
    ]
    with language(name):
        for seen in probes:
            lines = str(seen).split("\n")
            table = lines[2 : lines.index("", 2)]
            assert len(table) == 1 + seen.table.height
            assert len({cell_len(row) for row in table}) == 1
            assert max(map(cell_len, lines)) <= 80
            assert repr(seen) == str(seen)
        assert "…" in str(probes[2])
        assert "names_of.parameters" in str(probes[2])


def test_what_is_printed_are_the_numbers_of_the_table():
    seen = probe("normal:1", **SMALL)
    row = str(seen).split("\n")[3].split()
    frame = seen.table.row(0, named=True)
    assert row[0] == "1"
    assert row[2] == f"{frame['activation_mean']:.3g}"
    assert row[4] == f"{100 * frame['saturated']:.1f}"


def test_jupyter_gets_a_table_with_every_name_escaped():
    parameters = {"<w&b>": np.zeros((3, 2), np.float32)}
    task = line(parameters=parameters, loss=lambda p, batch: jnp.mean(batch[0] @ p["<w&b>"]))
    page = probe("he", task=task)._repr_html_()
    assert "&lt;w&amp;b&gt;" in page
    assert "<w&b>" not in page
    assert page.count("<tr>") == 2


def test_the_figure_has_a_row_of_panels_for_each_layer():
    seen = probe("he", widths=(6, *[5] * 30), inputs=8)
    figure = seen.figures["histograms"]
    assert len(figure.data) == 60
    assert {bar.name for bar in figure.data} == {"activations", "gradients"}
    assert figure.layout.annotations[0].text == "layer 1: activations"
    np.testing.assert_array_equal(figure.data[29].y, seen.histograms["activations"][-1][0])
    heights = [axis.domain[1] - axis.domain[0] for axis in figure.select_yaxes()]
    assert min(heights) * figure.layout.height > 80  # pixels


def test_the_table_is_polars():
    assert isinstance(probe("he", **SMALL).table, pl.DataFrame)


# Mistakes


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"initializer": "hee"}, "did you mean 'he'"),
        ({"activation": "tan"}, "no activation 'tan'; did you mean 'tanh'"),
        ({"widths": (5,)}, r"widths must be two or more .* got \(5,\)"),
        ({"widths": (5, 0)}, r"got \(5, 0\)"),
        ({"widths": (5, 2.5)}, r"got \(5, 2.5\)"),
        ({"inputs": 0}, r"array \[examples, 6\].* got 0"),
        ({"inputs": 1.5}, "got 1.5"),
        ({"inputs": np.ones((3, 7))}, r"got \(3, 7\)"),
        ({"inputs": np.ones(6)}, r"got \(6,\)"),
        ({"inputs": np.ones((0, 6))}, r"got \(0, 6\)"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
        ({"seed": "1"}, "got '1'"),
        ({"seed": True}, "seed must be a whole number .*, got True"),
        ({"widths": (True, 5)}, r"widths must be two or more .* got \(True, 5\)"),
        ({"widths": 5}, r"widths must be a list such as \[5\], got 5"),
        ({"inputs": True}, "got True"),
    ],
)
def test_probe_refuses(asked, message):
    with pytest.raises(UsageError, match=message):
        probe(**{"initializer": "he", **SMALL, **asked})


def test_of_very_many_layers_some_are_shown_with_a_word_about_the_rest(tmp_path):
    result = kobai.probe("he", widths=(2,) * 61, inputs=5)
    assert "40 of 60 rows are shown" in str(result)
    assert len(result.html()) < 8e6
    content = json.loads(result.to_json())
    assert [row["layer"] for row in content["rows"]][:: cut.ROWS - 1] == [1, 60]
    assert len(content["histograms"]["gradients"]) == cut.ROWS
    assert "40 of 60 rows are shown" in content["notes"][0]
    result.save(tmp_path)
    bins = pl.read_parquet(tmp_path / "histograms.parquet")
    for name, histograms in result.histograms.items():
        counts, edges = histograms[59]
        own = bins.filter(pl.col("row") == 59, pl.col("of") == name)
        assert own["count"].to_list() == counts.tolist()
        assert [*own["low"], own["high"][-1]] == edges.tolist()
