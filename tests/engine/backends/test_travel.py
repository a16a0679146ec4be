"""Sweeps as plain values: made again elsewhere they give the same numbers, and another one is refused."""

import dataclasses
import json

import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics.errors import UsageError
from kobai.engine.backends import travel
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.schedules import Schedule
from kobai.study.axes import axes, grown_from, strategy
from kobai.tasks.load import load
from kobai.tasks.provenance import FILE, TASK, Provenance

pytestmark = pytest.mark.usefixtures("quick_engine")

FILE_OF_TASK = """
import numpy as np
import kobai

def task(width: int = 2):
    x = np.linspace(-1, 1, 16 * width, dtype=np.float32).reshape(16, width)
    return kobai.Task(
        name="own", parameters={"w": np.zeros((width, 1), np.float32)},
        train=(x, x[:, :1]), validation=(x, x[:, :1]),
        loss=lambda p, batch: ((batch[0] @ p["w"] - batch[1]) ** 2).mean(), batch_size=4,
    )
"""


def cells_of(**parts):
    values = {axis.name: axis.values[0].part for axis in axes(parts)}
    with_parts = strategy(values) if parts else Strategy()
    return [
        Cell(method, initial_values.he(), seed, with_parts)
        for method in (kobai.SGD(0.1), kobai.Adam(0.01))
        for seed in (0, 1)
    ]


def sweep_for(task, cells):
    strategies = list({cell.strategy: None for cell in cells})
    return Sweep(task, [cell.optimizer for cell in cells], steps=12, evaluate_every=4, strategies=strategies)


def same(ours, theirs):
    return all(
        (a.validation_loss == b.validation_loss).all() and (a.training_loss[1:] == b.training_loss[1:]).all()
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.fixture
def digits():
    place = Provenance(TASK, "digits", {"hidden": 4})
    return kobai.tasks.digits(hidden=4, batch_size=8), place


def placed(task, place):
    return dataclasses.replace(task, provenance=place)


def test_a_built_in_task_travels_by_its_name(digits):
    task = placed(*digits)
    cells = cells_of(clip="norm:1")
    sweep = sweep_for(task, cells)
    written = travel.recipe(sweep, cells)
    said = {"place": "digits", "options": {"hidden": 4}, "batch_size": 8, "accumulate": 1}
    assert json.loads(written)["task"] == said
    letters = [json.dumps(cell.spelling()) for cell in cells]
    assert same(travel.trained(written, letters), sweep.train(cells))


def test_accumulated_batches_travel_and_what_goes_with_a_width_does_not(digits):
    """That cannot be said in plain values: it travels as an exported program."""
    task = dataclasses.replace(placed(*digits), batch_size=4, accumulate=2)
    cells = cells_of()[:2]
    sweep = sweep_for(task, cells)
    written = travel.recipe(sweep, cells)
    assert same(travel.trained(written, [json.dumps(each.spelling()) for each in cells]), sweep.train(cells))
    grown = grown_from(kobai.tasks.digits(hidden=2, batch_size=8), placed(*digits))
    assert travel.recipe(sweep_for(grown, cells), cells) is None


def test_a_file_travels_as_its_source(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(FILE_OF_TASK)
    task = placed(load(f"{file}:task", width=4), Provenance(FILE, f"{file}:task", {"width": 4}))
    cells = cells_of()
    sweep = sweep_for(task, cells)
    written, ours = travel.recipe(sweep, cells), sweep.train(cells)
    file.unlink()  # elsewhere it is not there
    assert same(travel.trained(written, [json.dumps(cell.spelling()) for cell in cells]), ours)


def test_what_is_made_of_it_has_to_be_the_same(digits):
    cells = cells_of()
    other = sweep_for(placed(kobai.tasks.digits(hidden=5), digits[1]), cells)  # its place says 4
    with pytest.raises(UsageError, match="digits makes another task"):
        travel.sweep_of(travel.recipe(other, cells))
    written = json.loads(travel.recipe(sweep_for(placed(*digits), cells), cells))
    written["versions"]["jax"] = "0.0.1"
    with pytest.raises(UsageError, match="other versions"):
        travel.sweep_of(json.dumps(written))


def test_what_has_no_spelling_does_not_travel_so(digits):
    task, place = digits
    assert travel.recipe(sweep_for(task, cells_of()), cells_of()) is None  # from no place
    own = [Cell(kobai.SGD(0.1), initial_values.he(), 0, Strategy(schedule=Schedule("own", lambda s, n: 1.0)))]
    assert travel.recipe(sweep_for(placed(task, place), cells_of()), own) is None
    gone = placed(task, Provenance(FILE, "nowhere.py"))
    assert travel.recipe(sweep_for(gone, cells_of()), cells_of()) is None
