"""`kobai.judge`: verdicts of known truths, what they stand on, what is refused."""

import json
import math
import re

import numpy as np
import polars as pl
import pytest

import kobai
from judged import curves, table
from kobai import UsageError, words
from kobai.questions.judgement.procedures import p_values
from kobai.study import statistics
from terminal import says_in_each_language

ARMS = table({"main": 0.31, "new": 0.29, "same": 0.31})


def verdict(result, arm=None):
    said = result.judgement.verdicts
    return next(each for each in said if arm in (None, each.arm))


def test_a_known_truth():
    result = kobai.judge(ARMS, margin=0.03)
    assert result.verdicts == {"new": "better", "same": "equivalent"}
    assert (result.code, result.best_set) == (0, ["new"])
    assert kobai.judge(ARMS, arm="same", margin=0.03).code == 1
    assert kobai.judge(ARMS, arm="same").code == 3
    turned = kobai.judge(ARMS, baseline="new", margin=0.03)
    assert turned.verdicts["main"] == "worse"
    assert turned.code == 1
    assert kobai.judge(ARMS, maximize=True).verdicts["new"] == "worse"


def test_pairs_have_the_statistics_of_compare():
    frame = curves({"main": 300, "new": 240, "other": 290}, seeds=9)
    result = kobai.judge(frame, by="steps:3.05")
    times = {
        arm: np.exp([run for each in result.judgement.arms if each.name == arm for run in each.x])
        for arm in ("main", "new", "other")
    }
    theirs = statistics.compare(times, "main", 2000)
    for each in result.judgement.verdicts:
        ratio = theirs[each.arm].ratio
        assert each.contrast.procedure == "paired"
        assert each.corrected_p == pytest.approx(theirs[each.arm].corrected_p)
        np.testing.assert_allclose(result.judgement.effect(each), (ratio.value, ratio.low, ratio.high))
    chosen = statistics.choose(np.log(np.stack([*times.values()], axis=1)))
    assert result.best_set == [arm for arm, own in zip(times, chosen.best.members, strict=True) if own]
    costs = [result.judgement.best.costs[arm] for arm in times]
    np.testing.assert_allclose(costs, chosen.bounds)


def test_pairing_is_checked():
    assert verdict(kobai.judge(ARMS)).contrast.procedure == "paired"
    assert verdict(kobai.judge(ARMS, unpaired=True)).contrast.procedure == "unpaired"
    assert verdict(kobai.judge(ARMS.rename({"seed": "run"}))).contrast.procedure == "unpaired"
    other = ARMS.with_columns(seed=ARMS["seed"] + 5 * (ARMS["method"] != "main").cast(int))
    assert verdict(kobai.judge(other)).contrast.procedure == "unpaired"
    lacking = kobai.judge(ARMS.filter((ARMS["method"] != "new") | (ARMS["seed"] != 3)))
    assert verdict(lacking, "new").contrast.runs == (9, 9)
    assert any("seeds 3" in warning for warning in lacking.warnings)


def test_one_run_takes_its_noise_from_somewhere_that_is_told():
    alone = kobai.judge({"main": [0.31], "new": [0.2]}, maximize=False)
    assert verdict(alone).verdict == "undecided"
    assert "--sigma" in str(alone)
    known = kobai.judge({"main": [0.31], "new": [0.2]}, maximize=False, sigma=0.02)
    assert known.code == 0
    assert "declared sigma of 0.02" in str(known)
    main = [0.31, 0.30, 0.32, 0.315, 0.305, 0.31]
    repeated = kobai.judge({"main": main, "new": [0.2]}, maximize=False)
    assert repeated.code == 0
    assert "that of the 6 runs of main" in str(repeated)
    turned = kobai.judge({"new": [0.2], "main": main}, maximize=False, baseline="new")
    assert turned.verdicts == {"main": "worse"}
    assert verdict(turned).contrast.p == verdict(repeated).contrast.p
    few = {"main": main, "new": [0.2, 0.21, 0.2]}
    assert kobai.judge(few, maximize=False).code == 3
    assert kobai.judge(few, maximize=False, sigma="baseline").code == 0


