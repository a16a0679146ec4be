"""Axes in a study: what is tried, how it is paired, what the answer says. On cells with known times.

The engine's side is in `test_strategy.py`, the command line's in `test_axes_cli.py`.
"""

import dataclasses
import json
import math
import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len
from scipy import stats

import kobai
from kobai import initializers as initial_values
from kobai import schedules, stabilizers
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.candidates.values import learning_rate
from kobai.engine.run import Reading, Run, evaluated_at
from kobai.questions.comparison import effects, sentences, table, terminal
from kobai.questions.comparison import page as html
from kobai.study import axes as axes_module
from kobai.study import protocol, runner
from kobai.study.answer import answer
from kobai.study.axes import axes, strategy
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study
from kobai.tasks.check import check_start
from kobai.words import language, say


class Quiet:
    def phase(self, name, total): ...

    def advance(self, cells): ...


STEPS = 100


class Engine:
    """A stand-in for Sweep: a cell reaches 1 at `arrival(task, cell)`, an average at `average(…)`."""

    chunk, threads = 4, 1
    kinds = {}  # no rule, so no state begins on the host
    arrival = staticmethod(lambda task, cell: 10)
    average = staticmethod(lambda task, cell, averaging: 10)
    ends = staticmethod(lambda task, cell: {})
    made = []
    cells = []

    def __init__(self, task, settings, *, steps, evaluate_every, threads=None, strategies=()):
        self.task, self.rows, self.strategies = task, evaluated_at(steps, evaluate_every), strategies
        Engine.made.append(self)

    def memory(self, optimizer):
        return 0

    def text(self):
        return ""

    def compile(self): ...

    def chunks(self, cells):
        Engine.cells += [(self.task, cell) for cell in cells]
        every = range(len(cells))
        return [list(every[i : i + self.chunk]) for i in every[:: self.chunk]]

    def train(self, cells, leave):  # noqa: ARG002
        return [self._run(cell) for cell in cells]

    def _run(self, cell):
        def curve(arrival):
            return (self.rows >= arrival).astype(float)

        metric = curve(Engine.arrival(self.task, cell))
        averages = [curve(Engine.average(self.task, cell, each)) for each in cell.strategy.averages]
        stops = cell.strategy.early_stopping is not None
        run = Run(
            1 - metric, 1 - metric, metric, None, 0.1, float(metric[-1]), seconds=0.5,
            stopped_at=STEPS // 4 if stops else None, counts=Counter(skipped=3),
            averages=tuple(Reading(1 - curve, curve, 0.1, float(curve[-1])) for curve in averages),
        )  # fmt: skip
        return dataclasses.replace(run, **Engine.ends(self.task, cell))


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.setattr(runner, "Sweep", Engine)
    for name in ("arrival", "average", "ends"):
        monkeypatch.setattr(Engine, name, getattr(Engine, name))
    Engine.made, Engine.cells = [], []
    return Engine


def blob_task(batch_size=4, **changes):
    x, y = np.ones((8, 2), np.float32), np.ones(8, np.float32)
    given = {
        "name": "blobs",
        "parameters": {"w": np.zeros((2, 1), np.float32)},
        "loss": lambda p, b: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
        "train": (x, y),
        "validation": (x, y),
        "test": (x, y),
        "batch_size": batch_size,
        "maximize": True,
        "metric_name": "accuracy",
        "metric_range": (-math.inf, 1),
        "target": 0.9,
    }
    return kobai.Task(**(given | changes))


def study_of(given, *, rates=(0.1,), make=lambda **values: blob_task(), **options):
    varied = axes(given)
    tasks = axes_module.tasks(make, varied)
    defaults = {
        "candidates": candidates([kobai.SGD(learning_rate=list(rates))]),
        "initializers": [initial_values.he()],
        "steps": STEPS,
        "evaluate_every": 1,
        "tuning_seeds": 2,
        "seeds": 8,
    }
    return Study(task=next(iter(tasks.values())), tasks=tasks, axes=varied, **(defaults | options))


