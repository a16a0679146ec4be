"""Tables as runs: which column is what, rows that say the same, values that are missing."""

import math

import numpy as np
import pandas
import polars as pl
import pytest

import kobai
from judged import curves, table
from kobai import UsageError
from kobai.questions.judgement.readers import frames
from kobai.questions.judgement.readers.frames import Columns
from kobai.questions.judgement.readers.sources import load
from terminal import says_in_each_language

SMALL = table({"main": 0.3, "new": 0.2}, seeds=3)


def numbers(runs):
    return [(run.arm, run.seed, run.steps.tolist(), run.values.tolist()) for run in runs.runs]


@pytest.mark.parametrize("name", ["runs.csv", "runs.tsv", "runs.parquet", "runs.jsonl", "runs.ndjson"])
def test_every_format_says_the_same(tmp_path, name):
    path = tmp_path / name
    if path.suffix == ".parquet":
        SMALL.write_parquet(path)
    elif "json" in name:
        SMALL.write_ndjson(path)
    else:
        SMALL.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    read, told = load(path, Columns()), load(SMALL, Columns("val_loss", "method", "seed"))
    assert numbers(read) == numbers(told)
    assert (read.metric, read.arms, read.curves, read.seeded) == ("val_loss", ["main", "new"], False, True)


def test_frames_of_pandas():
    assert numbers(load(pandas.DataFrame(SMALL.to_dict(as_series=False)), Columns())) == numbers(
        load(SMALL, Columns())
    )


def test_curves_are_sorted_by_step_and_a_repeated_step_counts_once():
    frame = curves({"main": 100, "new": 90}, seeds=2, steps=300)
    mixed = pl.concat([frame.sample(fraction=1, shuffle=True, seed=1), frame[:2].with_columns(val_loss=9.0)])
    runs = load(mixed, Columns())
    by_name = {(run.arm, run.seed): run for run in runs.runs}
    assert by_name["main", "0"].steps.tolist() == [0, 100, 200, 300]
    assert by_name["main", "0"].values[:2].tolist() == [9.0, 9.0]  # the later row counts
    assert [str(note) for note in runs.notes][0].strip().startswith("2 rows say again")


def test_rows_of_other_metrics_are_no_gaps_and_an_end_without_a_value_is_one():
    rows = {
        "name": ["a"] * 4 + ["b"] * 4,
        "step": [0.0, 0.5, 0.7, 1.0, 0.0, 1.0, 2.0, 3.0],
        "seed": [0] * 8,
        "loss": [2.0, None, None, 1.0, 2.0, 1.0, None, math.nan],
    }
    one, other = load(pl.DataFrame(rows), Columns()).runs
    assert one.steps.tolist() == [0, 1]
    assert one.values.tolist() == [2.0, 1.0]
    assert other.steps.tolist() == [0, 1, 3]  # it diverged, and says so
    assert math.isnan(other.values[-1])


def test_words_in_place_of_a_number_are_runs_that_failed(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,seed,loss\na,0,0.5\na,1,diverged\nb,0,\nb,1,NaN\n", "utf-8")
    values = [run.values[0] for run in load(path, Columns(metric="loss")).runs]
    assert values[0] == 0.5
    assert np.isnan(values[1:]).all()


def test_a_number_of_a_run_is_no_seed():
    assert not load(SMALL.rename({"seed": "run"}), Columns()).seeded
    assert load(SMALL.rename({"seed": "run"}), Columns(seed="run")).seeded
    assert load({"a": [1, 2], "b": {0: 1, 1: None}}, Columns()).runs[0].seed is None


def test_one_file_an_arm(tmp_path):
    for arm in ("main", "new"):
        SMALL.filter(method=arm).drop("method").write_csv(tmp_path / f"{arm}.csv")
    runs = load([tmp_path / "main.csv", tmp_path / "new.csv"], Columns())
    assert numbers(runs) == numbers(load(SMALL, Columns()))


@pytest.mark.parametrize(
    ("frame", "columns", "parts"),
    [
        (SMALL, Columns(metric="val_los"), ["val_los", "val_loss"]),
        (SMALL, Columns(group="arms"), ["arms"]),
        (SMALL.drop("method"), Columns(), ["--group", "seed, val_loss"]),
        (SMALL.with_columns(other=1.0), Columns(), ["--metric", "val_loss, other"]),
        (SMALL.clear(), Columns(), ["no runs"]),
        (SMALL.with_columns(method=pl.lit(None, pl.String)), Columns(), ["method", "6 rows"]),
        (curves({"a": 1.0, "b": 2.0}).with_columns(step=pl.lit("x")), Columns(), ["step", "--step"]),
        (curves({"a": 1.0, "b": 2.0}).drop("seed"), Columns(), ["--seed"]),
        (SMALL.with_columns(val_loss=pl.concat_list("val_loss")), Columns("val_loss"), ["val_loss", "lists"]),
    ],
)
def test_what_cannot_be_told_is_asked_for(frame, columns, parts):
    with pytest.raises(UsageError) as problem:
        load(frame, columns)
    assert says_in_each_language(problem.value, parts)


@pytest.mark.parametrize("source", ["", 3, None, [], {}, {"a": 3}, {"a": ["x"]}, "nowhere.csv", b"x"])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(UsageError):
        load(source, Columns())


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "a.xyz").write_text("1", "utf-8")
    (tmp_path / "a.parquet").write_text("1", "utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.parquet").write_text("1", "utf-8")
    for path in (tmp_path / "a.xyz", tmp_path / "a.parquet"):
        with pytest.raises(UsageError, match=path.name):
            load(path, Columns())
    with pytest.raises(UsageError, match="two files are called a"):
        load([tmp_path / "a.parquet", tmp_path / "b" / "a.parquet"], Columns())
    assert frames.named(tmp_path / "main.csv") == "main"


