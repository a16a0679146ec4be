"""The coordinate check: flat across widths under μP, not in the standard form, nor with the wrong table."""

import dataclasses
import functools
import json

import jax
import numpy as np
import polars as pl
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.initializers import he
from kobai.tasks.parametrization import Growth

WIDTHS = [64, 512]


def check(parametrization, **more):
    asked = {"task": "digits", "widths": WIDTHS, "optimizer": kobai.Adam(0.01), "steps": 3}
    return kobai.probe("he", parametrization=parametrization, **asked | more)


@pytest.fixture(scope="module")
def mup():
    return check("mup:64")


@pytest.fixture(scope="module")
def standard():
    return check(None)


def test_it_is_flat_under_μp_and_not_in_the_standard_form(mup, standard):
    assert mup.is_flat
    assert max(mup.slopes.values()) < 0.05
    assert standard.verdict == "grows"
    assert standard.slopes[2] > 0.3
    at_base = [result.table.filter(width=64).rows() for result in (mup, standard)]
    np.testing.assert_allclose(*at_base, rtol=1e-5)


def test_it_sees_the_rates_of_the_wrong_rule(monkeypatch):
    """Planted: Adam with the rates that SGD has in the table."""
    right = Growth.rate
    monkeypatch.setattr(Growth, "rate", lambda growth, degree: right(growth, 1))
    assert not check("mup:64").is_flat


def test_with_sgd_and_two_hidden_layers_it_falls_under_μp_and_is_not_called_otherwise():
    task = functools.partial(kobai.tasks.digits, hidden=[16, 16])
    asked = {"task": task, "widths": [16, 256], "optimizer": kobai.SGD(0.1)}
    found = check("mup:16", **asked)
    assert list(found.slopes) == [1, 2, 3]
    assert max(found.slopes.values()) < 0.2
    assert found.slopes[3] < -0.2
    assert found.verdict == "falls"
    assert "none moves further" in str(found)


@pytest.mark.parametrize(
    ("powers", "verdict"),
    [
        ((0.1, -0.1), "flat"), ((-0.5, 0.3), "grows"), ((-0.5, 0.1), "falls"), ((0.3, np.nan), "diverged"),
    ],
)  # fmt: skip
def test_the_verdict_is_that_of_the_slopes(mup, powers, verdict):
    rows = [
        {"layer": i + 1, "width": width, "start": 1.0, "change": 0.1 * float(width) ** power}
        for i, power in enumerate(powers)
        for width in WIDTHS
    ]
    found = dataclasses.replace(mup, table=pl.DataFrame(rows))
    np.testing.assert_allclose(list(found.slopes.values()), powers, rtol=1e-9)
    assert found.verdict == verdict
    assert found.is_flat == (verdict == "flat")
    for language, word in (("en", verdict), ("ja", JAPANESE[verdict])):
        assert f"\n{word}" in str(dataclasses.replace(found, language=language))


JAPANESE = {"flat": "平坦です", "grows": "増加します", "falls": "減少します", "diverged": "発散した"}


def test_its_numbers_are_those_of_a_plain_loop(standard):
    """Root mean squares over the five seeds."""
    task, rule, squares = kobai.tasks.digits(hidden=64), kobai.Adam(0.01), []
    gradient = jax.jit(jax.grad(task.loss))

    def layers(θ):
        hidden = np.maximum(task.validation[0][:256] @ θ[0]["weights"].T + θ[0]["biases"], 0)
        return hidden, hidden @ θ[1]["weights"].T + θ[1]["biases"]

    for seed in range(5):
        θ = task.filled(he(), stream(seed, INITIAL))
        start, state = layers(θ), rule.init(θ)
        for rows in mini_batch(seed, 0, 3, 128, len(task.train[0])):
            Δ, state = rule.update(gradient(θ, tuple(a[rows] for a in task.train)), state, θ)
            θ = jax.tree.map(np.add, θ, Δ)
        squares.append([np.mean(np.square(b - a)) for a, b in zip(start, layers(θ), strict=True)])
    changes = standard.table.filter(width=64)["change"].to_numpy()
    np.testing.assert_allclose(changes, np.sqrt(np.mean(squares, axis=0)), rtol=1e-3)


def test_it_prints_draws_and_saves_itself(mup, standard, tmp_path):
    text = str(mup)
    assert text.startswith("he, mup:64: digits after 3 steps of Adam at 0.01")
    assert "flat: the change goes with no power of the width above 0.2" in text
    assert "each width wants a learning rate of its own" in str(standard)
    figure = mup.figures["coordinates"]
    assert [line.name for line in figure.data] == ["layer 1", "layer 2"]
    assert list(figure.data[0].x) == WIDTHS
    mup.save(tmp_path)
    content = json.loads((tmp_path / "probe.json").read_text())
    assert content["verdict"] == "flat"
    assert set(content["slopes"]) == {"1", "2"}
    japanese = dataclasses.replace(mup, language="ja")
    assert "平坦です" in str(japanese)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"widths": [16]}, "two or more different whole numbers"),
        ({"widths": [16, 16]}, r"got \[16, 16\]"),
        ({"steps": 0}, "steps"),
        ({"optimizer": "bfgs"}, "optimizer must be an update rule, got 'bfgs'"),
        ({"parametrization": "mup"}, "parametrization must be standard, or mup:N"),
        ({"parametrization": "mup:64", "optimizer": "muon"}, "Muon is neither"),
        ({"widths": None}, "optimizer is of the coordinate check, which needs a task and widths, got Adam"),
        ({"widths": None, "optimizer": None}, "steps is of the coordinate check.* got 3"),
        (
            {"task": None, "optimizer": None, "steps": None, "parametrization": "mup:64"},
            "parametrization is of",
        ),
        ({"task": "copy"}, "that of copy is none"),
    ],
)
def test_what_cannot_be_checked_is_refused(asked, message):
    with pytest.raises(UsageError, match=message):
        check(**{"parametrization": None, **asked})
