"""Axes on the command line and in `kobai.compare`, with the real engine: small, end to end."""

import json

import polars as pl
import pytest

import kobai
from kobai import schedules
from kobai.basics import registry

SMALL = ["--optimizers", "sgd", "--initializers", "he", "--learning-rates", "0.1,0.5", "--hidden", "5"]
SHORT = [
    "--steps",
    "20",
    "--evaluate-every",
    "5",
    "--tuning-seeds",
    "1",
    "--seeds",
    "2",
    "--target",
    "0.2,0.5",
]
AXES = [
    *("--clip", "none,norm:0.5", "--average", "none,polyak:5", "--weight-decay", "0,0.01"),
    *("--schedule", "warm-up:5+cosine", "--early-stopping", "patience:9", "--sampling", "with"),
]


def test_axes_from_the_command_line_to_the_files(kobai_here, place):
    ran = kobai_here("compare", "digits", *SMALL, *SHORT, *AXES, "--output", "run", "--json", "answer.json")
    assert (ran.code, ran.err) == (0, "")
    for words in ("Clipping: ", "Average: ", "Weight decay: "):
        assert words in ran.out
    assert "Schedule: " not in ran.out  # a single value is no question
    cells = pl.read_parquet("run/cells.parquet")
    assert set(cells["clip"]) == {"none", "norm:0.5"}
    assert set(cells["schedule"]) == {"warm-up:5+cosine"}
    tuning = cells.filter(pl.col("phase") == "tuning")
    assert len(tuning) == 2 * 2 * 2 * 2
    assert {"skipped", "stopped_at"} < set(cells.columns)
    answer = json.loads((place / "answer.json").read_text("utf-8"))
    assert list(answer["axes"]) == ["clip", "weight_decay", "average"]
    assert answer["rows"][0]["values"]["sampling"] == "with"
    assert set(pl.read_parquet("run/results.parquet").columns) > {"clip", "average", "early_stopping"}
    page = (place / "run/report.html").read_text("utf-8")
    assert "Weight decay: " in page
    assert "warm-up:5+cosine" in page


def test_masks_accumulation_and_μp_are_axes_of_the_tables(kobai_here, place):
    """Accepted values are questions with an answer, and columns of what is kept."""
    given = ["--mask", "none,cautious", "--accumulate", "1,2", "--parametrization", "standard,mup:3"]
    asked = ["--learning-rates", "0.1", *SMALL[:4], *SMALL[6:], *SHORT, "--batch-size", "8"]
    ran = kobai_here("compare", "sine", *asked, *given, "--output", "run", "--json", "answer.json", "--wide")
    assert (ran.code, ran.err) == (0, "")
    for words in ("Mask: ", "Accumulation: ", "Parametrization: "):
        assert words in ran.out
    answer = json.loads((place / "answer.json").read_text("utf-8"))
    assert set(answer["axes"]) == {"mask", "accumulate", "parametrization"}
    cells = pl.read_parquet("run/cells.parquet")
    values = [{"none", "cautious"}, {"1", "2"}, {"standard", "mup:3"}]
    assert [set(cells[axis]) for axis in ("mask", "accumulate", "parametrization")] == values
    assert len(cells.filter(pl.col("phase") == "tuning")) == 8


def test_an_average_is_paired_with_the_iterate_that_it_comes_from(place):
    """The same training: both have one training loss, and before its first step one validation loss."""
    result = kobai.compare(
        "digits", optimizers=kobai.SGD(0.5), initializers="he", average=[None, "polyak:11"], steps=20,
        seeds=2, tuning_seeds=1, target=0.5, progress=False,
    )  # fmt: skip
    by_average = {name: group for (name,), group in result.cells.sort("phase", "seed").group_by("average")}
    raw, mean = by_average["none"], by_average["polyak:11"]
    assert raw["training_loss"].to_list()[0][1:] == mean["training_loss"].to_list()[0][1:]
    losses = [group["validation_loss"].to_list()[0] for group in (raw, mean)]
    assert losses[0][:2] == losses[1][:2]
    assert losses[0][2] != losses[1][2]


def test_activations_and_batch_sizes_are_axes(place):
    result = kobai.compare(
        "digits", optimizers=kobai.SGD(0.5), initializers="he", activation=["relu", "tanh"],
        batch_size=[64, "full"], steps=20, seeds=2, tuning_seeds=1, target=0.5, progress=False,
    )  # fmt: skip
    assert list(result.answer.axes) == ["activation", "batch_size"]
    starts = result.cells.filter(pl.col("seed") == 0, pl.col("initializer") == "he")
    by_network = starts.group_by("activation").agg(pl.col("validation_loss").list.first().n_unique())
    assert by_network["validation_loss"].to_list() == [1, 1]  # one seed is one start, whatever the batch size
    assert "examples looked at" in repr(result)
    assert "activation=['relu', 'tanh']" in result.command


