"""What must be known before an answer is believed: each note where it belongs, and only there."""

import math
import re

import numpy as np
import polars as pl
import pytest

import kobai
from arrivals import SGD, STEPS, answered, arriving, is_adam, study_of, task_of
from kobai import initializers as initial_values
from kobai import words
from kobai.basics.errors import UsageError
from kobai.candidates.grid import candidates
from kobai.questions.comparison import sentences, table, terminal
from kobai.questions.comparison.page import summary
from kobai.study import axes as of_axes
from kobai.study.answer import answer
from kobai.study.statistics import limit, paired_ratio, steps_to_stay, steps_to_target
from kobai.study.study import Study


def said(found, language="en", width=80):
    with words.language(language):
        return re.sub(r"\s+", " ", terminal.text(found, width=width))


def note(found, key):
    [one] = [str(note) for note in found.notes if note.key == key]
    return one


# A target that nobody meets


@pytest.mark.parametrize(("maximize", "way"), [(True, "lower"), (False, "higher")])
def test_nobody_arrived_and_the_remedy_makes_it_easier(monkeypatch, maximize, way):
    curve = np.linspace(0.2, 0.8, 11) if maximize else np.linspace(0.8, 0.2, 11)
    task = task_of(maximize=maximize, target=0.9 if maximize else 0.1)
    found = answered(monkeypatch, lambda cell, marks: curve, task=task)  # noqa: ARG005
    sentence = note(found, f"note.nobody.{'maximize' if maximize else 'minimize'}")
    assert f"choose a {way} --target" in sentence
    assert f"the best metric of any run was {0.8 if maximize else 0.2}" in sentence
    assert [each.key for each in found.notes] == [f"note.nobody.{'maximize' if maximize else 'minimize'}"]


def test_nobody_arrived_because_everybody_diverged(monkeypatch):
    found = answered(monkeypatch, lambda cell, marks: None)  # noqa: ARG005
    assert "try smaller --learning-rates" in note(found, "note.nobody.diverged")
    assert "--target" not in said(found)
    methods = [kobai.LBFGS(), kobai.BFGS()]
    found = answered(monkeypatch, lambda cell, marks: None, optimizers=methods)  # noqa: ARG005
    assert "try other --initializers" in note(found, "note.nobody.lost")
    assert "learning rate is safer" not in said(found)
    assert "smaller learning rate" not in said(found)


def test_a_target_on_another_scale(monkeypatch):
    """95 for a metric between 0 and 1: refused where the range is known, else said when it has been seen."""
    curve = np.linspace(0.1, 0.97, 11)
    found = answered(monkeypatch, lambda cell, marks: curve, task=task_of(target=95))  # noqa: ARG005
    assert "the target 95 is far from every value that the metric had, 0.1 to 0.97" in note(
        found, "note.scale"
    )
    near = answered(monkeypatch, lambda cell, marks: curve, task=task_of(target=0.99))  # noqa: ARG005
    assert "note.scale" not in [each.key for each in near.notes]
    with pytest.raises(UsageError, match="95"):
        Study(
            task=task_of(target=95, metric_range=(0, 1)),
            candidates=candidates([SGD]),
            initializers=[initial_values.he()],
        ).check()


# A target that tells nothing


@pytest.mark.parametrize("maximize", [True, False])
def test_a_target_that_the_untrained_network_meets(monkeypatch, maximize):
    task = task_of(maximize=maximize, target=0.5)

    def curve(cell, marks):
        first = 0 if cell.seed % 10 else 40  # 9 of 10 runs
        return np.where(marks >= first, 0.9, 0.1) if maximize else np.where(marks >= first, 0.1, 0.9)

    found = answered(monkeypatch, curve, task=task)
    [warning] = sentences.warnings(found)
    assert warning.startswith("NOTHING CAN BE TOLD APART: 18 of 20 runs met the target before the first step")
    assert ("higher --target" if maximize else "lower --target") in warning
    assert ("maximize=False" if maximize else "maximize=True") in warning
    # It stands above the answer, in the terminal and in the page, and not among the cautions below again.
    text = said(found)
    assert text.index("NOTHING CAN BE") < text.index("sgd at 0.1 with he")
    assert text.count("NOTHING CAN BE") == 1
    page = summary(found)
    assert 0 <= page.index("NOTHING CAN BE") < page.index("sgd at 0.1 with he")


def test_a_target_that_everybody_meets_at_the_first_evaluation(monkeypatch):
    found = answered(monkeypatch, arriving(10))
    [warning] = sentences.warnings(found)
    assert "20 of 20 runs met the target 0.9 by the first evaluation, at step 10" in warning
    assert "--evaluate-every" in warning
    some = answered(monkeypatch, arriving(lambda cell: 10 if cell.seed % 3 == 0 else 20))
    assert sentences.warnings(some) == []


# A target that is lost again


