"""What is reused of a source, and how it is trained."""

import jax
import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.sweep import Sweep
from kobai.optimizers.adam import Adam
from kobai.questions.transfer.weights import ArrayRates, ReusedValues, trained
from kobai.tasks.pairs import halves


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
