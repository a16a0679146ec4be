"""Axes in a study: what is tried, how it is paired, how values are read. On runs with known times."""

import json

import numpy as np
import polars as pl
import pytest

import kobai
from kobai import schedules, stabilizers
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.candidates.values import learning_rate
from kobai.questions.comparison import sentences, table, terminal
from kobai.study import frame
from kobai.study.answer import answer
from kobai.study.axes import axes, strategy
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING
from kobai.tasks.check import check_start
from kobai.words import language
from studies import blob_task
from studies_of_axes import by_clip, run, study_of


def test_every_value_is_tried_with_everything_else(engine):
    engine.arrival = by_clip
    study = study_of({"clip": [None, "norm:1"], "l2": [0, 0.1]}, rates=(0.1, 1.0))
    assert len(study.trials()) == study.combinations * 2 == 8
    outcome = run(study)
    tuning = outcome.cells.filter(pl.col("phase") == TUNING)
    assert len(tuning) == 8 * 2
    assert set(tuning.group_by("clip", "l2", "learning_rate").len()["len"]) == {2}
    [made] = engine.made  # one program for all
    assert len(made.strategies) == 3  # and the plain one, which needs nothing


def test_each_value_is_compared_at_its_own_rate(engine):
    engine.arrival = by_clip
    outcome = run(study_of({"clip": ["none", kobai.clip_norm(1)]}, rates=(0.1, 1.0)))
    assert {name: learning_rate(t.variant) for name, t in outcome.alternatives["clip"].items()} == {
        "norm:1": 1.0,
        "none": 0.1,
    }
    found = answer(outcome)
    question = found.axes["clip"]
    assert question.choice == "norm:1"
    [none] = question.alternatives
    expected = np.exp(np.mean([np.log((40 + s % 3) / (20 + s % 3)) for s in range(1000, 1008)]))
    assert none.ratio.value == pytest.approx(expected)
    assert none.corrected_p == pytest.approx(2 / 2**8)
    assert (question.best_set, question.not_best) == (("norm:1",), ("none",))
    confirmed = outcome.cells.filter(pl.col("phase") == CONFIRMATION)
    assert {tuple(row) for row in confirmed.select("clip", "learning_rate").unique().iter_rows()} == {
        ("norm:1", 1.0),
        ("none", 0.1),
        ("norm:1", 0.1),  # the neighbouring rate of the winner
    }
    assert outcome.cells.filter(pl.col("phase") == DEMONSTRATION)["clip"].to_list() == ["norm:1"]


def test_two_axes_give_two_questions_and_two_columns(engine):
    engine.arrival = by_clip
    given = {"clip": ["none", "norm:1"], "l2": [0.0, 0.1], "sampling": "with"}
    found = answer(run(study_of(given, rates=(0.1, 1.0))))
    assert list(found.axes) == ["clip", "l2"]  # a single value is no question
    assert found.rows[0].values == {"clip": "norm:1", "l2": "0", "sampling": "with"}
    assert found.rows[0].trials == 8
    lines = sentences.lines(found)
    assert lines[0].startswith("sgd at 1 with he, clip norm:1, L2 0. No other optimizer was tried")
    assert lines[3] == "Clipping: norm:1, the best of two. none is not the best."
    assert lines[4].startswith("L2: 0. Equal on every seed: 0.1")
    assert table.columns(found)[2:6] == ["initializer", "clip", "l2", "reached"]
    shown = terminal.text(found, wide=True, width=100)
    assert "Clipping" in shown
    assert "norm:1" in shown
    with language("ja"):
        assert "勾配クリッピング: norm:1" in terminal.text(found)
    assert found.table()["clip"].to_list() == ["norm:1"]
    content = json.loads(found.to_json())
    assert content["axes"]["clip"]["choice"] == "norm:1"
    assert content["axes"]["clip"]["best_set"] == ["norm:1"]
    assert content["axes"]["clip"]["not_best"] == ["none"]
    assert content["rows"][0]["values"]["sampling"] == "with"


def test_a_plain_study_is_what_it_was(engine):
    outcome = run(study_of({}))
    assert set(outcome.cells.columns) == set(frame.SCHEMA)
    assert list(outcome.alternatives) == ["initializer"]
    found = answer(outcome)
    assert found.axes == {}
    assert "values" not in found.table().columns
    assert table.columns(found) == list(table.COLUMNS)
    assert engine.made[0].strategies == []


