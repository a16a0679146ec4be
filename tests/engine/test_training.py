"""The loop that trains: the length of its blocks, and the trained network where a sweep keeps it."""

import jax
import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics.arrays import is_float
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import early_stopping, polyak

HE = initial_values.he()


def worth(task, model):
    """(loss, metric) of a network on the test data, outside the engine."""
    return [float(value) for value in task.evaluate(model.parameters, model.state, task.test)]


@pytest.mark.parametrize("population", [False, True])
def test_the_network_that_is_kept_is_the_one_that_was_tested(task, population):
    rules = [kobai.SGD(0.3), kobai.Adam(0.01)]
    sweep = Sweep(task, rules, steps=25, evaluate_every=10, population=population, keep_model=True)
    cells = [Cell(rule, HE, seed) for rule in rules for seed in (0, 1)]
    runs = THREADS.runs(sweep, cells)
    for run in runs:
        loss, metric = worth(task, run.model)
        assert loss == pytest.approx(run.test_loss, rel=1e-5)
        assert metric == pytest.approx(run.test_metric, abs=1e-6)
    assert jax.tree.structure(runs[0].model.parameters) == jax.tree.structure(task.parameters)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(runs[0].model.parameters))


def test_keeping_changes_no_bit_and_compiles_nothing_else(task):
    cells = [Cell(kobai.Adam(0.01), HE, 0)]
    plain, keeping = (
        Sweep(task, [kobai.Adam()], steps=10, evaluate_every=5, keep_model=keep) for keep in (False, True)
    )
    assert plain.text() == keeping.text()
    [without], [run] = THREADS.runs(plain, cells), THREADS.runs(keeping, cells)
    assert without.model is None
    np.testing.assert_array_equal(without.validation_loss, run.validation_loss)


@pytest.mark.parametrize("population", [False, True])
def test_early_stopping_keeps_the_best_network(task, population):
    """A rate that overshoots, so that the best weights are not the last."""
    strategy = Strategy(early_stopping=early_stopping(2), averages=(polyak(),))
    sweep = Sweep(
        task, [kobai.Adam()], steps=200, evaluate_every=10, strategies=[strategy],
        population=population, keep_model=True,
    )  # fmt: skip
    [run] = THREADS.runs(sweep, [Cell(kobai.Adam(0.2), HE, 0, strategy)])
    assert run.stopped_at < 200
    loss, _ = task.evaluate(run.model.parameters, None, task.validation)
    assert float(loss) == pytest.approx(min(run.validation_loss), rel=1e-5)


def test_running_statistics_are_kept_with_the_network():
    task = kobai.tasks.digits(hidden=8, batch_size=16, batch_norm=True)
    [run] = THREADS.runs(
        Sweep(task, [kobai.Adam()], steps=20, evaluate_every=10, keep_model=True),
        [Cell(kobai.Adam(0.01), HE, 0)],
    )
    assert worth(task, run.model)[0] == pytest.approx(run.test_loss, rel=1e-5)
    before, after = jax.tree.leaves(task.state), jax.tree.leaves(run.model.state)
    assert all(np.abs(old - new).max() > 0 for old, new in zip(before, after, strict=True))


def test_a_diverged_run_has_no_network(task):
    [run] = THREADS.runs(
        Sweep(task, [kobai.SGD()], steps=10, evaluate_every=5, keep_model=True),
        [Cell(kobai.SGD(1e30), HE, 0)],
    )
    assert run.diverged_at is not None
    assert run.model is None


def test_a_minimizer_gives_its_network_too():
    task = kobai.tasks.sine(hidden=5)
    method = kobai.LBFGS()
    [run] = THREADS.runs(
        Sweep(task, [method], steps=60, evaluate_every=20, keep_model=True), [Cell(method, HE, 0)]
    )
    assert worth(task, run.model)[0] == pytest.approx(run.test_loss, rel=1e-5)
    starts = HE.fill(task.parameters, 0, layout=task.layout)
    pairs = zip(jax.tree.leaves(starts), jax.tree.leaves(run.model.parameters), strict=True)
    assert all(np.abs(old - new).max() > 0 for old, new in pairs if is_float(old))
