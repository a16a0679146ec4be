"""Early stopping in a training."""

import dataclasses

import numpy as np
import pytest

import kobai
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import early_stopping
from swept import HE, runs_of


def test_early_stopping_restores_the_best_weights_and_ends(task):
    """A rate that overshoots: the test numbers are those of the best evaluation, and the rest is not run."""
    strategy = Strategy(early_stopping=early_stopping(3))
    small = dataclasses.replace(task, train=tuple(a[:64] for a in task.train), test=task.validation)
    sweep = Sweep(small, [kobai.Adam()], steps=400, evaluate_every=10, strategies=[strategy])
    cells = [
        Cell(kobai.Adam(0.05), HE, seed, chosen) for seed in range(3) for chosen in (strategy, Strategy())
    ]
    runs = runs_of(sweep, cells)
    for stopped, free in zip(runs[::2], runs[1::2], strict=True):
        assert stopped.stopped_at < 400
        end = stopped.stopped_at // 10
        best = int(np.argmin(free.validation_loss[: end + 1]))
        assert best == end - 3
        np.testing.assert_array_equal(stopped.validation_loss[:end], free.validation_loss[:end])
        np.testing.assert_array_equal(stopped.validation_loss[end:], free.validation_loss[best])
        # The test part is the validation part here, so that it tells which weights were tested.
        assert stopped.test_loss == pytest.approx(free.validation_loss[best], rel=1e-6)
        assert np.isnan(stopped.training_loss[end + 1 :]).all()
        assert free.stopped_at is None


def test_a_patience_beyond_any_run_restores_the_best_weights_all_the_same(task):
    """It is kept in 32 bits, where the largest number means that nobody watches."""
    strategies = [Strategy(early_stopping=early_stopping(n)) for n in (1000, 2**30, 2**40)]
    small = dataclasses.replace(task, train=tuple(a[:64] for a in task.train), test=task.validation)
    sweep = Sweep(small, [kobai.Adam()], steps=400, evaluate_every=100, strategies=strategies)
    runs = runs_of(sweep, [Cell(kobai.Adam(0.05), HE, 0, strategy) for strategy in strategies])
    assert runs[0].test_loss == pytest.approx(min(runs[0].validation_loss), rel=1e-6)
    assert [run.stopped_at for run in runs] == [None] * 3
    assert runs[1].test_loss == runs[2].test_loss == runs[0].test_loss
