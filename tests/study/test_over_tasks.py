"""What several tasks say together: hand-computed means, and what bounds and set promise, simulated."""

import math

import numpy as np
import pytest

import kobai
from kobai.study import statistics
from kobai.study.answer import answer
from kobai.study.over_tasks import APART, SCALES, over_tasks
from kobai.study.question import SKETCH
from measured import benchmark
from simulated import least, most
from studies import outcome_of

RULES = (kobai.SGD(0.1), kobai.Adam(0.01), kobai.Momentum(0.1))


def on(monkeypatch, arrivals, rules=RULES, **options):
    """A study in which each optimizer arrives at its step, one later on every second seed."""

    def arrival(cell):
        base = arrivals[type(cell.optimizer).__name__.lower()]
        return None if base is None else base + cell.seed % 2

    given = {"optimizers": rules, "seeds": 8, "tuning_seeds": 1, "evaluate_every": 1}
    outcome = outcome_of(monkeypatch, arrival, **given | options)
    return outcome, answer(outcome)


@pytest.fixture
def three(monkeypatch):
    """sgd leads on two tasks and is far behind on the third, where momentum is equal to it."""
    return {
        "a": on(monkeypatch, {"sgd": 20, "adam": 22, "momentum": 60}),
        "b": on(monkeypatch, {"sgd": 20, "adam": 21, "momentum": 60}),
        "c": on(monkeypatch, {"sgd": 60, "adam": 22, "momentum": 60}),
    }


def geometric(base):
    """The geometric mean of the steps of one that arrives at `base`, one later on every second seed."""
    return math.sqrt(base * (base + 1))


def test_the_cost_over_tasks_is_the_geometric_mean_of_the_ratios_to_the_best_of_each(three):
    over = over_tasks(three)
    means = {each.name: each.mean for each in over.candidates}
    assert [*means] == ["adam", "sgd", "momentum"]
    expected = {
        "adam": (geometric(22) / geometric(20) * geometric(21) / geometric(20)) ** (1 / 3),
        "sgd": (geometric(60) / geometric(22)) ** (1 / 3),
        "momentum": (geometric(60) / geometric(20)) ** (2 / 3) * (geometric(60) / geometric(22)) ** (1 / 3),
    }
    for name, ratio in expected.items():
        assert means[name] == pytest.approx(ratio - 1)
    arithmetic = np.mean([geometric(60) / geometric(22), 1, 1]) - 1
    assert means["sgd"] != pytest.approx(arithmetic, rel=0.05)


def test_the_bound_is_the_geometric_mean_of_the_bounds_of_the_tasks(three):
    over = over_tasks(three)
    for each in over.candidates:
        highs = [own.optimizer.of(each.name).high for _, own in three.values()]
        assert each.high == pytest.approx(math.exp(np.mean(np.log1p(highs))) - 1)
    assert over.choice.name == "adam"
    assert over.unbounded == ()


def test_who_leads_and_who_is_among_the_best_is_counted(three):
    counts = {each.name: (each.leads, each.among_best) for each in over_tasks(three).candidates}
    assert counts == {"sgd": (2, 2), "adam": (1, 1), "momentum": (0, 0)}


def test_the_set_over_all_is_that_of_the_means_of_each_seed(three):
    """adam leads on one task of three and is the best for all of them: the noise is small."""
    over = over_tasks(three)
    names = [each.name for each in over.candidates]
    x = np.mean(
        [[outcome.measures(outcome.winners[name]).x for name in names] for outcome, _ in three.values()],
        axis=0,
    ).T
    found = statistics.choose(x)
    assert [each.member for each in over.candidates] == found.best.members.tolist() == [True, False, False]
    assert [each.not_best for each in over.candidates] == found.best.not_best.tolist()


def test_one_task_alone_says_what_it_says(three):
    over = over_tasks({"a": three["a"]})
    question = three["a"][1].optimizer
    assert [each.name for each in over.candidates] == [cost.name for cost in question.costs]
    for each in over.candidates:
        assert each.mean == pytest.approx(question.of(each.name).estimate)
        assert each.high == pytest.approx(question.of(each.name).high)
        assert each.member == question.of(each.name).member


