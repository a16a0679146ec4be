"""Clipping in a training, and batches that are left out."""

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from swept import HE, runs_of, same


def cliff():
    """A plain with a wall: a step from where the wall is steepest lands far away, unless it is clipped."""
    data = np.zeros((4, 1), np.float32)

    def loss(parameters, batch):
        x = parameters["x"][0]
        return 0.1 * x**2 + jnp.log1p(jnp.exp(30 * (x - 1))) + 0 * jnp.sum(batch)

    return kobai.Task(
        parameters={"x": np.array([1.2], np.float32)}, loss=loss, train=data, validation=data, batch_size=2
    )


def test_clipping_tames_a_cliff():
    strategies = [Strategy(), Strategy(clip=kobai.clip_norm(1))]
    sweep = Sweep(cliff(), [kobai.SGD()], steps=50, evaluate_every=1, strategies=strategies)
    free, clipped = runs_of(sweep, [Cell(kobai.SGD(1.0), HE, 0, strategy) for strategy in strategies])
    assert free.validation_loss.max() > 50
    assert clipped.validation_loss.max() <= clipped.validation_loss[0]
    assert clipped.validation_loss[-1] < 0.01


def broken():
    """√x at 0: a finite loss and an infinite gradient, for one example of four."""
    data = np.array([[0.0], [1.0], [1.0], [1.0]], np.float32)

    def loss(parameters, batch):
        return jnp.mean(jnp.sqrt(batch * parameters["x"] ** 2)) + jnp.mean((parameters["x"] - 2) ** 2)

    return kobai.Task(
        parameters={"x": np.array([0.5], np.float32)},
        loss=loss, train=data, validation=data, batch_size=1,
    )  # fmt: skip


def test_an_infinite_gradient_is_skipped_and_counted():
    """Without the guard it makes every parameter NaN at once; with it 10 of 40 steps are left out."""
    strategies = [Strategy(), Strategy(clip=kobai.clip_norm(100))]
    sweep = Sweep(broken(), [kobai.SGD()], steps=40, evaluate_every=10, strategies=strategies)
    free, guarded = runs_of(sweep, [Cell(kobai.SGD(0.1), HE, 0, strategy) for strategy in strategies])
    assert free.diverged_at is not None
    assert free.skipped == 0
    assert (guarded.diverged_at, guarded.skipped) == (None, 10)
    assert guarded.validation_loss[-1] < guarded.validation_loss[0]


def spoiled():
    """A state that counts batches and adds up their means; one example of four is infinite."""
    data = np.array([[np.inf], [1.0], [1.0], [1.0]], np.float32)

    def loss(parameters, batch, state):
        count, total = state
        error = jnp.mean((batch * parameters["w"] - 2) ** 2)
        return error, (count + 1, total + jnp.mean(batch))

    return kobai.Task(
        parameters={"w": np.array([0.5], np.float32)},
        state=(np.float32(0), np.float32(0)),
        loss=loss, train=data, validation=data[1:], test=data[1:2], batch_size=1,
        validation_loss=lambda parameters, data, state: (
            jnp.mean((data * parameters["w"] - 2) ** 2) + 100 * state[0] + 0 * state[1]
        ),
    )  # fmt: skip


