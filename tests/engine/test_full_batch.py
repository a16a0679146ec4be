"""Minimizers on networks: what they are charged for, what each mark shows, one table with mini-batches."""

import dataclasses
import functools
import json

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, stream
from kobai.engine.full_batch import FullBatch
from kobai.engine.run import evaluated_at
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.minimizers.base import RUNNING, Objective
from kobai.questions.comparison import terminal
from kobai.questions.comparison.numbers import Unit, unit
from kobai.study import statistics
from kobai.study.answer import answer as read
from kobai.study.criterion import seconds_to
from kobai.study.rows import elapsed
from kobai.study.statistics import Estimate

pytestmark = pytest.mark.usefixtures("quick_engine")
METHODS = [kobai.LBFGS(), kobai.ConjugateGradient(), kobai.NewtonCG(), kobai.BFGS()]
STEPS, EVERY = 120, 7


@pytest.fixture(scope="module")
def task():
    return kobai.tasks.sine(hidden=5)


def run_one(task, method, seed=0, **options):
    sweep = Sweep(task, [method], **{"steps": STEPS, "evaluate_every": EVERY, **options})
    [(_, [run])] = THREADS.run(sweep, [Cell(method, he(), seed)])
    return run


def by_hand(quickly, task, method, seed, price):
    """The same as a plain loop: (what was spent, θ) after each trial, until the budget or the end."""
    fill = he().fill(task.parameters, stream(seed, INITIAL), layout=task.layout)
    objective = Objective(lambda θ: task.loss(task.unflatten(θ), task.train))
    state = quickly(lambda θ: method.begin(objective, θ))(task.flatten(fill))
    advance = quickly(lambda state: method.advance(objective, state))
    path = []
    while True:
        done = state.evaluations
        spent = price * (max(int(done.value), int(done.gradient)) + int(done.hessian_vector))
        path.append((spent, state.point))
        if spent > STEPS or state.status != RUNNING:
            return path
        state = advance(state)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_each_mark_shows_the_iterate_that_was_paid_for(task, method, quickly):
    price = len(task.train[0]) / task.batch_size
    assert price == 12.5
    path = by_hand(quickly, task, method, 0, price)
    run = run_one(task, method)
    for i, mark in enumerate(evaluated_at(STEPS, EVERY)):
        # At step 0 the start is shown, though its own evaluation is not paid for yet.
        point = [point for spent, point in path if spent <= max(mark, price)][-1]
        loss, _ = task.evaluate(task.unflatten(point.x), None, task.validation)
        # Two programs of one formula: float32 sums in another order, for some steps.
        np.testing.assert_allclose(run.validation_loss[i], loss, rtol=5e-3, err_msg=f"at {mark}")
        if i > 0:
            np.testing.assert_allclose(run.training_loss[i], point.f, rtol=5e-3)
    assert run.diverged_at is None
    assert run.test_loss is not None


def test_a_slip_in_the_charge_would_be_seen(task, quickly):
    """Planted: a trial that counts as soon as it is made, and Hessian-vector products for nothing."""
    price = len(task.train[0]) / task.batch_size
    path = by_hand(quickly, task, kobai.NewtonCG(), 0, price)
    free = [(price * (1 + k), point) for k, (_, point) in enumerate(path)]
    losses = [
        [float([point.f for spent, point in told if spent <= max(mark, price)][-1]) for mark in (40, 80, 120)]
        for told in (path, free)
    ]
    assert not np.allclose(*losses, rtol=5e-2)


def test_products_with_the_hessian_are_charged_as_gradients(task, quickly):
    engine = FullBatch(task, kobai.NewtonCG(), evaluated_at(STEPS, EVERY))
    state = quickly(engine.begin)(engine.θ + 0.1, task.train).state
    done = state.evaluations._replace(value=3, gradient=4, hessian_vector=5, hessian=0)
    assert engine.spent(state._replace(evaluations=done)) == pytest.approx(12.5 * 9)
    done = done._replace(hessian=2)
    assert engine.spent(state._replace(evaluations=done)) == pytest.approx(12.5 * (9 + 2 * engine.θ.size))


def quadratic(**changes):
    """A task that any minimizer solves at once: Σ(w − 1)²."""
    x = np.ones((20, 1), np.float32)
    made = kobai.Task(
        parameters={"w": np.zeros((2, 2), np.float32)},
        loss=lambda p, batch: jnp.sum((p["w"] - 1) ** 2) + 0.0 * jnp.sum(batch),
        train=x,
        validation=x,
        batch_size=10,
    )
    return dataclasses.replace(made, **changes)


