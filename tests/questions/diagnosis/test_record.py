"""A training with instruments is the engine's own; what they show, against what it is by hand."""

import dataclasses

import jax
import numpy as np
import pytest

from kobai import optimizers, schedules, stabilizers, tasks
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import given, parse
from kobai.questions.curvature import strengths, training_loss
from kobai.questions.diagnosis import signs
from kobai.questions.diagnosis.case import Case, Setting
from kobai.questions.diagnosis.instruments import Instruments
from kobai.questions.diagnosis.of_ends import noise_floor
from kobai.questions.diagnosis.record import Data, marks, record
from kobai.tasks.task import Task

STEPS = 45
RULES = [optimizers.Adam(0.01), optimizers.NesterovDefinition(0.02), optimizers.Adam(0.01)]
STRATEGIES = [
    Strategy(),
    Strategy(clip=stabilizers.clip_norm(0.5), schedule=schedules.cosine(), l2=stabilizers.l2(0.01)),
    Strategy(clip=stabilizers.clip_norm(1e9), l2=stabilizers.l2(0.3)),
]


@pytest.fixture(scope="module")
def task():
    return tasks.sine(hidden=6)


@pytest.fixture(scope="module")
def recorded(task):
    instruments = Instruments(task, RULES, STRATEGIES)
    cells = [Cell(rule, parse("xavier"), 3, each) for rule, each in zip(RULES, STRATEGIES, strict=True)]
    data = Data.of(task.train, task.validation)
    return cells, [record(instruments, cell, data, STEPS) for cell in cells], instruments


@pytest.mark.parametrize("i", [0, 1])
def test_it_ends_where_the_engine_does_to_the_last_bit(task, recorded, i):
    cells, records, _ = recorded
    sweep = Sweep(
        task, RULES, steps=STEPS, evaluate_every=9, strategies=STRATEGIES, keep_model=True, threads=1
    )
    [run] = sweep.train([cells[i]])
    np.testing.assert_array_equal(records[i].θ, task.flatten(run.model.parameters))
    assert records[i].validation[-1, 0] == pytest.approx(float(run.validation_loss[-1]), rel=1e-6)


def test_lengths_of_the_first_step_are_those_of_its_gradient(task, recorded):
    _, records, _ = recorded
    θ = task.start(parse("xavier"), stream(3, INITIAL))
    [rows] = mini_batch(3, 0, 1, task.batch_size, len(task.train[0]))
    batch = jax.tree.map(lambda array: array[rows], task.train)
    loss, g = jax.value_and_grad(training_loss(task, batch))(θ)
    found = records[0]
    assert found.loss[0] == pytest.approx(float(loss), rel=1e-6)
    expected = [np.linalg.norm(part) for part in task.arrays(np.asarray(g))]
    np.testing.assert_allclose(found.gradients[0], expected, rtol=1e-5)
    # Adam's first step moves every parameter that has a gradient by η.
    np.testing.assert_allclose(
        np.linalg.norm(found.updates[0]), 0.01 * np.sqrt(np.count_nonzero(g)), rtol=1e-3
    )


def test_clipping_shows_in_what_the_rule_got(recorded):
    _, records, _ = recorded
    found = records[1]
    assert (found.unclipped > 0.6).any()
    np.testing.assert_allclose(found.given, np.minimum(found.unclipped, 0.5), rtol=1e-5)
    share, factor = signs.clipped(found)
    assert share == np.mean(found.unclipped > 0.5 * 1.001)
    assert factor == pytest.approx(np.median(0.5 / found.unclipped[found.unclipped > 0.5 * 1.001]), rel=1e-5)
    np.testing.assert_allclose(records[0].given, np.linalg.norm(records[0].gradients, axis=1), rtol=1e-5)


def test_what_a_penalty_takes_off_is_not_clipped(recorded):
    _, records, _ = recorded
    found = records[2]
    assert signs.clipped(found) == (0.0, 1.0)
    np.testing.assert_array_equal(found.given, found.unclipped)
    # The wrong variant: beside the gradient without penalties.
    assert np.mean(found.given < 0.999 * np.linalg.norm(found.gradients, axis=1)) > 0.1


def test_a_batch_that_is_left_out_is_not_clipped(task, recorded):
    """The square of an error of 3e19 is infinite, its gradient is not."""
    cells, _, instruments = recorded
    x, y = task.train
    huge = np.where(np.arange(len(y))[:, None] == 0, np.float32(3e19), y)
    found = record(instruments, cells[2], Data.of((x, huge), task.validation), STEPS)
    left_out = found.given == 0
    assert found.skipped == left_out.sum() > 0
    assert np.isfinite(found.unclipped[left_out]).all()  # the wrong variant: 0 of a finite length
    assert signs.clipped(found) == (0.0, 1.0)


