"""The engine against a plain loop, and its promises: chunk, thread and block change no bit."""

import dataclasses
import gc
import math
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics import registry
from kobai.engine.cell import Cell
from kobai.engine.draws import BATCHES, INITIAL, mini_batch, stream
from kobai.engine.run import evaluated_at
from kobai.engine.sweep import Sweep
from kobai.tasks.check import check_task
from swept import HE, runs_of, same

SMALL = {"hidden": 8, "batch_size": 16}


@pytest.fixture(scope="module")
def optimizers():
    return [entry.load()() for entry in registry.OPTIMIZERS.values()]


def by_hand(task, optimizer, initializer, seed, steps, every):
    """The same training as a plain loop over steps, on the tree and not on the flat vector."""
    parameters = initializer.fill(task.parameters, stream(seed, INITIAL), layout=task.layout)
    parameters = jax.tree.map(jnp.asarray, parameters)
    flags = jax.tree.unflatten(jax.tree.structure(parameters), task.flags)  # of which Muon asks for the ends
    ends = {"weights": flags} if isinstance(optimizer, kobai.Muon) else {}
    state = optimizer.init(parameters, **ends)
    examples = len(task.train[0])
    order = np.concatenate([stream(seed, BATCHES, epoch).permutation(examples) for epoch in range(9)])
    curve = []
    gradient = jax.jit(jax.grad(task.loss))
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            point = optimizer.evaluation_point(parameters, state)
            curve.append([float(v) for v in task.evaluate(point, None, task.validation)])
        rows = order[step * task.batch_size : (step + 1) * task.batch_size]
        batch = tuple(a[rows] for a in task.train)
        g = gradient(optimizer.lookahead(parameters, state), batch)
        more = {} if optimizer.asks is None else {"gradient_at": lambda at, batch=batch: gradient(at, batch)}
        update, state = optimizer.update(g, state, parameters, **ends, **more)
        parameters = jax.tree.map(jnp.add, parameters, update)
    return np.array(curve).T


def test_every_rule_follows_a_plain_loop(task, optimizers):
    sweep = Sweep(task, optimizers, steps=25, evaluate_every=10, threads=1)
    runs = runs_of(sweep, [Cell(optimizer, HE, 3) for optimizer in optimizers])
    for optimizer, run in zip(optimizers, runs, strict=True):
        loss, metric = by_hand(task, optimizer, HE, 3, 25, 10)
        # float32 sums in another order: about 25 steps of rounding. Where a matrix has fewer gradients than
        # dimensions, SOAP's eigenvectors are not unique, and rounding picks them.
        near = 5e-3 if isinstance(optimizer, kobai.SOAP) else 2e-4
        np.testing.assert_allclose(run.validation_loss, loss, rtol=near, err_msg=str(optimizer))
        close = 0.02 if isinstance(optimizer, kobai.SOAP) else 0.004
        np.testing.assert_allclose(run.validation_metric, metric, atol=close, err_msg=str(optimizer))
        assert run.diverged_at is None


def test_curves_stand_at_the_evaluated_steps(task):
    np.testing.assert_array_equal(evaluated_at(25, 10), [0, 10, 20, 25])
    np.testing.assert_array_equal(evaluated_at(20, 10), [0, 10, 20])
    run = runs_of(Sweep(task, [kobai.SGD()], steps=25, evaluate_every=10), [Cell(kobai.SGD(0.1), HE, 0)])[0]
    assert run.training_loss.shape == run.validation_loss.shape == run.validation_metric.shape == (4,)
    assert math.isnan(run.training_loss[0])
    assert np.isfinite(run.training_loss[1:]).all()


def test_training_loss_is_the_mean_since_the_last_evaluation(task):
    fine = runs_of(Sweep(task, [kobai.SGD()], steps=12, evaluate_every=1), [Cell(kobai.SGD(0.1), HE, 0)])[0]
    coarse = runs_of(Sweep(task, [kobai.SGD()], steps=12, evaluate_every=5), [Cell(kobai.SGD(0.1), HE, 0)])[0]
    expected = [
        fine.training_loss[1:6].mean(),
        fine.training_loss[6:11].mean(),
        fine.training_loss[11:].mean(),
    ]
    np.testing.assert_allclose(coarse.training_loss[1:], expected, rtol=1e-5)