def test_a_single_value_is_used_throughout(engine):
    outcome = run(study_of({"schedule": "cosine"}))
    assert outcome.cells["schedule"].unique().to_list() == ["cosine"]
    assert all(cell.strategy.schedule.name == "cosine" for _, cell in engine.cells)
    assert "schedule" not in answer(outcome).axes


def test_averages_cost_no_training(engine):
    """Three values, one training each; the rows of the averages are those of the run's readings."""
    engine.arrival = lambda task, cell: 40 + cell.seed % 3
    engine.average = lambda task, cell, averaging: (
        {"polyak:10": 20, "exponential:0.9": 30}[averaging.name] + (cell.seed % 3)
    )
    outcome = run(study_of({"average": [None, "polyak:10", "exponential:0.9"]}))
    trained = [(cell.seed, cell.initializer.name) for _, cell in engine.cells]
    assert len(trained) == len(set(trained)) == 2 + 8 + 1
    assert all(
        [a.name for a in cell.strategy.averages] == ["polyak:10", "exponential:0.9"]
        for _, cell in engine.cells
    )
    found = answer(outcome)
    assert found.trainings == 11
    question = found.axes["average"]
    assert question.choice == "polyak:10"
    assert question.not_best == ("exponential:0.9", "none")
    expected = np.exp(np.mean([np.log((40 + s % 3) / (20 + s % 3)) for s in range(1000, 1008)]))
    assert question.alternatives[1].ratio.value == pytest.approx(expected)


def test_a_value_that_makes_a_task_has_a_program_of_its_own(engine):
    """Activations and batch sizes; all get the same seeds."""
    engine.arrival = lambda task, cell: (30 if task.name == "tanh" else 20) + 160 / task.batch_size
    study = study_of(
        {"activation": ["relu", "tanh"], "batch_size": [2, "4", "full"]},
        make=lambda activation: blob_task(name=activation),
    )
    assert [(t.name, t.batch_size) for t in study.variants.values()] == [
        (name, size) for name in ("relu", "tanh") for size in (2, 4, 8)
    ]
    outcome = run(study)
    assert len(engine.made) == 6
    seeds = {(t.name, t.batch_size): [] for t in study.variants.values()}
    for task, cell in engine.cells:
        if cell.seed < 1000 and cell.initializer.name == "he":
            seeds[task.name, task.batch_size].append(cell.seed)
    assert set(map(tuple, seeds.values())) == {(0, 1)}
    found = answer(outcome)
    assert (found.axes["activation"].choice, found.axes["batch_size"].choice) == ("relu", "full")
    assert [c.name for c in found.axes["batch_size"].alternatives] == ["4", "2"]
    # A step of 8 examples is four of 2: 100 × 2, 60 × 4, 40 × 8 examples.
    [note] = [str(note) for note in found.notes if note.key == "note.batch_size"]
    assert "full: 320" in note
    assert "4: 240" in note
    assert "2: 200" in note


def test_early_stopping_says_what_it_saved(engine):
    outcome = run(study_of({"early_stopping": ["patience:3"]}))
    assert outcome.cells.schema["stopped_at"] == pl.Int64
    assert outcome.cells["stopped_at"].unique().to_list() == [25]
    found = answer(outcome)
    assert found.rows[0].saved == pytest.approx(0.75)
    assert "skipped" not in outcome.cells.columns
    both = answer(run(study_of({"early_stopping": ["patience:3", None]})))
    assert "saved 75% of the steps" in " ".join(sentences.lines(both))


def test_skipped_gradients_are_a_column_of_a_study_that_clips(engine):
    assert run(study_of({"clip": "norm:1"})).cells["skipped"].unique().to_list() == [3]


def test_of_few_seeds_each_choice_has_a_ranking(engine):
    engine.arrival = by_clip
    found = answer(run(study_of({"clip": ["none", "norm:1"], "l2": [0, 0.1]}, rates=(0.1, 1.0), seeds=3)))
    assert sentences.lines(found)[1:] == [
        "Learning rate: 1. Ranking: 1, 0.1.",
        "Initial weights: he. No other initial value was tried.",
        "Clipping: norm:1. Ranking: norm:1, none.",
        "L2: 0. Ranking: 0, 0.1.",
    ]
    [note] = [note for note in found.notes if note.key == "note.sketch"]
    assert str(note).startswith("Sketch from 3 seeds")
    with language("ja"):  # a note speaks the language in which it is read
        assert str(note).startswith("シード3個だけの下見です")
        assert "勾配クリッピング: norm:1。順位: norm:1、none。" in sentences.lines(found)


