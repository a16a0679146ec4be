"""Processes that share the cells of a study: whoever is killed or stalls costs a chunk, nothing is lost."""

import contextlib
import dataclasses
import os
import random
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from kobai.study.claims import Claims
from kobai.study.joined import Joined, Work
from kobai.study.lock import Share
from kobai.study.store import KEPT, STORE, Store

ROOT = Path(__file__).parent.parent.parent
CELLS, CHUNK, STALE = 60, 4, 20


def frame(names):
    return pl.DataFrame(
        [{column: name if column == "cell" else None for column in KEPT} for name in names], KEPT
    )


class Engine:
    """Trains nothing: a run is the name of its cell."""

    def chunks(self, cells):
        return [list(range(i, min(i + CHUNK, len(cells)))) for i in range(0, len(cells), CHUNK)]


class Here:
    """The threads of a process: one, which trains a chunk as it is asked for."""

    def chunked(self, sweep, cells, chunks, *, ahead):
        assert not ahead
        for positions in chunks:
            yield positions, [cells[i] for i in positions]


@dataclasses.dataclass
class Process:
    """One of those that share: a generator that goes on when it is asked to."""

    world: "World"
    killed: bool = False
    stalled_until: float = 0.0
    is_at_it: bool = False
    ended: bool = False

    def __post_init__(self):
        self.claims = self.world.claims(self.world.folder, STALE, self.world.touch)
        self.steps = self._steps()

    def _steps(self):
        world, cells = self.world, [f"cell {i}" for i in range(CELLS)]
        store = Store(world.folder, joined=True)
        joined = Joined(Share(world.folder, self.claims, -1), Here(), lambda: world.wait(self), look=0.0)
        halves = [cells[:34], cells[34:]]  # of two tasks; the last chunk of the first is shorter
        work = [Work(Engine(), half, [frozenset([name]) for name in half]) for half in halves]
        there = set(store.places)
        for i, positions, runs in joined.run(store, work):
            names = [halves[i][j] for j in positions]
            if runs is not None:
                world.trained += len(names)
                yield  # here it may be killed, or stall
                store.put(frame(names))
            assert not there & set(names)  # each is given once
            there |= set(names)
            yield
        assert there == set(cells)
        self.ended = True

    @property
    def is_ready(self):
        return not (self.is_at_it or self.ended or self.stalled_until > self.world.now)

    def step(self):
        self.is_at_it = True
        self.claims.beat()
        next(self.steps, None)
        self.is_at_it = False


class World:
    """Three processes at a folder, and the clock of their file server; the order of all is drawn."""

    def __init__(self, folder, seed, claims=Claims):
        folder.mkdir(exist_ok=True)
        self.folder, self.claims, self.random = folder, claims, random.Random(seed)
        self.now, self.trained, self.kills, self.dead = 1000.0, 0, 0, []
        self.processes = [Process(self) for _ in range(3)]

    def touch(self, path):
        os.utime(path, (self.now, self.now))
        return self.now

    def wait(self, process):
        """While one waits, time goes on, and another works."""
        process.claims.beat()
        self.go_on()

    def go_on(self):
        self.now += 1
        ready = [
            each
            for each in self.processes
            if not (each.is_at_it or each.ended or each.stalled_until > self.now)
        ]
        if ready:
            self.random.choice(ready).step()

    def run(self, kills=0, stalls=0):
        while not all(each.ended for each in self.processes):
            self.go_on()
            [*ready] = [each for each in self.processes if not each.ended]
            if ready and kills > self.kills and self.random.random() < 0.3:
                self.kills += 1
                victim = self.random.choice(ready)
                self.processes.remove(victim)
                self.dead.append(victim.steps)  # a generator that is forgotten would clean up
                self.processes.append(Process(self))
            if ready and stalls and self.random.random() < 0.3:
                stalls -= 1
                self.random.choice(ready).stalled_until = self.now + 3 * STALE

    def stored(self):
        return [
            name for path in (self.folder / STORE).glob("cells-*") for name in pl.read_parquet(path)["cell"]
        ]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_and_whoever_is_killed_costs_a_chunk(tmp_path, seed):
    world = World(tmp_path, seed)
    world.run(kills=10)
    assert sorted(world.stored()) == sorted(f"cell {i}" for i in range(CELLS))
    assert world.kills > 3
    assert CELLS <= world.trained <= CELLS + CHUNK * world.kills


@pytest.mark.parametrize("seed", range(5))
def test_whoever_stalls_costs_a_chunk_and_stores_nothing_twice(tmp_path, seed):
    world = World(tmp_path, seed)
    world.run(stalls=5)
    assert sorted(world.stored()) == sorted(f"cell {i}" for i in range(CELLS))
    assert CELLS <= world.trained <= CELLS + CHUNK * 5


def test_without_a_disturbance_nothing_is_trained_twice(tmp_path):
    world = World(tmp_path, 0)
    world.run()
    assert world.trained == CELLS


class Greedy(Claims):
    """Claims that exclude nobody."""

    def take(self, name):
        return super().take(name) or True

    def is_own(self, name):
        return True


class Deaf(Claims):
    """Claims that never hear of their having been taken over."""

    def is_own(self, name):
        return True


def test_these_checks_see_claims_that_exclude_nobody(tmp_path):
    world = World(tmp_path, 0, Greedy)
    with contextlib.suppress(AssertionError):
        world.run()
    assert world.trained > CELLS


def test_these_checks_see_a_process_that_does_not_look_after_its_claim(tmp_path):
    twice = []
    for seed in range(5):
        world = World(tmp_path / str(seed), seed, Deaf)
        world.run(stalls=5)
        twice.append(len(world.stored()) > CELLS or world.trained > CELLS + CHUNK * 5)
    assert any(twice)


def test_one_process_does_for_all_what_is_to_be_done_once(tmp_path):
    world = World(tmp_path, 0)
    done = []

    def joined(process, wait):
        return Joined(Share(tmp_path, process.claims, -1), Here(), wait)

    first, second, third = world.processes

    def deed_of_first():
        joined(second, lambda: stop()).once("report", lambda: done.append("second"))

    def stop():
        raise InterruptedError  # it waits for the first

    with pytest.raises(InterruptedError):
        joined(first, stop).once("report", deed_of_first)
    first.claims.release()  # it failed, and another does it
    joined(second, stop).once("report", lambda: done.append("second"))
    joined(third, stop).once("report", lambda: done.append("third"))
    assert done == ["second"]


def test_real_processes_one_of_which_is_killed_give_the_answer_of_one_alone():
    ran = subprocess.run(
        [
            sys.executable,
            "benchmarks/join.py",
            "--kills",
            "1",
            "--processes",
            "2",
            "--seeds",
            "4",
            "--steps",
            "60",
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "equal to the study of one process: yes" in ran.stdout