@pytest.mark.parametrize("population", [False, True])
def test_a_batch_that_is_left_out_is_no_divergence_and_leaves_no_trace(population):
    """Its loss is infinite: neither the weights nor the model's state have seen it, and the run goes on."""
    strategies = [Strategy(), Strategy(clip=kobai.clip_norm(100))]
    sweep = Sweep(
        spoiled(), [kobai.SGD(), kobai.Momentum()], steps=40, evaluate_every=10, strategies=strategies,
        population=population,
    )  # fmt: skip
    rules = (kobai.SGD(0.1), kobai.Momentum(0.01))
    cells = [Cell(rule, HE, 0, strategy) for rule in rules for strategy in strategies]
    for free, guarded in zip(*[iter(runs_of(sweep, cells))] * 2, strict=True):
        assert free.diverged_at is not None
        assert free.skipped == 0
        assert (guarded.diverged_at, guarded.skipped) == (None, 10)
        seen = (guarded.validation_loss // 100).tolist()
        in_ten = 10 - np.isinf(spoiled().train[mini_batch(0, 0, 40, 1, 4)]).reshape(4, 10).sum(1)
        assert seen == [0, *np.cumsum(in_ten)]
        assert guarded.test_loss == pytest.approx(3000, abs=5)


def test_a_batch_that_is_left_out_is_a_gradient_of_zero_to_the_rule():
    """As in a loop with `Clip.update`: momentum goes on by itself, Adam counts the step."""
    data, seed = spoiled().train, 3
    order = mini_batch(seed, 0, 40, 1, 4).ravel()
    strategy = Strategy(clip=kobai.clip_norm(1))
    rules = [kobai.Momentum(0.05), kobai.Adam(0.1)]
    sweep = Sweep(spoiled(), rules, steps=40, evaluate_every=40, strategies=[strategy])
    runs = runs_of(sweep, [Cell(rule, HE, seed, strategy) for rule in rules])
    for rule, run in zip(rules, runs, strict=True):
        w = HE.fill(spoiled().parameters, stream(seed, INITIAL))["w"].astype(np.float32)
        state, clip = rule.init(w), strategy.clip.init(w)
        for i in order:
            x = data[i]
            g = 2 * x * (x * w - 2) if np.isfinite(x) else np.full(1, np.nan, np.float32)
            g, clip = strategy.clip.update(g, clip)
            Δ, state = rule.update(g, state, w)
            w = w + Δ
        assert run.skipped == int(clip.skipped) == 10
        # Beside 3000, for the batches that were seen, a float32 has steps of 2.4e-4.
        assert run.validation_loss[-1] - 3000 == pytest.approx(float((w[0] - 2) ** 2), abs=3e-4)


def test_a_batch_is_left_out_for_its_loss_alone():
    """The gradient is finite, the loss is not: what made it cannot be trusted."""
    data = np.array([[np.inf], [1.0], [1.0], [1.0]], np.float32)
    task = kobai.Task(
        parameters={"w": np.array([2.0], np.float32)},
        loss=lambda p, batch: jnp.sum(p["w"] ** 2) + jnp.mean(batch),
        train=data, validation=data[1:], batch_size=1,
    )  # fmt: skip
    strategies = [Strategy(clip=kobai.clip_norm(100)), Strategy()]
    sweep = Sweep(task, [kobai.SGD()], steps=4, evaluate_every=4, strategies=strategies)
    guarded, free = runs_of(sweep, [Cell(kobai.SGD(0.25), HE, 0, strategy) for strategy in strategies])
    assert (guarded.diverged_at, guarded.skipped) == (None, 1)
    start = guarded.validation_loss[0] - 1  # w², of which each of three steps leaves a quarter
    assert guarded.validation_loss[-1] == pytest.approx(start / 4**3 + 1)
    assert free.diverged_at is not None


def test_a_run_that_diverges_in_spite_of_clipping_keeps_its_count(monkeypatch):
    """Only the evaluations tell of it; and the count does not depend on where blocks end."""
    strategy = Strategy(clip=kobai.clip_value(1e30))
    cell = Cell(kobai.SGD(1e20), HE, 0, strategy)
    found = []
    for steps in (3, 40):
        sweep = Sweep(spoiled(), [kobai.SGD()], steps=40, evaluate_every=10, strategies=[strategy])
        monkeypatch.setattr(sweep.pace, "steps", steps)
        monkeypatch.setattr(sweep.pace, "measure", lambda seconds: None)
        found += runs_of(sweep, [cell])
    assert same(*found)
    assert found[0].diverged_at == 10
    assert found[0].skipped > 0
    assert found[0].test_loss is None
