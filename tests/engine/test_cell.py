"""Cells that travel: every method and part of kobai's comes back equal; what is a user's own is told."""

import dataclasses
import functools
import json
import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai import initializers as initial_values
from kobai import schedules
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.engine.cell import Cell
from kobai.engine.parts import PARTS
from kobai.engine.strategy import Strategy
from kobai.initializers import Initializer
from kobai.optimizers import hyperparameters
from kobai.schedules import Schedule
from kobai.stabilizers import (
    Averaging,
    Clip,
    Penalty,
    early_stopping,
    exponential,
    l1,
    l2,
    polyak,
    weight_decay,
)

HE = initial_values.he()


def travel(cell):
    """The cell that another process makes of what was written down here: strict JSON."""
    return Cell.of(json.loads(json.dumps(cell.spelling(), allow_nan=False)))


def changed(instance):
    """A method with every number a little different, so that no default can stand in for it."""
    numbers = {f.name: getattr(instance, f.name) for f in dataclasses.fields(instance)}
    other = {name: value / 3 for name, value in numbers.items() if type(value) is float}
    return dataclasses.replace(instance, **other)


OPTIMIZERS = [changed(entry.load()()) for entry in registry.OPTIMIZERS.values()]
MINIMIZERS = [entry.load()() for entry in registry.MINIMIZERS.values()]
OPTAX = [
    kobai.from_optax(optax.adamw, learning_rate=0.01, nesterov=True),
    kobai.from_optax(optax.lion, learning_rate=0.3, b1=0.8),
]


METHODS = [*OPTIMIZERS, *MINIMIZERS, *OPTAX]


@pytest.mark.parametrize("method", METHODS, ids=[getattr(m, "name", type(m).__name__) for m in METHODS])
def test_every_method_comes_back_equal(method):
    cell = Cell(method, HE, 3)
    assert travel(cell) == cell


def test_options_of_minimizers_travel():
    for method in (
        kobai.LBFGS(pairs=3),
        kobai.ConjugateGradient(formula="dai_yuan"),
        kobai.BFGS(curvature=0.5),
    ):
        assert travel(Cell(method, HE, 0)).optimizer == method


@pytest.mark.parametrize("name", registry.INITIALIZERS)
def test_every_initializer_comes_back_the_same_function(name):
    first = initial_values.parse(name)
    cell = Cell(kobai.SGD(0.1), first, 3)
    assert travel(cell) == cell
    z = np.random.default_rng(0).standard_normal((4, 3))
    np.testing.assert_array_equal(travel(cell).initializer.weights(z, 4, 3), first.weights(z, 4, 3))


def test_numbers_of_initial_values_travel_to_the_last_bit():
    initializer = initial_values.normal(math.pi / 7)
    assert travel(Cell(kobai.SGD(), initializer, 0)).initializer.scale == math.pi / 7


