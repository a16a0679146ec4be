"""What a result gives: the setting to go on with, costs and the set as data."""

import dataclasses
import json
from pathlib import Path

import polars as pl

import kobai
from kobai import stabilizers
from kobai.questions.comparison.result import ComparisonResult
from kobai.study.over_tasks import OverTask, OverTasks
from kobai.study.setting import Setting
from studies_of_axes import by_clip, run, study_of


def test_the_best_is_ready_to_use(engine):
    engine.arrival = by_clip
    result = ComparisonResult.of(run(study_of({"clip": ["none", "norm:1"]}, rates=(0.1, 1.0))), "")
    assert isinstance(result.best, Setting)
    assert result.best.optimizer == kobai.SGD(1.0)
    assert result.best.initializer.name == "he"
    assert result.best.arguments == {
        "optimizers": [kobai.SGD(1.0)],
        "initializers": [result.best.initializer],
        "clip": stabilizers.clip_norm(1),
    }
    assert result.best_set == ("sgd",)


def test_the_best_is_what_another_call_takes():
    def ask(**arguments):
        small = {"steps": 10, "seeds": 1, "tuning_seeds": 1, "progress": False}
        return kobai.compare("sine", **small, **arguments)

    result = ask(optimizers=[kobai.SGD([0.01, 0.1])], initializers=["he"], clip=["none", "norm:1"], hidden=5)
    again = ask(**result.best.arguments, hidden=5)
    assert again.best == result.best


def test_the_costs_are_a_frame(known):
    result = ComparisonResult.of(known, "")
    frame = result.cost
    assert frame.schema == {
        "candidate": pl.String,
        "low": pl.Float64,
        "high": pl.Float64,
        "best": pl.Boolean,
    }
    assert frame["candidate"].to_list() == ["adam", "sgd"]
    assert frame["low"].to_list() == [0, 0]
    assert frame["high"][0] == 0
    assert 0.5 < frame["high"][1] < 1.1
    assert tuple(frame.filter("best")["candidate"]) == result.best_set == ("adam",)


def test_every_field_of_the_file_is_explained(known):
    page = (Path(__file__).parents[3] / "docs/reference/files.md").read_text("utf-8")
    section = page[page.index("## answer.json") :]
    content = json.loads(ComparisonResult.of(known, "").to_json())
    rows = page[page.index("## results.parquet") :]
    assert [name for name in content["rows"][0] if f"`{name}`" not in rows] == []
    explained = [content, content["optimizer"], content["optimizer"]["costs"][0], content["recommendation"]]
    for fields in explained:
        assert [name for name in fields if f"`{name}`" not in section] == []
    section = section[section.index("A study of several tasks") :]
    for each in (OverTasks, OverTask):
        names = [field.name for field in dataclasses.fields(each)]
        assert [name for name in names if f"`{name}`" not in section] == []