def test_one_that_has_ended_stays_where_it_is():
    run = run_one(quadratic(), kobai.Newton(), steps=400, evaluate_every=20)
    assert run.diverged_at is None
    assert run.test_loss is None  # no test data
    np.testing.assert_allclose(run.validation_loss[-15:], 0, atol=1e-12)


def test_an_unbounded_loss_is_a_divergence_with_its_step():
    bottomless = quadratic(loss=lambda p, batch: -jnp.sum(jnp.exp(p["w"] ** 2)) + 0.0 * jnp.sum(batch))
    run = run_one(bottomless, kobai.LBFGS(), steps=400, evaluate_every=20)
    assert run.diverged_at is not None
    assert np.isnan(run.validation_loss[-1])


@pytest.fixture(scope="module")
def alone(task):
    """A run of a method by itself; every method is compiled once."""

    @functools.cache
    def sweep(method):
        return Sweep(task, [method], steps=60, evaluate_every=20)

    def run(method, seed):
        [(_, [run])] = THREADS.run(sweep(method), [Cell(method, he(), seed)])
        return run

    return run


def test_threads_chunks_and_neighbours_change_no_bit(task, alone):
    methods = [kobai.LBFGS(), kobai.Adam(0.01), kobai.ConjugateGradient()]
    cells = [Cell(method, he(), seed) for method in methods for seed in (0, 1)]
    sweep = Sweep(task, methods, steps=60, evaluate_every=20)
    for sweep.threads, sweep.chunk in ((1, 1), (2, 3)):
        found = {
            i: run
            for positions, runs in THREADS.run(sweep, cells)
            for i, run in zip(positions, runs, strict=True)
        }
        for i, cell in enumerate(cells):
            if not isinstance(cell.optimizer, kobai.Optimizer):
                expected = alone(cell.optimizer, cell.seed)
                np.testing.assert_array_equal(found[i].validation_loss, expected.validation_loss)
                np.testing.assert_array_equal(found[i].training_loss[1:], expected.training_loss[1:])
        assert [found[i].diverged_at for i in range(6)] == [None] * 6


def test_beside_a_population_they_run_one_by_one(task, alone):
    methods = [kobai.LBFGS(), kobai.Adam(0.01)]
    cells = [Cell(method, he(), seed) for method in methods for seed in (0, 1, 2)]
    sweep = Sweep(task, methods, steps=60, evaluate_every=20, population=True, chunk=4)
    found = {
        i: run
        for positions, runs in THREADS.run(sweep, cells)
        for i, run in zip(positions, runs, strict=True)
    }
    for i, cell in enumerate(cells):
        expected = alone(cell.optimizer, cell.seed).validation_loss
        np.testing.assert_allclose(found[i].validation_loss, expected, rtol=1e-3)


def test_memory_is_numbers_for_every_parameter(task):
    few, some, more, none = methods = [*(kobai.LBFGS(pairs=m) for m in (1, 4, 9)), kobai.ConjugateGradient()]
    sweep = Sweep(task, methods, steps=5, evaluate_every=5)
    assert sweep.memory(more) - sweep.memory(few) == pytest.approx(16, abs=1)  # eight pairs of vectors
    assert sweep.memory(none) < sweep.memory(some)


def small(optimizers, **more):
    options = {"initializers": ["he"], "steps": 40, "seeds": 3, "tuning_seeds": 1, "progress": False}
    return kobai.compare(kobai.tasks.sine(hidden=5), optimizers=optimizers, **{**options, **more})


@pytest.fixture(scope="module")
def mixed(quick_engine):
    return small(["lbfgs", kobai.Adam(0.01), kobai.LBFGS(pairs=2)], target=0.4)


def test_a_study_with_minimizers_is_told_in_epochs(mixed):
    found = mixed.answer
    assert found.epoch == 12.5
    shown = terminal.text(found)
    assert "within 3.2 epochs" in shown
    assert "epochs to" in shown
    head = next(line for line in shown.splitlines() if line.startswith("optimizer"))
    assert head.split()[:4] == ["optimizer", "rate", "init.", "met"]
    assert "[95 %]" in head
    assert " s " in head  # seconds until the target, beside the epochs
    assert "0.00 " not in shown.replace("[0.00", "")
    assert "looks at all 400 examples" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80
    assert {row.optimizer for row in found.rows} == {"lbfgs", "adam", "lbfgs_2"}
    lbfgs = next(row for row in found.rows if row.optimizer == "lbfgs_2")
    assert (lbfgs.learning_rate, lbfgs.edge, lbfgs.working_decades, lbfgs.trials) == (None, None, None, 1)
    assert lbfgs.hyperparameters["pairs"] == 2
    assert json.loads(found.to_json())["epoch"] == 12.5
    assert "seconds_to_target" in mixed.table.columns