@pytest.fixture(scope="module")
def mixed_cells():
    """Rules, rates, seeds and initial values mixed, two of them diverging."""
    return [
        Cell(kobai.SGD(rate), initial_values.parse(name), seed)
        for rate in (0.1, 1e30)
        for name in ("he", "normal:0.01")
        for seed in (0, 1)
    ] + [Cell(kobai.Adam(rate), HE, seed) for rate in (0.001, 0.1) for seed in (0, 1, 2)]


@pytest.fixture(scope="module")
def reference_runs(task, mixed_cells):
    return runs_of(
        Sweep(task, [kobai.SGD(), kobai.Adam()], steps=33, evaluate_every=5, threads=1), mixed_cells
    )


@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (2, 3), (3, 4), (2, 48)])
def test_threads_and_chunks_change_no_bit(task, mixed_cells, reference_runs, threads, chunk):
    sweep = Sweep(task, [kobai.SGD(), kobai.Adam()], steps=33, evaluate_every=5, threads=threads, chunk=chunk)
    assert all(map(same, runs_of(sweep, mixed_cells), reference_runs))


def test_the_order_of_the_cells_changes_no_bit(task, mixed_cells, reference_runs):
    sweep = Sweep(task, [kobai.SGD(), kobai.Adam()], steps=33, evaluate_every=5)
    assert all(map(same, runs_of(sweep, mixed_cells[::-1]), reference_runs[::-1]))


def test_a_population_in_step_finds_the_same(task, mixed_cells, reference_runs):
    """The program for a GPU, run on a CPU: the same but for the order of float32 sums."""
    ahead = kobai.NesterovDefinition(0.05)
    cells = [*mixed_cells, Cell(ahead, HE, 0)]
    kinds = [kobai.SGD(), kobai.Adam(), ahead, kobai.RMSProp()]
    runs = runs_of(Sweep(task, kinds, steps=33, evaluate_every=5, population=True, chunk=9), cells)
    serial = runs_of(Sweep(task, kinds, steps=33, evaluate_every=5), cells)
    for run, reference in zip(runs, serial, strict=True):
        assert run.diverged_at == reference.diverged_at
        np.testing.assert_allclose(run.validation_loss, reference.validation_loss, rtol=1e-3)
        np.testing.assert_allclose(run.training_loss, reference.training_loss, rtol=1e-3)
    assert all(map(same, serial[:-1], reference_runs))  # other rules beside it change nothing


@pytest.mark.parametrize("steps_per_block", [1, 7, 33])
def test_blocks_change_no_bit(task, mixed_cells, reference_runs, steps_per_block, monkeypatch):
    sweep = Sweep(task, [kobai.SGD(), kobai.Adam()], steps=33, evaluate_every=5)
    sweep.pace.steps = steps_per_block
    monkeypatch.setattr(sweep.pace, "measure", lambda seconds: None)
    assert all(map(same, runs_of(sweep, mixed_cells), reference_runs))


def test_the_step_of_a_divergence_does_not_depend_on_blocks(monkeypatch):
    """Parameters lost in step 1, before any loss is: blocks that end there must not date it earlier."""
    x = np.ones((8, 2), np.float32)
    lost_at = []
    for steps_per_block in (1, 2, 5):
        task = kobai.Task(
            parameters={"w": np.zeros((2, 1), np.float32)},
            loss=lambda p, batch: 10 * jnp.sum(p["w"]) + 0.0 * jnp.sum(batch),
            train=x,
            validation=x,
            batch_size=4,
        )
        sweep = Sweep(task, [kobai.SGD()], steps=10, evaluate_every=5)
        sweep.pace.steps = steps_per_block
        monkeypatch.setattr(sweep.pace, "measure", lambda seconds: None)
        lost_at.append(runs_of(sweep, [Cell(kobai.SGD(1e38), HE, 0)])[0].diverged_at)
    assert lost_at == [2, 2, 2]  # the first loss that is not finite


