"""Troubles of the steps: decay that costs more than it gives, and trainings that blow up."""

from types import SimpleNamespace

import numpy as np
import pytest

from kobai import initializers, optimizers, tasks
from kobai.engine.strategy import Strategy
from kobai.questions.diagnosis import of_layers, of_steps, signs, table
from kobai.questions.diagnosis.case import Setting
from kobai.questions.diagnosis.examine import examine
from kobai.questions.diagnosis.troubles import troubles
from kobai.stabilizers.regularization import l1, l2, weight_decay

pytestmark = pytest.mark.usefixtures("quick_engine")


PLAIN = Strategy()


def examined(rule, strategy=PLAIN, steps=300):
    return examine(Setting(tasks.sine(hidden=20), rule, initializers.parse("xavier"), strategy, steps), (0,))


def test_a_decay_beside_the_step_is_named_by_what_it_costs():
    """AdamW with λ = 1: the weights end at three quarters, and yet five times the loss is left."""
    case = examined(optimizers.AdamW(0.01, weight_decay=1.0))
    first, *_ = troubles(case)
    assert first.name == "weight_decay_too_strong"
    assert first.numbers["lowest"] > 3 * first.numbers["without"]
    assert "without it to" in table.evidence(first)
    [record] = case.records
    wrong = signs.shrunk(record) <= 0.7 and signs.fitted(record, case.level) < 0.5
    assert not wrong, "the wrong variant: weights that shrink, and a training that is not half done"


@pytest.mark.parametrize(
    ("rule", "strategy"),
    [
        (optimizers.AdamW(0.01, weight_decay=0.01), Strategy()),
        (optimizers.AdamW(0.01), Strategy(weight_decay=weight_decay(0.1))),
        (optimizers.Adam(0.01), Strategy(l2=l2(0.001))),
    ],
)
def test_a_usual_decay_is_none(rule, strategy):
    assert "weight_decay_too_strong" not in [each.name for each in troubles(examined(rule, strategy))]


@pytest.mark.parametrize(
    ("rule", "strategy"),
    [
        (optimizers.Lion(0.003, weight_decay=10.0), Strategy()),
        (optimizers.SGD(0.1), Strategy(weight_decay=weight_decay(0.3))),
        (optimizers.SGD(0.1), Strategy(weight_decay=weight_decay(30.0))),
        (optimizers.Adam(0.01), Strategy(l1=l1(0.3))),
    ],
)
def test_wherever_a_decay_stands_it_is_named(rule, strategy):
    """Beside another rule; so strong that each step turns the weights round, ηλ > 2; in the loss."""
    first, *_ = troubles(examined(rule, strategy, steps=150))
    assert first.name == "weight_decay_too_strong"


def test_without_a_decay_nothing_more_is_trained():
    assert examined(optimizers.SGD(0.1), steps=20).undecayed == []


def test_a_training_that_is_no_longer_finite_has_a_name():
    """Thrown within a step from a calm: neither a curvature nor a length of any update was seen before."""
    seen = SimpleNamespace(
        diverged_at=24,
        train=np.array([[1.0, 1.0], [np.nan, np.nan]]),
        marks=np.array([0, 25]),
        loss=np.array([1.0, 0.9]),
        after=np.array([0.9, 0.8]),
        curvature={0: (0.0, 1.0, 0.1)},
        updates=np.full((24, 1), 0.01),
        weights=np.ones((24, 1)),
        average=(np.nan, np.nan),
    )
    found = of_steps.rate_too_high(None, seen)
    assert found.step == 24
    assert found.numbers["curvature"] < 1.5
    assert found.numbers["leap"] < 1


def gradients(*lengths):
    rows = np.array(lengths, float)
    return SimpleNamespace(gradients=rows[:, None], loss=np.linspace(1, 0.1, len(rows)), marks=[0], units=[])


def jump(record):
    return of_layers.explosion(SimpleNamespace(sites=[], arrays=["weights"]), record)


def test_a_jump_where_everything_is_learned_is_no_cliff():
    """digits-cnn by RMSProp: 1e-5 at the end, and a hundred times that in one step, a tenth of the start."""
    fallen = [1.0, 0.5, 0.1, 1e-2, 1e-3, *[1e-5] * 30, 1e-3, *[1e-5] * 5]
    assert max(fallen[25:]) / 1e-5 > 50, "the wrong variant, beside the twenty steps before"
    assert signs.spike(gradients(*fallen))[1] == 1
    assert jump(gradients(*fallen)) is None
    cliff = [1.0, 0.5, 0.1, *[0.1] * 30, 100.0, 0.1]
    assert jump(gradients(*cliff)).numbers["jump"] == pytest.approx(100)
    assert jump(gradients(*cliff)).step == 33
