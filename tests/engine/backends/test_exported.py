"""Programs that travel as bytes: run from them, a training has the same bits."""

import pytest

import kobai
from kobai import initializers as initial_values
from kobai.engine.backends import THREADS, exported
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.schedules import Schedule

pytest.importorskip("flatbuffers")

TASKS = {
    "digits": lambda: kobai.tasks.digits(hidden=4, batch_size=8),
    "convolutions": lambda: kobai.tasks.digits_cnn(batch_size=8),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_program_gives_the_same_bits_where_it_is_read(name):
    halving = Strategy(schedule=Schedule("own", lambda steps, total: 0.5 ** (steps / total)))  # a user's own
    cells = [
        Cell(kobai.SGD(0.1), initial_values.he(), 0, halving),
        Cell(kobai.Adam(), initial_values.he(), 1),
    ]
    rules = [kobai.SGD(), kobai.Adam()]
    sweep = Sweep(TASKS[name](), rules, steps=6, evaluate_every=3, strategies=[halving])
    calls = []

    def call(program, there, *arrays):
        calls.append(program)
        return exported.run(
            program, there[0], *(each[0] if isinstance(each, tuple) else each for each in arrays)
        )

    there = exported.elsewhere(sweep, 2, call, lambda value: (value,))  # what stands for a value is not it
    ours, theirs = THREADS.runs(sweep, cells), THREADS.runs(there, cells)
    assert calls
    for a, b in zip(ours, theirs, strict=True):
        assert (a.validation_loss == b.validation_loss).all()
        assert (a.test_loss, a.test_metric) == (b.test_loss, b.test_metric)