def test_blocks_follow_the_measured_time(task):
    sweep = Sweep(task, [kobai.SGD()], steps=1000, evaluate_every=10)
    sweep.pace.measure(0.01)
    assert sweep.pace.steps == 20
    for _ in range(20):
        sweep.pace.measure(0.01)
    assert sweep.pace.steps == sweep.program.capacity
    for _ in range(20):
        sweep.pace.measure(5.0)
    assert sweep.pace.steps == 1


def test_a_run_longer_than_a_block_is_one_run(task, monkeypatch):
    monkeypatch.setattr("kobai.engine.sweep.STEPS_PER_BLOCK", 16)
    cells = [Cell(kobai.Adam(0.01), HE, 0)]
    short = runs_of(Sweep(task, [kobai.Adam()], steps=40, evaluate_every=24), cells)[0]
    monkeypatch.setattr("kobai.engine.sweep.STEPS_PER_BLOCK", 512)
    long = runs_of(Sweep(task, [kobai.Adam()], steps=40, evaluate_every=24), cells)[0]
    assert same(short, long)


def test_divergence_is_a_result_with_its_step(mixed_cells, reference_runs):
    diverged = [r for c, r in zip(mixed_cells, reference_runs, strict=True) if c.optimizer == kobai.SGD(1e30)]
    assert len(diverged) == 4
    for run in diverged:
        assert run.diverged_at is not None
        assert 1 <= run.diverged_at <= 5
        assert run.test_loss is None
        assert np.isnan(run.validation_loss[2:]).all()
    assert all(
        r.diverged_at is None
        for c, r in zip(mixed_cells, reference_runs, strict=True)
        if c.optimizer != kobai.SGD(1e30)
    )


def test_a_divergence_that_relu_would_hide_is_seen():
    """max(x, 0) may drop NaN: with it a loss stays finite while the parameters are gone."""
    x = np.ones((8, 2), np.float32)

    def loss(parameters, batch):
        hidden = jax.nn.relu(batch @ parameters["w"])
        # The gradient of sqrt at 0 is infinite, and 0·inf is NaN: w is lost, the loss is a finite number.
        return jnp.mean(hidden) * 0.0 + jnp.sum(jnp.sqrt(jnp.abs(parameters["v"])))

    task = kobai.Task(
        parameters={"w": np.zeros((2, 2), np.float32), "v": np.zeros(1, np.float32)},
        loss=loss,
        train=x,
        validation=x,
        batch_size=4,
    )
    run = runs_of(Sweep(task, [kobai.SGD()], steps=6, evaluate_every=2), [Cell(kobai.SGD(0.1), HE, 0)])[0]
    assert run.diverged_at is not None


def compilations(action):
    """How many programs XLA compiles during `action`."""
    seen = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, _, **__: (
            seen.append(name) if name == "/jax/core/compile/backend_compile_duration" else None
        )
    )
    action()
    return len(seen)


def test_nothing_is_compiled_again(task):
    sweep = Sweep(task, [kobai.Adam(), kobai.SGD()], steps=20, evaluate_every=10)
    cells = [Cell(kobai.Adam(0.01), HE, 0)] * 5
    assert compilations(lambda: runs_of(sweep, cells)) == 1
    other = [Cell(kobai.Adam(0.02, 0.8), initial_values.xavier(), 7), Cell(kobai.SGD(0.3), HE, 1)]
    assert compilations(lambda: runs_of(sweep, other)) == 0
    longer = Sweep(task, [kobai.Adam(), kobai.SGD()], steps=700, evaluate_every=50)
    assert longer.text() == sweep.text()


def test_test_data_of_another_length_are_measured_alike(task):
    """With the length of the validation data the block itself evaluates them, else a program of its own."""
    cells = [Cell(kobai.Adam(0.01), HE, 0), Cell(kobai.Adam(1e30), HE, 0)]
    twice = tuple(np.concatenate([array, array]) for array in task.test)
    sweep = Sweep(dataclasses.replace(task, test=twice), [kobai.Adam()], steps=20, evaluate_every=10)
    alike = Sweep(task, [kobai.Adam()], steps=20, evaluate_every=10)
    assert compilations(lambda: runs_of(sweep, cells)) == 2
    for run, other in zip(runs_of(sweep, cells), runs_of(alike, cells), strict=True):
        if run.diverged_at:
            assert run.test_loss is run.test_metric is other.test_loss is other.test_metric is None
        else:
            np.testing.assert_allclose(run.test_loss, other.test_loss, rtol=1e-5)
            assert run.test_metric == pytest.approx(other.test_metric, rel=1e-6)


