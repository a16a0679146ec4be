"""The identity of a cell: all that its numbers depend on, and nothing else of its study."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import schedules, stabilizers
from kobai.candidates.values import as_json, hyperparameters_of
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.identity import digest, versions
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import Initializer
from linear import line
from studies import blob_task

pytestmark = pytest.mark.usefixtures("quick_engine")
HE, SGD = initial_values.he(), kobai.SGD(0.1)
NOTHING = Strategy()


def identity(task, cell=Cell(SGD, HE, 0), *, rules=(SGD,), strategies=(), steps=100, every=10):  # noqa: B008
    sweep = Sweep(task, rules, steps=steps, evaluate_every=every, strategies=strategies)
    return sweep.identity.of(cell)


def own(scale):
    return Initializer("mine", lambda z, _: z * scale, lambda n, m: 1.0)


def test_a_cell_depends_on_everything_that_decides_it():
    task = blob_task()
    of_state = {
        "loss": lambda p, b, state: (((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2, state),
        "validation_loss": lambda p, b, state: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 2,
    }
    steady = [schedules.Schedule("own", lambda t, steps, f=f: f + 0 * t) for f in (0.5, 0.25)]
    parts = [
        Strategy(schedule=steady[0]),
        Strategy(schedule=steady[1]),
        Strategy(clip=stabilizers.clip_norm(1)),
        Strategy(clip=stabilizers.clip_norm(2)),
        Strategy(replacement=True),
        Strategy(averages=(stabilizers.polyak(2),)),
        Strategy(averages=(stabilizers.polyak(3),)),
        Strategy(weight_decay=stabilizers.weight_decay(0.1)),
    ]
    every = [
        identity(task),
        identity(dataclasses.replace(task, layout="out_in")),
        identity(dataclasses.replace(task, train=(task.train[0] * 2, task.train[1]))),
        identity(dataclasses.replace(task, validation=(task.train[0] * 2, task.train[1]))),
        identity(dataclasses.replace(task, test=(task.train[0] * 2, task.train[1]))),
        identity(dataclasses.replace(task, batch_size=3)),
        identity(dataclasses.replace(task, loss=lambda p, b: ((b[0] @ p["w"])[:, 0] - b[1]).mean() ** 4)),
        identity(dataclasses.replace(task, metric=lambda p, b: ((b[0] @ p["w"])[:, 0] > 0).mean())),
        identity(dataclasses.replace(task, state={"m": np.zeros(2)}, **of_state)),
        identity(dataclasses.replace(task, state={"m": np.ones(2)}, **of_state)),
        identity(task, steps=200),
        identity(task, every=5),
        identity(task, Cell(SGD, HE, 1)),
        identity(task, Cell(SGD, initial_values.xavier(), 0)),
        identity(task, Cell(SGD, own(1.0), 0)),
        identity(task, Cell(SGD, own(2.0), 0)),
        identity(task, Cell(kobai.SGD(0.2), HE, 0)),
        identity(task, Cell(kobai.Momentum(0.1), HE, 0), rules=[kobai.Momentum()]),
        identity(task, Cell(kobai.Nesterov(0.1), HE, 0), rules=[kobai.Nesterov()]),
        identity(task, Cell(kobai.BFGS(), HE, 0), rules=[kobai.BFGS()]),
        identity(task, Cell(kobai.LBFGS(), HE, 0), rules=[kobai.LBFGS()]),
        identity(task, Cell(kobai.LBFGS(pairs=3), HE, 0), rules=[kobai.LBFGS(pairs=3)]),
        *(identity(task, Cell(SGD, HE, 0, part), strategies=[part]) for part in parts),
    ]
    assert len(set(every)) == len(every)


def test_the_seeds_of_a_cell_are_hashed_with_all_that_it_is():
    of = Sweep(line(), [SGD], steps=100, evaluate_every=10).identity
    seeds, parts = [0, 7, 10**5], [of._of_method(SGD), hyperparameters_of(SGD), of._of_start(HE)]
    every = [[of.of_data(), *parts, of._of_strategy(NOTHING), [seed, 100, 10], versions()] for seed in seeds]
    assert of.of_seeds(Cell(SGD, HE, 3), seeds) == [digest(as_json(each)) for each in every]
    assert of.of(Cell(SGD, HE, 7)) == digest(as_json(every[1]))


def test_a_cell_does_not_depend_on_its_study():
    """Nor on what a task is called, a target, or who asks."""
    task, parts = (
        blob_task(),
        [Strategy(clip=stabilizers.clip_norm(1)), Strategy(schedule=schedules.cosine())],
    )
    alone = identity(task)
    assert identity(blob_task(loss=task.loss, target=0.1)) == alone
    assert identity(task, rules=[kobai.Adam(), SGD, kobai.LBFGS()], strategies=[NOTHING, *parts]) == alone
    clipped = Cell(SGD, HE, 0, parts[0])
    assert identity(task, clipped, strategies=parts) == identity(task, clipped, strategies=parts[:1]) != alone


def test_a_schedule_that_changes_nothing_is_none():
    """And gives the same numbers, beside one that changes the rate."""
    task, constant, cosine = blob_task(), Strategy(schedule=schedules.constant()), schedules.cosine()
    cells = [Cell(SGD, HE, 0), Cell(SGD, HE, 0, constant)]
    strategies = [NOTHING, constant, Strategy(schedule=cosine)]
    bare, scheduled = (identity(task, cell, strategies=strategies) for cell in cells)
    assert bare == scheduled == identity(task)
    without = Sweep(task, [SGD], steps=20, evaluate_every=5, strategies=[NOTHING])
    among = Sweep(task, [SGD], steps=20, evaluate_every=5, strategies=strategies)
    [alone] = without.train(cells[:1])
    for run in among.train(cells):
        np.testing.assert_array_equal(run.training_loss, alone.training_loss)
        np.testing.assert_array_equal(run.validation_loss, alone.validation_loss)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Warm(kobai.Optimizer):
    """A rule of one's own, whose state does not begin at zero."""

    learning_rate: float = 0.1

    def init(self, params):
        return jax.tree.map(lambda p: jnp.full_like(p, 0.01), params)

    def update(self, gradient, state, params=None, weights=None):  # noqa: ARG002
        return jax.tree.map(lambda g, m: -self.learning_rate * (g + m), gradient, state), state


