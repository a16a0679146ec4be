"""By what candidates are judged, and what is done where the target tells nothing apart."""

import dataclasses

import numpy as np
import polars as pl
import pytest

import kobai
from arrivals import STEPS, answered, arriving, is_adam, study_of, task_of
from kobai import words
from kobai.basics.errors import UsageError
from kobai.questions.comparison import sentences, table, terminal
from kobai.questions.comparison.numbers import worse
from kobai.study.answer import answer
from kobai.study.criterion import FINAL, SECONDS, criteria
from kobai.study.protocol import outcome_of
from kobai.study.study import CONFIRMATION


def slow_and_steady(cell, marks):
    """Adam is at .9 after 20 steps and ends there; sgd is there after 60, and ends at .97; noise by seed."""
    noise = 0.001 * (cell.seed % 3)
    if is_adam(cell):
        return np.where(marks >= 20, 0.9 + noise, 0.1)
    return np.where(marks >= 80, 0.97 + noise, np.where(marks >= 60, 0.9, 0.1))


def test_the_winner_may_depend_on_what_decides(monkeypatch):
    steps = answered(monkeypatch, slow_and_steady)
    final = answered(monkeypatch, slow_and_steady, by=FINAL)
    assert (steps.by, steps.optimizer.choice, steps.optimizer.not_best) == ("steps", "adam", ("sgd",))
    assert (final.by, final.optimizer.choice, final.optimizer.not_best) == ("final", "sgd", ("adam",))
    adam = final.optimizer.of("adam")
    assert adam.estimate == pytest.approx(0.07)
    assert 0.07 - 1e-9 <= adam.high < 0.075
    assert final.rows[0].optimizer == "sgd"
    assert sentences.lines(final)[0].startswith(
        "sgd at 0.1 with he: the best of two by the final score (95 %)."
    )
    assert "note.constant" in [note.key for note in final.notes]


def test_a_difference_of_final_metrics_is_told_in_its_own_unit(monkeypatch):
    def close(cell, marks):
        return np.where(marks >= 50, 0.9 + 0.01 * ((cell.seed * (1 + is_adam(cell))) % 5), 0.1)

    found = answered(monkeypatch, close, by=FINAL, task=task_of(metric_name="accuracy"))
    line = sentences.lines(found)[0]
    high = np.ceil(1000 * found.optimizer.cost.high) / 10
    assert f"ends at most {high:.1f} points of accuracy behind the best of two (95 %)" in line
    with words.language("ja"):
        assert f"最終的な正解率の差は最大でも{high:.1f}ポイントです（95%）" in sentences.lines(found)[0]
    plain = answered(monkeypatch, close, by=FINAL)
    assert "of score behind the best of two" in sentences.lines(plain)[0]


def test_a_run_that_diverged_ends_where_it_began(monkeypatch):
    def lost(cell, marks):
        return None if is_adam(cell) and cell.seed == 1003 else np.where(marks >= 50, 0.9, 0.2)

    outcome = study_of(monkeypatch, lost, by=FINAL)
    measured = outcome.measures(outcome.winners["adam"])
    assert measured.x.tolist() == pytest.approx([-0.9] * 3 + [-0.1] + [-0.9] * 6, abs=1e-6)
    assert measured.arrived.tolist() == [True] * 3 + [False] + [True] * 6


def test_seconds_go_by_evenly_until_the_target(monkeypatch):
    outcome = study_of(monkeypatch, arriving(lambda cell: 20 if is_adam(cell) else 1000), by=SECONDS)
    adam, sgd = (outcome.measures(outcome.winners[name]) for name in ("adam", "sgd"))
    assert np.exp(sgd.x) == pytest.approx(0.5)  # of a run that does not arrive those of the longest
    assert np.exp(adam.x) == pytest.approx(0.5 * 20 / STEPS)
    assert (outcome.by, outcome.leader) == ("seconds", "adam")
    assert not sgd.arrived.any()


