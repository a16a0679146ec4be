"""The protocol: what is tried, how winners are chosen, what the answer says. On cells with known times."""

import dataclasses
import json
import math

import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics.errors import UsageError
from kobai.basics.hyperparameters import hyperparameters
from kobai.candidates.grid import candidates
from kobai.candidates.values import learning_rate
from kobai.engine.run import Run, evaluated_at
from kobai.questions.comparison import sentences, table, terminal
from kobai.study import protocol, runner
from kobai.study.answer import answer
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study

# Candidates


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), jnp.float32(0.5)])
def test_a_rate_of_numpy_or_jax_is_a_rate(number):
    result = kobai.compare(
        "sine",
        optimizers=[kobai.SGD(learning_rate=number)],
        initializers=["he"],
        steps=5,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert json.loads(result.answer.to_json())["rows"][0]["hyperparameters"] == {"learning_rate": 0.5}
    assert json.loads(result.table["hyperparameters"].item()) == {"learning_rate": 0.5}


# The protocol, on a made-up engine: a cell arrives when its table says so.


class Quiet:
    def phase(self, name, total): ...

    def advance(self, cells): ...


def arrival_engine(arrivals):
    """A stand-in for Sweep whose cells reach accuracy 1 at arrivals(cell), or diverge where it gives None."""

    class Engine:
        chunk, threads = 4, 1

        def __init__(self, task, settings, *, steps, evaluate_every, threads=None, strategies=()):
            self.rows = evaluated_at(steps, evaluate_every)
            self.has_test = task.test is not None

        def memory(self, optimizer):
            return len(optimizer.memories)

        def compile(self): ...

        def chunks(self, cells):
            every = range(len(cells))
            return [list(every[i : i + self.chunk]) for i in every[:: self.chunk]]

        def train(self, cells, leave):  # noqa: ARG002
            return [self._run(cell) for cell in cells]

        def _run(self, cell):
            arrival = arrivals(cell)
            if arrival is None:
                lost = np.where(self.rows > 20, np.nan, 0.1)
                return Run(lost, lost, lost, diverged_at=21, test_loss=None, test_metric=None, seconds=0.5)
            metric = (self.rows >= arrival).astype(float)
            return Run(1 - metric, 1 - metric, metric, None, 0.1, float(metric[-1]), seconds=0.5)

    return Engine


def blob_task(**changes):
    x, y = np.ones((8, 2), np.float32), np.ones(8, np.float32)
    given = {
        "name": "blobs",
        "parameters": {"w": np.zeros((2, 1), np.float32)},
        "loss": lambda p, b: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
        "train": (x, y),
        "validation": (x, y),
        "test": (x, y),
        "batch_size": 4,
        "maximize": True,
        "metric_name": "accuracy",
        "metric_range": (-math.inf, 1),
        "target": 0.9,
    }
    return kobai.Task(**(given | changes))


def outcome_of(monkeypatch, arrivals, *, optimizers, task=None, initializers=("he",), **options):
    monkeypatch.setattr(runner, "Sweep", arrival_engine(arrivals))
    given = {
        "task": task or blob_task(),
        "candidates": candidates(optimizers),
        "initializers": [initial_values.parse(name) for name in initializers],
        "steps": 100,
    }
    return protocol.run(Study(**(given | options)), Quiet())


def by_rate(cell):
    """sgd is best at 0.1 and adam at 0.01; adam arrives in half the steps; noise by seed."""
    best, base = (0.1, 40) if isinstance(cell.optimizer, kobai.SGD) else (0.01, 20)
    far = abs(math.log10(cell.optimizer.learning_rate / best))
    noise = cell.seed % 3
    slow = {"he": 0, "xavier": 8, "normal:0.01": 16}.get(cell.initializer.name, 1000)
    return base + 30 * far + noise + slow


GRIDS = (kobai.SGD(learning_rate=[0.01, 0.1, 1.0]), kobai.Adam(learning_rate=[0.001, 0.01, 0.1]))


@pytest.fixture
def outcome(monkeypatch):
    names = ("he", "xavier", "normal:0.01")
    return outcome_of(monkeypatch, by_rate, optimizers=GRIDS, initializers=names, evaluate_every=1)


def test_tuning_finds_the_best_rate_and_initial_value(outcome):
    assert list(outcome.winners) == ["adam", "sgd"]
    assert outcome.recommended.variant == kobai.Adam(0.01)
    assert outcome.winners["sgd"].variant == kobai.SGD(0.1)
    assert {name: t.initializer.name for name, t in outcome.winners.items()} == {"adam": "he", "sgd": "he"}
    assert [learning_rate(t.variant) for t in outcome.neighbours] == [0.001, 0.1]
    assert list(outcome.initializers) == ["he", "xavier", "normal:0.01"]


def test_confirmation_uses_fresh_seeds_and_each_cell_once(outcome):
    counts = dict(outcome.cells.group_by("phase").len().iter_rows())
    # 6 settings × 3 initial values × 3 seeds; 2 winners, 2 rates, 2 initial values × 10; 2 constants.
    assert counts == {TUNING: 54, CONFIRMATION: 60, DEMONSTRATION: 2}
    seeds = {p: set(s) for p, s in outcome.cells.group_by("phase").agg("seed").iter_rows()}
    assert seeds[TUNING] == {0, 1, 2}
    assert not seeds[TUNING] & seeds[CONFIRMATION]
    keys = outcome.cells.select("phase", "optimizer", "hyperparameters", "initializer", "seed")
    assert keys.is_unique().all()


def test_the_answer_names_what_is_established(outcome):
    found = answer(outcome)
    assert (found.optimizer.choice, found.learning_rate.choice, found.initializer.choice) == (
        "adam",
        "0.01",
        "he",
    )
    (sgd,) = found.optimizer.established
    expected = np.exp(np.mean([np.log((40 + s % 3) / (20 + s % 3)) for s in range(1000, 1010)]))
    assert sgd.ratio.value == pytest.approx(expected)
    assert sgd.p == pytest.approx(2 / 2**10)
    assert {c.name for c in found.learning_rate.established} == {"0.1", "0.001"}
    assert [c.name for c in found.initializer.established] == ["xavier", "normal:0.01"]
    assert [row.optimizer for row in found.rows] == ["adam", "sgd"]
    adam = found.rows[0]
    assert (adam.reached, adam.seeds, adam.trials, adam.memory) == (10, 10, 9, 2)
    assert adam.steps.value == pytest.approx(np.mean([20 + s % 3 for s in range(1000, 1010)]))
    assert adam.working_decades == pytest.approx(2)
    assert adam.test_metric == 1.0
    constant = [pair for pair in found.pairs if pair.demonstration]
    assert {(pair.initializer, pair.reach_rate, pair.steps) for pair in constant} == {
        ("constant:0.5", 0.0, 100.0)
    }
    assert found.notes == ()


def test_the_answer_as_json_and_frame(outcome):
    found = answer(outcome)
    read = json.loads(found.to_json())
    assert read["optimizer"]["choice"] == "adam"
    assert read["optimizer"]["not_established"] == []
    assert (
        [row["optimizer"] for row in read["rows"]] == found.table()["optimizer"].to_list() == ["adam", "sgd"]
    )
    assert found.table().schema["edge"] == pl.String
    assert pl.Null not in found.table().schema.values()
    assert found.table()["steps"].to_list() == [row["steps"]["value"] for row in read["rows"]]


def test_ties_are_broken_by_the_final_validation_loss(monkeypatch):
    def never(cell):
        return 1000

    engine = arrival_engine(never)
    plain = engine._run

    def graded(self, cell):
        run = plain(self, cell)
        return dataclasses.replace(run, validation_loss=run.validation_loss * cell.optimizer.learning_rate)

    engine._run = graded
    monkeypatch.setattr(runner, "Sweep", engine)
    study = Study(
        task=blob_task(),
        candidates=candidates([kobai.SGD(learning_rate=[0.3, 0.1, 0.2])]),
        initializers=[initial_values.he()],
        steps=100,
    )
    outcome = protocol.run(study, Quiet())
    assert outcome.recommended.variant == kobai.SGD(0.1)
    assert [note.key for note in answer(outcome).notes] == [
        "note.nobody.maximize",
        "note.edge.low",
        "note.fixed",
    ]


def test_divergence_counts_as_the_budget_and_is_said(monkeypatch):
    def some_diverge(cell):
        if isinstance(cell.optimizer, kobai.Adam) and cell.seed >= 1005:
            return None
        return 30 if isinstance(cell.optimizer, kobai.Adam) else 50

    found = answer(outcome_of(monkeypatch, some_diverge, optimizers=[kobai.SGD(0.1), kobai.Adam(0.1)]))
    adam = next(row for row in found.rows if row.optimizer == "adam")
    assert (adam.reached, adam.diverged) == (5, 5)
    assert adam.steps.value == pytest.approx((5 * 30 + 5 * 100) / 10)
    assert adam.steps_with_restarts.value == pytest.approx((5 * 30 + 5 * 100) / 5)
    assert adam.test_metric == 1.0
    assert "note.diverged.alone" in [note.key for note in found.notes]
    assert not found.optimizer.established


def test_a_run_that_diverges_after_arriving_has_not_arrived(monkeypatch):
    """The planted slip: the first step at the target, whatever came of the run."""
    engine = arrival_engine(lambda cell: 20)
    plain = engine._run

    def late(self, cell):
        run = plain(self, cell)
        return dataclasses.replace(run, diverged_at=90) if isinstance(cell.optimizer, kobai.SGD) else run

    engine._run = late
    monkeypatch.setattr(runner, "Sweep", engine)
    study = Study(
        task=blob_task(),
        candidates=candidates([kobai.SGD(0.1), kobai.Adam(0.1)]),
        initializers=[initial_values.he()],
        steps=100,
    )
    found = answer(protocol.run(study, Quiet()))
    assert found.optimizer.choice == "adam"
    sgd = next(row for row in found.rows if row.optimizer == "sgd")
    assert (sgd.reached, sgd.diverged, sgd.steps.value) == (0, 10, 100.0)


def test_a_metric_that_is_exactly_the_target_meets_it():
    study = Study(
        task=blob_task(), candidates=candidates(["sgd"]), initializers=[initial_values.he()], steps=10
    )
    for target in (0.9, 0.95, 0.1, 1 / 3):
        cells = pl.DataFrame(
            {"validation_metric": [[0.0, np.float32(target)]], "diverged_at": [None]},
            schema={"validation_metric": pl.List(pl.Float32), "diverged_at": pl.Int64},
        )
        assert study.times(cells, target).tolist() == [10]


def test_the_map_shows_the_best_of_every_hyperparameter(monkeypatch):
    def by_momentum(cell):
        return 20 if cell.optimizer.momentum == 0.9 else 1000

    grid = kobai.Momentum(learning_rate=[0.1], momentum=[0.0, 0.9])
    (pair, _) = answer(outcome_of(monkeypatch, by_momentum, optimizers=[grid])).pairs
    assert (pair.reach_rate, pair.steps) == (1.0, 20.0)


def test_a_kept_chunk_depends_on_everything_that_decides_it():
    def key(task, names=("he",), **options):
        study = Study(
            task=task,
            candidates=candidates([kobai.SGD(0.1)]),
            initializers=[initial_values.parse(name) for name in names],
            **options,
        )
        sweep = runner.Sweep(task, [kobai.SGD(0.1)], steps=study.steps, evaluate_every=10)
        return runner.fingerprint(study, {(): sweep})

    task = blob_task()
    state = {
        "loss": lambda p, b, state: (((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2, state),
        "validation_loss": lambda p, b, state: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
    }
    kinds = [
        key(task),
        key(dataclasses.replace(task, layout="out_in")),
        key(dataclasses.replace(task, train=(task.train[0] * 2, task.train[1]))),
        key(dataclasses.replace(task, state={"m": np.zeros(2)}, **state)),
        key(dataclasses.replace(task, state={"m": np.ones(2)}, **state)),
        key(task, steps=200),
        key(task, names=("xavier",)),
    ]
    assert len(set(kinds)) == len(kinds)
    assert key(blob_task(loss=task.loss)) == kinds[0]


def test_a_task_of_ones_own_is_called_task_in_the_call():
    result = kobai.compare(
        kobai.tasks.sine(hidden=3),
        optimizers="sgd",
        initializers="he",
        steps=5,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert result.command.startswith("kobai.compare(task, optimizers='sgd'")


def test_a_result_keeps_its_language_and_its_call():
    arguments = {"optimizers": ["sgd"], "initializers": ["he"], "steps": 5, "seeds": 2, "tuning_seeds": 1}
    result = kobai.compare("sine", **arguments, language="ja", progress=False)
    assert "最適化手法: sgd" in repr(result)
    assert result.command == (
        "kobai.compare('sine', optimizers=['sgd'], initializers=['he'], seeds=2, tuning_seeds=1, steps=5)"
    )
    clocks = ("seconds", "seconds_to_target")
    assert eval(result.command).table.drop(clocks).equals(result.table.drop(clocks))


def test_an_overtaken_winner_is_said(monkeypatch):
    def turned(cell):
        fresh = cell.seed >= 1000
        return 20 + cell.seed % 5 if isinstance(cell.optimizer, kobai.Adam) != fresh else 40

    found = answer(
        outcome_of(monkeypatch, turned, optimizers=[kobai.SGD(0.1), kobai.Adam(0.1)], evaluate_every=1)
    )
    assert found.optimizer.choice == "adam"  # the reference stays what tuning chose
    assert [c.name for c in found.optimizer.faster] == ["sgd"]
    assert "note.overtaken" in [note.key for note in found.notes]
    assert found.rows[0].optimizer == "sgd"


def test_too_few_seeds_are_said(monkeypatch):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=GRIDS, seeds=3))
    note = next(note for note in found.notes if note.key == "note.seeds")
    assert note.values["needed"] == 7  # two neighbouring rates: 2·2^(1−7) < .05; one optimizer needs 6
    assert not found.optimizer.established


def test_unequal_trials_are_shown_and_warned_of(monkeypatch):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=[GRIDS[0], kobai.Adam(0.01)]))
    assert "note.trials" in [note.key for note in found.notes]
    assert [cells[0] for cells in table.rows(found)] == ["adam (1)", "sgd (3)"]