def test_a_spread_of_nothing_lends_nothing():
    same = kobai.judge({"main": [0.3] * 6, "new": [0.2]}, maximize=False)
    assert same.code == 3
    assert "judge.trap.fixed" in {note.key for note in same.judgement.warnings}


def test_better_by_less_than_the_margin():
    result = kobai.judge(ARMS, arm="new", margin=0.05)
    assert (verdict(result, "new").within, result.code) == (True, 0)
    assert "by less than the margin of 0.05" in str(result)


def test_runs_without_a_number_count_as_the_worst():
    values = {"main": [0.31, 0.30, 0.32, 0.31, 0.3], "new": [0.2, 0.21, None, 0.2, math.nan]}
    result = kobai.judge(values, maximize=False)
    new = result.judgement.arms[1]
    assert new.x.tolist() == pytest.approx([0.2, 0.21, 0.32, 0.2, 0.32])
    assert new.x[[2, 4]].min() > 0.32  # and below no number at all
    assert result.table["failed"].to_list() == [0, 2]
    assert any("2 of 5 runs ended without a number" in each for each in result.warnings)


def test_the_seed_that_changes_nothing_is_one_pair():
    result = kobai.judge(
        {"main": dict.fromkeys(range(9), 0.3), "new": dict.fromkeys(range(9), 0.2)}, maximize=False
    )
    assert result.code == 3
    assert "one pair of runs" in str(result)


def test_the_forecast_is_about_right():
    """Half of the futures at least are decided where 80 % are foreseen, and 100 more seeds are too many."""
    decided, foreseen = [], []
    for start in range(40):
        frame = table({"main": 0.3, "new": 0.29}, seeds=40, start=start, shared=0)
        now = kobai.judge(frame.filter(frame["seed"] < 8), maximize=False)
        further = verdict(now).more
        if further is not None and further <= 30:
            foreseen.append(further)
            then = kobai.judge(frame.filter(frame["seed"] < 8 + further), maximize=False)
            decided.append(then.code != 3)
    assert len(decided) >= 8
    assert np.mean(decided) > 0.5
    assert min(foreseen) >= 1


def test_a_growing_file_says_nothing_between_two_looks():
    grows = table({"main": 0.31, "new": 0.26}, seeds=40)
    said = [kobai.judge(grows.filter(grows["seed"] < n), watch=True) for n in range(2, 40)]
    looked = [(verdict(each).look, verdict(each).contrast.p) for each in said[2:]]
    assert len(set(looked)) <= 4
    assert said[-1].code == 0
    first = next(each for each in said if each.code == 0)
    assert verdict(said[-1]) == verdict(first)  # once decided, decided
    assert said[0].judgement.next == 4
    assert json.loads(said[4].to_json())["next_look"] == 8


def test_a_growing_file_keeps_no_verdict_of_chance():
    """Judged after every run, of equal arms at most one in twenty is ever called better or worse."""
    wrong = 0
    for start in range(30):
        equal = table({"main": 0.3, "new": 0.3}, seeds=16, start=start)
        wrong += kobai.judge(equal, watch=True, unpaired=True, maximize=False).code != 3
    assert wrong <= 5


def test_json_has_what_its_schema_says():
    content = json.loads(kobai.judge(ARMS, margin=0.01).to_json())
    assert set(content) == {
        *(
            "metric",
            "better",
            "by",
            "scale",
            "baseline",
            "arm",
            "margin",
            "sigma",
            "slope",
            "arms",
            "verdicts",
        ),
        *("best_set", "next_look", "exit_code", "warnings"),
    }
    assert {"name", "n", "mean", "interval"} <= set(content["arms"][0])
    keys = {"arm", "baseline", "verdict", "effect", "interval", "p", "seeds_needed", "power"}
    assert keys <= set(content["verdicts"][0])
    assert content["verdicts"][0]["verdict"] in ("better", "worse", "equivalent", "undecided")