def test_a_hyperparameter_with_several_values_is_an_axis_of_its_optimizer(engine):
    """`--set momentum.momentum=0.5,0.9`: a question, a table of effects, and a part of the recommendation."""
    engine.arrival = lambda task, cell: (
        (20 if getattr(cell.optimizer, "momentum", 0) == 0.9 else 40)
        + 10 * (cell.optimizer.learning_rate > 0.1)
        + cell.seed % 3
    )
    grid = kobai.Momentum(learning_rate=[0.1, 1.0], momentum=[0.5, 0.9])
    outcome = run(study_of({"clip": ["none", "norm:1"]}, candidates=candidates([grid, kobai.SGD(0.1)])))
    trials = outcome.alternatives["momentum.momentum"]
    assert {name: trial.variant for name, trial in trials.items()} == {
        "0.9": kobai.Momentum(0.1, 0.9),
        "0.5": kobai.Momentum(0.1, 0.5),
    }
    assert all(trial.variant.momentum == 0.9 for trial in outcome.alternatives["clip"].values())
    found = answer(outcome)
    question = found.questions["momentum.momentum"]
    assert (question.choice, question.not_best) == ("0.9", ("0.5",))
    assert [effect.value for effect in found.effects["momentum.momentum"]] == ["0.5", "0.9"]
    lines = sentences.lines(found)
    assert lines[0].startswith("momentum at 0.1 with he, clip none, momentum 0.9: the best of two (95 %).")
    assert lines[4] == "momentum.momentum: 0.9, the best of two. 0.5 is not the best."
    assert found.columns == ["clip"]  # which every optimizer has, as it does not have a momentum
    assert table.columns(found)[3] == "clip"
    text = terminal.text(found, wide=True)
    assert "momentum.momentum" in text
    with language("ja"):
        assert (
            "momentum（学習率0.1、初期値he、勾配クリッピングnone、momentum 0.9）" in sentences.lines(found)[0]
        )
    assert json.loads(found.to_json())["axes"]["momentum.momentum"]["best_set"] == ["0.9"]


def test_a_study_trains_only_what_is_new(engine, tmp_path):
    """Cells are found again by what they are: other values of an axis leave the ones that there were."""
    given = {"clip": ["none", "norm:1"], "average": [None, "polyak"]}
    first = run(study_of(given), tmp_path)
    trained = len(engine.cells)
    assert (first.reused, first.trained) == (0, trained)
    again = run(study_of(given), tmp_path)
    assert len(engine.cells) == trained
    assert (again.reused, again.trained) == (trained, 0)
    assert again.cells.equals(first.cells)
    more = run(study_of(given | {"clip": ["none", "norm:1", "norm:2"]}), tmp_path)
    assert len(engine.cells) - trained == more.trained > 0
    assert more.reused == trained
    new = engine.cells[trained:]
    assert {cell.strategy.clip.norm for _, cell in new} == {2.0}
    assert more.cells.filter(pl.col("clip") != "norm:2").equals(first.cells)


def test_a_run_gives_the_averages_that_are_new(engine, tmp_path):
    """With a new average a training is made anew; the row of the iterate stays the one that there was."""
    first = run(study_of({"average": [None]}), tmp_path)
    both = run(study_of({"average": [None, "polyak"]}), tmp_path)
    assert both.trained == 2 + 8
    assert both.cells.filter(average="none").equals(first.cells)
    assert run(study_of({"average": [None]}), tmp_path).trained == 0


# Reading values.


