"""The answer: printed, as frames, as JSON, as files."""

import dataclasses
import json
import re

import numpy as np
import polars as pl
import pytest

import kobai
from descended import SHOWN
from kobai import words
from kobai.questions.descent import outcome as read
from kobai.report import cut


def test_printed_it_is_the_table(bowl):
    for language in words.TABLES:
        with words.language(language):
            shown = repr(kobai.descend("bowl", "sgd", learning_rates=[0.95, 1.01]))
        lines = shown.splitlines()
        assert lines[-2].split()[:5] == ["sgd", "0.95", "43", "43", "4.86e-87"]
        assert "361" in lines[-1]
    assert "diverged at 361" in repr(kobai.descend("bowl", "sgd", learning_rates=[1.01]))
    assert re.search(r"momentum +0.1 α 0.5 ", repr(bowl))
    assert max(map(len, repr(bowl).splitlines())) <= 80


def test_the_frames_and_the_json_agree(bowl):
    table = bowl.table
    assert dict(table.schema) == read.SCHEMA
    assert len(table) == len(SHOWN) + 2
    found = json.loads(bowl.to_json())
    assert [row["method"] for row in found["rows"]] == table["method"].to_list()
    assert [row["first"] for row in found["rows"]] == table["first"].to_list()
    assert found["rows"][0]["hyperparameters"] == json.loads(table["hyperparameters"][0])
    assert (found["start"], found["level"], found["steps"]) == ([-7.0, 2.0], 1e-3, 1000)
    ended = {row["method"]: row["ended"] for row in found["rows"]}
    assert ended["bfgs"] == "converged"
    paths = bowl.paths
    for i, row in enumerate(bowl.outcome.rows):
        own = paths.filter(pl.col("row") == i)
        assert own["f"].to_list() == row.path.values.tolist()
        np.testing.assert_array_equal(own["x"].to_list(), row.path.points)


def test_what_is_not_finite_is_null_in_json():
    found = kobai.descend("rosenbrock", "sgd", learning_rates=[10.0], steps=20)
    [row] = json.loads(found.to_json(), parse_constant=pytest.fail)["rows"]
    assert (row["value"], row["status"]) == (None, "diverged")
    assert "∞" in repr(found)
    assert len(found.figures) == 2


def test_saving_writes_five_files(bowl, tmp_path):
    bowl.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "descent.html",
        "descent.json",
        "table.parquet",
        "tried.parquet",
        "paths.parquet",
    }
    assert pl.read_parquet(tmp_path / "table.parquet").equals(bowl.table)
    shown = bowl._repr_html_()
    assert shown.count("<tr>") == 1 + len(bowl.table)
    assert "<script" not in shown


@pytest.mark.parametrize("dimensions", [1, 50_000])
def test_of_very_many_paths_and_coordinates_json_holds_some_and_says_so(bowl, dimensions):
    row, many = bowl.outcome.rows[0], 3000
    points = np.ones((len(row.path.values), dimensions))
    wide = dataclasses.replace(row, path=dataclasses.replace(row.path, points=points))
    outcome = dataclasses.replace(
        bowl.outcome, rows=[wide] * many, tried=[wide] * 5 * many, start=(1.0,) * dimensions
    )
    result = dataclasses.replace(bowl, outcome=outcome, table=pl.concat([bowl.table[:1]] * many))
    assert "only the first 40 of 3000 rows are shown" in str(result)
    text = result.to_json()
    assert len(text) < 8e6
    content = json.loads(text)
    assert (len(content["rows"]), len(content["tried"])) == (cut.POINTS, cut.POINTS)
    assert "2000 of 3000 rows" in content["notes"][0]
    assert "tried.parquet" in content["notes"][1]
    assert len(content["notes"]) == (2 if dimensions == 1 else 3)
    assert len(result.tried) == 5 * many
