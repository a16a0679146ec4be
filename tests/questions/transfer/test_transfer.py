"""Pretraining, fine tuning, transfer: what is reused, what moves, what it is compared with, what it says."""

import dataclasses
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest
from rich.cells import cell_len

import kobai
from kobai import initializers as initial_values
from kobai import words
from kobai.basics.registry import PAIRS
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.run import Run
from kobai.engine.sweep import Sweep
from kobai.optimizers.adam import Adam
from kobai.questions.transfer import ask as protocols
from kobai.questions.transfer import table
from kobai.questions.transfer.arms import Plan, arms
from kobai.questions.transfer.result import TransferResult
from kobai.questions.transfer.rows import LONGER, SCRATCH, ProtocolRow, Setup, TransferOutcome, compared
from kobai.questions.transfer.weights import ArrayRates, ReusedValues, trained
from kobai.report.result import call
from kobai.study import statistics
from kobai.tasks.check import check_start, check_task
from kobai.tasks.pairs import Pair, halves, moved, unrelated


def arrays_of(task, parameters):
    return task.arrays(task.flatten(parameters))


# Pairs


@pytest.mark.parametrize("name", PAIRS)
def test_built_in_pairs_fit(name):
    pair = PAIRS[name].load()()
    assert pair.heads() == [False] * 4 + [True] * 2
    for task in (pair.source, pair.target):
        check_task(task)
        check_start(task, initial_values.he().fill(task.parameters, 0, layout=task.layout))


def test_halves_have_no_class_in_common():
    digits, pair = kobai.tasks.digits(), halves()
    sizes = [len(task.train[1]) for task in (pair.source, pair.target)]
    assert sum(sizes) == len(digits.train[1])
    for task, first in ((pair.source, 0), (pair.target, 5)):
        assert set(np.unique(task.test[1])) == {0, 1, 2, 3, 4}
        for image, label in zip(task.train[0][:20], task.train[1][:20], strict=True):
            [row] = np.flatnonzero((digits.train[0] == image).all(axis=1))
            assert digits.train[1][row] == label + first


def test_moved_digits_are_the_digits_moved():
    pair, again = moved(), moved()
    np.testing.assert_array_equal(pair.target.train[0], again.target.train[0])
    np.testing.assert_array_equal(pair.target.train[1], pair.source.train[1])
    x, y = pair.source.train[0], pair.target.train[0]
    assert 0.02 < np.abs(x - y).mean() < 0.25
    assert y.min() >= 0
    assert y.max() <= 1
    # The digits fill the image: of the ink, a little leaves it.
    assert 0.8 < y.sum() / x.sum() < 1


def test_the_unrelated_source_has_nothing_to_teach():
    pair = unrelated()
    x, y = pair.source.train
    means = np.array([x[y == label].mean(axis=0) for label in range(10)])
    assert np.abs(means - 0.5).max() < 0.15  # 110 uniform numbers each: ± 4 standard errors
    np.testing.assert_array_equal(pair.target.train[0], kobai.tasks.digits().train[0])