def test_who_never_arrives_does_not_win_by_cheap_steps(monkeypatch):
    """The planted mistake: its own seconds."""
    outcome = study_of(monkeypatch, arriving(lambda cell: 90 if is_adam(cell) else 1000), by=SECONDS)
    cheap = pl.when(pl.col("optimizer") == "sgd").then(0.01).otherwise(pl.col("seconds"))
    outcome = outcome.with_cells(outcome.cells.with_columns(seconds=cheap))
    adam, sgd = (outcome.measures(outcome.winners[name]) for name in ("adam", "sgd"))
    assert adam.arrived.all()
    assert np.exp(adam.x) == pytest.approx(0.5 * 90 / STEPS)
    assert np.exp(sgd.x) == pytest.approx(0.5)
    own = outcome.cells_of(outcome.winners["sgd"], "confirmation")
    assert np.log(own["seconds"].to_numpy()).mean() < adam.x.mean()
    assert outcome_of(outcome.study, outcome.phases, {}).leader == "adam"


def test_a_target_that_is_met_at_the_start_takes_one_step_of_seconds(monkeypatch):
    """As where steps decide. The planted mistake: no time at all, whose logarithm outweighs the rest."""
    outcome = study_of(monkeypatch, arriving(lambda cell: 0 if cell.seed == 1003 else 20), by=SECONDS)
    seconds = np.exp(outcome.measures(outcome.winners["adam"]).x)
    assert seconds[3] == pytest.approx(0.5 / STEPS)
    assert np.delete(seconds, 3) == pytest.approx(0.5 * 20 / STEPS)


def test_a_target_that_most_meet_at_once_is_replaced_by_a_harder_one(monkeypatch):
    """Of the tuning runs alone: what the fresh seeds do changes nothing of it."""

    def curve(cell, marks):
        late = 30 if is_adam(cell) else 60
        end = 1.0 if cell.seed < 1000 else 0.99
        return end * (0.95 * (marks >= 10) + 0.05 * np.minimum(marks / (late + cell.seed % 5), 1))

    outcome = study_of(monkeypatch, curve)
    assert (outcome.turn, outcome.stated, outcome.by) == ("harder", False, "steps")
    # Three quarters of the way from the stated target to the best median, 1; at half of it all are at once.
    assert outcome.target == pytest.approx(0.975)
    found = answer(outcome)
    assert (found.optimizer.choice, found.optimizer.not_best) == ("adam", ("sgd",))
    [warning] = sentences.warnings(found)
    assert "met the stated target 0.9 by the first evaluation, at step 10" in warning
    assert "The target is 0.975 instead, derived from the tuning runs alone" in warning
    assert "--evaluate-every" in warning


def test_a_derived_target_that_most_meet_at_once_is_not_called_stated(monkeypatch):
    def curve(cell, marks):
        late = 30 if is_adam(cell) else 60
        return 0.95 * (marks >= 10) + 0.05 * np.minimum(marks / (late + cell.seed % 5), 1)

    outcome = study_of(monkeypatch, curve, task=task_of(target=None))
    assert (outcome.turn, outcome.stated) == ("harder", False)
    [warning] = sentences.warnings(answer(outcome))
    assert warning.startswith("most of the best tuning runs met the target that was derived from them")
    assert "The target is 0.975 instead" in warning
    assert "stated" not in warning


def test_where_no_harder_target_tells_more_the_stated_one_stays(monkeypatch):
    outcome = study_of(monkeypatch, arriving(10))  # from 0 to 1 within the first evaluation
    assert (outcome.turn, outcome.stated, outcome.target) == (None, True, 0.9)
    one_of_two = study_of(monkeypatch, arriving(lambda cell: 10 if is_adam(cell) else 40))
    assert one_of_two.turn is None  # half arrive at once, and yet the two are told apart
    keys = [{note.key for note in answer(found).notes} for found in (outcome, one_of_two)]
    assert ["note.at_once" in each for each in keys] == [True, False]


def test_where_most_meet_it_at_once_and_the_rest_tells_two_apart_it_is_not_called_nothing(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 10 if is_adam(cell) or cell.seed % 4 == 0 else 40))
    assert (found.turn, found.optimizer.not_best) == (None, ("sgd",))
    assert [note.key for note in found.notes if note.key in ("note.at_once", "note.untrained.maximize")] == []


def test_the_end_that_decides_in_place_of_the_target_is_under_constant_rates_and_that_is_said(monkeypatch):
    turned = answer(study_of(monkeypatch, lambda cell, marks: marks / STEPS * (0.6 + 0.1 * is_adam(cell))))
    assert turned.by == FINAL
    [note] = [note for note in turned.notes if note.key.startswith("note.constant")]
    assert "--by final compares at the end of a schedule" in str(note)


