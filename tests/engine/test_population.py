"""Cells in step: how many of them, in which programs. What comes of them is tested in `test_sweep`, too."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import kobai
import on_gpu as gpu
from kobai.basics.hyperparameters import hyperparameters
from kobai.engine import population
from kobai.engine.blocks import Size
from kobai.engine.cell import Cell
from kobai.engine.population import fitting, largest, rounded
from kobai.engine.sweep import Sweep
from swept import HE, runs_of

pytestmark = pytest.mark.usefixtures("quick_engine")


def test_numbers_are_rounded_up_to_four_binary_places():
    numbers = (1, 7, 15, 16, 17, 63, 1000, 1008, 4032, 4096)
    assert [rounded(number) for number in numbers] == [1, 7, 15, 16, 18, 64, 1024, 1024, 4096, 4096]
    assert all(number <= rounded(number) <= number * 9 / 8 for number in range(1, 3000))


class Programs:
    """Stands for the compiled programs: each takes so much for a cell."""

    def __init__(self, bytes_of_cell=0):
        self.bytes_of_cell, self.ready = bytes_of_cell, []

    def sizes(self):
        return self.ready

    def bytes_of(self, size):
        self.ready.append(size)
        return self.bytes_of_cell * size.cells


def test_a_program_that_is_there_serves_fewer_cells():
    programs = Programs()
    programs.ready = [Size(0, 256, 32), Size(0, 128, 32), Size(1, 60, 32)]
    assert fitting(programs, 0, 60, 20) == Size(0, 128, 32)
    assert fitting(programs, 0, 129, 1) == Size(0, 256, 32)
    assert fitting(programs, 1, 60, 1) == Size(1, 60, 32)
    assert fitting(programs, 0, 257, 1) == Size(0, 288, 32)
    assert fitting(programs, 0, 60, 33) == Size(0, 60, 36)  # none has room for so many seeds
    assert fitting(programs, 0, 20, 3) == Size(0, 20, 32)  # 128 places for 20 cells would be a waste


def test_as_many_cells_as_memory_allows(monkeypatch):
    monkeypatch.setattr(population, "free_bytes", lambda: 10**6)
    assert largest(Programs(100), 0, 1000, 3, 10) == 1000
    for bytes_of_cell in (2000, 5000, 10**7):
        most = largest(Programs(bytes_of_cell), 0, 10_000, 3, 10)
        assert most == 1 or rounded(most) * bytes_of_cell <= 0.8 * 10**6
        assert most == 1 or rounded(most) * bytes_of_cell >= 0.6 * 10**6
    few = Programs(1000)
    assert rounded(largest(few, 0, 4000, 3, 800)) == 768
    assert max(size.cells for size in few.ready) <= 1024  # nothing was compiled that cannot fit


def test_a_device_that_does_not_say_gets_what_is_asked_for(monkeypatch):
    monkeypatch.setattr(population, "free_bytes", lambda: None)
    assert largest(Programs(), 0, 1000, 3, 10) == 1000
    assert largest(Programs(), 0, 10**6, 3, 10) == population.MOST


@hyperparameters
class ByShape(kobai.SGD):
    """Each array at its own pace: a formula that looks at shapes."""

    elementwise = False

    def update(self, gradient, state, params=None, weights=None):
        update, state = super().update(gradient, state, params)
        return jax.tree.map(lambda Δ: Δ / Δ.ndim, update), state


RULES = [ByShape(0.1), kobai.SGD(0.3), kobai.Adam(0.01), kobai.Momentum(0.1)]


@pytest.fixture(scope="module")
def task():
    return kobai.tasks.sine(hidden=3)


def test_one_program_for_any_mixture_of_rules(task):
    """Other mixtures and fewer cells compile nothing; a rule that looks at shapes has its own program."""
    sweep = Sweep(task, RULES, steps=6, evaluate_every=3, population=True)
    mixtures = [[1, 1, 2, 3, 3, 3, 1, 2], [3, 3, 3, 3, 3], [2, 1, 3]]
    for mixture in mixtures:
        runs_of(sweep, [Cell(RULES[i], HE, seed) for seed, i in enumerate(mixture)])
    assert sweep.executables.sizes() == [Size(0, 8, 32)]
    mixed = [Cell(RULES[i], HE, seed) for seed, i in enumerate((0, 1, 0, 2))]
    assert sweep.chunks(mixed) == [[0, 2], [1, 3]]
    runs = runs_of(sweep, mixed)
    assert {size.family for size in sweep.executables.sizes()} == {0, 1}
    alone = runs_of(Sweep(task, RULES, steps=6, evaluate_every=3), mixed)
    for run, reference in zip(runs, alone, strict=True):
        assert run.validation_loss == pytest.approx(reference.validation_loss, rel=1e-4)


def test_chunks_are_equal_parts_of_what_fits(task, monkeypatch):
    monkeypatch.setattr(population, "MOST", 10)
    sweep = Sweep(task, RULES[1:], steps=6, evaluate_every=3, population=True)
    cells = [Cell(RULES[1 + i % 3], HE, i) for i in range(24)]
    chunks = sweep.chunks(cells)
    assert list(map(len, chunks)) == [8, 8, 8]
    assert list(itertools.chain(*chunks)) == list(range(24))  # seed by seed, as they were


# On a GPU, where there is one: in a process of its own.


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory):
    """What `on_gpu.py` says of this machine's GPU; without one its tests are skipped."""
    if not list(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("no GPU")
    environment = {name: value for name, value in os.environ.items() if name != "JAX_PLATFORMS"}
    command = [sys.executable, str(Path(gpu.__file__)), str(tmp_path_factory.mktemp("gpu") / "out")]
    ran = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    if said["device"] == "cpu":
        pytest.skip("JAX sees no GPU")
    return said


def close(losses, others, **tolerance):
    """Whether curves agree, diverged where the others are."""
    losses, others = (np.array(curves, float) for curves in (losses, others))
    np.testing.assert_allclose(losses, others, **tolerance)
    assert np.isnan(losses).any(axis=1).sum() == 4  # the rates of 1e30


def test_what_the_gpu_tests_compare_with_holds_on_a_cpu():
    """Its own promises, of the CPU: cells in step are those alone, to rounding."""
    alone, together = gpu.curves(), gpu.curves(population=True)
    close(together["losses"], alone["losses"], rtol=1e-3)
    assert together["chunks"] == [16]


def test_a_gpu_trains_as_a_cpu_does(on_gpu):
    expected = gpu.curves()["losses"]
    close(on_gpu["whole"]["losses"], expected, rtol=1e-3)
    # Before the first step only products and sums differ: TF32 would show in the fourth figure.
    first, of_cpu = ([curve[0] for curve in losses] for losses in (on_gpu["whole"]["losses"], expected))
    np.testing.assert_allclose(first, of_cpu, rtol=2e-5)


def test_chunks_of_a_gpu_change_only_rounding(on_gpu):
    assert (on_gpu["whole"]["chunks"], on_gpu["parts"]["chunks"]) == ([16], [5, 5, 5, 1])
    close(on_gpu["parts"]["losses"], on_gpu["whole"]["losses"], rtol=1e-3)


def test_a_gpu_says_how_much_memory_is_free(on_gpu):
    assert on_gpu["free"] > 2**28


def test_a_study_on_a_gpu_goes_on_from_what_it_kept(on_gpu):
    assert on_gpu["study"] == {"trained": 0, "equal": True}