def pair_of(**changes):
    pair = halves(hidden=(6, 4))
    return dataclasses.replace(pair, **changes)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: pair_of(head="7"),
            "head '7' must name some but not all .* parameters: 0, 1, 2",
        ),
        (lambda: pair_of(target=kobai.tasks.digits(hidden=(6,))), "different trees"),
        (
            lambda: pair_of(target=kobai.tasks.digits(hidden=(7, 4))),
            r"the array 0\.biases has the shape",
        ),
        (lambda: pair_of(target=kobai.tasks.digits(hidden=(6, 4), batch_norm=True)), "with state or random"),
    ],
)
def test_pairs_that_do_not_fit(make, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        make().heads()


def test_a_head_may_have_another_shape_and_another_name():
    target = kobai.tasks.digits(hidden=(6, 4))  # ten classes
    assert pair_of(target=target).heads() == [False] * 4 + [True] * 2
    task = kobai.tasks.adding(hidden=4)
    assert Pair(task, task).heads() == [True, True, False, False, False]
    assert Pair(task, task, head="recurrent").heads() == [False, False, True, True, True]


# Weights


def test_given_arrays_are_kept_and_the_others_are_drawn_as_without_them():
    task = halves(hidden=(6, 4)).target
    fresh = initial_values.he()
    given = [np.full(leaf.shape, 7.0, np.float32) for leaf in jax.tree.leaves(task.parameters)][:4]
    filled = ReusedValues("reused", fresh, [*given, None, None]).fill(task.parameters, stream(3, INITIAL))
    expected = fresh.fill(task.parameters, stream(3, INITIAL))
    for i, (mine, drawn) in enumerate(zip(jax.tree.leaves(filled), jax.tree.leaves(expected), strict=True)):
        np.testing.assert_array_equal(mine, 7 if i < 4 else drawn)


def test_rates_of_arrays():
    """Factor 1 is the rule itself, bit for bit; 0 freezes; ½ halves the step and leaves the memory alone."""
    parameters = [np.ones(3, np.float32), np.ones((2, 2), np.float32)]
    gradient = [np.array([1, -2, 3], np.float32), np.full((2, 2), 0.5, np.float32)]
    rule = Adam(learning_rate=0.1)
    expected, expected_state = rule.update(gradient, rule.init(parameters))
    for factor in (1.0, 0.5, 0.0):
        slowed = ArrayRates(rule, (factor, 1.0))
        update, state = slowed.update(gradient, slowed.init(parameters))
        np.testing.assert_allclose(update[0], factor * expected[0], rtol=1e-6)
        np.testing.assert_array_equal(update[1], expected[1])
        jax.tree.map(np.testing.assert_array_equal, state.memory, expected_state.memory)


def test_the_source_is_trained_as_the_engine_would():
    """Its weights, evaluated, against the engine's curve of the same cell."""
    task, rule = halves(hidden=(6, 4)).source, Adam(learning_rate=0.01)
    [first, second] = trained(task, rule, initial_values.he(), [0, 5], 25)
    [(_, runs)] = THREADS.run(
        Sweep(task, [rule], steps=25, evaluate_every=25),
        [Cell(rule, initial_values.he(), seed) for seed in (0, 5)],
    )
    for arrays, run in zip((first, second), runs, strict=True):
        loss, metric = task.evaluate(task.with_arrays(arrays), None, task.validation)
        assert float(loss) == pytest.approx(run.validation_loss[-1], rel=1e-4)
        assert float(metric) == pytest.approx(run.validation_metric[-1], abs=1e-6)


@pytest.mark.parametrize(
    "rule", [kobai.AdamW(weight_decay=5.0), kobai.Momentum()], ids=lambda r: type(r).__name__
)
def test_the_source_is_trained_by_any_rule(rule):
    """As the engine does it; a decay spares the biases, although the engine's θ is one vector."""
    task = halves(hidden=(6, 4)).source
    [arrays] = trained(task, rule, initial_values.he(), [0], 25)
    sweep = Sweep(task, [rule], steps=25, evaluate_every=25)
    [(_, [run])] = THREADS.run(sweep, [Cell(rule, initial_values.he(), 0)])
    loss, _ = task.evaluate(task.with_arrays(arrays), None, task.validation)
    assert float(loss) == pytest.approx(run.validation_loss[-1], rel=1e-4)


# Arms


def test_arms():
    every = arms(["pretraining", "fine-tuning", "transfer"], steps=30, source_steps=50, slow=0.1)
    assert every["pretraining"].against == LONGER
    assert every[LONGER].steps == every["pretraining"].steps + every["pretraining"].spent == 80
    assert every["fine-tuning"].against == every["transfer"].against == SCRATCH
    assert (every["transfer"].head_kept, every["transfer"].slow) == (False, 0.1)
    assert list(arms(["transfer"], 30, 50, 0)) == [SCRATCH, "transfer"]


def test_what_moves_in_each_arm():
    """One step in the engine: frozen features stay as the source left them, the head of a transfer is new."""
    pair = halves(hidden=(6, 4))
    source = trained(pair.source, Adam(learning_rate=0.01), initial_values.he(), [0], 20)
    every = arms(["pretraining", "fine-tuning", "transfer"], 1, 20, 0.0)
    plan = Plan(pair.target, pair.heads(), initial_values.he(), {0: source[0]}, every)
    fresh = arrays_of(pair.target, initial_values.he().fill(pair.target.parameters, stream(0, INITIAL)))
    for name, arm in every.items():
        cell = plan._cell(arm, 0.01, 0)
        filled = cell.initializer.fill(pair.target.parameters, stream(0, INITIAL))
        start = arrays_of(pair.target, filled)
        expected = source[0] if name in ("pretraining", "fine-tuning") else fresh
        if name == "transfer":
            expected = [*source[0][:4], *fresh[4:]]
        for mine, theirs in zip(start, expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        gradient = [jnp.ones_like(array) for array in start]
        update, _ = cell.optimizer.update(gradient, cell.optimizer.init(start))
        moves = [bool(np.abs(Δ).max() > 0) for Δ in update]
        assert moves == ([False] * 4 if name == "transfer" else [True] * 4) + [True] * 2


TINY = {
    "amounts": [20],
    "seeds": 2,
    "tuning_seeds": 1,
    "steps": 10,
    "source_steps": 10,
    "learning_rates": [0.01],
}


def test_a_head_of_another_size_begins_anew_in_every_protocol():
    """Ten classes, then five: fine tuning keeps the features alone, and the result says so."""
    source, target = kobai.tasks.digits(hidden=(6, 4)), halves(hidden=(6, 4)).target
    pair = Pair(source, target)
    assert not pair.keeps_head()
    assert halves(hidden=(6, 4)).keeps_head()
    found = kobai.transfer(pair, **TINY)
    assert found.table["protocol"].to_list() == ["pretraining", "fine-tuning", "transfer"]
    assert found.table["metric"].is_between(0, 1).all()
    assert "The heads differ in shape" in str(found)
    every = arms(["fine-tuning"], 1, 20, 0.0, pair.keeps_head())
    kept = trained(source, Adam(learning_rate=0.01), initial_values.he(), [0], 5)[0]
    plan = Plan(target, pair.heads(), initial_values.he(), {0: kept}, every)
    start = plan._cell(every["fine-tuning"], 0.01, 0).initializer.fill(target.parameters, stream(0, INITIAL))
    fresh = arrays_of(target, initial_values.he().fill(target.parameters, stream(0, INITIAL)))
    for mine, theirs in zip(arrays_of(target, start), [*kept[:4], *fresh[4:]], strict=True):
        np.testing.assert_array_equal(mine, theirs)


# Results


def run_of(curve, final):
    nothing = np.full(len(curve), np.nan)
    return Run(nothing, nothing, np.array(curve, float), None, 0.0, final, 0.0)


def row_of(protocol, finals, base_finals, curves, base_curves, task):
    every = arms(["pretraining", "fine-tuning", "transfer"], 20, 30, 0.0)
    arm = every[protocol]
    runs = [run_of(curve, final) for curve, final in zip(curves, finals, strict=True)]
    base = [run_of(curve, final) for curve, final in zip(base_curves, base_finals, strict=True)]
    return ProtocolRow.of(
        protocol, 50, task, (arm, 0.01, runs), (every[arm.against], 0.1, base), tuning_of_baseline=base
    )


def test_a_row_by_hand():
    task = halves().target
    # Evaluated at 0, 10, 20: scratch ends at 1, so the target is 90 % of the way from 0.2 there, 0.92.
    base_curves = [[0.2, 0.5, 1.0], [0.2, 0.93, 1.0]]
    row = row_of(
        "fine-tuning", [0.9, 0.8], [0.8, 0.5], [[0.5, 0.95, 0.9], [0.95, 0.95, 0.9]], base_curves, task
    )
    assert row.target == pytest.approx(0.92)
    assert row.metric == pytest.approx(0.85)
    assert row.difference.value == pytest.approx(0.2)
    # Steps 10 and 0 (counts as 1) against 20 and 10.
    assert row.ratio.value == pytest.approx(np.sqrt(10 / 20 * 1 / 10))
    assert row.reached == 2
    assert row.better


def test_a_ratio_of_runs_that_never_arrive_is_a_bound():
    """Scratch needs 20, 10 and 20 of 20 steps, fine tuning never arrives: the interval's end is shown."""
    task, never = halves().target, [[0.2, 0.3, 0.4]] * 3
    base_curves = [[0.2, 0.5, 1.0], [0.2, 0.93, 1.0], [0.2, 0.5, 1.0]]
    row = row_of("fine-tuning", [0.9] * 3, [0.8] * 3, never, base_curves, task)
    assert (row.reached, row.bound) == (0, "≥")
    logs = np.log([1, 2, 1])
    low = np.exp(logs.mean() - 4.302653 * logs.std(ddof=1) / 3**0.5)
    shown = table.cells(TransferOutcome(compared([row]), "a", "b", "accuracy"))[0]
    assert shown[table.COLUMNS.index("ratio")] == f"≥ {low:.2g}".replace("0.", ".")
    base = row_of("fine-tuning", [0.9] * 3, [0.8] * 3, base_curves, base_curves, task)
    shown = table.cells(TransferOutcome(compared([base]), "a", "b", "accuracy"))[0]
    assert shown[table.COLUMNS.index("ratio")] == "= 1"


def test_pretraining_pays_for_its_source():
    task = halves().target
    base_curves = [[0.2, 0.3, 0.4, 0.5, 0.6, 1.0]] * 2  # 50 steps in all
    row = row_of("pretraining", [0.9, 0.9], [0.8, 0.8], [[0.95, 0.95, 0.95]] * 2, base_curves, task)
    assert row.ratio.value == pytest.approx(30 / 50)  # at once, after 30 steps on the source
    # Planted: without the source's steps it would be 1/50.
    assert row.ratio.value > 2 / 50


def result_of(frame, *more, command=""):
    """The result that has this table."""
    return TransferResult(table=frame, command=command, outcome=TransferOutcome(frame, *more))


def verdicts(*rows):
    """A frame with these (protocol, amount, gains, ratios)."""
    task, made = halves().target, []
    for protocol, amount, gain, sign in rows:
        n = 10
        jitter = np.linspace(0.9, 1.1, n)
        base_curves = [[0.2, 0.5, 1.0]] * n
        curves = [[0.95, 0.95, 0.95] if sign < 0 else [0.2, 0.5, 0.6]] * n
        row = row_of(protocol, 0.5 + gain * jitter, [0.5] * n, curves, base_curves, task)
        made.append(dataclasses.replace(row, amount=amount))
    return compared(made)


def test_the_answer_says_what_helps_and_what_does_not():
    frame = verdicts(
        ("transfer", 20, 0.1, -1),
        ("transfer", 400, -0.1, 1),
        ("fine-tuning", 20, 0.0, -1),
        ("fine-tuning", 400, 0, 1),
    )
    assert frame["verdict"].to_list() == ["helps", "harms", "helps", "open"]
    found = result_of(frame, "digits", "moved digits", "accuracy")
    lines = str(found).splitlines()
    assert lines[:2] == [
        "digits → moved digits: does it help to reuse weights?",
        "accuracy; adam, 300 steps after 500 on the source; 10 fresh seeds",
    ]
    assert lines[3] == "transfer: better with 20 examples; worse with 400 examples."
    assert lines[4] == "fine tuning: fewer steps with 20 examples; no difference established with 400."
    assert all(cell_len(line) <= 80 for line in lines)
    with words.language("ja"):
        assert all(cell_len(line) <= 80 for line in str(found).splitlines())
        assert "転移学習" in str(found)


def test_where_it_fails_the_answer_says_so():
    frame = verdicts(("transfer", 20, -0.1, 1), ("transfer", 100, -0.1, 1), ("transfer", 400, 0.0, 1))
    lines = str(result_of(frame, "noise", "digits", "accuracy")).splitlines()
    assert lines[3] == "transfer:"  # too long for one line
    assert lines[4:7] == [
        "  DOES NOT HELP",
        "  worse with 20, 100 examples",
        "  no difference established with 400",
    ]


def test_too_few_seeds_decide_nothing():
    """Nothing found is no failure: two seeds could not have found anything, ten did not. Harm is one."""
    frame = verdicts(("transfer", 20, 0.0, 1))
    assert frame["verdict"].to_list() == ["open"]
    few, many = (
        str(result_of(frame, "noise", "digits", "accuracy", Setup(seeds=seeds))) for seeds in (2, 10)
    )
    assert "transfer: undecided with these seeds; no difference established with 20." in few
    assert "transfer: no help shown; no difference established with 20." in many
    assert "DOES NOT HELP" not in few + many
    harms = verdicts(("transfer", 20, -0.1, 1))
    assert "DOES NOT HELP" in str(result_of(harms, "noise", "digits", "accuracy", Setup(seeds=2)))


def test_a_result_speaks_the_language_of_its_call():
    """Also after the call has ended, in text and figure; without one, the language in use."""
    twice = {"protocol": ["transfer"] * 2} | TINY | {"amounts": [20, 20]}  # said twice, measured once
    found = kobai.transfer(halves(hidden=8), language="ja", **twice)
    assert found.table.height == 1
    assert "転移学習: このシード数では判断できません" in str(found)
    assert found.figures["reuse"].data[0].name == "転移学習"
    assert words.current() == "en"
    english = dataclasses.replace(found, language="en")
    with words.language("ja"):
        assert "transfer: undecided" in str(english)


def test_the_rates_that_are_tried():
    """The middle of the default grid for a name, all of an instance's list, those given in any case."""
    assert protocols._rule("adam", None)[2] == [0.001, 0.00316, 0.01, 0.0316]
    assert protocols._rule(kobai.SGD, None)[2] == [0.0316, 0.1, 0.316, 1.0]
    name, rule, rates = protocols._rule(kobai.Momentum(learning_rate=[0.1, 0.2], momentum=0.5), None)
    assert (name, rule.momentum, rates) == ("momentum", 0.5, [0.1, 0.2])
    assert protocols._rule("sgd", [3.0])[2] == [3.0]


def test_an_end_of_the_grid_is_marked():
    frame = verdicts(("transfer", 20, 0.1, -1))  # learning rates 0.01 and, from scratch, 0.1
    for rates, ends in (((0.01, 0.1), "0.01, 0.1"), ((0.001, 0.01, 0.1), "0.1"), ((0.001, 0.01, 1.0), None)):
        text = str(result_of(frame, "digits", "moved digits", "accuracy", Setup(learning_rates=rates)))
        found = re.search(r"Chosen learning rates at an end of their grid: (.*) \(", text)
        assert (found and found[1]) == ends


def test_the_call_is_said():
    def said(pair, **more):
        return call(kobai.transfer, {"pair": pair, **more}, {"pair": "pair"})

    assert said("moved", seeds=10, steps=40, slow=0.0) == "kobai.transfer('moved', steps=40)"
    assert said(halves(), seeds=3) == "kobai.transfer(pair, seeds=3)"
    assert said(("sine", "sine")) == "kobai.transfer(('sine', 'sine'))"


def test_json_and_page(tmp_path):
    frame = verdicts(("transfer", 20, 0.1, -1)).with_columns(ratio_low=pl.lit(None, pl.Float64))
    found = result_of(frame, "digits", "<b>", "accuracy", Setup(learning_rates=(0.01,)), command="a & b")
    found.save(tmp_path)
    kept = json.loads((tmp_path / "transfer.json").read_text("utf-8"))
    assert (kept["target"], kept["seeds"], kept["rows"][0]["ratio_low"]) == ("<b>", 10, None)
    page = (tmp_path / "transfer.html").read_text("utf-8")
    assert page == found.html()
    assert "<b>:" not in page
    assert "&lt;b&gt;" in page
    assert "<code>a &amp; b</code>" in page
    assert "<table" in found._repr_html_()
    assert "<script" not in found._repr_html_()
    assert pl.read_parquet(tmp_path / "table.parquet").equals(frame)


def test_p_values_are_corrected_for_all_rows():
    frame = verdicts(("transfer", 20, 0.1, -1), ("transfer", 400, -0.1, 1))
    assert frame["p"].to_list() == pytest.approx([2 / 1024] * 2)
    np.testing.assert_allclose(frame["corrected_p"], statistics.holm(frame["p"].to_numpy()))


def test_a_whole_transfer():
    """Small, from end to end: the frame, the text, the figure; the same again."""
    ask = {
        "protocol": ["fine-tuning", "transfer"],
        "amounts": [20, 60],
        "seeds": 3,
        "tuning_seeds": 1,
        "steps": 30,
        "source_steps": 40,
        "learning_rates": [0.01, 0.03],
    }
    found = kobai.transfer(halves(hidden=8), **ask)
    assert isinstance(found.table, pl.DataFrame)
    assert found.outcome.setup.source_learning_rate == 0.03  # the second smallest
    assert found.table.select("protocol", "amount").rows() == [
        ("fine-tuning", 20), ("transfer", 20), ("fine-tuning", 60), ("transfer", 60)
    ]  # fmt: skip
    assert set(found.table["learning_rate"]) <= {0.01, 0.03}
    assert found.table["metric"].is_between(0, 1).all()
    assert "With 3 seeds no corrected p can be below 1" in str(found)
    # The metric and the difference of each protocol, and one line from scratch.
    drawn = found.figures["reuse"].data
    assert [trace.name for trace in drawn] == [*["fine tuning"] * 2, *["transfer"] * 2, "from scratch"]
    assert drawn[0].y == tuple(found.table.filter(protocol="fine-tuning")["metric"])
    assert drawn[1].y == tuple(found.table.filter(protocol="fine-tuning")["difference"])
    assert drawn[4].y == tuple(found.table.filter(protocol="transfer")["metric_scratch"])
    assert kobai.transfer(halves(hidden=8), **ask).table.equals(found.table)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"pair": "halfs"}, "there is no pair of tasks 'halfs'; did you mean 'halves'?"),
        ({"pair": 3}, r"a pair of tasks, \(source, target\), or the name of one, got int"),
        ({"protocol": "pretrain"}, "there is no protocol 'pretrain'; did you mean 'pretraining'?"),
        ({"protocol": []}, "protocol is empty"),
        ({"protocol": [["transfer"]]}, r"there is no protocol '\['transfer'\]'"),
        ({"protocol": 3}, "protocol must be a list"),
        ({"amounts": []}, "amounts is empty"),
        ({"amounts": [0]}, "amounts must be a whole number of at least 1"),
        ({"amounts": [10**6]}, "amounts must be at most 5"),
        ({"slow": 2}, "slow must be a number from 0"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1"),
        ({"amounts": 20}, r"amounts must be a list such as \[20\], got 20"),
        ({"learning_rates": 0.01}, r"learning_rates must be a list such as \[0.01\], got 0.01"),
        ({"learning_rates": ["a"]}, "learning_rates must be"),
        ({"learning_rates": []}, "learning_rates is empty"),
        ({"initializer": "hee"}, "did you mean 'he'"),
        ({"pair": ("digits", 3)}, r"a pair of tasks, \(source, target\), or the name of one, got tuple"),
        ({"optimizer": "amad"}, "did you mean 'adam'"),
        ({"optimizer": ["sgd", "adam"]}, "one update rule of kobai"),
        ({"optimizer": kobai.BFGS()}, "one update rule of kobai"),
        ({"optimizer": kobai.from_optax(optax.adam, learning_rate=0.1)}, "one update rule of kobai"),
        ({"optimizer": kobai.NesterovDefinition}, "takes its gradient at the parameters"),
        ({"optimizer": kobai.Momentum(momentum=[0.5, 0.9])}, "one update rule of kobai"),
        (
            {"source_learning_rate": -1},
            "source_learning_rate must be a finite number of at least 1.2e-38, got -1",
        ),
    ],
)
def test_mistakes(given, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        kobai.transfer(**{"pair": "halves"} | given)