def test_a_task_without_a_bound_leaves_none_over_all(monkeypatch, three):
    """Half of the fresh runs of the leader arrive: the budget cuts off too much to tell a cost."""
    half = outcome_of(
        monkeypatch,
        lambda cell: 20 if isinstance(cell.optimizer, kobai.Adam) and cell.seed % 2 == 0 else 500,
        optimizers=RULES,
        seeds=8,
        tuning_seeds=1,
        evaluate_every=1,
    )
    over = over_tasks({**three, "d": (half, answer(half))})
    assert over.choice.mean is not None
    assert over.choice.high is None
    assert over.unbounded == ("d",)


def test_a_task_that_is_judged_on_another_scale_is_counted_in_wins_alone(monkeypatch, three):
    final = on(monkeypatch, {"sgd": 20, "adam": None, "momentum": None}, by="final")
    over = over_tasks({**three, "d": final})
    assert over.counted == ("a", "b", "c")
    alone = over_tasks(three)
    assert [each.mean for each in over.candidates] == [each.mean for each in alone.candidates]
    assert {each.name: each.leads for each in over.candidates}["sgd"] == 3
    mixed = over_tasks({"a": three["a"], "d": final})
    assert mixed.untold == SCALES
    assert {each.mean for each in mixed.candidates} == {None}


def test_final_metrics_of_one_kind_have_a_mean_of_differences(monkeypatch):
    tasks = {
        "a": on(monkeypatch, {"sgd": 20, "adam": 500, "momentum": 500}, by="final"),
        "b": on(monkeypatch, {"sgd": 20, "adam": 20, "momentum": 500}, by="final"),
    }
    over = over_tasks(tasks)
    assert {each.name: each.mean for each in over.candidates} == {"sgd": 0.0, "adam": 0.5, "momentum": 1.0}
    assert (over.by, over.metric) == ("final", "accuracy")


def test_what_was_not_tried_on_every_task_has_no_mean(monkeypatch, three):
    few = on(monkeypatch, {"sgd": 20, "adam": 22}, rules=RULES[:2])
    over = over_tasks({"a": three["a"], "b": few})
    assert [each.name for each in over.candidates] == ["sgd", "adam", "momentum"]
    assert over.candidates[2].mean is None
    assert over.candidates[2].costs["b"] is None
    other = on(monkeypatch, {"momentum": 20}, rules=RULES[2:])
    assert over_tasks({"b": few, "c": other}).untold == APART


def test_few_seeds_are_a_sketch(monkeypatch):
    arrivals = {"sgd": 20, "adam": 40, "momentum": 60}
    over = over_tasks({name: on(monkeypatch, arrivals, seeds=3) for name in "ab"})
    assert over.untold == SKETCH
    assert all(each.member for each in over.candidates)


def test_tasks_with_unequal_numbers_of_seeds_share_the_first(monkeypatch):
    arrivals = {"sgd": 20, "adam": 40, "momentum": 60}
    over = over_tasks({"a": on(monkeypatch, arrivals, seeds=12), "b": on(monkeypatch, arrivals, seeds=8)})
    assert over.seeds == 8
    assert over.choice.mean == 0


def test_the_table_holds_all_of_it(three):
    table = over_tasks(three).table()
    assert table["optimizer"].to_list() == ["adam", "sgd", "momentum"]
    assert table["cost on c"].to_list()[0] == 0
    assert table.columns[-1] == "at most on c"


# What is promised, in simulated studies: benchmarks/over_tasks.py has them in full.

sim = benchmark("over_tasks")
STUDIES, FLIPS = 150, 2**8


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("case", sim.CASES)
def test_all_bounds_hold_together_and_the_best_is_in_the_set(case, shared):
    bounds, in_set, called, _ = sim.rates(sim.CASES[case], shared, 0.0, STUDIES, FLIPS)
    assert bounds >= 100 * least(STUDIES, 0.95)
    assert in_set >= 100 * least(STUDIES, 0.95)
    assert called <= 100 * most(STUDIES, 0.05)


def test_the_bound_of_one_for_all_is_no_bound_against_the_best_of_each():
    *_, kept = sim.rates(sim.CASES["each its own best"], False, 0.0, STUDIES, FLIPS)
    assert kept < 100 * least(STUDIES, 0.95)
