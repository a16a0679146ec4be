"""The protocol: tuning, confirmation on fresh seeds, ties and divergence. On runs with known times."""

import dataclasses

import numpy as np
import polars as pl
import pytest

import kobai
from arrivals import Quiet, arriving, is_adam, study_of
from kobai import initializers as initial_values
from kobai.basics import interruption
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.candidates.values import learning_rate
from kobai.questions.comparison import table, terminal
from kobai.study import protocol, runner
from kobai.study.answer import answer
from kobai.study.criterion import FINAL
from kobai.study.study import CONFIRMATION, DEMONSTRATION, TUNING, Study
from studies import GRIDS, arrival_engine, blob_task, by_rate, outcome_of


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
    assert adam.steps.value == pytest.approx((30 * 100) ** 0.5)  # half of the logs are those of the budget
    assert adam.steps_with_restarts.value == pytest.approx((5 * 30 + 5 * 100) / 5)
    assert adam.test_metric == 1.0
    assert "note.diverged.alone" in [note.key for note in found.notes]
    assert found.optimizer.not_best == ()


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


def test_an_auto_target_is_fixed_by_tuning(monkeypatch):
    task = blob_task(target=None)
    outcome = outcome_of(monkeypatch, by_rate, optimizers=GRIDS, task=task)
    assert not outcome.stated
    assert outcome.target == pytest.approx(0.9)  # from 0 at the start to 1: nine tenths of the way
    with pytest.raises(UsageError, match="diverged"):
        outcome_of(monkeypatch, lambda cell: None, optimizers=GRIDS, task=task)


def test_an_answer_that_is_asked_for_early_is_that_of_the_complete_seeds_and_says_so(monkeypatch):
    """The study is asked while it trains the first cell of its fourth fresh seed, which it finishes."""
    trained = []

    def metric(cell, marks):
        trained.append(cell.seed)
        if cell.seed == 1003:
            monkeypatch.setattr(interruption, "_winding_up", True)
        return marks >= 20 + 10 * (cell.seed % 4) + 20 * (not is_adam(cell))

    found = study_of(monkeypatch, metric)
    assert trained.count(1003) == 1
    assert max(trained) == 1003
    assert (found.study.seeds, found.planned) == (3, 10)
    fresh = found.cells.filter(pl.col("phase") == CONFIRMATION)
    assert set(fresh["seed"]) == {1000, 1001, 1002}
    assert DEMONSTRATION not in set(found.cells["phase"])
    early = answer(found)
    assert early.notes[0].key == "note.stopped"
    assert early.seeds == (1000, 1001, 1002)
    assert "3 of 10 fresh seeds" in " ".join(terminal.text(early).split())
    monkeypatch.setattr(interruption, "_winding_up", False)
    whole = study_of(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 4) + 20 * (not is_adam(cell))))
    assert whole.planned == 0
    assert whole.cells.filter(pl.col("seed").is_in([1000, 1001, 1002])).equals(fresh, null_equal=True)


def test_where_no_harder_target_helps_the_end_decides(monkeypatch):
    """All arrive at once and fall back again: adam to .95, sgd to .91, and no harder target helps."""

    def metric(cell, marks):
        curve = np.where(marks == 0, 0.0, 1.0)
        curve[-1] = (0.95 if is_adam(cell) else 0.91) - 0.001 * (cell.seed % 3)
        return curve

    found = study_of(monkeypatch, metric)
    assert (found.by, found.turn) == (FINAL, "at_once")
    said = answer(found)
    assert said.optimizer.choice == "adam"
    assert said.rows[0].compared == pytest.approx(0.949, abs=2e-3)
    assert "look more often" in " ".join(terminal.text(said).split())
    assert [row.optimizer for row in said.rows] == ["adam", "sgd"]
    assert table.rows(said)[0][table.columns(said).index("final")] == "0.949"
