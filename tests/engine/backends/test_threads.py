"""The threads of this machine: failures, an early end, and the end of the process."""

import subprocess
import sys
import threading

import pytest

import kobai
from kobai import initializers as initial_values
from kobai.engine.backends import THREADS
from kobai.engine.backends.threads import Threads
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep

HE = initial_values.he()


@pytest.fixture(scope="module")
def task():
    return kobai.tasks.digits(hidden=8, batch_size=16)


def test_a_failure_in_a_thread_is_raised_where_results_are_awaited(task, monkeypatch):
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5)
    sweep.compile()
    monkeypatch.setattr(sweep.training.shared, "draws", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        THREADS.runs(sweep, [Cell(kobai.SGD(), HE, 0)])


def test_leaving_early_starts_no_other_chunk(task):
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5, threads=1, chunk=1)
    cells = [Cell(kobai.SGD(0.1), HE, seed) for seed in range(50)]
    iteration = THREADS.run(sweep, cells)
    positions, _ = next(iteration)
    iteration.close()
    assert positions[0] == 0
    assert len(positions) < 50
    assert len(THREADS.runs(sweep, cells[:3])) == 3  # and the sweep can be used again


FULL = """
import errno, sys
from kobai.basics import files
from kobai.cli import run

def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

files.os.replace = full
sys.exit(run(sys.argv[1:]))
"""


def test_an_error_between_results_ends_the_process_well(place):
    """Threads are in a compiled call then, which the end of the interpreter must not tear apart."""
    arguments = "compare digits --quick --optimizers sgd --initializers he --steps 150 --output small"
    ran = subprocess.run(
        [sys.executable, "-c", FULL, *arguments.split()], cwd=place, capture_output=True, encoding="utf-8"
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("kobai: small/store/")
    assert "No space left on device" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_threads_are_waited_for(task, monkeypatch):
    """None is a daemon, which would be killed in the middle of a call."""
    seen = []
    work = Threads._work

    def noted(self, *arguments):
        seen.append(threading.current_thread().daemon)
        work(self, *arguments)

    monkeypatch.setattr(Threads, "_work", noted)
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5, threads=2, chunk=1)
    THREADS.runs(sweep, [Cell(kobai.SGD(), HE, seed) for seed in range(4)])
    assert seen == [False, False]


@pytest.mark.parametrize("threads", [1, 2])
def test_whoever_may_not_go_ahead_has_a_chunk_for_each_thread_in_hand(task, threads):
    """Whoever is killed between a result and its file loses that chunk, and none that was begun since."""
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5, threads=threads, chunk=1)
    cells = [Cell(kobai.SGD(), HE, seed) for seed in range(6)]
    begun, another = [], threading.Event()

    def chunks():
        for i in range(len(cells)):
            begun.append(i)
            if len(begun) > threads:
                another.set()
            yield [i]

    done = 0
    for positions, _ in THREADS.chunked(sweep, cells, chunks(), ahead=False):
        assert len(begun) <= done + threads
        done += len(positions)
    assert begun == list(range(6))

    begun.clear()
    another.clear()
    running = THREADS.chunked(sweep, cells, chunks())
    first, _ = next(running)
    assert another.wait(60)  # the usual way, in which nothing waits for the caller
    rest = [position for positions, _ in running for position in positions]
    assert sorted([*first, *rest]) == list(range(6))


def test_what_has_come_meanwhile_is_handed_over_together(task):
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5, threads=1, chunk=1)
    cells = [Cell(kobai.SGD(), HE, seed) for seed in range(6)]
    trained = threading.Event()

    def chunks():
        yield from ([i] for i in range(len(cells)))
        trained.set()

    running = THREADS.chunked(sweep, cells, chunks())
    first, _ = next(running)
    assert trained.wait(60)
    rest = list(running)
    assert [position for positions, _ in rest for position in positions] == list(range(len(first), 6))
    assert all(len(positions) == len(runs) for positions, runs in rest)
    assert len(rest) <= 1


def test_what_was_finished_before_a_mistake_is_handed_over_before_it(task, monkeypatch):
    sweep = Sweep(task, [kobai.SGD()], steps=5, evaluate_every=5, threads=1, chunk=1)
    sweep.compile()
    train, failed = sweep.train, threading.Event()

    def failing(cells, leave):
        if cells[0].seed == 2:
            failed.set()
            raise ZeroDivisionError
        return train(cells, leave)

    monkeypatch.setattr(sweep, "train", failing)
    cells = [Cell(kobai.SGD(), HE, seed) for seed in range(6)]
    running = THREADS.chunked(sweep, cells, [[0], [1], [2]])
    done, _ = next(running)
    assert failed.wait(60)
    with pytest.raises(ZeroDivisionError):
        done.extend(position for positions, _ in running for position in positions)
    assert done == [0, 1]
