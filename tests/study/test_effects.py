"""The effect of an axis, paired by seed."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from kobai.questions.comparison import effects, sentences
from kobai.study.answer import answer
from kobai.words import language
from studies_of_axes import STEPS, by_clip, ending, run, study_of


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
    assert none.steps.value == pytest.approx(stats.gmean(arrived))
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
    assert "patience:6 (40% of the steps saved) and none are not the best" in said
    content = json.loads(found.to_json())
    assert [effect["saved"] for effect in content["effects"]["early_stopping"]] == [none, *saved]


def test_a_stop_that_saved_nothing_is_told_too(engine):
    engine.ends = lambda task, cell: {"stopped_at": None}
    found = answer(run(study_of({"early_stopping": [None, "patience:9"]})))
    assert effects.columns(found.effects["early_stopping"])[-1] == "saved"
    assert [row[-1] for row in effects.rows(found, "early_stopping")] == ["–", "0%"]
    assert found.axes["early_stopping"].choice == "none"
    said = " ".join(sentences.lines(found))
    assert "Equal on every seed: patience:9 (0% of the steps saved)" in said


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


def test_from_which_step_on_a_value_stays_at_the_target_is_told(engine):
    """As of the optimizers: a value that arrives early and loses the target again is seen to do so."""
    marks = np.arange(STEPS + 1)

    def ends(task, cell):
        if cell.strategy.clip.norm < math.inf:  # arrives at 20, leaves at 60; one of the seeds comes back
            return {"validation_metric": ((marks >= 20) & ((marks < 60) | (cell.seed == 1003))).astype(float)}
        return {"validation_metric": (marks >= 50).astype(float)}

    engine.ends = ends
    found = answer(run(study_of({"clip": ["none", "norm:1"]})))
    none, clipped = found.effects["clip"]
    assert (none.steps.value, none.stays.value, none.kept) == (50, 50, 8)
    assert (clipped.steps.value, clipped.kept) == (20, 1)
    assert clipped.stays.value == pytest.approx((20 * STEPS**7) ** (1 / 8))
    place = effects.columns(found.effects["clip"]).index("stays")
    assert [cells[place] for cells in effects.rows(found, "clip")] == ["50", "82"]
    assert effects.headers(found, "clip")[place] == "stays\nfrom"
    [content] = json.loads(found.to_json())["effects"].values()
    assert [effect["kept"] for effect in content] == [8, 1]
