"""A strategy's weight decay on rules that have theirs within the formula, or evaluate another point."""

import dataclasses

import numpy as np
import optax
import pytest

import kobai
from kobai import initializers as initial_values
from kobai.basics.errors import UsageError
from kobai.engine.cell import Cell
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.stabilizers import weight_decay
from swept import runs_of

HE = initial_values.he()
DECAY = Strategy(weight_decay=weight_decay(0.3))
WITHIN = [
    kobai.ScheduleFreeSGD(0.1, weight_decay=2.0),
    kobai.ScheduleFreeAdamW(0.01, weight_decay=2.0),
    kobai.LAMB(0.01, weight_decay=2.0),
    kobai.Muon(0.03, 0.001, weight_decay=2.0),
]


@pytest.mark.parametrize("rule", WITHIN, ids=lambda rule: type(rule).__name__)
def test_it_takes_the_place_of_the_formula_s_own(rule):
    own = dataclasses.replace(rule, weight_decay=0.3)
    cells = [Cell(rule, HE, 3, DECAY), Cell(own, HE, 3), Cell(rule, HE, 3)]
    sweep = Sweep(kobai.tasks.sine(), [rule], steps=20, evaluate_every=10, strategies=[DECAY, Strategy()])
    said, meant, untouched = (run.validation_loss for run in runs_of(sweep, cells))
    np.testing.assert_array_equal(said, meant)
    assert not np.array_equal(said, untouched)


@pytest.mark.parametrize(
    ("rule", "strategy", "sentence"),
    [
        (WITHIN[0], Strategy(weight_decay=weight_decay(0.1, biases=True)), "which spares biases"),
        (
            kobai.from_optax(optax.contrib.schedule_free_sgd, learning_rate=0.1),
            DECAY,
            "schedule_free_sgd evaluates another point",
        ),
        (kobai.from_optax(optax.lamb, learning_rate=0.1), DECAY, "optax.lamb has its weight decay within"),
        (kobai.from_optax(optax.lars, learning_rate=0.1), DECAY, "optax.lars has its weight decay within"),
    ],
)
def test_what_it_cannot_mean_is_refused(rule, strategy, sentence):
    with pytest.raises(UsageError, match=sentence):
        Sweep(kobai.tasks.sine(), [rule], steps=2, evaluate_every=1, strategies=[strategy])
