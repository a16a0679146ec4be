"""How a program is compiled: an option that makes a step faster changes no bit of it."""

import numpy as np
import pytest

import kobai
from kobai.engine import executables
from kobai.engine.backends import THREADS
from kobai.engine.cell import Cell
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.tasks import sine


def runs():
    """Two rules with memories of their own on a network of odd widths, so that no vector is full."""
    rules = [kobai.Adam(learning_rate=0.01), kobai.Momentum(learning_rate=0.1)]
    sweep = Sweep(sine(hidden=13), rules, steps=10, evaluate_every=5, threads=1)
    return THREADS.runs(sweep, [Cell(rule, he(), 3) for rule in rules])


def bits(run):
    values = (run.training_loss, run.validation_loss, run.validation_metric, run.test_loss, run.test_metric)
    return [np.asarray(value, float).tobytes() for value in values]


@pytest.mark.usefixtures("quick_engine")
def test_the_faster_form_changes_no_bit(monkeypatch):
    assert executables.compiler_options() == {**executables.COMPILER_OPTIONS, **executables.FASTER}
    fast = runs()
    monkeypatch.setattr(executables, "FASTER", {})
    assert executables.compiler_options() == executables.COMPILER_OPTIONS
    assert [bits(run) for run in fast] == [bits(run) for run in runs()]
    assert bits(fast[0]) != bits(fast[1])


def test_options_that_a_version_does_not_know_are_left_out(monkeypatch):
    monkeypatch.setattr(executables, "FASTER", {"xla_cpu_no_such_option": True})
    assert executables.compiler_options() == executables.COMPILER_OPTIONS