def test_noise_and_signal_are_those_of_the_chunks(task, recorded):
    """The trace of the covariance of single gradients, estimated by chunks, against all of them by one."""
    _, records, _ = recorded
    places = np.random.RandomState(0).permutation(len(task.train[0]))[:256]
    x, y = (array[places] for array in task.train)
    gradient = jax.jit(jax.grad(lambda θ, x, y: training_loss(task, (x, y))(θ)))
    each = np.array([gradient(records[0].θ, x[i : i + 1], y[i : i + 1]) for i in range(256)])
    assert records[0].signal[-1] == pytest.approx(float(np.sum(each.mean(0) ** 2)), rel=1e-3)
    assert records[0].noise[-1] == pytest.approx(float(each.var(0, ddof=1).sum()), rel=0.6)


def test_the_signal_is_of_loss_and_penalties(task, recorded):
    _, records, _ = recorded
    places = np.random.RandomState(0).permutation(len(task.train[0]))[:256]
    batch = jax.tree.map(lambda array: array[places], task.train)
    g = np.asarray(jax.jit(jax.grad(training_loss(task, batch, strategy=STRATEGIES[2])))(records[2].θ))
    assert records[2].signal[-1] == pytest.approx(float(g @ g), rel=1e-3)
    alone = g - np.asarray(strengths(task, STRATEGIES[2])[1]) * records[2].θ
    assert records[2].signal[-1] != pytest.approx(float(alone @ alone), rel=0.1)  # the wrong variant


def test_the_noise_scale_is_the_one_that_was_drawn():
    """Gradients θ − x with x from N(μ, 1) in 1,000 dimensions: tr Σ / ‖μ‖² is known, of 64 examples too."""
    d, μ, random = 1000, 0.2, np.random.default_rng(0)
    x = (μ + random.standard_normal((64, d))).astype(np.float32)

    def distance(parameters, batch):
        return 0.5 * jax.numpy.mean(jax.numpy.sum((parameters["biases"] - batch) ** 2, axis=-1))

    still = Task(
        parameters={"biases": np.zeros(d, np.float32)}, loss=distance, train=x, validation=x[:8], batch_size=8
    )
    rule, pulled = optimizers.SGD(0.0), Strategy(l2=stabilizers.l2(3.0, biases=True))
    instruments = Instruments(still, [rule], [pulled])
    found = record(instruments, Cell(rule, parse("he"), 0, Strategy()), Data.of(x, x[:8]), 20)
    assert found.looked == 64
    assert found.noise[-1] == pytest.approx(d, rel=0.15)
    assert signs.noise_scale(found) == pytest.approx(1 / μ**2, rel=0.2)
    for accumulate, is_noise in ((1, True), (8, True), (16, False)):  # 25 against a quarter of a step's
        setting = Setting(
            dataclasses.replace(still, accumulate=accumulate), rule, parse("he"), Strategy(), 20
        )
        case = Case(setting, None, [], [], [found], None)
        averaged = dataclasses.replace(found, average=(0.0, 1e9))
        assert (noise_floor(case, averaged) is not None) == is_noise

    # Where loss and penalty together are lowest a gradient is noise alone, though that of the loss is long.
    mean = x.mean(0)
    there = dataclasses.replace(still, parameters={"biases": mean / 4})
    found = record(instruments, Cell(rule, given(), 0, pulled), Data.of(x, x[:8]), 20, there)
    assert found.noise[-1] == pytest.approx(d, rel=0.15)
    assert signs.noise_scale(found) == np.inf
    assert d / (np.sum((0.75 * mean) ** 2) - d / 64) < 100  # the wrong variant: of the loss alone


def test_curvature_against_the_whole_hessian(task, recorded):
    _, records, _ = recorded
    places = np.random.RandomState(0).permutation(len(task.train[0]))[:128]
    batch = jax.tree.map(lambda array: array[places], task.train)
    λ = np.linalg.eigvalsh(np.asarray(jax.jit(jax.hessian(training_loss(task, batch)))(records[0].θ)))
    low, high, _ = records[0].curvature[STEPS]
    assert high == pytest.approx(float(λ[-1]), rel=1e-3)
    assert low == pytest.approx(float(λ[0]), abs=0.02 * float(λ[-1]))


def test_looks_are_at_the_beginning_at_the_end_and_evenly_between():
    assert list(marks(8)) == list(range(9))
    assert {0, 1, 2, 5, 10, 1000} <= set(marks(1000))
    assert np.diff(marks(1000)).max() <= 42
