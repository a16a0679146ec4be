"""A large comparison is shown in part, with a word about the rest, and its curves are thinned."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import kobai
from kobai import words
from kobai.questions.comparison import cut
from kobai.report.panels import thinned
from kobai.study.answer import Note
from kobai.study.question import question
from kobai.study.statistics import seeds_needed

MOST = 6e6
"""Bytes of a report."""


def squares(parameters, batch):
    return jnp.mean((batch @ parameters["w"] - 1) ** 2)


@pytest.fixture(scope="module")
def ask():
    x = np.ones((20, 3), np.float32)
    parameters = {"w": np.zeros((3, 1), np.float32)}
    data = {"train": x, "validation": x, "test": x}
    task = kobai.Task(parameters=parameters, loss=squares, batch_size=4, target=0.5, **data)

    def ask(**options):
        usual = {"optimizers": "sgd", "learning_rates": [0.1], "initializers": "he", "steps": 4}
        usual |= {"seeds": 2, "tuning_seeds": 1, "progress": False}
        return kobai.compare(task, **{**usual, **options})

    return ask


@pytest.fixture(scope="module")
def many(ask):
    """60 optimizers, more than are shown, of which the last is the best."""
    rates = np.geomspace(1e-4, 0.05, 60)
    return ask(optimizers=[kobai.SGD(learning_rate=float(rate)) for rate in rates], learning_rates=None)


# Curves.


def test_all_of_a_short_curve_is_drawn():
    assert thinned(np.arange(7.0), 7).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_no_spike_of_a_long_curve_is_lost():
    curve = np.sin(np.arange(100_000) / 9)
    curve[[77, 54_321]] = 40, -40
    drawn = thinned(curve, 500)
    assert 100 < len(drawn) <= 502
    assert {0, 77, 54_321, 99_999} <= set(drawn.tolist())
    assert (np.diff(drawn) > 0).all()
    every = np.arange(0, 100_000, 200)  # wrong variant: every 200th point
    assert not {77, 54_321} & set(every.tolist())


def test_a_curve_with_gaps_and_infinities():
    curve = np.r_[np.full(500, np.nan), np.full(500, np.inf), np.arange(500.0)]
    assert 2 <= len(thinned(curve, 100)) <= 102


def test_a_report_of_many_evaluations(ask, tmp_path):
    result = ask(optimizers=["sgd", "adam", "momentum"], steps=20_000, evaluate_every=1)
    result.save(tmp_path)
    assert (tmp_path / "report.html").stat().st_size < MOST
    for trace in result.figures["curves"].data:
        assert len(trace.x) <= 12_000
    content = json.loads((tmp_path / "answer.json").read_text())
    curves = [row["curve"] for row in content["rows"]]
    assert all(len(curve) <= 501 for curve in curves)
    assert content["curve_every"] == 41
    [whole] = [row.curve for row in result.answer.rows if row.optimizer == content["rows"][0]["optimizer"]]
    assert curves[0] == pytest.approx(whole[::41])
    assert (tmp_path / "answer.json").stat().st_size < 1e5
    kept = pl.read_parquet(tmp_path / "results.parquet")["validation_loss"]
    assert set(kept.list.len()) == {20_001}


# Tables.


def test_a_small_answer_is_shown_whole(ask):
    answer = ask(optimizers=["sgd", "adam"]).answer
    assert cut.shown(answer) == answer


def test_of_many_optimizers_the_best_are_shown_and_the_rest_is_told(many, tmp_path):
    answer = cut.shown(many.answer)
    assert len(answer.rows) == 40
    assert [row.optimizer for row in answer.rows] == [row.optimizer for row in many.answer.rows[:40]]
    assert any(row.optimizer == answer.optimizer.choice for row in answer.rows)
    assert cut.shown(answer) == answer  # once is enough
    text = repr(many)
    said = " ".join(text.split())
    assert "the 40 best of 60 optimizers" in said
    assert "results.parquet and cells.parquet hold all of it" in said
    assert len(text.splitlines()) < 150
    with words.language("ja"):
        assert "60のうち上位40" in str(answer.notes[0])
    many.save(tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "the 40 best of 60 optimizers" in page
    assert len(page.encode()) < MOST
    assert len(pl.read_parquet(tmp_path / "results.parquet")) == 60
    assert len(json.loads((tmp_path / "answer.json").read_text())["rows"]) == 60


def test_the_choice_is_shown_wherever_it_stands(many):
    """Of rates and initial values tuning makes the choice, and others may do better on the fresh seeds."""
    rows = many.answer.rows
    last = rows[-1].optimizer

    question = dataclasses.replace(many.answer.optimizer, choice=last)
    answer = cut.shown(dataclasses.replace(many.answer, optimizer=question))
    assert [row.optimizer for row in answer.rows][-1] == last
    assert len(answer.rows) == 41


def test_many_values_of_an_axis_and_many_initial_values(ask):
    values = [float(f"{value:.4g}") for value in np.geomspace(1e-6, 1e-2, 50)]
    initializers = [f"normal:{value}" for value in values[:20]]
    result = ask(l2=values, initializers=initializers)
    text = repr(result)
    said = " ".join(text.split())
    assert "of the 50 values of an axis" in said
    assert "of 21 initial values" in said
    assert len(text.splitlines()) < 150
    assert len(result.html().encode()) < MOST
    assert len(result.answer.effects["l2"]) == 50
    assert set(result.cells["l2"]) == {f"{value!r}" for value in values}


def test_a_list_in_a_caution_is_cut_at_a_comma(many):

    names = ", ".join(f"optimizer_{i}" for i in range(500))

    answer = dataclasses.replace(many.answer, notes=(Note("note.fixed", {"seeds": 3, "names": names}),))
    said = str(cut.shown(answer).notes[-1])
    assert len(said) < 900
    assert "optimizer_0, " in said
    assert ", …" in said


def test_very_many_alternatives_can_be_told_apart_all_the_same():
    """Beyond 13 seeds the smallest p of pairs no longer falls, and no number of seeds corrects 205 of them;
    the set looks at all of them at once, with as many flips as there is room for."""
    assert seeds_needed(1) == 6
    assert seeds_needed(204) == 13
    assert seeds_needed(205) is None
    steps = np.random.default_rng(0).normal(100, 5, (10, 210)) + np.linspace(0, 90, 210)
    times = {f"sgd {i}": steps[:, i] for i in range(210)}
    found = question("sgd 0", times, 500)
    assert "sgd 0" in found.best_set
    assert 100 < len(found.not_best) < 209
    assert found.cost.high < 0.1
