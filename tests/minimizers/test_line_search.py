"""The line search alone: what it accepts, where it looks next, how it ends."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kobai.minimizers import line_search
from kobai.minimizers.line_search import ACCEPTED, ENDLESS, FAILED, SEARCHING, Sample, cubic, secant

C1, C2 = 1e-4, 0.9


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


_advance = jax.jit(line_search.advance, static_argnums=(4, 5))


def search(phi, slope, first=1.0, c1=C1, c2=C2, most=200):
    """All trials, and the verdict."""
    state = line_search.begin(jnp.float64(phi(0.0)), jnp.float64(slope(0.0)), jnp.float64(first))
    trials, verdict = [], SEARCHING
    while verdict == SEARCHING and len(trials) < most:
        α = float(state.step)
        trials.append(α)
        value, rise = phi(α), slope(α)
        finite = math.isfinite(value) and math.isfinite(rise)
        state, verdict = _advance(state, jnp.float64(value), jnp.float64(rise), jnp.bool_(finite), c1, c2)
    return trials, int(verdict)


def strong_wolfe(phi, slope, α, c1=C1, c2=C2):
    return phi(α) <= phi(0) + c1 * α * slope(0) and abs(slope(α)) <= c2 * abs(slope(0))


# Moré and Thuente 1994, the first two test functions (equations 5.1 and 5.2).
def more_thuente_1(α, β=2.0):
    return -α / (α**2 + β)


def more_thuente_1_slope(α, β=2.0):
    return (α**2 - β) / (α**2 + β) ** 2


def more_thuente_2(α, β=0.004):
    return (α + β) ** 5 - 2 * (α + β) ** 4


def more_thuente_2_slope(α, β=0.004):
    return 5 * (α + β) ** 4 - 8 * (α + β) ** 3


LINES = {
    "first": (more_thuente_1, more_thuente_1_slope),
    "second": (more_thuente_2, more_thuente_2_slope),
    "cosine": (lambda α: -math.sin(α), lambda α: -math.cos(α)),
    "exponential": (lambda α: math.exp(α) - 3 * α, lambda α: math.exp(α) - 3),
}


@pytest.mark.parametrize("first", [1e-3, 1e-1, 10.0, 100.0])
@pytest.mark.parametrize("c2", [0.9, 0.1, 0.001])
@pytest.mark.parametrize("line", LINES)
def test_the_step_satisfies_both_conditions(line, c2, first):
    phi, slope = LINES[line]
    trials, verdict = search(phi, slope, first, c2=c2)
    assert verdict == ACCEPTED
    assert strong_wolfe(phi, slope, trials[-1], c2=c2)
    assert len(trials) <= 16


def test_a_quadratic_is_searched_exactly_in_two_trials():
    phi, slope = lambda α: (α - 3) ** 2, lambda α: 2 * (α - 3)
    trials, verdict = search(phi, slope, 10.0, c1=1e-12, c2=1e-9)
    assert verdict == ACCEPTED
    np.testing.assert_allclose(trials, [10, 3])


def test_the_cubic_is_lowest_where_it_is():
    # φ = α³ − 3α has its minimum at 1 and its maximum at −1.
    def at(α):
        return Sample(jnp.float64(α), jnp.float64(α**3 - 3 * α), jnp.float64(3 * α**2 - 3))

    for a, b in ((0, 2), (2, 0), (0.5, 0.7), (-0.9, 5)):
        np.testing.assert_allclose(cubic(at(a), at(b)), 1, rtol=1e-9)
    np.testing.assert_allclose(secant(at(0), at(2)), 0.5)


def test_the_cubic_does_not_overflow():
    def at(α):
        return Sample(jnp.float64(α), jnp.float64(1e200 * (α - 1) ** 2), jnp.float64(2e200 * (α - 1)))

    np.testing.assert_allclose(cubic(at(0), at(3)), 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_trial_that_is_no_number_shortens_the_step(bad):
    def phi(α):
        return α - math.log1p(2 * α) if α < 2 else bad

    def slope(α):
        return 1 - 2 / (1 + 2 * α) if α < 2 else bad

    trials, verdict = search(phi, slope, 1e6)
    assert verdict == ACCEPTED
    assert all(b < a for a, b in zip(trials, trials[1:], strict=False) if a >= 2)
    assert strong_wolfe(phi, slope, trials[-1])


def test_a_finite_value_with_a_gradient_that_is_no_number_shortens_the_step():
    trials, verdict = search(lambda α: (α - 1) ** 2, lambda α: 2 * (α - 1) if α < 2 else math.nan, 50.0)
    assert verdict == ACCEPTED
    assert trials[0] == 50
    assert trials[-1] < 2


def test_a_fall_without_end_is_called_so():
    trials, verdict = search(lambda α: -α, lambda α: -1.0)
    assert verdict == ENDLESS
    assert len(trials) == line_search.MOST_EXPANSIONS


def test_a_wrong_slope_fails_after_a_bounded_number_of_trials():
    trials, verdict = search(lambda α: 1 + α, lambda α: -1.0)
    assert verdict == FAILED
    assert len(trials) <= line_search.MOST_TRIALS + 1


def test_below_the_rounding_of_values_slopes_decide():
    """Near its lowest point 1 + (α − 1)²·1e-20 is 1 everywhere, but for noise; the slopes are still exact."""

    def noise(α):
        return 1 + 2e-16 * math.copysign(1, math.sin(1e3 * α)) * (α > 0)

    trials, verdict = search(noise, lambda α: 2e-20 * (α - 1), 0.01, c2=0.1)
    assert verdict == ACCEPTED
    assert trials[-1] == pytest.approx(1, abs=0.1)


def test_without_the_slopes_it_would_fail_there(monkeypatch):
    """The same line with the strong Wolfe conditions alone."""
    monkeypatch.setattr(line_search, "noise", lambda value: 0 * value)
    monkeypatch.setitem(globals(), "_advance", lambda *found: line_search.advance(*found))

    def noise(α):
        return 1 + 2e-16 * math.copysign(1, math.sin(1e3 * α)) * (α > 0)

    _, verdict = search(noise, lambda α: 2e-20 * (α - 1), 0.01, c2=0.1)
    assert verdict != ACCEPTED


@pytest.mark.parametrize("size", [2.0**-300, 2.0**300])
def test_no_constant_has_the_scale_of_f_or_x(size):
    phi, slope = LINES["exponential"]
    plain, _ = search(phi, slope, 20.0, c2=0.01)
    scaled, _ = search(lambda α: size * phi(α), lambda α: size * slope(α), 20.0, c2=0.01)
    longer, _ = search(lambda α: phi(α / 8), lambda α: slope(α / 8) / 8, 160.0, c2=0.01)
    assert scaled == plain
    assert longer == [8 * α for α in plain]