@pytest.mark.parametrize(
    ("ask", "parts"),
    [
        ({"source": ARMS, "baseline": "mian"}, ["mian", "main"]),
        ({"source": ARMS, "arm": "none"}, ["none"]),
        ({"source": ARMS, "arm": "main"}, ["main", "--arm"]),
        ({"source": ARMS.filter(method="main")}, ["main", "two"]),
        ({"source": table({"a": 1, "b": 2})}, ["--baseline", "a, b"]),
        ({"source": table({"main": 1, "b": 2}, metric="x")}, ["x", "--maximize"]),
        ({"source": ARMS, "sigma": "wide"}, ["sigma", "wide"]),
        ({"source": ARMS, "sigma": 0}, ["sigma", "0"]),
        ({"source": ARMS, "maximize": 3}, ["maximize", "3"]),
        ({"source": ARMS, "metric": ""}, ["metric"]),
        ({"source": ARMS, "by": "steps:0.3"}, ["--step"]),
        ({"source": {str(i): [1.0] for i in range(201)}, "maximize": True}, ["201", "200"]),
    ],
)
def test_what_cannot_be_meant_is_refused(ask, parts):
    with pytest.raises(UsageError) as problem:
        kobai.judge(**ask)
    assert says_in_each_language(problem.value, parts)


# Runs that are the same are one


def alike(count, seeded, digits):
    """One draw so many times, against eight draws of the same distribution, as values by arm."""
    for start in range(count):
        drawn = np.round(np.random.default_rng([7, start]).normal(0.3, 0.01, 9), digits)
        arms = {"main": list(drawn[1:]), "new": [drawn[0]] * 8}
        yield {arm: dict(enumerate(values)) for arm, values in arms.items()} if seeded else arms


@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("digits", [3, 9])
def test_one_draw_repeated_is_one_run(seeded, digits):
    """Of equal distributions at most one in twenty is called better or worse; counted as eight, half are."""
    sets = 200
    judged = [kobai.judge(each, maximize=False) for each in alike(sets, seeded, digits)]
    assert np.mean([each.code != 3 for each in judged]) <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / sets)
    assert {verdict(each).contrast.procedure for each in judged} == {"borrowed"}
    assert all(each.best_set == ["main", "new"] for each in judged if each.code == 3)
    counted = [
        p_values("paired", *map(np.array, each.values())) <= 0.05 for each in alike(sets, False, digits)
    ]
    assert np.mean(counted) > 0.3  # what is avoided
    assert "1 against 8 runs; the noise is that of the 8 runs of main" in str(judged[0])
    assert any("all 8 runs are one and the same" in each for each in judged[0].warnings)
    assert judged[0].table["runs"].to_list() == [8, 1]


def test_a_constant_baseline_is_one_run_too_and_few_decide_nothing():
    drawn = next(alike(1, True, 9))
    turned = kobai.judge(drawn, baseline="new", maximize=False)
    assert verdict(turned).contrast.runs == (8, 1)
    few = {arm: dict(list(values.items())[:4]) for arm, values in drawn.items()}
    assert kobai.judge(few, maximize=False).code == 3
    assert "--sigma" in str(kobai.judge(few, maximize=False))
    assert verdict(kobai.judge(drawn, maximize=False, sigma=0.01)).contrast.runs == (1, 8)
    assert kobai.judge(drawn, maximize=False, ranks=True).code == 3
    assert kobai.judge(drawn, maximize=False, watch=True).code == 3


