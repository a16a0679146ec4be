"""What is drawn once for all cells of a seed: the same numbers, in segments that blocks do not cross."""

import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import schedules
from kobai.engine import shared
from kobai.engine.cell import Cell
from kobai.engine.draws import mini_batch, noise_key
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from swept import HE, runs_of, same

pytestmark = pytest.mark.usefixtures("quick_engine")

STEPS = 40


@pytest.fixture(scope="module")
def task():
    return kobai.tasks.sine(hidden=3)


@pytest.fixture
def sweep(task, monkeypatch):
    monkeypatch.setattr("kobai.engine.sweep.STEPS_PER_BLOCK", 16)
    return Sweep(task, [kobai.SGD(), kobai.Adam()], steps=STEPS, evaluate_every=9)


def test_segments_are_whole_but_for_the_last(sweep):
    ours = sweep.training.shared
    assert [ours.segment(step) for step in (0, 5, 15)] == [(0, 16)] * 3
    assert ours.segment(16) == (16, 32)
    assert ours.segment(39) == (32, 40)
    assert ours.segment(40) == (32, 40)


def test_batches_are_those_of_the_steps(sweep, task):
    examples, seeds = len(task.train[0]), [seed for seed, _ in SEEDS]
    strategies = [Strategy(replacement=again) for _, again in SEEDS]
    draws = sweep.training.shared.draws(seeds, strategies, 20, streams=4)
    assert draws.batches.shape == (4, 16, task.batch_size)
    np.testing.assert_array_equal(draws.stream, [0, 1, 0, 2])
    for place, (seed, again) in zip(draws.stream, SEEDS, strict=True):
        expected = mini_batch(seed, 16, 32, task.batch_size, examples, again)
        np.testing.assert_array_equal(draws.batches[place], expected)
        np.testing.assert_array_equal(draws.keys[place], noise_key(seed))


SEEDS = [(3, False), (5, False), (3, False), (3, True)]


def test_the_last_segment_ends_with_the_training(sweep, task):
    draws = sweep.training.shared.draws([3], [Strategy()], 32)
    expected = mini_batch(3, 32, 40, task.batch_size, len(task.train[0]))
    np.testing.assert_array_equal(draws.batches[0, :8], expected)
    assert not np.any(draws.batches[0, 8:])


def test_everything_is_made_once(sweep, monkeypatch):
    """Once a seed, whatever the rules, rates and initial values; initial values once for each of those."""
    drawn, begun = [], []
    ours, draw = sweep.training.shared, mini_batch
    begin = ours.start
    monkeypatch.setattr(shared, "mini_batch", lambda *key: drawn.append(key[:3]) or draw(*key))
    monkeypatch.setattr(ours, "start", lambda *key: begun.append(key[0].name) or begin(*key))
    starts = [HE, initial_values.xavier()]
    rules = [kobai.SGD(0.1), kobai.SGD(0.3), kobai.Adam()]
    cells = [Cell(rule, start, seed) for seed in (0, 1) for rule in rules for start in starts]
    runs = runs_of(sweep, cells)
    assert sorted(drawn) == [(seed, *ends) for seed in (0, 1) for ends in ((0, 16), (16, 32), (32, 40))]
    assert sorted(begun) == ["he", "he", "xavier", "xavier"]
    other = Sweep(sweep.task, rules[:1], steps=STEPS, evaluate_every=9)
    assert all(map(same, runs, [runs_of(other, [cell])[0] for cell in cells[:2]]))


def test_a_plan_is_that_of_its_segment(sweep):
    halves = schedules.step(10)
    strategy = Strategy(schedule=halves)
    other = Sweep(sweep.task, [kobai.SGD()], steps=STEPS, evaluate_every=9, strategies=[strategy])
    [factors] = other.training.shared.draws([0], [strategy], 17).plan
    np.testing.assert_allclose(factors, halves.factors(16, 32, STEPS), rtol=1e-6)
