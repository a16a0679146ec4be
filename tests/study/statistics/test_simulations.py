"""What the best set, its costs and its looks promise, in simulated studies whose truth is known.

The cases are those of benchmarks/studies.py, which has them in full; here are fewer studies, fewer flips,
and margins that a true rate passes 999 times in 1,000. The seeds are fixed.
"""

import dataclasses

import numpy as np
import pytest

from kobai.study import statistics as s
from kobai.study.statistics import looks
from kobai.study.statistics.best import BestSet
from kobai.study.statistics.flips import share, signs
from measured import benchmark
from simulated import least, most

sim = benchmark("studies")
STUDIES, FLIPS = 250, 2**8


def few(case):
    """Its number of seeds: 8 to 40, the more the fewer candidates there are."""
    return {2: 20, 3: 40, 4: 18, 7: 10, 12: 8}[case.candidates]


@pytest.mark.parametrize("case", sim.SYMMETRIC, ids=str)
def test_where_differences_are_symmetric_all_is_kept(case):
    rates = sim.studied(case, few(case), STUDIES, most=FLIPS)
    assert rates.member >= least(STUDIES, 0.95)
    assert rates.leader >= least(STUDIES, 0.95)
    assert rates.every >= least(STUDIES, 0.945)
    assert rates.called <= most(STUDIES, 0.05)


@pytest.mark.parametrize("case", [case for case in sim.ASYMMETRIC if case.candidates > 2], ids=str)
def test_where_shapes_differ_there_is_a_floor(case):
    rates = sim.studied(case, 10, STUDIES, most=FLIPS)
    assert rates.member >= least(STUDIES, 0.9)
    assert rates.leader >= least(STUDIES, 0.95)


def by_t1_alone(x, **options):
    choice = s.choose(x, **options)
    flips = signs(len(x), FLIPS)
    d = x[:, :, None] - x[:, None, :]
    size = np.sqrt(np.square(d).sum(axis=0))
    t1 = np.max(np.einsum("fs,sij->ijf", flips, d) / np.where(size > 0, size, np.inf)[..., None], axis=1)
    members = share(t1, t1[:, 0]) > 0.05
    return dataclasses.replace(choice, best=BestSet(choice.best.p, choice.best.p, members, ~members))


def test_t1_alone_is_seen_where_some_runs_fail():
    case = sim.failing(7, np.arange(7) > 0)
    assert sim.studied(case, 10, STUDIES, by_t1_alone, most=FLIPS).member < least(STUDIES, 0.9)


def without_step_down(x, **options):
    choice = s.choose(x, **options)
    return dataclasses.replace(choice, best=dataclasses.replace(choice.best, not_best=~choice.best.members))


def by_holm_on_the_same_seeds(x, **options):
    """Each against whoever leads, corrected by Holm: as if the leader had been fixed beforehand."""
    choice = s.choose(x, **options)
    slower = ~sim.holm_remaining(x, choice.leader)
    return dataclasses.replace(choice, best=dataclasses.replace(choice.best, not_best=slower))


@pytest.mark.parametrize("wrong", [without_step_down, by_holm_on_the_same_seeds])
def test_what_corrects_nothing_is_seen_among_equals(wrong):
    assert sim.studied(sim.equal(7), 10, 500, wrong, most=FLIPS).called > most(500, 0.05)


@pytest.mark.parametrize("candidates", [3, 7])
def test_the_step_down_leaves_no_more_than_holm(candidates):
    """Holm of all pairs: no procedure here knows beforehand who the best is."""
    left = sim.power(sim.one_best(candidates), 10, 120, most=FLIPS)
    assert left["set"] <= left["step-down"] <= left["Holm, all pairs"]


@pytest.mark.parametrize("case", [sim.one_best(3, 0.2), sim.one_best(7, 0.3), sim.equal(3)], ids=str)
def test_looks_keep_to_the_level(case):
    stops = sim.stopped(case, 150, fixed=False, most=FLIPS)
    assert max(stops.excluded, stops.called, stops.false) <= most(150, 0.05)


def test_looking_without_correction_is_seen(monkeypatch):
    """5 % at each of the five looks."""
    monkeypatch.setattr(looks, "ALPHA", s.ALPHA * len(s.LOOKS))
    stops = sim.stopped(sim.equal(7), 200, fixed=False, most=FLIPS)
    assert stops.excluded > most(200, 0.05)


@pytest.mark.parametrize("candidates", [3, 7])
def test_looks_cost_few_seeds_more_than_a_number_fixed_beforehand(candidates):
    """As many studies of one best are clear; the mean number of seeds is at most half as large again."""
    stops = sim.stopped(sim.one_best(candidates, 0.2), 60, most=FLIPS)
    assert stops.clear > 0.7
    assert stops.seeds <= 1.5 * stops.fixed