def test_values_are_named_as_they_are_written():
    given = {
        "clip": [None, "norm:1.0", kobai.clip_value(0.5), stabilizers.clip_percentile(90)],
        "l1": [0, "1e-4"],
        "weight_decay": [stabilizers.weight_decay(0.1, biases=True)],
        "schedule": ["constant", schedules.warm_up(5) * schedules.cosine()],
        "average": ["none", "polyak:100"],
        "early_stopping": ["none", "patience:10"],
        "batch_size": [32, "64", "full"],
        "batch_norm": [False, "after"],
        "sampling": ["without", "with"],
    }
    assert {axis.name: [value.name for value in axis.values] for axis in axes(given)} == {
        "clip": ["none", "norm:1", "value:0.5", "percentile:90"],
        "l1": ["0", "0.0001"],
        "weight_decay": ["0.1+biases"],
        "schedule": ["constant", "warm-up:5+cosine"],
        "average": ["none", "polyak:100"],
        "early_stopping": ["none", "patience:10"],
        "batch_size": ["32", "64", "full"],
        "batch_norm": ["off", "after"],
        "sampling": ["without", "with"],
    }
    assert axes({"clip": None, "l2": [0.1, 0.1]})[0].values == axes({"l2": 0.1})[0].values


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["on", "before", True], ["before"]),
        ([False, "off"], ["off"]),
        (["off", "on", "after"], ["off", "before", "after"]),
    ],
)
def test_one_network_is_one_value(given, names):
    """Two spellings of one place would train the same network twice, and compare it with itself."""
    [axis] = axes({"batch_norm": given})
    assert [value.name for value in axis.values] == names
    assert axis.values[0].part is given[0]  # a function of one's own gets what was written


def test_values_make_a_strategy():
    [clip, decay, stop] = axes({"clip": "norm:1", "weight_decay": 0.1, "early_stopping": "patience:2"})
    made = strategy({axis.name: axis.values[0].part for axis in (clip, decay, stop)})
    assert (made.clip, made.weight_decay) == (kobai.clip_norm(1), stabilizers.weight_decay(0.1))
    assert made.early_stopping == stabilizers.early_stopping(2)
    assert not made.replacement
    assert strategy({"sampling": "with"}).replacement


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"clip": ["norn:1"]}, "did you mean 'norm'"),
        (
            {"clip": 1.0},
            "clip must be a spelling .*, an object of type Clip, or None, got 1.0",
        ),
        ({"schedule": [abs]}, "schedule must be a spelling"),
        ({"l2": ["much"]}, "l2 must be numbers, got 'much'"),
        ({"weight_decay": [-1]}, "weight_decay: rate must be a finite number of at least 0, got -1"),
        ({"average": []}, "average is empty"),
        ({"average": [3.5]}, "of type Averaging, or None, got 3.5"),
        ({"weight_decay": True}, "weight_decay must be numbers, got True"),
        ({"l2": [0, np.bool_(True)]}, "l2 must be numbers, got"),
        ({"clip": True}, "clip must be a spelling .* got True"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 1, or 'full', got True"),
        ({"sampling": ["sometimes"]}, "there is no sampling 'sometimes'"),
        ({"batch_size": [0]}, "batch_size must be a whole number of at least 1, or 'full', got 0"),
        ({"batch_size": ["half"]}, "batch_size must be a whole number of at least 1, or 'full', got 'half'"),
        (
            {"l1": [0.1, stabilizers.Penalty(l1=0.1, l2=0.1)]},
            "l1: two different values are both named 0.1",
        ),
    ],
)
def test_what_is_no_value_is_refused(given, words):
    with pytest.raises(UsageError, match=words):
        axes(given)


def test_an_axis_that_does_nothing_to_a_minimizer_is_refused():
    with pytest.raises(UsageError, match="lbfgs.*clip"):
        kobai.compare("digits", optimizers=["adam", "lbfgs"], clip="norm:1", progress=False)


@pytest.mark.parametrize("first", ["20", "1e9"])
def test_a_percentile_of_more_norms_than_steps_is_refused(first):
    """Before any room for the norms is made."""
    said = rf"percentile:90:\S+ measures {int(float(first))} norms, and a run has 20 steps.*measure fewer"
    with pytest.raises(UsageError, match=said):
        kobai.compare("digits", clip=["none", f"percentile:90:{first}"], steps=20, progress=False)


def test_normalization_of_one_example_is_refused():
    with pytest.raises(UsageError, match="^batch normalization of one example .* batch_size of at least 2$"):
        kobai.compare("digits", batch_norm="on", batch_size=1, progress=False)
    # Of a convolution each position counts.
    task = kobai.tasks.digits_cnn(batch_norm=True, batch_size=1)
    check_start(task, kobai.tasks.digits_cnn(batch_norm=True).parameters)


def test_a_finished_task_cannot_be_made_anew():
    with pytest.raises(UsageError, match="activation needs a task that can be made anew"):
        kobai.compare(blob_task(), activation=["relu", "tanh"], progress=False)
    with pytest.raises(UsageError, match="batch_norm needs a task that can be made anew"):
        kobai.compare(lambda: blob_task(), batch_norm=[False, True], progress=False)
