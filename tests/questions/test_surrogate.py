"""Why a surrogate takes the place of the error rate."""

import dataclasses
import json

import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import words
from kobai.basics import registry
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.questions.surrogate import OBJECTIVES, surrogate
from kobai.report import panels


def test_the_error_rate_is_no_objective():
    found = surrogate()
    line = found.line
    tenths = np.round(line["error_rate"] * 10, 9)
    np.testing.assert_array_equal(tenths, np.round(tenths))  # 6/10, 5/10, 4/10, …
    assert line["error_rate"].n_unique() > 3
    assert (line["error_rate_gradient"] == 0).all()
    assert (line["cross_entropy_gradient"] > 0).all()
    # The surrogate bounds what it stands for.
    assert (line["cross_entropy"] / np.log(2) >= line["error_rate"]).all()
    # Descent on the error rate never leaves; on its surrogate it ends with fewer errors.
    assert found.descent["error_rate"].n_unique() == 1
    assert found.descent["cross_entropy"][-1] < found.descent["error_rate"][-1] / 2


def test_a_surrogate_shows_itself():
    found = surrogate(points=21, steps=5)
    lines = str(found).splitlines()
    assert "21 points along a line, 5 steps" in lines[0]
    assert lines[3].startswith("error rate")
    assert "100%" in lines[3]
    assert [trace.name for trace in found.figures["objectives"].data] == ["error rate", "cross-entropy"]


def test_no_optimizer_learns_digits_from_the_error_rate():
    digits = kobai.tasks.digits(hidden=8)
    task = dataclasses.replace(digits, loss=lambda p, batch: 1 - digits.metric(p, batch))
    rules = [registry.OPTIMIZERS[name].load()() for name in ("sgd", "adam")]
    sweep = Sweep(task, rules, steps=20, evaluate_every=10)
    for _, runs in THREADS.run(sweep, [Cell(rule, initial_values.he(), 0) for rule in rules]):
        for run in runs:
            assert len(set(run.validation_metric.tolist())) == 1


def test_it_speaks_the_language_of_its_call():
    """Also after the call has ended, in text and figure."""
    found = surrogate(points=3, steps=1, language="ja")
    assert "誤判定率" in str(found)
    assert found.figures["objectives"].data[0].name == "誤判定率"
    assert words.current() == "en"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"rate": np.nan}, "surrogate: rate must be a finite number above 0, got nan"),
        ({"rate": -1}, "surrogate: rate must be a finite number above 0, got -1"),
        ({"rate": "1"}, "surrogate: rate must be a finite number above 0, got '1'"),
        ({"rate": True}, "surrogate: rate must be a finite number above 0, got True"),
        ({"examples": 0}, "examples must be a whole number of at least 1"),
        ({"points": True}, "points must be a whole number of at least 1, got True"),
        ({"steps": True}, "steps must be a whole number of at least 1, got True"),
    ],
)
def test_mistakes(asked, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        surrogate(**asked)


def test_a_figure_of_very_many_points_shows_as_many_as_a_screen():
    result = kobai.surrogate(points=40_000, steps=2)
    curves = result.figures["objectives"].data
    assert sum(len(curve.x) for curve in curves) <= panels.POINTS
    assert [curve.y[-1] for curve in curves] == [result.line[name][-1] for name in OBJECTIVES]
    assert len(result.html()) < 8e6


def test_json_of_very_many_points_holds_the_extremes_and_says_so():
    result = kobai.surrogate(points=40_000, steps=40_000)
    text = result.to_json()
    assert len(text) < 2e6
    content = json.loads(text)
    for name, file in (("line", "line.parquet"), ("descent", "descent.parquet")):
        whole, shown = getattr(result, name), content[name]
        assert len(shown) < len(whole)
        assert (shown[0], shown[-1]) == (whole.row(0, named=True), whole.row(-1, named=True))
        assert min(row["cross_entropy"] for row in shown) == whole["cross_entropy"].min()
        assert f"{len(shown)} of {len(whole)} rows stand here" in str(content["notes"])
        assert file in str(content["notes"])
    assert json.loads(kobai.surrogate(points=3, steps=2).to_json())["notes"] == []