def run(study, folder=None):
    return protocol.run(study, Quiet(), folder)


def by_clip(task, cell):
    """Without clipping 0.1 is best, in 40 steps; with it 1.0, in 20; noise by seed, the same for both."""
    clipped = cell.strategy.clip.norm < math.inf
    best, base = (1.0, 20) if clipped else (0.1, 40)
    return base + 30 * abs(math.log10(cell.optimizer.learning_rate / best)) + cell.seed % 3


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
    assert question.established == (none,)
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
    assert [line.partition(".")[0] for line in lines[3:]] == ["Clipping: norm:1", "L2: 0"]
    assert "Fewer steps than none" in lines[3]
    assert table.columns(found)[2:6] == ["initializer", "clip", "l2", "reached"]
    shown = terminal.text(found, wide=True, width=100)
    assert "Clipping" in shown
    assert "norm:1" in shown
    with language("ja"):
        assert "勾配クリッピング: norm:1" in terminal.text(found)
    assert found.table()["clip"].to_list() == ["norm:1"]
    content = json.loads(found.to_json())
    assert content["axes"]["clip"]["choice"] == "norm:1"
    assert content["axes"]["clip"]["not_established"] == []
    assert content["rows"][0]["values"]["sampling"] == "with"


def test_a_plain_study_is_what_it_was(engine):
    outcome = run(study_of({}))
    assert set(outcome.cells.columns) == set(runner.SCHEMA)
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
    assert [c.name for c in question.established] == ["exponential:0.9", "none"]
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


# The effect of an axis.


def ending(task, cell):
    """The test metric of a run: with clipping .02 better, and by seed; two of the seeds diverge, one each."""
    clipped = cell.strategy.clip.norm < math.inf
    if cell.seed == (1001 if clipped else 1002):
        return {"diverged_at": 50, "test_metric": None, "test_loss": None}
    luck = 0.01 * (cell.seed % 5) + (0.003 * (cell.seed % 2) if clipped else 0)
    return {"test_metric": 0.9 + 0.02 * clipped + luck}


def test_each_value_has_a_row_against_the_first_paired_by_seed(engine):
    engine.arrival, engine.ends = by_clip, ending
    outcome = run(study_of({"clip": ["none", "norm:1"]}, rates=(0.1, 1.0)))
    found = answer(outcome)
    assert found.axes["clip"].choice == "norm:1"  # and yet the first value is the baseline
    none, clipped = found.effects["clip"]
    assert (none.value, none.learning_rate, none.edge) == ("none", 0.1, "low")
    assert (clipped.value, clipped.learning_rate, clipped.edge) == ("norm:1", 1.0, "high")
    assert (none.reached, none.seeds, none.diverged) == (7, 8, 1)
    arrived = [40 + s % 3 if s != 1002 else STEPS for s in range(1000, 1008)]
    assert none.steps.value == pytest.approx(np.mean(arrived))
    assert (none.difference.value, none.difference.low, none.difference.high) == (0, 0, 0)
    both = [s for s in range(1000, 1008) if s not in (1001, 1002)]
    expected = np.array([0.02 + 0.003 * (s % 2) for s in both])
    low, high = stats.t.interval(0.95, len(both) - 1, expected.mean(), stats.sem(expected))
    assert clipped.difference.value == pytest.approx(expected.mean())
    assert (clipped.difference.low, clipped.difference.high) == pytest.approx((low, high))
    # Not paired, the means differ by the luck of the seeds that are missing too.
    assert clipped.test_metric - none.test_metric != pytest.approx(expected.mean(), abs=1e-4)


