"""Looks at a growing study: when they are, what they keep, and what is foreseen of those to come."""

import numpy as np
import pytest

from kobai.study import statistics as s
from kobai.study.statistics.looks import FUTURES, _urns


def runs(*gaps, seeds=40, spread=0.25, seed=0):
    return 4 + np.array(gaps) + spread * np.random.default_rng(seed).normal(size=(seeds, len(gaps)))


def test_the_looks():
    assert s.looks_until(40) == s.LOOKS == (8, 12, 18, 27, 40)
    assert s.looks_until(90) == (8, 12, 18, 27, 40, 60, 90)
    assert s.looks_until(50) == (8, 12, 18, 27, 40, 50)
    assert s.looks_until(20) == (8, 12, 18, 20)
    assert (s.looks_until(8), s.looks_until(5)) == ((8,), (5,))


def test_before_the_first_look_nothing_is_seen():
    assert s.until_clear(runs(0, 3, seeds=7)) == s.Decision(s.OPEN, None)
    assert s.forecast(runs(0, 3, seeds=7)) is None


def test_a_study_ends_at_the_first_look_that_is_clear():
    x = runs(0, 0.3, 0.4)
    decisions = {seeds: s.until_clear(x[:seeds]) for seeds in (8, 11, 12, 40)}
    assert [decision.verdict for decision in decisions.values()] == [s.OPEN, s.OPEN, s.CLEAR, s.CLEAR]
    assert [decision.choice.seeds for decision in decisions.values()] == [8, 8, 12, 12]
    choice = decisions[40].choice
    assert choice.leader == 0
    assert choice.bounds[0] < np.log(1.1)
    np.testing.assert_array_equal(
        choice.bounds, s.choose(x[:12], alpha=0.01).bounds
    )  # nobody was excluded at 8


def test_each_look_has_its_part_of_the_level():
    """The same seeds are clear as one look at 5 %, and not as one of five."""
    x = runs(0, 0.2, 0.2)
    assert s.until_clear(x[:8], looks=(8,)).verdict == s.CLEAR
    assert s.until_clear(x[:8]).verdict == s.OPEN


def test_without_a_look_left_it_is_undecided():
    decision = s.until_clear(runs(*[0] * 7))
    assert (decision.verdict, decision.choice.seeds) == (s.UNDECIDED, 40)
    assert s.forecast(runs(*[0] * 7)) is None


def test_a_wider_margin_is_sooner_clear():
    x = runs(0, 0.05, 0.1, spread=0.1)
    narrow, wide = (s.until_clear(x, within=np.log(1 + part)) for part in (0.05, 0.5))
    assert narrow.choice.seeds > wide.choice.seeds == 8


def test_who_is_excluded_at_a_look_needs_no_more_runs():
    x = runs(0, 0.05, 4)
    whole = s.until_clear(x)
    x[8:, 2] = np.nan
    decision = s.until_clear(x)
    assert not decision.choice.best.members[2]
    assert decision.choice.best.not_best[2]
    assert decision.choice.leader == whole.choice.leader
    assert s.until_clear(x[:12]).verdict == s.OPEN
    assert s.forecast(x[:12]) is not None


def test_a_leader_that_does_not_arrive_is_never_clear():
    x = runs(0, 0, spread=0.01)
    assert s.until_clear(x).choice.seeds == 8
    arrived = np.arange(40)[:, None] % 4 > [0, 0]
    assert s.until_clear(x, arrived).verdict == s.UNDECIDED


def test_a_forecast_is_likely_the_sooner_the_clearer():
    x = runs(0, 0.3, 0.3, seeds=8)
    near, far = s.forecast(x), s.forecast(runs(*[0] * 5, seeds=18))
    assert near == s.forecast(x)
    assert (near.seeds, near.more) == (12, 4)
    assert 0.5 <= near.probability <= 1
    assert far is None
    assert s.forecast(x, within=np.log(10)) is None  # it is clear now


def test_the_seeds_to_come_are_like_those_that_were_run():
    rows = _urns(8, 40)
    assert rows.shape == (FUTURES, 40)
    assert (rows[:, :8] == np.arange(8)).all()
    assert set(np.unique(rows)) == set(range(8))
    # One drawn twice is drawn more often: the number of copies of each at the end is uniform (Pólya), with
    # the variance of a Dirichlet's part, and not binomial.
    parts = np.stack([(rows[:, 8:] == seed).mean(axis=1) for seed in range(8)])
    assert parts.mean() == pytest.approx(1 / 8)
    assert parts.var() > 2 * (1 / 8) * (7 / 8) / 32


def test_what_is_foreseen_comes():
    """Within .2, as 12 studies tell it: the mean of the probabilities and the part that was clear."""
    foreseen, clear = [], []
    for seed in range(12):
        x = runs(0, 0.2, 0.2, seed=seed)
        coming = s.forecast(x[:8])
        if coming:
            foreseen.append(coming.probability)
            clear.append(s.until_clear(x[: coming.seeds]).verdict == s.CLEAR)
    assert len(foreseen) > 8
    assert np.mean(foreseen) == pytest.approx(np.mean(clear), abs=0.2)