@pytest.mark.parametrize(
    ("epoch", "name", "begins"),
    [
        (12.5, "conjugate_gradient", ["conjugate ", "_gradient "]),
        (12.5, "newton_cg", ["newton_cg "]),
        (None, "nesterov_definition", ["nesterov ", "_definition (9) "]),
        (None, "my_momentum", ["my_momentum (9) "]),
    ],
)
def test_names_of_optimizers_are_broken_where_there_is_no_room(mixed, epoch, name, begins):
    """In epochs sooner, and without the numbers of trials: there is one more column."""
    *others, last = mixed.answer.rows  # the first is the one recommended
    rows = (dataclasses.replace(last, optimizer=name, trials=9), *others)
    shown = terminal.text(dataclasses.replace(mixed.answer, rows=rows, epoch=epoch)).splitlines()
    table = shown[next(i for i, line in enumerate(shown) if line.startswith("optimizer")) + 1 :]
    assert all(line.startswith(begin) for line, begin in zip(table, begins, strict=False)), table
    assert max(map(len, shown)) <= 80


def test_its_figures_have_epochs_on_their_axes(mixed):
    curves = mixed.figures["curves"]
    assert curves.layout.xaxis.title.text == "training (epochs)"
    assert max(x for trace in curves.data for x in trace.x if x is not None) == pytest.approx(40 / 12.5)
    assert "epochs to" in mixed.html()


def test_the_same_curves_stand_over_seconds(mixed):
    """Of every mark the median of the seconds so far: a share of the run that grows evenly until it ends."""
    ways = mixed.figures["curves"].layout.meta["along"]
    assert [way["unit"] for way in ways] == ["epochs", "steps", "seconds"]  # first what they are drawn in
    assert ways[1]["scale"] == pytest.approx(12.5)
    for name, (marks, seconds) in ways[2]["knots"].items():
        cells = mixed.cells.filter(phase="confirmation", optimizer=name)
        assert marks[-1] == pytest.approx(40 / 12.5)
        assert seconds[-1] == pytest.approx(np.median(cells["seconds"]), rel=1e-3)
        if name == "adam":  # a rule uses its whole budget
            np.testing.assert_allclose(seconds, np.array(marks) / marks[-1] * seconds[-1], rtol=1e-3)
    assert "without compilation and with the evaluations" in mixed.html()


def test_without_minimizers_all_stays_in_steps():
    result = small([kobai.Adam(0.01)])
    assert result.answer.epoch is None
    assert "epoch" not in terminal.text(result.answer)
    assert result.figures["curves"].layout.meta["along"][0]["unit"] == "steps"


def test_minimizers_alone_are_a_study(mixed):
    found = small(["lbfgs", "conjugate_gradient"])
    assert {row.optimizer for row in found.answer.rows} == {"lbfgs", "conjugate_gradient"}
    ours = found.cells.filter(phase="confirmation", optimizer="lbfgs")["validation_loss"]
    theirs = mixed.cells.filter(phase="confirmation", optimizer="lbfgs")["validation_loss"]
    assert ours.to_list() == theirs.to_list()


def test_an_interrupted_study_goes_on(tmp_path, monkeypatch):
    """With names as alternatives: what is kept says which formula a cell had."""

    def stop(*_):
        raise KeyboardInterrupt

    formulas = {"conjugate_gradient.formula": ["fr", "HS"]}
    optimizers = ["conjugate_gradient", kobai.SGD(0.1)]
    arguments = {"optimizers": optimizers, "hyperparameters": formulas, "output": tmp_path / "out"}
    with monkeypatch.context() as patched:
        patched.setattr("kobai.study.protocol.ranked", stop)
        with pytest.raises(KeyboardInterrupt):
            small(**arguments)
    monkeypatch.setattr(FullBatch, "run", lambda *_: pytest.fail("trained again in tuning"))
    with pytest.raises(pytest.fail.Exception):  # the fresh seeds are new, and need the minimizer
        small(**arguments, resume=True)
    monkeypatch.undo()
    resumed = small(**arguments, resume=True)
    again = small(optimizers, hyperparameters=formulas)
    assert resumed.answer.trainings == len(again.cells) == 3 + 2 * 3 + 2
    assert resumed.cells.drop("seconds").equals(again.cells.drop("seconds"), null_equal=True)
    row = next(row for row in resumed.answer.rows if row.optimizer == "conjugate_gradient")
    chosen = row.hyperparameters["formula"]
    assert row.trials == 2
    kept = pl.read_parquet(tmp_path / "out" / "results.parquet").filter(optimizer="conjugate_gradient")
    assert json.loads(kept["hyperparameters"][0]) == {"decrease": 1e-4, "curvature": 0.1, "formula": chosen}
    tried = pl.read_parquet(tmp_path / "out" / "cells.parquet").filter(optimizer="conjugate_gradient")
    formulas = {json.loads(each)["formula"] for each in tried["hyperparameters"]}
    assert formulas == {"fletcher_reeves", "hestenes_stiefel"}
    answer = json.loads((tmp_path / "out" / "answer.json").read_text("utf-8"))
    assert chosen in [row["hyperparameters"].get("formula") for row in answer["rows"]]
    short = {"fletcher_reeves": "FR", "hestenes_stiefel": "HS"}[chosen]
    assert f"tuning chose conjugate_gradient: formula {short}" in " ".join(repr(resumed).split())
    assert "hyperparameters={'conjugate_gradient.formula': ['fr', 'HS']}" in resumed.command


