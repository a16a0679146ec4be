"""An average in a training."""

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import polyak
from swept import HE, runs_of


def quadratic():
    """f = x²/20 + y² from (−7, 2), the same in every batch."""
    data = np.zeros((4, 1), np.float32)

    def loss(parameters, batch):
        x, y = parameters["θ"]
        return x**2 / 20 + y**2 + 0 * jnp.sum(batch)

    start = {"θ": np.array([-7, 2], np.float32)}
    return kobai.Task(parameters=start, loss=loss, train=data, validation=data, batch_size=2)


def test_polyak_finds_the_middle_in_the_engine():
    """METHODS: SGD at η = 1.0 keeps f = 4; at the mean of the iterates 101–200 f is 1.4e-11."""
    strategy = Strategy(averages=(polyak(101),))
    sweep = Sweep(quadratic(), [kobai.SGD()], steps=200, evaluate_every=100, strategies=[strategy])
    [run] = runs_of(sweep, [Cell(kobai.SGD(1.0), HE, 0, strategy)])
    assert run.validation_loss[-1] == pytest.approx(4)
    assert run.averages[0].validation_loss[-1] == pytest.approx(1.4e-11, rel=0.05)
    assert run.averages[0].validation_loss[1] == run.validation_loss[1]
