"""What makes a run look better than it is, each told where it is and nowhere else."""

import polars as pl
import pytest

import kobai
from judged import curves, table
from kobai.questions.judgement.traps import direction

CLEAN = table({"main": 0.31, "new": 0.29})
CURVES = curves({"main": 300, "new": 290}, seeds=6)


def keys(frame, **ask):
    return {note.key.removeprefix("judge.trap.") for note in kobai.judge(frame, **ask).judgement.warnings}


def test_clean_runs_are_told_nothing_of():
    assert keys(CLEAN) == set()
    assert keys(CURVES) == set()


def test_each_trap():
    short = CURVES.filter((pl.col("method") != "new") | (pl.col("step") <= 1000))
    crashed = CURVES.filter((pl.col("seed") != 2) | (pl.col("step") <= 500))
    often = CURVES.filter((pl.col("method") != "new") | (pl.col("step") % 500 == 0))
    copied = pl.concat([CLEAN, CLEAN[:2].with_columns(method=pl.lit("new"), seed=pl.Series([20, 21]))])
    same = CLEAN.with_columns(val_loss=pl.when(pl.col("method") == "new").then(0.29).otherwise("val_loss"))
    failed = CLEAN.with_columns(val_loss=pl.when(pl.col("seed") == 3).then(None).otherwise("val_loss"))
    one = pl.concat([CLEAN.filter(method="main"), CLEAN.filter(method="new")[:1]])
    trapped = {
        "direction.larger": keys(CLEAN, maximize=True),
        "worsens.larger": keys(CURVES.rename({"val_loss": "x"}), maximize=True),
        "failed": keys(failed),
        "late": keys(CURVES, by="steps:3.0001"),
        "one": keys(one),
        "checkpoints": keys(CURVES, by="best"),
        "checkpoints.unequal": keys(often, by="best"),
        "budgets": keys(short),
        "short": keys(crashed),
        "copies": keys(copied),
        "fixed": keys(same),
        "rows": keys(pl.concat([CLEAN, CLEAN[:3]])),
        "partner": keys(CLEAN.filter((pl.col("method") != "new") | (pl.col("seed") != 4))),
        "sigma": keys(CLEAN, sigma=0.0001),
        "looks": keys(CLEAN, earlier={"main": 5, "new": 5}),
    }
    for trap, found in trapped.items():
        assert trap in found, (trap, found)
    assert trapped["looks"] == {"looks"}
    assert trapped["rows"] == {"rows"}


def test_what_is_no_trap():
    assert keys(CLEAN, earlier={"main": 10, "new": 10}) == set()  # the same verdict once more
    assert keys(CLEAN, earlier={"main": 5, "new": 5}, watch=True) == set()
    accuracies = table({"main": 0.9, "new": 0.9}, metric="accuracy").with_columns(pl.col("accuracy").round(2))
    assert "copies" not in keys(accuracies)
    assert keys(CLEAN, sigma=0.02) == set()


@pytest.mark.parametrize(
    ("metric", "larger"),
    [
        ("val_loss", False),
        ("Accuracy", True),
        ("eval/ppl", False),
        ("reward", True),
        ("x", None),
        ("loss_score", None),
    ],
)
def test_the_name_of_a_metric_tells_its_direction(metric, larger):
    assert direction(metric) is larger