def test_the_program_is_traced_once_for_its_text_and_its_compilation(task, monkeypatch):
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5)
    traced = []
    lower = sweep.executables._lower
    monkeypatch.setattr(sweep.executables, "_lower", lambda size: traced.append(size) or lower(size))
    sweep.text()
    sweep.compile()
    sweep.text()
    assert traced == [None]


def test_pairing_is_exact(task):
    """One seed: the same normal draws for every initializer, the same batches for every cell."""
    he, xavier = (
        i.fill(task.parameters, stream(5, INITIAL), layout=task.layout) for i in (HE, initial_values.xavier())
    )
    ratio = he[0]["weights"] / xavier[0]["weights"]
    np.testing.assert_allclose(ratio, math.sqrt((64 + 8) / 2 / 64) * math.sqrt(2), rtol=1e-5)
    np.testing.assert_array_equal(mini_batch(5, 0, 10, 16, 100), mini_batch(5, 0, 20, 16, 100)[:10])
    np.testing.assert_array_equal(mini_batch(5, 0, 20, 16, 100)[7:12], mini_batch(5, 7, 12, 16, 100))
    assert not np.array_equal(mini_batch(5, 0, 10, 16, 100), mini_batch(6, 0, 10, 16, 100))


def test_each_epoch_has_every_example_once():
    row = mini_batch(0, 0, 25, 16, 100).ravel()
    for epoch in range(4):
        assert sorted(row[epoch * 100 : (epoch + 1) * 100]) == list(range(100))


def test_optax_optimizers_run_beside_ours(task):
    """Ones that look at shapes (lamb), keep integers (adamw's count) or both: exactly optax's own path."""
    candidates = [
        kobai.from_optax(optax.lamb, learning_rate=0.01),
        kobai.from_optax(optax.adamw, learning_rate=0.01, nesterov=True),
        kobai.from_optax(optax.lion, learning_rate=0.001),
        kobai.Adam(0.01),
    ]
    runs = runs_of(Sweep(task, candidates, steps=12, evaluate_every=4), [Cell(c, HE, 1) for c in candidates])
    for candidate, run in zip(candidates, runs, strict=True):
        loss, _ = by_hand(task, candidate, HE, 1, 12, 4)
        np.testing.assert_allclose(run.validation_loss, loss, rtol=2e-4, err_msg=str(candidate))


def test_model_state_is_carried():
    """A running mean of the inputs, as batch normalization keeps one."""
    x = np.arange(40, dtype=np.float32).reshape(20, 2)

    def loss(parameters, batch, state):
        mean = 0.9 * state["mean"] + 0.1 * batch.mean(0)
        return jnp.mean((batch @ parameters["w"]) ** 2) * 1e-3, {"mean": mean}

    def validation_loss(parameters, data, state):
        return jnp.sum(state["mean"]) + 0.0 * jnp.sum(parameters["w"])

    task = kobai.Task(
        parameters={"w": np.zeros((2, 1), np.float32)},
        loss=loss,
        validation_loss=validation_loss,
        train=x,
        validation=x,
        batch_size=20,
        state={"mean": np.zeros(2, np.float32)},
    )
    check_task(task)
    run = runs_of(Sweep(task, [kobai.SGD()], steps=3, evaluate_every=1), [Cell(kobai.SGD(0.0), HE, 0)])[0]
    expected = x.mean(0).sum() * (1 - 0.9 ** np.arange(4))
    np.testing.assert_allclose(run.validation_loss, expected, rtol=1e-5)


