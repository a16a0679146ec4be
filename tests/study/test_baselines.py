"""Baselines of a task against the recommended network: the interval, what is said, where it stands."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import kobai
from kobai import words
from kobai.study import baselines
from kobai.study.answer import answer
from kobai.tasks.check import check_task
from kobai.words import Note

pytestmark = pytest.mark.usefixtures("quick_engine")

TESTS = [0.90, 0.92, 0.94, 0.91]
"""Accuracies of four fresh runs: mean 0.9175, and the interval of Student's distribution beside it."""

ROLE = kobai.Role("weight", fans=(2, 1))


def logits(parameters, x):
    return x @ parameters["w"]


def loss(parameters, batch):
    x, y = batch
    z = logits(parameters, x)
    return jnp.mean(jnp.logaddexp(0, z) - y * z)


def accuracy(parameters, data):
    return jnp.mean((logits(parameters, data[0]) > 0) == (data[1] > 0.5))


def task(**fields):
    random = np.random.default_rng(0)
    x = random.normal(size=(90, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.float32)
    parts = {"train": (x[:30], y[:30]), "validation": (x[30:60], y[30:60]), "test": (x[60:], y[60:])}
    usual = {"metric": accuracy, "maximize": True, "target": 0.8, "roles": {"w": ROLE}, "batch_size": 10}
    return kobai.Task(parameters={"w": np.zeros(2, np.float32)}, loss=loss, **{**parts, **usual, **fields})


@pytest.fixture(scope="module")
def result():
    usual = {"optimizers": "sgd", "learning_rates": [0.1, 0.3], "initializers": "he", "steps": 20}
    return kobai.compare(
        task(),
        **usual,
        seeds=4,
        tuning_seeds=1,
        progress=False,
    )


def told(result, tests=TESTS, **fields):
    """The answer of the same study, with these test metrics of the recommended network and this task."""
    outcome = result.outcome
    cells = outcome.cells.to_dicts()
    chosen = outcome.recommended.named["hyperparameters"]
    fresh = [row for row in cells if row["phase"] == "confirmation" and row["hyperparameters"] == chosen]
    for row, test in zip(sorted(fresh, key=lambda row: row["seed"]), tests, strict=True):
        row["test_metric"] = test
    study = dataclasses.replace(outcome.study, task=dataclasses.replace(outcome.study.task, **fields))
    frame = outcome.cells.clear().extend(outcome.cells.__class__(cells, schema=outcome.cells.schema))
    return answer(dataclasses.replace(outcome, study=study).with_cells(frame))


def test_the_difference_is_students_interval_over_the_fresh_runs(result):
    [baseline] = told(result, baselines={"majority class": 0.9}).baselines
    values = np.array(TESTS) - 0.9
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert baseline.difference.value == pytest.approx(0.0175)
    assert (baseline.difference.low, baseline.difference.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("value", "beaten", "better"),
    [(0.8, True, False), (0.9175, False, False), (0.9, False, False), (0.99, False, True)],
)
@pytest.mark.parametrize("maximize", [True, False])
def test_a_baseline_is_beaten_where_the_whole_interval_says_so(result, value, beaten, better, maximize):
    reading = told(result, baselines={"b": value}, maximize=maximize)
    [baseline] = reading.baselines
    if not maximize:
        beaten, better = better, beaten
    assert (baseline.beaten, baseline.better) == (beaten, better)
    keys = [note.key for note in reading.notes if note.key.startswith("note.baseline")]
    # 30 rows tell no less than some 13 points apart, so that even 99 % is no victory of the baseline.
    assert keys == ["note.baseline.rows" if beaten else "note.baseline.open"]


def test_few_test_rows_are_told_where_they_may_have_decided(result):
    """(0.8025 · 30 + 1) / 32 and (0.9175 · 30 + 1) / 32: Agresti's and Caffo's interval by hand."""
    reading = told(result, baselines={"b": 0.8025})
    one, other = (0.8025 * 30 + 1) / 32, (0.9175 * 30 + 1) / 32
    margin = 1.96 * np.sqrt((one * (1 - one) + other * (1 - other)) / 32)
    assert reading.baselines[0].margin == pytest.approx(margin)
    [note] = [note for note in reading.notes if note.key == "note.baseline.rows"]
    assert "better than b by 11.5 points on these 30 test rows" in str(note)
    assert f"may be off by up to {100 * margin:.1f} points" in str(note)
    clear = told(result, baselines={"b": 0.5})
    assert clear.baselines[0].beaten
    assert not [note for note in clear.notes if note.key.startswith("note.baseline")]
    other_metric = told(result, baselines={"b": 0.8}, metric_name="score")
    assert other_metric.baselines[0].margin is None


def test_no_network_is_needed_where_a_baseline_is_better_by_more_than_the_rows_may_make(result):
    reading = told(result, [0.5, 0.52, 0.51, 0.5], baselines={"b": 0.99})
    assert [n.key for n in reading.notes if n.key.startswith("note.baseline")] == ["note.baseline.better"]
    score = told(result, baselines={"b": 0.99}, metric_name="score")
    assert [n.key for n in score.notes if n.key.startswith("note.baseline")] == ["note.baseline.better"]


def test_equal_runs_do_not_beat_an_equal_baseline(result):
    """Single precision makes 29/30 a little larger than it is; that is no victory."""
    equal = [float(np.float32(29 / 30))] * 4
    [baseline] = told(result, equal, baselines={"b": 29 / 30}).baselines
    assert baseline.difference.low != 0  # they do differ
    assert not baseline.beaten
    assert not baseline.better


def test_runs_that_diverged_say_nothing(result):
    [baseline] = told(result, [None] * 4, baselines={"b": 0.1}).baselines
    assert baseline.difference.value is None
    assert not baseline.beaten


def test_the_best_stands_first_and_is_the_one_that_is_told(result):
    every = {"low": 0.3, "high": 0.95, "middle": 0.7}
    assert [b.name for b in told(result, baselines=every).baselines] == ["high", "middle", "low"]
    assert [b.name for b in told(result, baselines=every, maximize=False).baselines] == [
        "low",
        "middle",
        "high",
    ]
    [note] = [n for n in told(result, baselines=every).notes if n.key.startswith("note.baseline")]
    assert "high has accuracy 95.0%" in str(note)


def shown(result, **fields):
    """The result of the study with another task, in which nothing else is different."""
    study = result.outcome.study
    study = dataclasses.replace(study, task=dataclasses.replace(study.task, **fields))
    outcome = dataclasses.replace(result.outcome, study=study)
    return dataclasses.replace(result, answer=told(result, **fields), outcome=outcome)


def test_baselines_stand_in_terminal_page_and_json(result):
    whole = shown(
        result,
        baselines={"majority class": 0.95},
        metric_name="accuracy",
        meaning=lambda value: Note("answer.axis", {"axis": "wrong", "choice": f"{1 - value:.3f}"}),
        preparation=("All rows.", Note("answer.axis", {"axis": "rows", "choice": "90"})),
        cautions=(Note("note.trials", {"trials": "sgd 3"}),),
    )
    text = " ".join(repr(whole).split())
    assert "All rows. rows: 90" in text
    needed = "a network is not shown to be needed: majority class has accuracy 95.0% on the test data"
    assert needed in text
    assert "majority class 95.0% −3.2 [−6.0, −0.5]" in text
    assert "wrong: 0.050" in text
    assert text.index(needed) < text.index("sgd,")
    assert "unequal numbers of trials favour the optimizer with more: sgd 3" in text
    for page in (whole.html(), whole._repr_html_()):
        assert "All rows. rows: 90" in page
        assert "Without a trained network" in page
        assert "−3.2 [−6.0, −0.5]" in page
    content = json.loads(whole.to_json())
    assert content["preparation"] == ["All rows.", "rows: 90"]
    [baseline] = content["baselines"]
    assert (baseline["name"], baseline["test_metric"], baseline["beaten"]) == ("majority class", 0.95, False)
    assert baseline["meaning"] == "wrong: 0.050"
    japanese = dataclasses.replace(whole, language="ja")
    assert "ネットワークが必要だとは示されていません" in "".join(repr(japanese).split())
    assert "最多クラス" in repr(japanese)
    assert "ネットワークを学習しない場合" in japanese.html()


def test_without_a_meaning_there_is_no_column_for_it(result):
    whole = shown(result, baselines={"majority class": 0.5}, metric_name="accuracy")
    assert "majority class 50.0% +41.8 [+39.0, +44.5]" in " ".join(repr(whole).split())
    assert "that is" not in repr(whole)
    assert "+41.8 [+39.0, +44.5]" in whole.html()


def test_without_baselines_nothing_is_added(result):
    assert "without a trained" not in repr(result)
    assert "Without a trained network" not in result.html()
    assert json.loads(result.to_json())["baselines"] == []


@pytest.mark.parametrize("wrong", [{"b": "much"}, {"b": np.nan}, {3: 0.5}, [0.5], {"": 0.5}])
def test_what_is_no_metric_is_refused(wrong):
    with pytest.raises(kobai.UsageError, match="baselines must be a mapping from names to finite numbers"):
        check_task(task(baselines=wrong))


def test_baselines_need_test_data():
    with pytest.raises(kobai.UsageError, match="baselines are compared on the test data, and there are none"):
        check_task(task(baselines={"b": 0.5}, test=None))


def test_a_metric_value_is_told_in_per_cent_where_it_is_an_accuracy():
    assert baselines.metric_value("accuracy", 0.9876) == "98.8%"
    assert baselines.metric_value("R²", 0.98765) == "0.988"


def test_a_baseline_of_ones_own_keeps_its_name():
    with words.language("ja"):
        assert str(words.Term("baseline", "last year's")) == "last year's"
        assert str(words.Term("baseline", "ridge regression")) == "リッジ回帰"