def test_the_effect_of_an_axis_is_of_that_axis_alone(engine):
    """A tie in steps is broken by the loss, and there another axis would decide: it is held."""
    engine.ends = lambda task, cell: (
        {"validation_loss": np.full(STEPS + 1, 0.1)} if cell.strategy.l2.l2 else {}
    )
    engine.arrival = lambda task, cell: (
        30
        - 10 * (cell.strategy.clip.norm < math.inf)
        + 5 * (cell.strategy.l2.l2 > 0 and cell.strategy.clip.norm < math.inf)
    )
    outcome = run(study_of({"clip": ["none", "norm:1"], "l2": [0, 0.1]}))
    assert outcome.recommended.named["clip"] == "norm:1"
    assert outcome.recommended.named["l2"] == "0"
    assert outcome.alternatives["clip"]["none"].named["l2"] == "0"  # 0.1 is as fast, with less loss
    assert outcome.alternatives["l2"]["0.1"].named["clip"] == "norm:1"
    assert all(trial.named["l2"] == "0" for trial in outcome.initializers.values())


def test_the_gap_is_that_of_the_weights_at_the_end(engine):
    """With early stopping those that were restored; the training loss of a mean is not known."""
    rows = STEPS + 1
    training = np.linspace(1, 0, rows)
    training[0] = np.nan
    falling = np.concatenate([np.linspace(1, 0.2, 21), np.linspace(0.25, 0.9, rows - 21)])

    def ends(task, cell):
        validation = falling.copy()
        if cell.strategy.early_stopping is not None:
            validation[30:] = 0.2  # of the evaluation at step 20
        return {"training_loss": training, "validation_loss": validation}

    engine.ends = ends
    found = answer(run(study_of({"early_stopping": [None, "patience:10"]})))
    plain, stopped = found.effects["early_stopping"]
    assert plain.gap == pytest.approx(0.9 - 0, abs=1e-6)
    assert stopped.gap == pytest.approx(0.2 - training[20], abs=1e-6)
    averages = answer(run(study_of({"average": [None, "polyak"]}))).effects["average"]
    assert [effect.gap is None for effect in averages] == [False, True]


def patience(cell):
    return getattr(cell.strategy.early_stopping, "patience", 9)


def test_what_stopping_saved_is_said_of_every_alternative(engine):
    engine.ends = lambda task, cell: {"stopped_at": 10 * patience(cell)} if patience(cell) < 9 else {}
    engine.arrival = lambda task, cell: 10 + patience(cell) + cell.seed % 2
    found = answer(run(study_of({"early_stopping": [None, "patience:3", "patience:6"]})))
    none, *saved = [effect.saved for effect in found.effects["early_stopping"]]
    assert none is None
    assert saved == pytest.approx([0.7, 0.4])
    said = " ".join(sentences.lines(found))
    assert "patience:3, which saved 70% of the steps" in said
    assert ", 40% of the steps saved)" in said
    content = json.loads(found.to_json())
    assert [effect["saved"] for effect in content["effects"]["early_stopping"]] == [none, *saved]


def test_a_stop_that_saved_nothing_is_told_too(engine):
    engine.ends = lambda task, cell: {"stopped_at": None}
    found = answer(run(study_of({"early_stopping": [None, "patience:9"]})))
    assert effects.columns(found.effects["early_stopping"])[-1] == "saved"
    assert [row[-1] for row in effects.rows(found, "early_stopping")] == ["–", "0%"]
    assert found.axes["early_stopping"].choice == "none"
    assert "patience:9 (equal on every seed, 0% of the steps saved)" in " ".join(sentences.lines(found))