def test_where_all_end_alike_the_reason_and_a_remedy_are_said(monkeypatch):
    line = sentences.lines(answered(monkeypatch, arriving(lambda cell: 20 + cell.seed % 3), by=FINAL))[0]
    assert "cannot be told, since all end with the same score: compare by steps" in line


def test_the_best_of_all_is_said_only_after_the_correction(monkeypatch):
    """Of two that are equal one is outside the set alone in 8 to 10 % of studies."""
    found = answered(monkeypatch, slow_and_steady)
    assert sentences.lines(found)[0].startswith("adam at 0.1 with he: the best of two (95 %). sgd is not")
    question = found.optimizer
    costs = tuple(dataclasses.replace(cost, not_best=False) for cost in question.costs)
    open_still = dataclasses.replace(question, costs=costs)
    assert (open_still.best_set, open_still.doubtful) == (("adam",), ("sgd",))
    line = sentences.lines(dataclasses.replace(found, optimizer=open_still))[0]
    assert line.startswith("adam at 0.1 with he: costs no more steps than the best of two (95 %).")
    assert "sgd is unlikely to be the best." in line


def test_where_hardly_any_tuning_run_arrives_the_final_metric_decides(monkeypatch):
    def curve(cell, marks):
        return marks / STEPS * (0.6 + 0.1 * is_adam(cell) + 0.01 * (cell.seed % 7))

    outcome = study_of(monkeypatch, curve)
    assert (outcome.turn, outcome.by, outcome.target) == ("final", FINAL, 0.9)
    found = answer(outcome)
    assert (found.optimizer.choice, found.optimizer.not_best) == ("adam", ("sgd",))
    assert found.optimizer.cost.high is not None  # nothing is "not estimable"
    [warning] = sentences.warnings(found)
    assert "hardly any tuning run met the target 0.9 within 100 steps, so that the final metric" in warning
    assert "--steps" in warning
    assert "behind" in terminal.text(found)


def test_fresh_seeds_have_no_say_in_what_decides(monkeypatch):
    """The planted mistake would be to look at them: here they never arrive, and every tuning run does."""
    outcome = study_of(monkeypatch, lambda cell, marks: (marks >= 30) & (cell.seed < 1000))
    assert (outcome.turn, outcome.by) == (None, "steps")
    assert answer(outcome).optimizer.untold == "reach"


def test_answers_side_by_side_tell_where_the_winner_flips(monkeypatch):
    steps, final = (answered(monkeypatch, slow_and_steady, by=by) for by in ("steps", FINAL))
    both = dataclasses.replace(steps, others=(final,))
    lines = sentences.lines(both)
    assert lines[-2].startswith("By the final metric: sgd at 0.1 with he: the best of two")
    assert lines[-1] == "What decides changes the winner: adam by steps, sgd by the final metric."
    same = dataclasses.replace(steps, others=(dataclasses.replace(steps, by=SECONDS),))
    assert not any("What decides" in line for line in sentences.lines(same))
    with words.language("ja"):
        assert (
            sentences.lines(both)[-1]
            == "何で比べるかによって勝者が変わります: ステップではadam、最終的な指標ではsgd。"
        )
    assert both.content()["others"][0]["by"] == "final"


def test_an_answer_beside_the_first_names_its_own_target(monkeypatch):
    steps, final = (answered(monkeypatch, slow_and_steady, by=by) for by in ("steps", FINAL))
    both = dataclasses.replace(final, others=(steps, dataclasses.replace(steps, by=SECONDS)))
    [by_steps, by_seconds] = [line for line in sentences.lines(both) if line.startswith("By")]
    assert by_steps.startswith("By steps to score ≥ 0.9: adam at 0.1 with he: the best of two")
    assert by_seconds.startswith("By processor time to score ≥ 0.9: adam at 0.1 with he")
    with words.language("ja"):
        assert any(line.startswith("score ≥ 0.9までのステップで比べると、") for line in sentences.lines(both))


def test_that_steps_cannot_be_compared_beside_the_end_is_said_with_the_remedy(monkeypatch):
    """The planted mistake: whoever asks for final and steps is told of the one alone, and not why."""

    def far(cell, marks):
        return marks / STEPS * (0.6 + 0.1 * is_adam(cell) + 0.01 * (cell.seed % 7))

    steps, final = (answered(monkeypatch, far, by=by) for by in ("steps", FINAL))
    assert (steps.turn, final.turn) == ("final", None)
    said = "How soon the target is met cannot be compared: hardly any tuning run met the target 0.9 within"
    last = sentences.lines(dataclasses.replace(final, others=(steps,)))[-1]
    assert last.startswith(said)
    assert "--steps" in last
    first = dataclasses.replace(steps, others=(final,))  # then a warning above has said so
    assert not any(line.startswith(said) for line in sentences.lines(first))