def test_a_recommendation_that_does_not_stay(monkeypatch):
    """Adam arrives first on all 10 seeds, and one of its runs is still there at the end."""

    def curve(cell, marks):
        if is_adam(cell):
            return (marks >= 20) & ((marks < 60) | (cell.seed == 1003))
        return marks >= 50

    found = answered(monkeypatch, curve)
    assert found.optimizer.choice == "adam"
    adam, sgd = found.rows
    assert (adam.reached, adam.kept, sgd.kept) == (10, 1, 10)
    assert (adam.steps.value, adam.stays.value) == (20, pytest.approx((20 * STEPS**9) ** 0.1))
    assert (sgd.steps.value, sgd.stays.value) == (50, 50)
    sentence = note(found, "note.lost")
    assert sentence.startswith(
        "adam meets the target 0.9 in 10 of 10 runs, and still meets it at the end in 1"
    )
    columns = table.columns(found)
    stays = [cells[columns.index("stays")] for cells in table.rows(found)]
    assert stays == ["85", "50"]
    lost = answered(monkeypatch, lambda cell, marks: marks == 30)  # noqa: ARG005
    assert [cells[columns.index("stays")] for cells in table.rows(lost)] == [">100", ">100"]


def test_a_run_that_leaves_and_comes_back_stays_from_its_last_return():
    marks, nan = [0, 10, 20, 30], math.nan
    curves = [[0, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0], [0, 1, 1, nan]]
    assert steps_to_stay(marks, curves, 1, True).tolist() == [30, 10, 0, math.inf, math.inf, math.inf]
    assert steps_to_stay(marks, curves, 0, False).tolist() == [math.inf, math.inf, math.inf, 30, 0, math.inf]
    assert steps_to_target(marks, curves, 1, True).tolist() == [10, 10, 0, 10, math.inf, 10]


# Few arrivals


def test_one_of_ten_arrived_is_no_cost_of_the_method(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 50 if cell.seed in (0, 1, 2, 1004) else 1000))
    assert "93 [" in said(found)
    text = said(found)
    assert "What it costs cannot be told, since 1 of 10 runs reached the target: allow more --steps" in text
    assert found.optimizer.cost.high is None
    assert "到達したのが10回中1回だけなので" in said(found, "ja").replace(" ", "")
    row = found.rows[0]
    assert row.steps.value == pytest.approx((50 * STEPS**9) ** 0.1)
    assert row.steps.low < 90
    assert row.steps.high > 99
    # 9 failures of 100 steps each for one success after 50, and from so few runs almost anything is possible.
    assert row.steps_with_restarts.value == 950
    assert row.steps_with_restarts.low < 300
    assert row.steps_with_restarts.high > 3000


def test_examples_until_the_target_tell_how_many_runs_arrived(monkeypatch):
    varied = of_axes.axes({"batch_size": [4, 8]})
    tasks = of_axes.tasks(lambda: task_of(), varied)  # noqa: PLW0108
    values = {"axes": varied, "tasks": tasks, "task": next(iter(tasks.values()))}
    found = answered(monkeypatch, arriving(lambda cell: 50 if cell.seed % 2 else 1000), **values)
    assert "4: 283 (5/10), 8: 566 (5/10)" in note(found, "note.batch_size")


# Bounds, and what is equal


def test_a_bound_is_the_end_of_the_interval(monkeypatch):
    """The ratio of one study lies above the bound that it estimates in half of them."""
    found = answered(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 3) if is_adam(cell) else 1000))
    [sgd] = found.optimizer.alternatives
    assert (sgd.bound, sgd.name) == ("≥", "sgd")
    assert sgd.ratio.low < sgd.ratio.value
    columns = table.columns(found, wide=True)
    assert table.rows(found, wide=True)[1][columns.index("ratio")] == f"≥ {sgd.ratio.low:.2f}"
    assert f"≥ {sgd.ratio.low:.2f}" in terminal.text(found, wide=True)
    assert f"{sgd.ratio.value:.2f}" not in terminal.text(found, wide=True)


def test_the_bound_lies_below_the_truth_in_most_studies():
    """Simulated: the candidate takes 2,000 steps of 500, the reference 80 to 320. The sample value is a bound
    of half of what it should be, and exceeds the geometric mean of 500/reference in half of the studies."""
    generator = np.random.default_rng(1)
    truth = 500 / 160  # the reference is log-uniform around 160
    below, sample = 0, 0
    for _ in range(400):
        reference = 160 * np.exp(generator.uniform(-math.log(2), math.log(2), 10))
        ratio = paired_ratio(np.full(10, np.inf), reference, 500)
        below += limit(ratio, "≥") <= truth
        sample += ratio.value <= truth
    assert below >= 0.95 * 400
    assert 0.4 * 400 < sample < 0.6 * 400


def test_a_bound_of_one_seed_is_none(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 20 if is_adam(cell) else 1000), seeds=1)
    columns = table.columns(found, wide=True)
    assert table.rows(found, wide=True)[1][columns.index("ratio")] == "–"
    assert "1 fresh seed, " in said(found)
    assert "! Sketch from 1 seed: a ranking only" in said(found)


