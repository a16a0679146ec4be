"""Strategies in the engine: against a plain loop, and the engine's promises with every part in use."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import schedules
from kobai.basics import registry
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import BATCHES, INITIAL, batches, stream
from kobai.engine.run import Reading, Run
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.optimizers import from_optax
from kobai.stabilizers import early_stopping, exponential, l1, l2, polyak, weight_decay

HE = initial_values.he()
STEPS, EVERY = 25, 5

STRATEGIES = {
    "clip norm": Strategy(clip=kobai.clip_norm(0.3)),
    "clip value": Strategy(clip=kobai.clip_value(0.02)),
    "clip percentile": Strategy(clip=kobai.clip_percentile(50, 7)),
    "l1": Strategy(l1=l1(0.003)),
    "l2": Strategy(l2=l2(0.1, biases=True)),
    "decay": Strategy(weight_decay=weight_decay(0.1)),
    "decay of biases": Strategy(weight_decay=weight_decay(0.1, biases=True)),
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
def task():
    return kobai.tasks.digits(hidden=8, batch_size=16)


def runs_of(sweep, cells):
    found = {}
    for positions, runs in THREADS.run(sweep, cells):
        found |= dict(zip(positions, runs, strict=True))
    assert sorted(found) == list(range(len(cells)))
    return [found[i] for i in range(len(cells))]


def same(first, second):
    """Equal bit for bit in all but the time it took."""
    fields = [f.name for f in dataclasses.fields(type(first)) if f.name not in ("seconds", "averages")]
    equal = [
        np.array_equal(
            getattr(first, name),
            getattr(second, name),
            equal_nan=isinstance(getattr(first, name), np.ndarray),
        )
        for name in fields
    ]
    if isinstance(first, Run):
        equal += [same(*pair) for pair in zip(first.averages, second.averages, strict=True)]
    return all(equal)


@pytest.fixture(scope="module")
def compiled(task):
    """(gradient, (loss, metric) on the validation data), each compiled once."""
    return jax.jit(jax.grad(task.loss)), jax.jit(lambda p: task.evaluate(p, None, task.validation))


def by_hand(task, compiled, optimizer, strategy, seed):
    """The same training as a plain loop on the tree: rows of (loss, metric) of iterate and averages."""
    parameters = HE.fill(task.parameters, stream(seed, INITIAL), layout=task.layout)
    clip, state = strategy.clip.init(parameters), optimizer.init(parameters)
    means = [averaging.init(parameters) for averaging in strategy.averages]
    order = np.concatenate([stream(seed, BATCHES, e).permutation(len(task.train[0])) for e in range(2)])
    if strategy.replacement:
        order = batches(seed, 0, STEPS, task.batch_size, len(task.train[0]), True).ravel()
    factors = np.ones(STEPS) if strategy.schedule is None else strategy.schedule.factors(0, STEPS, STEPS)
    rows, (gradient, evaluate) = [], compiled
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            rows.append([evaluate(point) for point in (parameters, *(mean.mean for mean in means))])
        if step == STEPS:
            break
        batch = tuple(a[order[step * task.batch_size : (step + 1) * task.batch_size]] for a in task.train)
        rule = dataclasses.replace(optimizer, learning_rate=optimizer.learning_rate * factors[step])
        if strategy.weight_decay and hasattr(rule, "weight_decay"):
            rule = dataclasses.replace(rule, weight_decay=0.0)
        point = rule.lookahead(parameters, state)
        g = jax.tree.map(np.asarray, gradient(point, batch))
        g = strategy.l2.gradient(strategy.l1.gradient(g, point), point)
        g, clip = strategy.clip.update(g, clip)
        Δ, state = rule.update(g, state, parameters)
        if strategy.weight_decay:
            Δ = strategy.weight_decay.update(Δ, parameters, rule.learning_rate)
        parameters = jax.tree.map(np.add, parameters, Δ)
        means = [a.update(parameters, mean) for a, mean in zip(strategy.averages, means, strict=True)]
    return np.array(rows, float)  # [evaluations, iterate and averages, loss and metric]


@pytest.fixture(scope="module")
def sweep(task):
    return Sweep(task, RULES, steps=STEPS, evaluate_every=EVERY, strategies=EVERY_PART, threads=1)


@pytest.fixture(scope="module")
def cells():
    return [Cell(rule, HE, 3, strategy) for rule in RULES for strategy in EVERY_PART]


@pytest.fixture(scope="module")
def runs(sweep, cells):
    return runs_of(sweep, cells)


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
    assert plain.program.start(RULES[0], plain.program.θ).parts == ()
    assert len(jax.tree.leaves(plain.program.clock(0, [0]))) == 3
    assert len(jax.tree.leaves(plain.program.draws(0, Strategy(), 0, 1, 1))) == 2


def test_pairs_share_start_and_batches(task):
    """Whatever the strategy, and the longer batch begins with the shorter one's examples."""
    np.testing.assert_array_equal(batches(3, 0, 4, 16, 1097).ravel()[:32], batches(3, 0, 1, 32, 1097).ravel())
    runs = runs_of(
        Sweep(task, [kobai.SGD()], steps=1, evaluate_every=1, strategies=EVERY_PART),
        [Cell(kobai.SGD(0.0), HE, 5, strategy) for strategy in EVERY_PART],
    )
    assert len({run.validation_loss[0] for run in runs}) == 1
    losses = {run.training_loss[1] for run, s in zip(runs, EVERY_PART, strict=True) if not s.replacement}
    assert len(losses) == 1