# Columns by other names, other cases; what a name cannot tell


@pytest.mark.parametrize(
    "name",
    [
        *("Step", "steps", "_step", "Global Step", "trainer/global_step", "train/epoch", "num_steps"),
        *("Iteration", "iter", "ITERS", "Epochs"),
    ],
)
def test_a_column_of_steps_by_any_usual_name(name):
    frame = curves({"main": 100, "new": 90}, seeds=2, steps=300)
    renamed = frame.rename({"step": name, "method": "Method", "seed": "Seed"})
    assert numbers(load(renamed, Columns())) == numbers(load(frame, Columns()))
    assert load(renamed, Columns()).seeded


def test_the_very_name_comes_before_one_like_it():
    frame = curves({"main": 100, "new": 90}, seeds=2, steps=300)
    logged = frame.select(pl.lit(None, pl.Int64).alias("_step"), pl.all())  # W&B writes both
    assert numbers(load(logged, Columns("val_loss"))) == numbers(load(frame, Columns()))


def test_a_column_of_steps_that_is_not_known_makes_no_runs_of_its_rows():
    frame = curves({"main": 100, "new": 90}, seeds=2, steps=300).rename({"step": "tick"})
    with pytest.raises(UsageError) as problem:
        load(frame, Columns("val_loss"))
    assert says_in_each_language(
        problem.value, ["main", "seed is 0", "4 different values", "--step", "--seed"]
    )
    assert len(load(frame, Columns("val_loss", step="tick")).runs) == 4


def test_a_seed_that_stands_twice_in_an_arm():
    twice = pl.concat([SMALL, SMALL[:1].with_columns(val_loss=0.9)])
    with pytest.raises(UsageError, match="where seed is 0"):
        load(twice, Columns())
    with pytest.raises(UsageError, match="where seed is 0"):
        load(twice.with_columns(step=5).drop("step"), Columns(seed="seed"))


def test_the_length_of_runs_without_seeds_is_no_column_of_their_steps():
    rows = {"method": ["a", "a", "b", "b"], "epochs": [10, 10, 20, 20], "loss": [0.3, 0.4, 0.2, 0.1]}
    found = load(pl.DataFrame(rows), Columns())
    assert [(run.arm, run.steps.tolist()) for run in found.runs] == [("a", [10])] * 2 + [("b", [20])] * 2


@pytest.mark.parametrize("word", ["nan", "NaN", "crashed", "NA", "n/a", "None", "", " - ", "inf?"])
def test_the_column_with_numbers_is_found_though_a_run_crashed(tmp_path, word):
    path = tmp_path / "runs.csv"
    path.write_text(f"method,seed,loss,note\na,0,0.5,x\na,1,{word},y\nb,0,0.25,\nb,1, 0.75,3\n", "utf-8")
    found = load(path, Columns())
    assert found.metric == "loss"
    np.testing.assert_equal([run.values[0] for run in found.runs], [0.5, np.nan, 0.25, 0.75])


def test_an_arm_may_be_called_none(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("method,loss\nNone,0.5\ncosine,0.25\n", "utf-8")
    assert load(path, Columns()).arms == ["None", "cosine"]


def test_a_folder_with_the_verdict_on_its_table(tmp_path):
    table({"main": 0.3, "new": 0.2}, seeds=6).write_csv(tmp_path / "runs.csv")
    runs = load(tmp_path, Columns())
    (tmp_path / "runs.json").write_text(kobai.judge(tmp_path / "runs.csv").to_json(), "utf-8")
    assert numbers(load(tmp_path, Columns())) == numbers(runs)
    (tmp_path / "runs.csv").unlink()
    SMALL.write_ndjson(tmp_path / "lines.json")
    assert numbers(load(tmp_path, Columns())) == numbers(load(SMALL, Columns()))