def test_one_call_answers_by_several_criteria(tmp_path):
    small = {"optimizers": ["sgd", "adam"], "learning_rates": [0.1], "initializers": ["xavier"], "hidden": 5}
    counts = {"steps": 20, "seeds": 2, "tuning_seeds": 1, "target": 0.5, "progress": False}
    result = kobai.compare("sine", **small, **counts, by=["steps", "final"], output=tmp_path / "run")
    [final] = result.answer.others
    assert (result.outcome.study.by, final.by) == ("steps", "final")
    assert final.rows[0].values == {"schedule": "cosine"}  # the rate is 0 at the end
    assert "cosine" in next(str(note) for note in final.notes if note.key == "note.annealed")
    again = kobai.open(tmp_path / "run")
    assert [other.by for other in again.answer.others] == ["final"]
    assert again.answer.optimizer == result.answer.optimizer
    assert kobai.compare("sine", **small, **counts, by="final", schedule="constant").answer.rows[
        0
    ].values == {"schedule": "constant"}


@pytest.mark.parametrize(("by", "said"), [(["stesp"], "did you mean 'steps'"), ([], "by is empty"), (3, "3")])
def test_what_is_no_criterion_is_refused(by, said):
    with pytest.raises(UsageError, match=said):
        criteria(by)


def test_the_steps_of_a_criterion_are_those_of_the_study(monkeypatch):
    outcome = study_of(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 2)))
    cells = outcome.cells.filter(pl.col("phase") == CONFIRMATION, pl.col("optimizer") == "sgd")
    found = outcome.study.measures(cells, outcome.target, "steps", cells)
    assert np.exp(found.x) == pytest.approx(outcome.times(cells))


def test_seconds_of_different_processors_are_told_above_the_answer(monkeypatch):
    outcome = study_of(monkeypatch, slow_and_steady, by=SECONDS)
    assert outcome.cells["machine"].n_unique() == 1
    assert "note.machines" not in [note.key for note in answer(outcome).notes]

    def measured(by, sgd):
        name = pl.when(pl.col("optimizer") == "sgd").then(pl.lit(sgd)).otherwise(pl.lit("Fast 3000"))
        found = outcome.with_cells(outcome.cells.with_columns(machine=name))
        return answer(dataclasses.replace(found, by=by))

    [above, *_] = sentences.warnings(measured(SECONDS, "Slow 100"))
    assert "different processors (Fast 3000, Slow 100) and cannot be compared" in above
    assert "a new --output" in above
    with words.language("ja"):
        [above, *_] = sentences.warnings(measured(SECONDS, None))
        assert "異なるプロセッサー（Fast 3000、記録のない種類）" in above
    assert "note.machines" not in [note.key for note in measured("steps", "Slow 100").notes]


def test_the_costs_by_every_criterion_stand_side_by_side(monkeypatch):
    steps, final = (answered(monkeypatch, slow_and_steady, by=by) for by in ("steps", FINAL))
    both = dataclasses.replace(steps, others=(final,))
    assert table.criterion_rows(steps) == []
    heads, rows = table.criterion_headers(both), table.criterion_rows(both)
    assert [head.replace("\n", " ") for head in heads[1:]] == [
        "costs at most by steps",
        "costs at most by final metric",
    ]
    assert [(name, by_steps[-1], by_end[-1]) for name, by_steps, by_end in rows] == [
        ("adam", "●", "×"),
        ("sgd", "×", "●"),
    ]
    assert rows[0][1:] == ["0 % ●", f"≤ {worse(final, final.optimizer.of('adam').high)} ×"]
    assert "costs at most" in terminal.text(both)
    assert rows[1][2] in terminal.text(both)
    # Where the end decides only for want of arrivals it is no criterion of its own.
    turned = dataclasses.replace(both, others=(dataclasses.replace(final, turn="final"),))
    assert table.criterion_rows(turned) == []
    harder = dataclasses.replace(both, others=(dataclasses.replace(final, turn="harder"),))
    assert table.criterion_rows(harder) == rows