def test_a_best_rate_at_the_edge_is_marked(monkeypatch):
    found = answer(
        outcome_of(monkeypatch, by_rate, optimizers=[kobai.SGD(learning_rate=[0.1, 1.0]), kobai.Adam(0.01)])
    )
    sgd = next(row for row in found.rows if row.optimizer == "sgd")
    assert sgd.edge == "low"
    assert next(cells for cells in table.rows(found) if cells[0].startswith("sgd"))[1] == "0.1◂"


def test_an_auto_target_is_fixed_by_tuning(monkeypatch):
    task = blob_task(target=None)
    outcome = outcome_of(monkeypatch, by_rate, optimizers=GRIDS, task=task)
    assert not outcome.stated
    assert outcome.target == pytest.approx(0.9)  # from 0 at the start to 1: nine tenths of the way
    with pytest.raises(UsageError, match="diverged"):
        outcome_of(monkeypatch, lambda cell: None, optimizers=GRIDS, task=task)


def test_a_single_candidate_has_an_answer(monkeypatch):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=[kobai.SGD(0.1)], seeds=1, tuning_seeds=1))
    assert found.optimizer.alternatives == found.learning_rate.alternatives == ()
    assert "No other optimizer was tried" in "\n".join(sentences.lines(found))


def test_further_targets_are_counted(monkeypatch):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=GRIDS, task=blob_task(target=(0.9, 0.5, 1.0))))
    assert [target for target, _, _ in found.rows[0].other_targets] == [0.5, 1.0]
    assert all(reached == 10 for _, reached, _ in found.rows[0].other_targets)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("wide", [False, True])