def test_batches_that_were_left_out_are_told(engine):
    engine.arrival = by_clip
    engine.ends = lambda task, cell: {"counts": Counter(skipped=3 * (cell.strategy.clip.norm < math.inf))}
    found = answer(run(study_of({"clip": ["none", "norm:1"]}, rates=(0.1, 1.0))))
    assert [effect.skipped for effect in found.effects["clip"]] == [0, 24]
    assert found.table()["skipped"].to_list() == [24]
    [note] = [note for note in found.notes if note.key == "note.skipped"]
    assert "not finite were left out, in all fresh runs together: sgd (norm:1) 24" in str(note)
    with language("ja"):
        assert "sgd (norm:1) 24" in str(note)
    engine.ends = lambda task, cell: {"counts": Counter()}
    quiet = answer(run(study_of({"clip": ["none", "norm:1"]}, rates=(0.1, 1.0))))
    assert "note.skipped" not in [note.key for note in quiet.notes]
    assert "skipped" not in effects.columns(quiet.effects["clip"])


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_effects_are_shown_in_80_columns_and_as_html(engine, spoken):
    engine.arrival, engine.ends = by_clip, ending
    given = {"clip": ["none", "norm:1", "percentile:90:50"], "early_stopping": ["patience:10:0.001", None]}
    outcome = run(study_of(given, rates=(0.1, 1.0)))
    assert "sgd (none) 1/8" in " ".join(map(str, answer(outcome).notes))
    with language(spoken):
        found = answer(outcome)
        shown = terminal.text(found, wide=True, width=80)
        title, section, bold = say("effects.title"), html._effects(found), say("effects.bold")
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert "+2.2 [+2.0, +2.3]" in shown
    assert re.search("^percentile:90:50 +0.1◂ ", shown, re.MULTILINE)  # on one line
    assert title in section
    assert bold in section
    assert bold not in shown  # plain text has none
    assert section.count("<table") == 2
    assert '<span class="chosen">norm:1</span>' in section
    assert "+2.2 [+2.0, +2.3]" not in terminal.text(found, width=80)
    frame = found.effect_table()
    assert frame["axis"].to_list() == ["clip"] * 3 + ["early_stopping"] * 2
    assert frame["difference"].to_list()[0] == 0
    assert {"steps_low", "difference_high", "gap", "saved", "skipped", "diverged"} < set(frame.columns)


def test_a_study_without_axes_shows_no_effects(engine):
    found = answer(run(study_of({"schedule": "cosine"})))
    assert found.effects == {}
    assert html._effects(found) == ""
    assert found.effect_table().is_empty()


def test_too_few_seeds_are_said_of_choices_by_their_names(engine):
    engine.arrival = by_clip
    found = answer(run(study_of({"clip": ["none", "norm:1"], "l2": [0, 0.1]}, rates=(0.1, 1.0), seeds=3)))
    [note] = [note for note in found.notes if note.key == "note.seeds"]
    assert "about these choices: Learning rate: 1, Clipping: norm:1, L2: 0. 6 seeds could" in str(note)
    with language("ja"):  # a note speaks the language in which it is read
        assert "学習率: 1、勾配クリッピング: norm:1、L2正則化: 0。6個なら" in str(note)


def test_a_study_goes_on_where_it_was_interrupted(engine, tmp_path):
    """What is kept is found again by its values; another value is another question, which is refused."""
    given = {"clip": ["none", "norm:1"], "average": [None, "polyak"]}
    first = run(study_of(given), tmp_path)
    trained = len(engine.cells)
    again = run(study_of(given), tmp_path)
    assert len(engine.cells) == trained
    assert again.cells.equals(first.cells)
    with pytest.raises(UsageError, match=r'clip: \["none", "norm:1"\] → \["none", "norm:2"\]'):
        run(study_of({"clip": ["none", "norm:2"], "average": [None, "polyak"]}), tmp_path)
    assert len(engine.cells) == trained
    assert run(study_of(given), tmp_path).cells.equals(first.cells)  # all is still there
    assert len(engine.cells) == trained


def test_two_schedules_of_one_name_are_two_studies(tmp_path, engine):
    """A name does not say what a user's own function does: its factors are in the fingerprint."""

    def key(factor):
        study = study_of({"schedule": schedules.Schedule("own", lambda t, steps: factor + 0 * t)})
        return runner.fingerprint(study, {(): Engine(study.task, [], steps=STEPS, evaluate_every=1)})

    assert key(0.5) == key(0.5) != key(0.25)


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
