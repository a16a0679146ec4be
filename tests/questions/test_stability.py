"""What curvature a rule bears, against the rule's own steps on a parabola."""

import numpy as np
import pytest

from kobai import optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.initializers import parse
from kobai.questions.diagnosis.instruments import Instruments
from kobai.questions.stability import reach

η, ρ = 0.05, 0.9


def sgd(λ, x, m, t):
    return x - η * λ * x, m


def momentum(λ, x, m, t):
    m = ρ * m - η * λ * x
    return x + m, m


def adam(λ, x, m, t):
    """With ε = 1, beside which √v̂ is nothing; t stands still, as the curvature is looked at there."""
    m = ρ * m + (1 - ρ) * λ * x
    return x - η * m / (1 - ρ**t), m


@pytest.mark.parametrize(
    ("rule", "step", "t"),
    [
        (optimizers.SGD(η), sgd, 0),
        (optimizers.Momentum(η, ρ), momentum, 0),
        (optimizers.Adam(η, ρ, epsilon=1.0), adam, 1),
        (optimizers.Adam(η, ρ, epsilon=1.0), adam, 5),
        (optimizers.Adam(η, ρ, epsilon=1.0), adam, 1000),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_little_less_than_the_bound_settles_and_a_little_more_runs_away(rule, step, t):
    task = tasks.sine(hidden=2)
    program = Instruments(task, [rule], [Strategy()]).program
    cell = program.start([rule], [task.start(parse("xavier"), 0)], [Strategy()], together=False)
    own = reach(program.rules[0], cell, t)
    ends = []
    for part in (0.98, 1.02):
        λ, x, m = part * own.bound / own.factors[0], 1.0, 0.0
        for _ in range(800):
            x, m = step(λ, x, m, t)
        ends.append(abs(x))
    assert ends[0] < 0.1
    assert ends[1] > 100
    assert np.ptp(own.factors) == 0