def test_the_view_fits(outcome, language, wide):
    from rich.cells import cell_len

    width = 120 if wide else 80
    with kobai.words.language(language):
        text = terminal.text(answer(outcome), wide, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert all(word in text for word in ("adam", "sgd", "0.01", "he", "10/10"))


def test_the_sparkline_falls_with_the_loss_and_marks_divergence():
    assert table.sparkline((100.0, 10.0, 1.0), width=3) == "█▅▁"
    assert table.sparkline((1.0, math.inf), width=2)[1] == "×"
    assert table.sparkline((math.nan,) * 3, width=3) == "×××"


def test_optimizers_of_optax_and_of_the_user_are_compared():
    @hyperparameters
    class SignDescent(kobai.Optimizer):
        learning_rate: float = 0.01

        def rule(self, g, t):
            return -self.learning_rate * g / (abs(g) + 1e-12), ()

    chosen = [kobai.from_optax(optax.lion, learning_rate=[0.001, 0.01]), SignDescent(0.01), "adam"]
    result = kobai.compare(
        kobai.tasks.sine(hidden=5),
        optimizers=chosen,
        initializers=["he"],
        learning_rates=None,
        steps=30,
        seeds=2,
        tuning_seeds=1,
        progress=False,
    )
    assert {row.optimizer: row.trials for row in result.answer.rows} == {
        "lion": 2,
        "signdescent": 1,
        "adam": 8,
    }
    assert {row.optimizer: row.memory for row in result.answer.rows} == {
        "lion": 1,
        "signdescent": 0,
        "adam": 2,
    }
    hyperparameters_of_lion = result.table.filter(pl.col("optimizer") == "lion")["hyperparameters"].item()
    assert json.loads(hyperparameters_of_lion)["learning_rate"] in (0.001, 0.01)
    assert "lion" in result._repr_html_()


def test_a_real_study_from_the_first_call_to_the_frames():
    """The whole path with the real engine, small: a task whose best rate is known by arithmetic."""
    x = np.eye(4, dtype=np.float32)
    task = kobai.Task(
        name="quadratic",
        parameters={"w": np.zeros((4, 4), np.float32)},
        # f = Σ w²/2: SGD contracts by (1 − η) a step, fastest at η = 1.
        loss=lambda p, batch: 0.5 * (p["w"] ** 2).sum() + 0.0 * batch.sum(),
        train=x,
        validation=x,
        batch_size=4,
        target=1e-3,
    )
    result = kobai.compare(
        task,
        optimizers=[kobai.SGD(learning_rate=[0.1, 0.5, 1.0]), kobai.Adam(learning_rate=0.1)],
        initializers=["he"],
        steps=40,
        evaluate_every=1,
        seeds=6,
        tuning_seeds=2,
        progress=False,
    )
    assert result.answer.optimizer.choice == "sgd"
    assert result.answer.learning_rate.choice == "1"
    assert result.answer.rows[0].steps.value == 1.0
    cells = result.cells.filter(pl.col("learning_rate") == 0.5, pl.col("phase") == CONFIRMATION)
    losses = np.array(cells["validation_loss"].to_list())
    np.testing.assert_allclose(losses[:, 1:8] / losses[:, :7], 0.25, rtol=1e-5)
    assert "Optimizer: sgd" in repr(result)
