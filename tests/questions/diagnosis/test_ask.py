"""`diagnose`: what it gives, in both languages; cures; mistakes; the page in a real browser."""

import dataclasses
import html
import json

import numpy as np
import polars as pl
import pytest

import kobai
from kobai import words
from kobai.basics.errors import UsageError
from kobai.study.setting import Setting

pytestmark = pytest.mark.usefixtures("quick_engine")


@pytest.fixture(scope="module")
def sick():
    """Tanh with weights that are much too large, and the cures of it."""
    return kobai.diagnose(
        kobai.tasks.digits(hidden=20, activation="tanh"),
        optimizer=kobai.Momentum(0.01),
        initializer="normal:2",
        steps=80,
        seeds=2,
        cure=True,
        progress=False,
    )


@pytest.fixture(scope="module")
def healthy():
    return kobai.diagnose(
        "sine", optimizer="adam", learning_rate=0.03, initializer="xavier", steps=200, seeds=1, progress=False
    )


def test_the_trouble_stands_in_the_json_with_its_evidence_and_remedy(sick):
    content = json.loads(sick.to_json())
    first = content["troubles"][0]
    assert first["name"] == "saturation"
    assert first["layer"] == "tanh 1"
    assert first["step"] == 0
    assert first["seeds"] == 2
    assert first["numbers"]["share"] > 0.5
    assert {"evidence", "remedy"} <= set(first)
    assert first == json.loads(json.dumps(sick.troubles[0]))
    assert content["initializer"] == "normal:2"
    assert content["looks"]["step"][-1] == 80


def test_its_cure_is_confirmed_on_paired_seeds(sick):
    (cure, *_) = sick.troubles[0]["cures"]
    assert cure["cure"] == "initializer"
    assert cure["values"] == {"new": "xavier", "old": "normal:2"}
    assert cure["helps"]
    assert cure["high"] < 1
    assert cure["seeds"] == 10
    assert cure["better"] >= 8
    assert cure["after"] < cure["before"]
    assert sick.table.row(0, named=True)["cured"] == "initializer"
    said = " ".join(str(sick).split())
    assert "xavier in place of normal:2 helps" in said
    assert f"{cure['better']} of 10 seeds" in said


def test_of_a_healthy_training_it_says_so(healthy):
    assert healthy.troubles == []
    assert "Nothing wrong found." in str(healthy)
    assert healthy.table.is_empty()


def test_tables_hold_every_step_and_every_look(healthy):
    steps, layers = healthy.steps, healthy.layers
    assert len(steps) == 200 * 4
    assert set(steps["array"]) == {"0.weights", "0.biases", "1.weights", "1.biases"}
    assert layers["layer"].unique().to_list() == ["tanh 1"]
    assert layers["step"].max() == 200
    assert (layers["gradient"] > 0).all()


@pytest.mark.parametrize("language", words.TABLES)
def test_page_and_terminal_say_the_same(sick, language):
    told = dataclasses.replace(sick, language=language)
    page, text = told.html(), str(told)
    with words.language(language):
        name = words.say("diagnose.name.saturation")
        for key in ("diagnose.remedy.saturation", "report.diagnosis_units.title"):
            assert html.escape(words.say(key)) in page
    assert name in text
    assert name in page
    assert name in told._repr_html_()


def test_the_page_is_drawn_and_asks_nobody(sick, visit):
    page = visit(sick.html())
    assert page.locator("figure .plot").count() == 4
    assert page.locator("ol.troubles > li").count() == len(sick.troubles)
    page.locator(".chips button").first.click()
    assert page.wrong == []


def test_it_is_saved(healthy, tmp_path):
    healthy.save(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(healthy.files)
    assert len(pl.read_parquet(tmp_path / "out/steps.parquet")) == 800


def test_a_recommended_setting_may_be_diagnosed():
    best = Setting(kobai.SGD(30.0), kobai.initializers.he(), {"clip": kobai.clip_norm(100.0)})
    result = kobai.diagnose("sine", setting=best, steps=30, seeds=1, progress=False)
    assert result.diagnosis.case.setting.strategy.clip == kobai.clip_norm(100.0)
    assert result.troubles[0]["name"] == "rate_too_high"
    assert "steps whose gradient was clipped" in str(result)
    content = json.loads(result.to_json())
    assert 0 < content["clipped"] < 1
    assert content["skipped"] >= 0
    beside = kobai.diagnose(
        "sine", setting=best, learning_rate=0.1, initializer="xavier", steps=30, seeds=1, progress=False
    )
    assert beside.diagnosis.case.setting.optimizer == kobai.SGD(0.1)
    assert beside.diagnosis.case.setting.initializer == kobai.initializers.xavier()


def test_a_table_and_the_options_of_a_task():
    x = np.random.default_rng(0).standard_normal((80, 3))
    columns = {"a": 1000 * x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x[:, 0] - x[:, 1]}
    frame = pl.DataFrame(columns | {"id": range(80), "same": [7] * 80})
    given = {"label": "y", "leave_out": "c", "hidden": 5, "activation": "tanh", "batch_size": 8}
    result = kobai.diagnose(frame, **given, optimizer="sgd", steps=20, seeds=1, progress=False)
    task = result.diagnosis.case.setting.task
    assert (task.dense.widths, task.dense.activation, task.batch_size) == ((2, 5, 1), "tanh", 8)
    assert "unscaled_inputs" not in [each["name"] for each in result.troubles], "columns are standardized"
    left_out = next(note for note in json.loads(result.to_json())["notes"] if "same" in note)
    assert left_out == "Left out: c (as asked), id (names each row), same (the same everywhere)."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"optimizer": "bfgs"}, "diagnose looks at the steps of an update rule, got"),
        ({"optimizer": "adamm"}, "there is no optimizer 'adamm'; did you mean 'adam'"),
        ({"optimizer": kobai.Adam([0.1, 0.2])}, "diagnose looks at one setting, got a list of values"),
        ({"learning_rate": "fast"}, "learning_rate must be numbers, got"),
        ({"steps": 5}, "steps must be at least 20, got 5"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1, got 0"),
        ({"setting": "run"}, "setting must be what a comparison recommends"),
        ({"activation": ["relu", "tanh"]}, "activation takes one value here"),
        ({"initializer": "hee"}, "there is no initializer 'hee'; did you mean 'he'"),
        ({"cure": True, "cure_seeds": 7}, "cure_seeds must be at least 8 .* got 7"),
    ],
)
def test_mistakes_are_told_before_any_training(arguments, said):
    with pytest.raises(UsageError, match=said):
        kobai.diagnose("sine", progress=False, **arguments)
