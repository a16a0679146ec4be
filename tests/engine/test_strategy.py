"""Strategies in a training: every part against a plain loop, and what no part may change."""

import dataclasses
import math

import jax
import numpy as np
import pytest

import kobai
from kobai import schedules
from kobai.basics import registry
from kobai.engine.cell import Cell
from kobai.engine.draws import BATCHES, INITIAL, mini_batch, stream
from kobai.engine.run import Reading, Run
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import cautious, early_stopping, exponential, l1, l2, polyak, weight_decay
from swept import HE, runs_of, same

STEPS, EVERY = 25, 5


STRATEGIES = {
    "clip norm": Strategy(clip=kobai.clip_norm(0.3)),
    "clip value": Strategy(clip=kobai.clip_value(0.02)),
    "clip percentile": Strategy(clip=kobai.clip_percentile(50, 7)),
    "l1": Strategy(l1=l1(0.003)),
    "l2": Strategy(l2=l2(0.1, biases=True)),
    "decay": Strategy(weight_decay=weight_decay(0.1)),
    "decay of biases": Strategy(weight_decay=weight_decay(0.1, biases=True)),
    "mask": Strategy(mask=cautious()),
    "mask and decay": Strategy(mask=cautious(), weight_decay=weight_decay(0.1)),
    "schedule": Strategy(schedule=schedules.warm_up(5) * schedules.cosine()),
    "all": Strategy(
        clip=kobai.clip_norm(0.5),
        l1=l1(0.001),
        l2=l2(0.01),
        weight_decay=weight_decay(0.01),
        schedule=schedules.one_cycle(),
        averages=(polyak(8), exponential(0.8)),
        early_stopping=early_stopping(2, 0.01),
    ),
    "averages": Strategy(averages=(exponential(0.5), polyak())),
    "replacement": Strategy(replacement=True),
    "nothing": Strategy(),
}


EVERY_PART = list(STRATEGIES.values())


RULES = [
    kobai.SGD(0.5),
    kobai.NesterovDefinition(0.05),
    kobai.AdamW(0.02, weight_decay=0.2),
]


@pytest.fixture(scope="module")
def sweep(task):
    return Sweep(task, RULES, steps=STEPS, evaluate_every=EVERY, strategies=EVERY_PART, threads=1)


@pytest.fixture(scope="module")
def cells():
    return [Cell(rule, HE, 3, strategy) for rule in RULES for strategy in EVERY_PART]


@pytest.fixture(scope="module")
def runs(sweep, cells):
    return runs_of(sweep, cells)


@pytest.fixture(scope="module")
def compiled(task):
    """(gradient, (loss, metric) on the validation data), each compiled once."""
    return jax.jit(jax.grad(task.loss)), jax.jit(lambda p: task.evaluate(p, None, task.validation))


def masked(Δ, g):
    """Cautious Optimizers (arXiv 2411.16085): φ = 1(u∘g > 0), scaled by α(φ) = dim(φ)/(nnz(φ) + 1), which is
    the default of its text, of all arrays together. optax 0.2.8 has no cautious wrapper to hold it to."""
    u, h = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (Δ, g))
    scale = len(u) / (np.sum(-u * h > 0) + 1)
    return jax.tree.map(lambda u, h: np.float32(scale) * np.where(-u * h > 0, u, 0), Δ, g)