@pytest.mark.parametrize("count", [np.int32(0), np.float32(0), np.zeros(1, np.int32)])
def test_a_state_that_counts_does_not_stop_the_training(count):
    """f = w²/2 at η = ½, a quarter after each step; a compiler's option once lost θ beside a whole number."""
    x = np.zeros((4, 1), np.float32)

    def half_square(parameters, batch, state):
        return jnp.sum(parameters["w"] ** 2) / 2 + 0 * jnp.sum(batch)

    task = kobai.Task(
        parameters={"w": np.array([[3.0], [4.0]], np.float32)},
        loss=lambda p, batch, state: (half_square(p, batch, state), {"count": state["count"] + 1}),
        validation_loss=half_square,
        train=x,
        validation=x,
        batch_size=2,
        state={"count": count},
    )
    for rules in ([kobai.SGD()], [kobai.SGD(), kobai.Adam()]):
        [run] = runs_of(Sweep(task, rules, steps=4, evaluate_every=2), [Cell(kobai.SGD(0.5), HE, 0)])
        # The step halves w, and the loss is its square.
        expected = run.validation_loss[0] * 0.25 ** np.array([0, 2, 4])
        np.testing.assert_allclose(run.validation_loss, expected, rtol=1e-5)


def test_random_losses_get_a_key_for_each_step_and_seed():
    x = np.ones((20, 2), np.float32)

    def loss(parameters, batch, key):
        return jax.random.normal(key) + 0.0 * jnp.sum(batch @ parameters["w"])

    task = kobai.Task(
        parameters={"w": np.zeros((2, 1), np.float32)},
        loss=loss,
        validation_loss=lambda p, d: jnp.sum(p["w"] ** 2),
        train=x,
        validation=x,
        batch_size=5,
        random=True,
    )
    check_task(task)
    sweep = Sweep(task, [kobai.SGD(), kobai.Adam()], steps=6, evaluate_every=1)
    first, other, again = runs_of(
        sweep, [Cell(kobai.SGD(0.1), HE, 0), Cell(kobai.SGD(0.1), HE, 1), Cell(kobai.Adam(0.1), HE, 0)]
    )
    assert len(np.unique(first.training_loss[1:])) == 6
    assert not np.intersect1d(first.training_loss[1:], other.training_loss[1:]).size
    np.testing.assert_array_equal(first.training_loss, again.training_loss)  # paired by seed


def test_double_precision_reaches_the_threads(task):
    with jax.enable_x64(True):
        double = dataclasses.replace(
            task,
            parameters=jax.tree.map(lambda a: a.astype(np.float64), task.parameters),
            train=(task.train[0].astype(np.float64), task.train[1]),
            validation=(task.validation[0].astype(np.float64), task.validation[1]),
        )
        run = runs_of(
            Sweep(double, [kobai.Adam()], steps=10, evaluate_every=5), [Cell(kobai.Adam(0.01), HE, 0)]
        )[0]
    assert run.validation_loss.dtype == np.float64
    single = runs_of(
        Sweep(task, [kobai.Adam()], steps=10, evaluate_every=5), [Cell(kobai.Adam(0.01), HE, 0)]
    )[0]
    np.testing.assert_allclose(run.validation_loss, single.validation_loss, rtol=1e-4)
    assert not np.array_equal(run.validation_loss, single.validation_loss)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float16])
def test_half_precision_is_for_the_network_alone(task, dtype):
    """In half precision .999 is 1: Adam would divide by 1 − 1."""
    half = dataclasses.replace(
        task,
        parameters=[
            {"weights": jnp.zeros((8, 64), dtype), "biases": jnp.zeros(8, np.float32)},
            *task.parameters[1:],
        ],
    )
    run = runs_of(Sweep(half, [kobai.Adam()], steps=20, evaluate_every=10), [Cell(kobai.Adam(0.01), HE, 0)])[
        0
    ]
    full = runs_of(Sweep(task, [kobai.Adam()], steps=20, evaluate_every=10), [Cell(kobai.Adam(0.01), HE, 0)])[
        0
    ]
    assert run.diverged_at is None
    np.testing.assert_allclose(run.validation_loss, full.validation_loss, rtol=0.05)


def test_a_sweep_is_not_kept_when_nobody_holds_it(task):
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5)
    sweep.text()
    gone = weakref.ref(sweep)
    del sweep
    gc.collect()
    assert gone() is None
