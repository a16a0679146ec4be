"""What an answer says of runs with known times."""

import json

import numpy as np
import polars as pl
import pytest

import kobai
from kobai import words
from kobai.questions.comparison import sentences, table, terminal
from kobai.study.answer import answer
from studies import GRIDS, blob_task, by_rate, outcome_of


def test_the_answer_names_what_is_established(outcome):
    found = answer(outcome)
    assert (found.optimizer.choice, found.learning_rate.choice, found.initializer.choice) == (
        "adam",
        "0.01",
        "he",
    )
    (sgd,) = found.optimizer.alternatives
    expected = np.exp(np.mean([np.log((40 + s % 3) / (20 + s % 3)) for s in range(1000, 1010)]))
    assert sgd.ratio.value == pytest.approx(expected)
    assert sgd.p == pytest.approx(2 / 2**10)
    assert (found.optimizer.best_set, found.optimizer.not_best) == (("adam",), ("sgd",))
    adam, sgd = found.optimizer.costs
    assert (adam.estimate, adam.high) == (0, 0)
    assert sgd.estimate == pytest.approx(expected - 1)
    assert sgd.estimate < sgd.high < 1.1
    assert set(found.learning_rate.not_best) == {"0.1", "0.001"}
    assert found.initializer.not_best == ("xavier", "normal:0.01")
    assert [row.optimizer for row in found.rows] == ["adam", "sgd"]
    adam = found.rows[0]
    assert (adam.reached, adam.seeds, adam.trials, adam.memory) == (10, 10, 9, 2)
    logs = [np.log(20 + s % 3) for s in range(1000, 1010)]
    assert adam.steps.value == pytest.approx(np.exp(np.mean(logs)))
    assert (adam.best, adam.not_best, adam.cost) == (True, False, 0)
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
    assert (read["optimizer"]["best_set"], read["optimizer"]["not_best"]) == (["adam"], ["sgd"])
    assert [cost["name"] for cost in read["optimizer"]["costs"]] == ["adam", "sgd"]
    assert (
        [row["optimizer"] for row in read["rows"]] == found.table()["optimizer"].to_list() == ["adam", "sgd"]
    )
    assert found.table().schema["edge"] == pl.String
    assert pl.Null not in found.table().schema.values()
    assert found.table()["steps"].to_list() == [row["steps"]["value"] for row in read["rows"]]


def test_the_map_shows_the_best_of_every_hyperparameter(monkeypatch):
    def by_momentum(cell):
        return 20 if cell.optimizer.momentum == 0.9 else 1000

    grid = kobai.Momentum(learning_rate=[0.1], momentum=[0.0, 0.9])
    (pair, _) = answer(outcome_of(monkeypatch, by_momentum, optimizers=[grid])).pairs
    assert (pair.reach_rate, pair.steps) == (1.0, 20.0)


def test_the_leader_of_the_fresh_seeds_is_recommended(monkeypatch):
    """Who wins the tuning is found on few seeds, and need not be the best."""

    def turned(cell):
        fresh = cell.seed >= 1000
        return 20 + cell.seed % 5 if isinstance(cell.optimizer, kobai.Adam) != fresh else 40

    outcome = outcome_of(
        monkeypatch, turned, optimizers=[kobai.SGD(0.1), kobai.Adam(learning_rate=[0.1, 1.0])]
    )
    assert list(outcome.winners) == ["adam", "sgd"]
    assert (outcome.leader, outcome.recommended.variant, outcome.neighbours) == ("sgd", kobai.SGD(0.1), [])
    found = answer(outcome)
    assert (found.optimizer.choice, found.learning_rate.choice) == ("sgd", "0.1")
    assert (found.optimizer.best_set, found.optimizer.not_best) == (("sgd",), ("adam",))
    assert [row.optimizer for row in found.rows] == ["sgd", "adam"]


@pytest.mark.parametrize(("seeds", "excluded"), [(3, ()), (5, ()), (6, ("sgd",))])
def test_from_few_seeds_comes_a_sketch(monkeypatch, seeds, excluded):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=GRIDS, seeds=seeds))
    assert found.optimizer.not_best == excluded
    text = terminal.text(found)
    ranks = "adam at 0.01 with he. Ranking: adam, sgd." in text
    first = f"! Sketch from {seeds} seeds: a ranking only; nothing is excluded."
    assert text.startswith(first) == ranks
    assert ranks == (first in text) == ("note.sketch" in [note.key for note in found.notes]) == (seeds < 6)
    assert (found.optimizer.cost.high is None) == (seeds < 6)


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


def test_a_single_candidate_has_an_answer(monkeypatch):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=[kobai.SGD(0.1)], seeds=1, tuning_seeds=1))
    assert found.optimizer.alternatives == found.learning_rate.alternatives == ()
    assert "No other optimizer was tried" in "\n".join(sentences.lines(found))


def test_further_targets_are_counted(monkeypatch):
    found = answer(outcome_of(monkeypatch, by_rate, optimizers=GRIDS, task=blob_task(target=(0.9, 0.5, 1.0))))
    assert [target for target, _, _ in found.rows[0].other_targets] == [0.5, 1.0]
    assert all(reached == 10 for _, reached, _ in found.rows[0].other_targets)


@pytest.mark.parametrize("language", words.TABLES)
def test_the_factor_of_a_rule_without_a_learning_rate_is_told_as_that(monkeypatch, language):
    found = answer(
        outcome_of(
            monkeypatch, by_rate, optimizers=[kobai.AdaDelta(learning_rate=[0.1, 1.0]), kobai.SGD(9.0)]
        )
    )
    with words.language(language):
        adadelta = next(cells for cells in table.rows(found) if cells[0].startswith("adadelta"))
        assert adadelta[1] == "×0.1◂"
        [sentence] = sentences.factors(found)
        assert sentence == words.say("answer.factor", names="adadelta")
        assert sentence in terminal.text(found, width=300)
        assert sentences.lines(found)[1].startswith(words.say("answer.learning_rate.factor", choice="0.1"))
        edge = words.say("note.edge.low.factor", optimizer="adadelta", rate="0.1")
        assert edge in sentences.notes(found)
    assert {row.optimizer: row.rate_is_factor for row in found.rows} == {"adadelta": True, "sgd": False}