def by_hand(task, compiled, optimizer, strategy, seed, masked=masked):
    """The same training as a plain loop on the tree: rows of (loss, metric) of iterate and averages."""
    parameters = HE.fill(task.parameters, stream(seed, INITIAL), layout=task.layout)
    clip, state = strategy.clip.init(parameters), optimizer.init(parameters)
    means = [averaging.init(parameters) for averaging in strategy.averages]
    order = np.concatenate([stream(seed, BATCHES, e).permutation(len(task.train[0])) for e in range(2)])
    if strategy.replacement:
        order = mini_batch(seed, 0, STEPS, task.batch_size, len(task.train[0]), True).ravel()
    factors = np.ones(STEPS) if strategy.schedule is None else strategy.schedule.factors(0, STEPS, STEPS)
    rows, (gradient, evaluate) = [], compiled
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            rows.append([evaluate(point) for point in (parameters, *(mean.mean for mean in means))])
        if step == STEPS:
            break
        batch = tuple(a[order[step * task.batch_size : (step + 1) * task.batch_size]] for a in task.train)
        rule = dataclasses.replace(optimizer, learning_rate=optimizer.learning_rate * factors[step])
        decay = strategy.weight_decay
        if (decay or strategy.mask) and hasattr(rule, "weight_decay"):
            decay = decay or weight_decay(rule.weight_decay)
            rule = dataclasses.replace(rule, weight_decay=0.0)
        point = rule.lookahead(parameters, state)
        g = jax.tree.map(np.asarray, gradient(point, batch))
        g = strategy.l2.gradient(strategy.l1.gradient(g, point), point)
        g, clip = strategy.clip.update(g, clip)
        Δ, state = rule.update(g, state, parameters)
        if strategy.mask:
            Δ = masked(Δ, g)
        if decay:
            Δ = decay.update(Δ, parameters, rule.learning_rate)
        parameters = jax.tree.map(np.add, parameters, Δ)
        means = [a.update(parameters, mean) for a, mean in zip(strategy.averages, means, strict=True)]
    return np.array(rows, float)  # [evaluations, iterate and averages, loss and metric]


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "all"])
def test_every_part_follows_a_plain_loop(task, compiled, cells, runs, name):
    for cell, run in zip(cells, runs, strict=True):
        if cell.strategy is STRATEGIES[name]:
            rows = by_hand(task, compiled, cell.optimizer, cell.strategy, cell.seed)
            # float32 sums in another order: about 25 steps of rounding.
            np.testing.assert_allclose(run.validation_loss, rows[:, 0, 0], rtol=5e-4, err_msg=str(cell))
            for i, reading in enumerate(run.averages, start=1):
                np.testing.assert_allclose(
                    reading.validation_loss, rows[:, i, 0], rtol=5e-4, err_msg=str(cell)
                )
                np.testing.assert_allclose(reading.validation_metric, rows[:, i, 1], atol=0.004)
            assert len(run.averages) == len(cell.strategy.averages)


def test_all_parts_together_follow_a_plain_loop_to_the_stop(task, compiled, cells, runs):
    rule = STRATEGIES["all"].early_stopping
    for cell, run in zip(cells, runs, strict=True):
        if cell.strategy is STRATEGIES["all"]:
            rows = by_hand(task, compiled, cell.optimizer, cell.strategy, cell.seed)
            best, stop = rule.init(0), None
            for i, loss in enumerate(rows[:, 0, 0]):
                best = rule.update(loss, i, best)
                if rule.ends(best):
                    stop = i
                    break
            assert run.stopped_at == (None if stop is None else stop * EVERY)
            end = len(rows) - 1 if stop is None else stop
            np.testing.assert_allclose(run.validation_loss[:end], rows[:end, 0, 0], rtol=5e-4)
            np.testing.assert_allclose(run.validation_loss[end:], float(best.loss), rtol=5e-4)
            np.testing.assert_allclose(run.averages[0].validation_loss[end:], rows[end, 1, 0], rtol=5e-4)


def test_the_loop_sees_a_part_that_is_left_out(task, cells, runs):
    """The planted mistake: every part makes a difference that the comparison above cannot miss."""
    plain = {
        cell.optimizer: run for cell, run in zip(cells, runs, strict=True) if cell.strategy == Strategy()
    }
    for cell, run in zip(cells, runs, strict=True):
        if cell.strategy not in (Strategy(), STRATEGIES["averages"]):
            difference = np.abs(run.validation_loss / plain[cell.optimizer].validation_loss - 1)
            assert difference.max() > 1e-3, cell


@pytest.mark.parametrize(
    "wrong",
    [
        lambda Δ, g: jax.tree.map(lambda u, h: np.where(-u * h > 0, u, 0), Δ, g),
        lambda Δ, g: masked(jax.tree.map(np.negative, Δ), g),
        lambda Δ, g: jax.tree.map(lambda u, h: masked([u], [h])[0], Δ, g),
    ],
    ids=["not scaled", "against the gradient", "scaled by array"],
)
def test_the_loop_sees_a_wrong_mask(task, compiled, cells, runs, wrong):
    cell = next(cell for cell in cells if cell.strategy is STRATEGIES["mask"])
    rows = by_hand(task, compiled, cell.optimizer, cell.strategy, cell.seed, wrong)
    assert np.abs(runs[cells.index(cell)].validation_loss / rows[:, 0, 0] - 1).max() > 5e-3


def test_averages_change_nothing_in_the_training(cells, runs):
    by_name = {(cell.optimizer, id(cell.strategy)): run for cell, run in zip(cells, runs, strict=True)}
    for rule in RULES:
        with_averages = by_name[rule, id(STRATEGIES["averages"])]
        without = by_name[rule, id(STRATEGIES["nothing"])]
        assert same(dataclasses.replace(with_averages, averages=()), without)


# The promises.


@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (3, 5)])
def test_threads_and_chunks_change_no_bit(sweep, cells, runs, threads, chunk):
    sweep.threads, sweep.chunk = threads, chunk
    assert all(map(same, runs_of(sweep, cells), runs))