def test_copies_of_some_runs_are_not_counted_again():
    twice = {seed: 0.2012345 + 0.00123457 * (seed // 2) for seed in range(8)}
    main = {seed: 0.3 + 0.0123457 * seed for seed in range(8)}
    judged = kobai.judge({"main": main, "new": twice}, maximize=False)
    assert verdict(judged).contrast.runs == (4, 8)
    assert any("new: 4 runs are copies of another" in each for each in judged.warnings)
    assert not any("no run on the" in each for each in judged.warnings)
    one = kobai.judge({"main": main, "new": {0: 0.2123457, 1: 0.2123457, 2: 0.2234561}}, maximize=False)
    assert any("new: 1 run is a copy of another, digit for digit" in each for each in one.warnings)
    coarse = {seed: 0.2 + 0.01 * (seed // 2) for seed in range(8)}  # equal by chance, as accuracies are
    assert verdict(kobai.judge({"main": main, "new": coarse}, maximize=False)).contrast.runs == (8, 8)


def test_curves_that_only_end_alike_are_no_copies():
    rows = [
        (arm, seed, step, 1 - step + seed / 8 * (step == 0) if arm == "new" else 1 + step * (1 + seed))
        for arm in ("main", "new")
        for seed in range(8)
        for step in (0, 1)
    ]
    frame = pl.DataFrame(rows, schema=["method", "seed", "step", "val_loss"], orient="row")
    assert (kobai.judge(frame).code, verdict(kobai.judge(frame)).contrast.runs) == (0, (8, 8))


# Runs that crashed


GOOD = [0.31, 0.30, 0.32, 0.315, 0.305, 0.311, 0.309]


@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("ask", [{}, {"ranks": True}, {"sigma": 10.0}, {"sigma": "baseline"}])
def test_an_arm_of_which_every_run_crashed_is_worse_by_no_number(seeded, maximize, ask):
    arms = {"main": GOOD, "new": [None] * 7, "third": [each + 0.001 for each in GOOD]}
    arms = {arm: dict(enumerate(values)) for arm, values in arms.items()} if seeded else arms
    result = kobai.judge(arms, maximize=maximize, **ask)
    assert result.verdicts["new"] == "worse"
    (new,) = [each for each in json.loads(result.to_json())["verdicts"] if each["arm"] == "new"]
    assert (new["effect"], new["interval"], new["detectable"]) == (None, None, None)
    assert new["p"] <= 0.05
    (arm,) = [each for each in json.loads(result.to_json())["arms"] if each["name"] == "new"]
    assert (arm["failed"], arm["mean"], arm["interval"], arm["cost"]) == (7, None, None, None)
    assert "new" not in result.best_set
    assert "Of new every run crashed" in " ".join(str(result).split())
    assert "nan" not in str(result)
    assert result.table.filter(arm="new")["effect"].to_list() == [None]
    turned = kobai.judge(arms, maximize=maximize, baseline="new", **ask)
    assert turned.verdicts["main"] == "better"


def test_few_crashes_decide_nothing_and_say_how_many_would():
    one = kobai.judge({"main": GOOD, "new": [None]}, maximize=False)
    assert (one.code, verdict(one).more) == (3, 3)  # four against ten
    pairs = kobai.judge({"main": dict(enumerate(GOOD[:3])), "new": dict.fromkeys(range(3))}, maximize=False)
    assert (pairs.code, verdict(pairs).more) == (3, 3)
    both = kobai.judge({"main": GOOD, "new": [None] * 7, "old": [None] * 7}, maximize=False, baseline="old")
    assert both.verdicts == {"main": "better", "new": "undecided"}
    assert "–" in both.html()


def test_a_crash_ranks_below_every_number():
    arms = {"main": [0.3, 0.31, 0.32, 0.33], "new": [0.33, None, None, None]}
    assert verdict(kobai.judge(arms, maximize=False, ranks=True)).contrast.p == pytest.approx(
        0.0571, abs=1e-4
    )


def test_a_difference_that_never_varies_is_foreseen_by_the_pairs_that_it_takes():
    result = kobai.judge({"main": {0: 1.0, 1: 1.01}, "new": {0: 0.5, 1: 0.51}}, maximize=False)
    assert (result.code, verdict(result).more) == (3, 4)  # 2 / 2⁶ is below .05
    three = {name: {0: c, 1: c + 0.01} for name, c in (("main", 1.0), ("new", 0.5), ("other", 0.75))}
    assert {each.more for each in kobai.judge(three, maximize=False).judgement.verdicts} == {5}  # Holm's .025


def test_a_mistake_speaks_the_language_of_its_call():
    for call in (
        lambda: kobai.judge("nowhere.csv", language="ja"),
        lambda: kobai.judge(ARMS, metric="", language="ja"),
        lambda: kobai.compare("nosuch", language="ja"),
        lambda: kobai.probe("nosuch", language="ja"),
    ):
        with pytest.raises(UsageError) as problem:
            call()
        assert re.search("[ぁ-ん]", str(problem.value)), str(problem.value)
        with words.language("en"):
            assert re.search("[ぁ-ん]", str(problem.value))
