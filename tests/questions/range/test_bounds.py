"""What theory says, where it is known by hand: parabolas of known curvature."""

import numpy as np
import pytest

import kobai
from kobai.initializers import he
from kobai.questions.range.bounds import Bound, bound
from ranged import valley


@pytest.mark.parametrize(
    ("rule", "rate"),
    [
        (kobai.SGD(), 2 / 8),
        (kobai.Momentum(momentum=0.9), 2 * 1.9 / 8),
        (kobai.Nesterov(momentum=0.9), 2 * 1.9 / (2.8 * 8)),
        (kobai.NesterovDefinition(momentum=0.5), 2 * 1.5 / (2 * 8)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else "",
)
def test_rules_that_follow_the_gradient(rule, rate):
    found = bound(valley([0.5, 2.0, 8.0]), rule, he(), 0)
    assert found.kind == "plain"
    assert found.curvature == pytest.approx(8, rel=1e-3)
    assert found.rate == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize(
    ("rule", "factor"),
    [(kobai.AdaGrad(), 2), (kobai.RMSProp(), 2), (kobai.Adam(), 2 * 1.9 / 0.1), (kobai.AdamW(), 38)],
    ids=lambda value: type(value).__name__ if not isinstance(value, float | int) else "",
)
def test_rules_that_divide_the_gradient(rule, factor):
    """g = λw in every batch, so v = λ²w², and D⁻¹H has λ / |λw| = 1 / |w| on its diagonal."""
    task = valley([0.5, 2.0, 8.0])
    w = np.abs(task.start(he(), kobai.engine.draws.stream(0, kobai.engine.draws.INITIAL)))
    found = bound(task, rule, he(), 0)
    assert found.kind == ("first" if factor == 2 and isinstance(rule, kobai.AdaGrad) else "divided")
    assert found.curvature == pytest.approx(1 / w.min(), rel=1e-3)
    assert found.rate == pytest.approx(factor * w.min(), rel=1e-3)


def test_adadelta_has_the_limit_of_its_first_step():
    """Its D is √(ε + v) / √ε: to step beyond 2/λ' once makes λw² larger, a little less does not."""
    task, rule = valley([0.5, 2.0, 8.0]), kobai.AdaDelta()
    λ = np.array([0.5, 2.0, 8.0])
    w = np.abs(task.start(he(), kobai.engine.draws.stream(0, kobai.engine.draws.INITIAL)))
    found = bound(task, rule, he(), 0)
    D = np.sqrt((rule.epsilon + (λ * w) ** 2) / rule.epsilon)
    assert (found.kind, found.formula) == ("first", "2/λ")
    assert found.rate == pytest.approx(2 / (λ / D).max(), rel=1e-3)


def test_what_has_no_formula_and_what_does_not_curve_has_no_limit():
    assert bound(valley([1.0]), kobai.Lion(), he(), 0) == Bound("unknown")
    found = bound(valley([-1.0, -2.0]), kobai.SGD(), he(), 0)
    assert (found.kind, found.rate) == ("flat", None)


def test_beyond_the_limit_a_parabola_diverges_and_below_it_does_not():
    """The limit and the race agree, for a rule with momentum."""
    task = valley([0.5, 2.0, 8.0])
    limit = bound(task, kobai.Momentum(), he(), 0).rate
    rates = [0.9 * limit, 1.1 * limit]
    found = kobai.learning_rate_range(
        task, optimizer="momentum", learning_rates=rates, initializer="he", steps=2000
    )
    below, beyond = found.outcome.race.reached
    assert below.losses[440] < 1e-6
    assert not beyond.losses[440] < 1
