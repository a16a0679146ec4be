"""What the lecture claims, measured small: the full measurements are in benchmarks/ and docs/."""

import dataclasses

import numpy as np

import kobai
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.initializers import parse, uniform
from measured import benchmark


def runs(task, rule, initializer, seeds, steps, every, strategy=None):
    strategy = strategy or Strategy()
    sweep = Sweep(task, [rule], steps=steps, evaluate_every=every, strategies=[strategy])
    cells = [Cell(rule, initializer, seed, strategy) for seed in range(seeds)]
    found = {}
    for positions, finished in THREADS.run(sweep, cells):
        found |= zip(positions, finished, strict=True)
    return [found[seed] for seed in range(seeds)]


def test_clipping_rescues_the_recurrent_network():
    """Momentum 0.9 with η = 0.1 on the adding problem: every run explodes, or every run arrives."""
    task, rule = kobai.tasks.adding(), kobai.Momentum(learning_rate=0.1)
    plain = runs(task, rule, parse("xavier"), 2, 400, 20)
    clipped = runs(task, rule, parse("xavier"), 2, 400, 20, Strategy(clip=kobai.clip_norm(1)))
    assert [run.diverged_at is None for run in plain] == [False] * 2
    assert [run.diverged_at for run in clipped] == [None] * 2
    assert all(min(run.validation_metric) <= task.targets[0] for run in clipped)


def test_gates_remember_what_the_plain_network_forgets():
    """The adding problem over 30 positions: always to answer 1 makes an error of 1/6."""
    errors = {}
    for cell in ("elman", "gru"):
        task = kobai.tasks.adding(length=30, cell=cell, hidden=16)
        clip = Strategy(clip=kobai.clip_norm(1))
        found = runs(task, kobai.Adam(learning_rate=0.01), parse("orthogonal"), 2, 300, 300, clip)
        errors[cell] = [run.test_metric for run in found]
    assert min(errors["elman"]) > 0.12
    assert max(errors["gru"]) < 0.03


def test_a_mini_batch_escapes_local_solutions():
    """One weight fitted to a sine, 18 basins, 30 starts: the share that ends in the right one."""
    escape = benchmark("escape")
    share = {}
    for size in (1, escape.EXAMPLES):
        found = runs(escape.task(size), kobai.SGD(0.1), uniform(10 / np.sqrt(3)), 30, 1000, 1000)
        share[size] = np.mean([run.validation_loss[-1] < 0.25 for run in found])
    assert share[1] > 0.4
    assert share[escape.EXAMPLES] < 0.15


def test_in_a_wide_network_every_start_ends_alike():
    """Training losses at the end over 12 starts: worst ÷ best with 2 hidden nodes and with 32."""
    spread = {}
    for width in (2, 32):
        task = kobai.tasks.sine(hidden=width)
        task = dataclasses.replace(task, validation=task.train, test=None, batch_size=len(task.train[0]))
        found = runs(task, kobai.Adam(0.03), parse("xavier"), 12, 1500, 1500)
        losses = [run.validation_loss[-1] for run in found]
        spread[width] = max(losses) / min(losses)
    assert spread[2] > 3
    assert spread[32] < 1.5
