"""What a run costs: processor time dealt out to the cells in work, whatever else the machine does."""

import time

import pytest

import kobai
from kobai.engine import clock as clocks
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.clock import ProcessorClock
from kobai.engine.sweep import Sweep
from kobai.initializers import he


class Processor:
    """A processor whose time is set by hand."""

    seconds = 100.0

    def __call__(self):
        return self.seconds


def test_one_cell_has_all_the_time():
    processor = Processor()
    clock = ProcessorClock(processor)
    processor.seconds += 7  # before anything is in work
    with clock.work():
        began = clock.read()
        processor.seconds += 2
        assert clock.read() - began == 2
    processor.seconds += 5
    with clock.work():
        assert clock.read() == 2


def test_cells_in_work_share_it():
    processor = Processor()
    clock = ProcessorClock(processor)
    with clock.work():
        first = clock.read()
        processor.seconds += 1  # alone
        with clock.work():
            second = clock.read()
            processor.seconds += 4  # two of them
            assert clock.read() - second == 2
        processor.seconds += 1  # alone again
        assert clock.read() - first == 1 + 2 + 1


def test_a_cell_that_fails_is_in_work_no_longer():
    processor = Processor()
    clock = ProcessorClock(processor)
    with pytest.raises(ZeroDivisionError), clock.work():
        raise ZeroDivisionError
    with clock.work():
        began = clock.read()
        processor.seconds += 3
        assert clock.read() - began == 3


def seconds_of(method):
    """The seconds of one run."""
    sweep = Sweep(kobai.tasks.sine(hidden=4), [method], steps=20, evaluate_every=20, threads=1)
    [(_, [run])] = THREADS.run(sweep, [Cell(method, he(), 0)])
    return run.seconds


@pytest.mark.parametrize("method", [kobai.Adam(0.01), kobai.LBFGS()])
def test_the_load_of_the_machine_is_no_part_of_a_run(method, monkeypatch):
    """Wall time stands still, or runs a thousand times as fast: the seconds of a run are the same."""
    processor = Processor()

    def processor_time():
        processor.seconds += 0.25  # at every look
        return processor.seconds

    told = []
    for speed in (0.0, 1000.0):
        monkeypatch.setattr(clocks.CLOCK, "_processor", processor_time)
        began = time.monotonic()
        wall = lambda speed=speed, began=began: speed * (time.monotonic() - began)  # noqa: E731
        monkeypatch.setattr(time, "perf_counter", wall)
        told.append(seconds_of(method))
    # One look at the beginning, one at the end; the clock has gone on since the process began, and rounds.
    assert told == pytest.approx([0.25, 0.25])