def test_a_matrix_that_is_too_large_is_refused():
    with pytest.raises(
        UsageError, match="bfgs remembers a matrix, too large for the 75010 parameters.*lbfgs"
    ):
        kobai.compare(kobai.tasks.digits(hidden=1000), optimizers=["bfgs"], initializers=["he"], steps=5)


def test_seconds_go_by_evenly_until_a_run_ends():
    """One arrives half way of all; one half way of its early end; one never."""
    cells = pl.DataFrame(
        {
            "validation_loss": [[4.0, 3, 2, 1, 0], [4.0, 3, 2, 2, 2], [4.0, 4, 4, 4, 3]],
            "evaluated_at": [[0, 10, 20, 30, 40]] * 3,
            "seconds": [4.0, 4.0, 4.0],
        }
    )
    found = seconds_to(cells, np.array([20.0, 10.0, 40.0]), np.array([True, True, False]), 9.0)
    assert found == pytest.approx([2, 2, 9])
    np.testing.assert_allclose(elapsed(cells)[:2], [[0, 1, 2, 3, 4], [0, 2, 4, 4, 4]])
    lost = cells.with_columns(validation_loss=pl.Series([[4.0, 3, np.nan, np.nan, np.nan]] * 3))
    np.testing.assert_allclose(elapsed(lost)[0], [0, 2, 4, 4, 4])


def test_what_is_no_function_of_the_parameters_is_refused(task):
    random = quadratic(random=True, validation_loss=lambda p, data: jnp.sum(p["w"]))
    with pytest.raises(UsageError, match="lbfgs minimizes one function .* task draws at random"):
        kobai.compare(random, optimizers=["lbfgs"], initializers=["he"], steps=5)
    with pytest.raises(UsageError, match="Hessian .*newton_cg"):
        kobai.compare("digits", optimizers=["newton"], initializers=["he"], steps=5)
    with pytest.raises(UsageError, match="lbfgs has no use for clip"):
        small(["lbfgs", "adam"], clip=["none", "norm:1"])
    with pytest.raises(UsageError, match="none of lbfgs, newton_cg has a learning rate"):
        small(["lbfgs", "newton_cg"], learning_rates=[0.1])
    with pytest.raises(UsageError, match="none of bfgs has a learning rate"):
        kobai.descend("bowl", "bfgs", learning_rates=[0.1])
    with pytest.raises(UsageError, match="no optimizer 'lbfg'; did you mean 'lbfgs'"):
        small(["lbfg"])
    with pytest.raises(UsageError, match="lbfgs.pears.*lbfgs.pairs"):
        small(["lbfgs"], hyperparameters={"lbfgs.pears": [1]})


def test_a_ratio_is_a_bound_where_one_side_never_arrives():
    never, some = [np.inf] * 4, [10.0, 100.0, 20.0, np.inf]
    assert statistics.bound(never, some, 100) == "≥"
    assert statistics.bound(some, never, 100) == "≤"
    assert statistics.bound(never, never, 100) == ""
    assert statistics.bound(some, some, 100) == "="
    # One that arrives with its last step has arrived.
    assert statistics.bound([100.0, np.inf, np.inf, np.inf], some, 100) == ""
    compared = statistics.compare({"a": some, "b": never, "c": some}, "a", 100)
    assert [compared[name].bound for name in "bc"] == ["≥", "="]


def test_units_are_written_briefly():
    steps, epochs = Unit("steps", 1.0), Unit("epochs", 8.57)
    assert steps.count(58.4) == "58"
    assert steps.estimate(Estimate(58.4, 44.0, 71.9)) == "58 [44–72]"
    assert epochs.count(58.4) == "6.8"
    assert epochs.estimate(Estimate(200.0, 183.2, 200.0)) == "23 [21–23]"
    assert epochs.count(8.57 * 123.4) == "123"
    assert steps.estimate(Estimate(None, None, None)) == "–"


def test_the_unit_is_read_off_the_answer(mixed):
    assert unit(mixed.answer) == Unit("epochs", 12.5)
    assert read(mixed.outcome).epoch == 12.5