def test_where_blocks_end_changes_no_bit(sweep, cells, runs, monkeypatch):
    """Blocks of 3 steps end between evaluations, which early stopping must not take for its own."""
    monkeypatch.setattr(sweep.pace, "steps", 3)
    monkeypatch.setattr(sweep.pace, "measure", lambda seconds: None)
    assert all(map(same, runs_of(sweep, cells), runs))


def test_a_population_in_step_finds_the_same(task, cells, runs):
    """The program for a GPU, run on a CPU: the same but for the order of float32 sums."""
    sweep = Sweep(
        task, RULES, steps=STEPS, evaluate_every=EVERY, strategies=EVERY_PART, population=True, chunk=48
    )
    for cell, run, reference in zip(cells, runs_of(sweep, cells), runs, strict=True):
        np.testing.assert_allclose(
            run.validation_loss, reference.validation_loss, rtol=1e-3, err_msg=str(cell)
        )
        assert (run.stopped_at, run.skipped) == (reference.stopped_at, reference.skipped)
        assert run.test_loss == pytest.approx(reference.test_loss, rel=1e-3)
        for ours, theirs in zip(run.averages, reference.averages, strict=True):
            np.testing.assert_allclose(ours.validation_loss, theirs.validation_loss, rtol=1e-3)
            assert ours.test_loss == pytest.approx(theirs.test_loss, rel=1e-3)


def test_one_program_for_every_value(task):
    """Numbers are arguments: other bounds, penalties, schedules and averages compile nothing."""

    def text(*strategies):
        return Sweep(task, RULES, steps=STEPS, evaluate_every=EVERY, strategies=strategies).text()

    first = text(
        Strategy(clip=kobai.clip_norm(1), l2=l2(0.1), schedule=schedules.cosine(), averages=(polyak(),))
    )
    second = text(
        Strategy(),
        Strategy(clip=kobai.clip_value(2)),
        Strategy(l1=l1(0.3)),
        Strategy(schedule=schedules.step(3)),
        Strategy(averages=(exponential(0.9),)),
    )
    assert first == second
    assert first != text()


def test_a_plain_sweep_is_the_program_that_it_was(task):
    """Nothing of a strategy is in it, nor where a strategy asks for nothing, or for other draws alone."""
    plain = Sweep(task, RULES, steps=STEPS, evaluate_every=EVERY)
    with_none = Sweep(
        task, RULES, steps=STEPS, evaluate_every=EVERY, strategies=[Strategy(), Strategy(replacement=True)]
    )
    assert plain.text() == with_none.text()
    assert plain.program.start(RULES[:1], [plain.program.θ], [Strategy()], together=False).parts == ()
    assert len(jax.tree.leaves(plain.program.clock(0, [0]))) == 3
    assert jax.tree.leaves(plain.training.shared.draws([0], [Strategy()], 0).plan) == []


def test_pairs_share_start_and_batches(task):
    """Whatever the strategy, and the longer batch begins with the shorter one's examples."""
    short, long = mini_batch(3, 0, 4, 16, 1097), mini_batch(3, 0, 1, 32, 1097)
    np.testing.assert_array_equal(short.ravel()[:32], long.ravel())
    runs = runs_of(
        Sweep(task, [kobai.SGD()], steps=1, evaluate_every=1, strategies=EVERY_PART),
        [Cell(kobai.SGD(0.0), HE, 5, strategy) for strategy in EVERY_PART],
    )
    assert len({run.validation_loss[0] for run in runs}) == 1
    losses = {run.training_loss[1] for run, s in zip(runs, EVERY_PART, strict=True) if not s.replacement}
    assert len(losses) == 1


def test_drawing_with_replacement():
    """Some examples twice in an epoch and some never: of n, about n/e are missing."""
    drawn = mini_batch(0, 0, 100, 10, 1000, True)
    assert drawn.shape == (100, 10)
    missing = 1000 - len(np.unique(drawn))
    assert missing == pytest.approx(1000 / math.e, abs=40)
    assert len(np.unique(mini_batch(0, 0, 100, 10, 1000))) == 1000
    np.testing.assert_array_equal(
        mini_batch(0, 37, 61, 10, 1000, True), mini_batch(0, 0, 100, 10, 1000, True)[37:61]
    )


def test_every_registered_stabilizer_exists():
    for name, entry in registry.STABILIZERS.items():
        assert callable(entry.load())
        assert entry.load().__name__ == name


def test_a_reading_has_the_fields_of_a_run():
    assert {f.name for f in dataclasses.fields(Reading)} < {f.name for f in dataclasses.fields(Run)}
