"""A schedule in a training."""

import numpy as np
import optax

import kobai
from kobai import schedules
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.optimizers import from_optax
from swept import HE, runs_of


def test_a_schedule_moves_the_rate_of_optax_too(task):
    """from_optax with a rate is scheduled like ours; one without a rate has its update scaled."""
    strategy = Strategy(schedule=schedules.cosine())
    rules = [
        from_optax(optax.sgd, learning_rate=0.5),
        from_optax(optax.sgd, learning_rate=optax.constant_schedule(0.5)),
        kobai.SGD(0.5),
    ]
    sweep = Sweep(task, rules, steps=20, evaluate_every=10, strategies=[strategy])
    first, second, ours = runs_of(sweep, [Cell(rule, HE, 0, strategy) for rule in rules])
    np.testing.assert_allclose(first.validation_loss, ours.validation_loss, rtol=1e-5)
    np.testing.assert_allclose(second.validation_loss, ours.validation_loss, rtol=1e-5)
