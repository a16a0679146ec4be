"""The allocation of resources against the conditions of its optimum."""

import numpy as np
import pytest
from scipy import optimize

from kobai import landscapes
from kobai.landscapes.resource_allocation import water_filling


@pytest.mark.parametrize(
    ("returns", "saturation", "budget"),
    [((1, 2, 3, 4), (1, 1, 2, 3), 10), ((1, 5, 0.2), (3, 1, 1), 2), ((1, 1), (1, 10), 0.5)],
)
def test_water_filling_meets_the_conditions_of_the_optimum(returns, saturation, budget):
    a, c = np.array(returns, float), np.array(saturation, float)
    x = water_filling(a, c, budget)
    assert x.sum() == pytest.approx(budget)
    assert (x >= 0).all()
    marginal = a / (c + x)
    assert np.ptp(marginal[x > 0]) < 1e-12
    assert (marginal[x == 0] <= marginal[x > 0].min()).all()
    found = optimize.minimize(
        lambda x: -(a * np.log1p(x / c)).sum(),
        np.full(len(a), budget / len(a)),
        jac=lambda x: -a / (c + x),
        bounds=[(0, None)] * len(a),
        constraints={"type": "eq", "fun": lambda x: x.sum() - budget, "jac": lambda x: np.ones(len(a))},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(x, found.x, atol=1e-6)
    made = landscapes.resource_allocation(returns, saturation, budget)
    assert made.least == pytest.approx(found.fun)
    assert len(made.minima) == int((x > 0).all())  # softmax leaves no project empty
