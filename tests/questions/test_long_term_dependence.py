"""‖∂h_T/∂h_t‖ against closed forms and the derivative of the whole run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.cells import cell_len

import kobai
from kobai import initializers as initial_values
from kobai import words
from kobai.networks import recurrent
from kobai.questions.long_term_dependence import gradient_through_time, long_term_dependence
from kobai.report import panels


def gates_of(cell, nodes, *, recurrent_weights=None, seed=0):
    made = initial_values.normal(0.4).fill(recurrent.parameters(cell, 2, nodes), seed)
    if recurrent_weights is not None:
        made["state"]["recurrent"] = np.asarray(recurrent_weights, np.float32)
    return made


def inputs(length, seed=1):
    return np.random.default_rng(seed).standard_normal((3, length, 2)).astype(np.float32)


def test_a_linear_network_has_the_norms_of_the_powers_of_its_weights():
    W = np.random.default_rng(2).standard_normal((4, 4)) / 2
    found = gradient_through_time(
        "elman", gates_of("elman", 4, recurrent_weights=W), inputs(12), activation="linear"
    )
    expected = [np.linalg.norm(np.linalg.matrix_power(W, 12 - t), 2) for t in range(13)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_of_a_linear_network_the_spectral_radius_tells_all(radius):
    frame = long_term_dependence([radius], activation="linear", length=30, nodes=8).table
    np.testing.assert_allclose(frame["norm"], radius ** np.arange(31.0), rtol=1e-3)


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
def test_norms_agree_with_the_derivative_of_the_whole_run(cell):
    """One derivative from the first state to the last by JAX, instead of a product of Jacobians."""
    gates, x = gates_of(cell, 3), inputs(5)
    W = recurrent.beside(cell, gates, "recurrent")
    brought = x @ recurrent.beside(cell, gates, "inputs") + recurrent.beside(cell, gates, "biases")

    def last(state, brought):
        parts = tuple(jnp.split(state, recurrent.STATES[cell]))
        for b in brought:
            parts = recurrent.STEPS[cell](W, parts, b, jnp.tanh)
        return jnp.concatenate(parts)

    start = jnp.zeros(3 * recurrent.STATES[cell])
    norms = [np.linalg.norm(jax.jacrev(last)(start, b), 2) for b in brought]
    found = gradient_through_time(cell, gates, x)
    assert found[0] == pytest.approx(np.exp(np.mean(np.log(norms))), rel=1e-4)
    assert found[-1] == 1


def test_tanh_only_shrinks():
    """|f'| ≤ 1: never more than the linear network of the same weights, all of whose steps are orthogonal."""
    frame = long_term_dependence([0.9, 1.1], length=20, nodes=8).table
    for radius in (0.9, 1.1):
        norms = frame.filter(radius=radius)["norm"].to_numpy()
        assert (norms[1:] < radius ** np.arange(1.0, 21) * (1 + 1e-6)).all()


def test_what_the_spectral_radius_decides():
    """Vanishes below 1, explodes well above it; an LSTM, which begins by keeping, forgets far less."""
    ends = long_term_dependence([0.5, 1.5], length=40).table.filter(steps_back=40)["norm"]
    assert ends[0] < 1e-9
    assert ends[1] > 10
    lstm = long_term_dependence([0.5, 1.5], cell="lstm", length=40).table.filter(steps_back=40)["norm"]
    assert lstm[0] > 1e5 * ends[0]


def test_it_shows_itself():
    found = long_term_dependence([0.5, 1.0], length=8, nodes=4)
    lines = str(found).splitlines()
    assert lines[0] == "‖∂h_T/∂h_t‖ of elman (tanh, 4 nodes) over 8 steps"
    assert lines[2] == "steps back   ρ 0.5   ρ 1"
    assert [line.split()[0] for line in lines[3:7]] == ["1", "2", "4", "8"]
    assert all(cell_len(line) <= 80 for line in lines)
    assert repr(found) == str(found)
    figure = found.figures["norms"]
    assert [trace.name for trace in figure.data] == ["ρ 0.5", "ρ 1"]
    japanese = long_term_dependence([0.5, 1.0], length=8, nodes=4, language="ja")
    assert words.current() == "en"
    assert japanese.figures["norms"].layout.xaxis.title.text == "さかのぼるステップ数"
    with words.language("ja"):
        assert str(found).splitlines() == lines  # the language of its call
        lines = str(japanese).splitlines()
        assert lines[2].startswith("さかのぼるステップ数")
        assert len({cell_len(line) for line in lines[2:7]}) == 1
        assert all(cell_len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"radii": [-1]}, "a spectral radius must be a finite number of at least 0, got -1"),
        ({"radii": ["a"]}, "got 'a'"),
        ({"cell": "rnn"}, "there is no recurrent cell 'rnn'"),
        ({"cell": ["gru"]}, r"there is no recurrent cell '\['gru'\]'"),
        ({"activation": "relo"}, "did you mean 'relu'"),
        ({"length": 0}, "length must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number .*, got True"),
        ({"nodes": True}, "nodes must be a whole number of at least 1, got True"),
        ({"radii": [True]}, "a spectral radius must be a finite number of at least 0, got True"),
        ({"radii": 0.5}, r"radii must be a list such as \[0.5\], got 0.5"),
        ({"radii": []}, "radii is empty"),
    ],
)
def test_mistakes(given, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        long_term_dependence(**given)


def test_a_figure_of_very_many_curves_shows_as_many_points_as_a_screen():
    result = kobai.long_term_dependence([i / 50 for i in range(50)], length=1000, nodes=2)
    curves = result.figures["norms"].data
    assert len(curves) == 40
    assert sum(len(curve.x) for curve in curves) <= panels.POINTS
    assert len(result.html()) < 8e6


def test_of_very_many_radii_some_are_shown_with_a_word_about_the_rest():
    result = kobai.long_term_dependence([i / 300 for i in range(300)], length=300, nodes=2)
    text = str(result)
    assert "the figure shows 40 of 300 lines" in text
    assert "13 of 301 columns are shown" in text
    assert "ρ 0.996667" in text  # the last
    assert text.count("steps back") > 1  # stacked, whole
    below_title = text.splitlines()[1:-3]
    assert max(map(cell_len, below_title)) <= 80
    content = result.to_json()
    assert len(content) < 1e6
    assert "rows stand here" in content
    assert len(result.html()) < 8e6
    assert len(result.table) == 300 * 301