def test_drawing_with_replacement():
    """Some examples twice in an epoch and some never: of n, about n/e are missing."""
    drawn = batches(0, 0, 100, 10, 1000, True)
    assert drawn.shape == (100, 10)
    missing = 1000 - len(np.unique(drawn))
    assert missing == pytest.approx(1000 / math.e, abs=40)
    assert len(np.unique(batches(0, 0, 100, 10, 1000))) == 1000
    np.testing.assert_array_equal(
        batches(0, 37, 61, 10, 1000, True), batches(0, 0, 100, 10, 1000, True)[37:61]
    )


# What each part is for.


def quadratic():
    """f = x²/20 + y² from (−7, 2), the same in every batch."""
    data = np.zeros((4, 1), np.float32)

    def loss(parameters, batch):
        x, y = parameters["θ"]
        return x**2 / 20 + y**2 + 0 * jnp.sum(batch)

    start = {"θ": np.array([-7, 2], np.float32)}
    return kobai.Task(parameters=start, loss=loss, train=data, validation=data, batch_size=2)


def test_polyak_finds_the_middle_in_the_engine():
    """METHODS: SGD at η = 1.0 keeps f = 4; at the mean of the iterates 101–200 f is 1.4e-11."""
    strategy = Strategy(averages=(polyak(101),))
    sweep = Sweep(quadratic(), [kobai.SGD()], steps=200, evaluate_every=100, strategies=[strategy])
    [run] = runs_of(sweep, [Cell(kobai.SGD(1.0), HE, 0, strategy)])
    assert run.validation_loss[-1] == pytest.approx(4)
    assert run.averages[0].validation_loss[-1] == pytest.approx(1.4e-11, rel=0.05)
    assert run.averages[0].validation_loss[1] == run.validation_loss[1]


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
        in_ten = 10 - np.isinf(spoiled().train[batches(0, 0, 40, 1, 4)]).reshape(4, 10).sum(1)
        assert seen == [0, *np.cumsum(in_ten)]
        assert guarded.test_loss == pytest.approx(3000, abs=5)


def test_a_batch_that_is_left_out_is_a_gradient_of_zero_to_the_rule():
    """As in a loop with `Clip.update`: momentum goes on by itself, Adam counts the step."""
    data, seed = spoiled().train, 3
    order = batches(seed, 0, 40, 1, 4).ravel()
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


def test_a_schedule_moves_the_rate_of_optax_too(task):
    """from_optax with a rate is scheduled like ours; one without a rate has its update scaled."""
    strategy = Strategy(schedule=schedules.cosine())
    rules = [
        from_optax(optax.sgd, learning_rate=0.5),
        from_optax(optax.sgd, learning_rate=optax.constant_schedule(0.5)),
        kobai.SGD(0.5),
    ]
    sweep = Sweep(task, rules, steps=20, evaluate_every=10, strategies=[strategy])
    first, second, ours = runs_of(sweep, [Cell(rule, HE, 0, strategy) for rule in rules])
    np.testing.assert_allclose(first.validation_loss, ours.validation_loss, rtol=1e-5)
    np.testing.assert_allclose(second.validation_loss, ours.validation_loss, rtol=1e-5)


def test_every_registered_stabilizer_exists():
    for name, entry in registry.STABILIZERS.items():
        assert callable(entry.load())
        assert entry.load().__name__ == name


def test_a_reading_has_the_fields_of_a_run():
    assert {f.name for f in dataclasses.fields(Reading)} < {f.name for f in dataclasses.fields(Run)}