def test_a_function_that_makes_the_task_takes_the_values():
    def own(activation):
        return kobai.tasks.digits(hidden=3, activation=activation)

    result = kobai.compare(
        own, optimizers=kobai.SGD([0.1, 0.5]), initializers="he", activation=["relu", "sigmoid"], steps=10,
        seeds=2, tuning_seeds=1, target=0.01, progress=False,
    )  # fmt: skip
    assert set(result.cells["activation"]) == {"relu", "sigmoid"}


def test_a_schedule_of_ones_own_is_a_value():
    halves = schedules.Schedule("halves", lambda step, steps: 0.5 ** (step // 5))
    result = kobai.compare(
        "digits", optimizers=kobai.SGD(0.5), initializers="he", schedule=["constant", halves], steps=10,
        seeds=2, tuning_seeds=1, target=0.01, progress=False,
    )  # fmt: skip
    assert set(result.cells["schedule"]) == {"constant", "halves"}


def test_a_program_for_a_gpu_runs_a_study_with_axes(monkeypatch):
    from kobai.engine.sweep import Sweep
    from kobai.study import runner

    monkeypatch.setattr(
        runner, "Sweep", lambda *given, **named: Sweep(*given, population=True, chunk=8, **named)
    )
    given = {
        "optimizers": kobai.SGD(0.5), "initializers": "he", "clip": [None, "percentile:50:3"],
        "average": ["polyak", None], "early_stopping": "patience:2", "steps": 20, "seeds": 2,
        "tuning_seeds": 1, "target": 0.3, "progress": False,
    }  # fmt: skip
    in_step = kobai.compare("digits", **given)
    monkeypatch.undo()
    one_by_one = kobai.compare("digits", **given)
    for column in ("clip", "average", "seed", "stopped_at", "skipped"):
        assert in_step.cells[column].to_list() == one_by_one.cells[column].to_list()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clip", "norn:1"], "did you mean 'norm'"),
        (["--clip", "norm"], "clipping 'norm' cannot be read; write norm:NORM"),
        (["--average", "polyak:0"], "start must be a whole number of at least 1, got 0.0"),
        (["--schedule", "cosine:2"], "final must be a number between 0 and 1"),
        (["--schedule", "warm-up"], "write warm-up:LENGTH"),
        (["--early-stopping", "never"], "there is no early stopping 'never'"),
        (["--weight-decay", "-0.1"], "rate must be a finite number of at least 0, got -0.1"),
        (["--l2", "much"], "--l2 must be numbers"),
        (["--sampling", "both"], "there is no sampling 'both'"),
        (
            ["--batch-size", "32,half"],
            "--batch-size must be a whole number or 'full', got 'half'",
        ),
        (
            ["--steps", "200", "--average", "none,polyak:200"],
            "polyak:200 has no effect, or no end, in a run of 200 steps: it needs at least 201",
        ),
        (
            ["--quick", "--schedule", "constant,step:200"],
            "step:200 has no effect, or no end",
        ),
        (
            ["--schedule", "warm-up:501+cosine"],
            "warm-up:501+cosine has no effect, or no end",
        ),
        (["--activation", "relu,rleu"], "did you mean 'relu'"),
        (["--batch-norm", "sideways"], "batch"),
        (["--mask", "none,cautios"], "there is no mask 'cautios'; did you mean 'cautious'"),
        (
            ["--mask", "cautious", "--optimizers", "sgd,schedule_free_sgd"],
            "ScheduleFreeSGD evaluates another point than the one that it trains",
        ),
        (["--accumulate", "0"], "accumulate must be a whole number of batches, at least 1, got 0"),
        (["--accumulate", "1,full"], "--accumulate must be a whole number, got 'full'"),
        (["--accumulate", "1.5"], "--accumulate must be a whole number, got '1.5'"),
        (
            ["--accumulate", "1,2", "--batch-size", "full"],
            "accumulate × batch size must be at most the 1097 training examples, got 2 × 1097",
        ),
        (["--parametrization", "mup"], "must be standard, or mup:N with the base width N, got 'mup'"),
        (["--parametrization", "standard,mup:0"], "got 'mup:0'"),
        (["--parametrization", "mupp:64"], "got 'mupp:64'"),
        (["--parametrization", "mup:8", "--optimizers", "adam,muon"], "Muon is neither: choose another rule"),
        (
            ["--parametrization", "mup:8,standard", "--optimizers", "sgd,lamb"],
            "LAMB is neither: choose another rule",
        ),
    ],
)
def test_a_value_that_is_none_is_one_line(kobai_here, arguments, words):
    ran = kobai_here("compare", "digits", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1


def test_every_part_is_listed(kobai_here):
    out = kobai_here("methods").out
    assert all(name in out for name in (*registry.STABILIZERS, *registry.SCHEDULES))
    japanese = kobai_here("methods", "--language", "ja").out
    assert "勾配のノルムを一定以下に抑えます" in japanese


def test_help_says_what_an_axis_is(kobai_here):
    assert "makes them an axis" in " ".join(kobai_here("compare", "--help").out.split())