def test_a_cell_depends_on_what_the_host_does(monkeypatch):
    """The state that a rule begins with, and NumPy's random numbers, are in no program."""

    def warm():
        return identity(blob_task(), Cell(Warm(), HE, 0), rules=[Warm()])

    before = warm()
    assert warm() == before
    with monkeypatch.context() as patch:
        patch.setattr(Warm, "init", lambda _, params: jax.tree.map(lambda p: p * 0 + 0.02, params))
        assert warm() != before
    with monkeypatch.context() as patch:
        patch.setattr(np, "__version__", "1.0")
        assert warm() != before


def test_cells_of_one_identity_have_the_same_numbers_bit_for_bit():
    """In a program of their own, and in one with other rules and every other part."""
    parts = [
        NOTHING,
        Strategy(clip=stabilizers.clip_norm(1)),
        Strategy(clip=stabilizers.clip_percentile(90, 5)),
        Strategy(l1=stabilizers.l1(0.01)),
        Strategy(schedule=schedules.cosine()),
        Strategy(averages=(stabilizers.polyak(4),)),
        Strategy(early_stopping=stabilizers.EarlyStopping(2)),
        Strategy(weight_decay=stabilizers.weight_decay(0.1)),
    ]
    rules = [SGD, kobai.Adam(), kobai.Nesterov()]
    cells = [Cell(rule, HE, 3, part) for rule, part in zip(rules, (NOTHING, parts[2], parts[4]), strict=True)]
    whole = Sweep(line(), [*rules, kobai.Lion()], steps=20, evaluate_every=5, strategies=parts)
    together = THREADS.runs(whole, cells)
    for cell, run in zip(cells, together, strict=True):
        alone = Sweep(line(), [cell.optimizer], steps=20, evaluate_every=5, strategies=[cell.strategy])
        assert alone.identity.of(cell) == whole.identity.of(cell)
        [own] = THREADS.runs(alone, [cell])
        for name in ("training_loss", "validation_loss", "validation_metric"):
            np.testing.assert_array_equal(getattr(own, name), getattr(run, name), err_msg=f"{cell}")


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (4, 6)])
def test_an_array_is_hashed_where_it_lies(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(jnp.dtype(dtype))
    for each in (array, array.T, array[..., ::2] if shape else array):
        assert digest(each) == digest(each.tobytes())