STRATEGIES = {
    "nothing": Strategy(),
    "clip value": Strategy(clip=kobai.clip_value(0.02)),
    "clip norm": Strategy(clip=kobai.clip_norm(1 / 3)),
    "clip percentile": Strategy(clip=kobai.clip_percentile(50, 7)),
    "two bounds": Strategy(clip=Clip(value=2.0, norm=1.0)),
    "l1": Strategy(l1=l1(0.003)),
    "l2": Strategy(l2=l2(0.1, biases=True)),
    "both in one": Strategy(l2=Penalty(l1=0.1, l2=0.2)),
    "decay": Strategy(weight_decay=weight_decay(0.1, biases=True)),
    "no decay": Strategy(weight_decay=weight_decay(0.0)),
    "averages": Strategy(averages=(polyak(8), exponential(0.8), polyak())),
    "stopping": Strategy(early_stopping=early_stopping(2, 0.01)),
    "mask": Strategy(mask=kobai.stabilizers.cautious()),
    "replacement": Strategy(replacement=True),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_part_comes_back_equal(name):
    cell = Cell(kobai.SGD(0.1), HE, 3, STRATEGIES[name])
    found = travel(cell)
    assert found == cell
    steps = np.arange(1, 30)
    for ours, theirs in zip(cell.strategy.averages, found.strategy.averages, strict=True):
        np.testing.assert_array_equal(ours.weight(steps), theirs.weight(steps))
        assert ours.shortest == theirs.shortest


SCHEDULES = [
    schedules.constant(),
    schedules.step(10),
    schedules.step(10, 0.3),
    schedules.cosine(),
    schedules.cosine(0.1),
    schedules.warm_up(5),
    schedules.one_cycle(),
    schedules.one_cycle(0.2),
    schedules.wsd(),
    schedules.wsd(0.5),
    schedules.warm_up(5) * schedules.step(7) * schedules.cosine(),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.name)
def test_every_schedule_comes_back_the_same_function(schedule):
    """Two schedules of one name count as equal, so that the factors are compared as well."""
    found = travel(Cell(kobai.SGD(0.1), HE, 0, Strategy(schedule=schedule))).strategy.schedule
    assert found == schedule
    assert found.shortest == schedule.shortest
    np.testing.assert_array_equal(found.factors(0, 40, 40), schedule.factors(0, 40, 40))


def test_the_tables_are_covered():
    """Every registered schedule and stabilizer stands in the lists above, and every field in some part."""
    names = {schedule.name.partition(":")[0].replace("-", "_") for schedule in SCHEDULES}
    assert names >= set(registry.SCHEDULES)
    parts = {name for name, entry in registry.STABILIZERS.items() if "stabilizers" in entry.home}
    assert parts == {
        "clip_value", "clip_norm", "clip_percentile", "polyak", "exponential",
        "l1", "l2", "weight_decay", "cautious", "early_stopping",
    }  # fmt: skip
    fields = {field.name for field in dataclasses.fields(Strategy)}
    assert {name for part in PARTS for name in part.fields} == fields - {"replacement"}


def test_numbers_of_numpy_and_jax_travel_as_python_numbers():
    cell = Cell(kobai.Adam(np.float32(0.1), decay_1=jnp.float32(0.5)), HE, np.int64(3))
    spelling = cell.spelling()
    assert type(spelling["seed"]) is int
    assert spelling["optimizer"]["fields"]["learning_rate"] == float(np.float32(0.1))
    assert travel(cell) == cell


@hyperparameters
class Own(kobai.Optimizer):
    learning_rate: float = 0.1


class Adam(kobai.Adam):
    """A user's own, which bears the name of a built-in one."""


def sgd(learning_rate):
    return optax.sgd(learning_rate)


def product():
    """Another order of the factors, whose products may round otherwise."""
    return schedules.warm_up(5) * (schedules.step(7) * schedules.cosine())


OWN = {
    "optimizer": Cell(Own(0.1), HE, 0),
    "optimizer by name": Cell(Adam(0.1), HE, 0),
    "grid": Cell(kobai.SGD([0.1, 0.2]), HE, 0),
    "factory by name": Cell(kobai.from_optax(sgd, learning_rate=0.1), HE, 0),
    "partial": Cell(kobai.from_optax(functools.partial(optax.adam, b1=0.8), learning_rate=0.1), HE, 0),
    "argument": Cell(kobai.from_optax(optax.sgd, learning_rate=optax.constant_schedule(0.1)), HE, 0),
    "dtype": Cell(kobai.from_optax(optax.adam, learning_rate=0.1, mu_dtype=jnp.bfloat16), HE, 0),
    "initializer": Cell(kobai.SGD(), dataclasses.replace(HE, name="mine"), 0),
    "initializer by name": Cell(kobai.SGD(), Initializer("he", HE.form, lambda n1, n2: 1.0), 0),
    "schedule": Cell(kobai.SGD(), HE, 0, Strategy(schedule=Schedule("mine", lambda t, n: t / n))),
    "schedule by name": Cell(kobai.SGD(), HE, 0, Strategy(schedule=Schedule("cosine", lambda t, n: t / n))),
    "product": Cell(kobai.SGD(), HE, 0, Strategy(schedule=product())),
    "average by name": Cell(kobai.SGD(), HE, 0, Strategy(averages=(Averaging("polyak", lambda t: 1 / t),))),
}


@pytest.mark.parametrize("name", OWN)
def test_what_is_a_users_own_is_told(name):
    with pytest.raises(UsageError, match="cannot be sent to another process"):
        OWN[name].spelling()


def test_two_closures_of_one_code_are_told_apart():
    """The name says 5, the function counts to 9: it must not come back as one that counts to 5."""
    nine = dataclasses.replace(schedules.warm_up(9), name="warm-up:5")
    assert nine == schedules.warm_up(5)  # by name, and by nothing else
    with pytest.raises(UsageError):
        Cell(kobai.SGD(), HE, 0, Strategy(schedule=nine)).spelling()
