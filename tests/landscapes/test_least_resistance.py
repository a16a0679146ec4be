"""The body of least resistance against quadrature and Newton's solution."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize

from kobai import landscapes
from kobai.landscapes.least_resistance import newton_resistance
from minima import best_of


def test_newtons_body_by_quadrature():
    """The closed forms against the integrals they come from, and the published drag 0.3748 of length 1."""
    nose, drag = newton_resistance(1.0)
    assert nose == pytest.approx(0.3509, abs=5e-5)
    assert drag == pytest.approx(0.3748, abs=5e-5)

    def r(q):
        return nose * (1 + q * q) ** 2 / (4 * q)

    def dr(q):
        return nose * (3 * q * q - 1) * (1 + q * q) / (4 * q * q)

    rim = optimize.brentq(lambda q: r(q) - 1, 1, 10)
    assert integrate.quad(lambda q: q * dr(q), 1, rim)[0] == pytest.approx(1.0)
    resistance = nose**2 + 2 * integrate.quad(lambda q: r(q) / (1 + q * q) * dr(q), 1, rim)[0]
    assert drag == pytest.approx(resistance)


def test_the_body_of_rings_comes_near_newtons_and_beats_the_cone():
    nose, drag = newton_resistance(1.0)
    errors = []
    for rings in (9, 19):
        made = landscapes.least_resistance(rings)
        found = best_of(made)
        assert made.least == drag < found.fun < made.level()
        assert 1 / (1 + math.exp(-found.x[0])) == pytest.approx(nose, abs=2e-3)
        errors.append(found.fun - drag)
    assert errors[1] < errors[0] / 3  # of second order in the width of a ring
    cone = np.array([-30.0, *np.zeros(9)])
    assert float(landscapes.least_resistance()(cone)) == pytest.approx(1 / 2)
    assert found.fun < 0.76 * 0.5