def test_equal_on_every_seed_is_said_so(monkeypatch):
    found = answered(monkeypatch, arriving(lambda cell: 20 + 10 * (cell.seed % 4)))
    assert "Equal on every seed: adam." in said(found)
    columns = table.columns(found, wide=True)
    cells = dict(zip(columns, table.rows(found, wide=True)[1], strict=True))
    assert (cells["ratio"], cells["p"], cells["best"]) == ("= 1", "1", "●")
    nobody = answered(monkeypatch, arriving(1000))
    cells = dict(zip(columns, table.rows(nobody, wide=True)[1], strict=True))
    assert (cells["ratio"], cells["p"], cells["cost"]) == ("–", "", "–")
    assert "What it costs cannot be told, since no run reached the target." in said(nobody)


def test_arriving_at_the_last_step_is_not_equal_to_never(monkeypatch):
    """Both count as the whole budget, and yet one has met the target."""
    found = answered(monkeypatch, arriving(lambda cell: 1000 if is_adam(cell) else STEPS), seeds=3)
    assert [(row.optimizer, row.reached) for row in found.rows] == [("sgd", 3), ("adam", 0)]
    assert "qual on every seed" not in said(found)
    more = answered(monkeypatch, arriving(lambda cell: 1000 if is_adam(cell) else STEPS))
    assert (more.optimizer.leader, more.optimizer.reach, more.optimizer.equal) == ("sgd", 1, ())


# Seeds that change nothing


def test_runs_that_no_seed_changes_show_nothing(monkeypatch):
    """Ten equal pairs of a full batch from one start are one pair: p is 1, and not 2/2¹⁰."""

    def same(cell, marks):
        cell_of_no_seed = 20 if is_adam(cell) else 60
        return marks >= cell_of_no_seed

    outcome = study_of(monkeypatch, same)
    assert not outcome.is_fixed(outcome.recommended)  # their losses differ
    lists = pl.List(pl.Float32)
    cells = outcome.cells.with_columns(
        pl.Series("validation_loss", [[1.0] * 11] * len(outcome.cells), dtype=lists)
    )
    found = answer(outcome.with_cells(cells))
    [sgd] = found.optimizer.alternatives
    assert (sgd.p, sgd.corrected_p, sgd.ratio.value, sgd.ratio.low) == (1, 1, pytest.approx(3), None)
    assert (found.optimizer.best_set, found.optimizer.cost.high) == (("adam", "sgd"), None)
    assert "10 equal runs count as one" in note(found, "note.fixed")
    assert "What it costs cannot be told, since the seeds change nothing" in said(found)
    varied = answer(outcome)
    [sgd] = varied.optimizer.alternatives
    assert sgd.p == 2 / 2**10
    assert (varied.optimizer.best_set, varied.optimizer.not_best) == (("adam",), ("sgd",))


# What was tried


def test_what_else_was_tried(monkeypatch):
    grid = kobai.Momentum(learning_rate=[0.1, 0.2], momentum=[0.1, 0.2, 0.5, 0.9])
    found = answered(monkeypatch, arriving(30), optimizers=[grid])
    assert "No other optimizer was tried, but 8 variants of this one." in said(found)
    assert (found.optimizer.best_set, found.optimizer.cost.high) == (("momentum",), 0)
    alone = answered(monkeypatch, arriving(30), optimizers=[SGD])
    assert "No other optimizer was tried." in said(alone)
    assert "No other learning rate was tried with its other hyperparameters." in said(alone)
    assert "No other initial value was tried." in said(alone)
    minimizer = answered(monkeypatch, arriving(30), optimizers=[kobai.LBFGS()])
    assert "Learning rate: –. lbfgs has none." in said(minimizer)


def test_rates_that_differ_in_the_seventh_figure_stay_apart(monkeypatch):
    rates = [0.1, 0.10000001, 0.10000002]
    fast = {0.1: 60, 0.10000001: 20, 0.10000002: 40}
    found = answered(
        monkeypatch,
        arriving(lambda cell: fast[cell.optimizer.learning_rate]),
        optimizers=[kobai.SGD(learning_rate=rates)],
    )
    assert found.learning_rate.choice == "0.10000001"
    ratios = {c.name: c.ratio.value for c in found.learning_rate.alternatives}
    assert ratios == {"0.1": pytest.approx(3), "0.10000002": pytest.approx(2)}


def test_diverged_though_there_was_nothing_to_choose(monkeypatch):
    def some(cell, marks):
        return None if cell.seed > 1006 else marks >= 30

    found = answered(monkeypatch, some, optimizers=[SGD])
    assert note(found, "note.diverged.alone") == "diverged: sgd 3/10; try a smaller learning rate"
    chosen = answered(monkeypatch, some, optimizers=[kobai.SGD(learning_rate=[0.1, 0.2])])
    assert note(chosen, "note.diverged.chosen").startswith("diverged, though chosen by tuning: sgd 3/10")
    minimizer = answered(monkeypatch, some, optimizers=[kobai.LBFGS()])
    assert "initial values" in note(minimizer, "note.diverged.minimizer")
