"""Single updates of the rules, worked out by hand, where each planted mistake shows.

The gradient is one scalar, or a short row of them; nothing depends on the place.
"""

import dataclasses
import math

import numpy as np
import pytest

from kobai.basics import registry
from kobai.basics.hyperparameters import hyperparameters
from kobai.optimizers import AdaDelta, AdaGrad, Adam, Momentum, RMSProp


def moves(optimizer, gradients, rates=None):
    """The updates for a row of scalar gradients, with a learning rate of its own for each step if given."""
    state, updates = optimizer.init(np.zeros(1)), []
    for k, g in enumerate(gradients):
        if rates is not None:
            optimizer = dataclasses.replace(optimizer, learning_rate=rates[k])
        more = {} if optimizer.asks is None else {"gradient_at": lambda θ, g=g: g + θ}
        Δ, state = optimizer.update(np.array([g]), state, np.zeros(1), **more)
        updates.append(Δ[0])
    return np.array(updates)


# Where ε stands: gradients so small that it decides the step.

SMALL = {
    # ε + √h with √h = g = ε: half of η.
    AdaGrad(learning_rate=1.0): (1e-10, -0.5),
    # √(ε + h) with h = (1−ρ)g² = 3ε: √(4ε) = 2e-4.
    RMSProp(learning_rate=1.0): (math.sqrt(3e-7), -math.sqrt(3e-7) / 2e-4),
    # √ε / √(ε + h) with h = 3ε: half of g.
    AdaDelta(): (math.sqrt(6e-5), -math.sqrt(6e-5) / 2),
    # √v̂ + ε with √v̂ = |g| = ε: half of η.
    Adam(learning_rate=1.0): (1e-8, -0.5),
}


@hyperparameters
class AdaGradInside(AdaGrad):
    def rule(self, g, t, h):
        h = h + g * g
        return -self.learning_rate * g / np.sqrt(self.epsilon + h), (h,)


@hyperparameters
class RMSPropOutside(RMSProp):
    def rule(self, g, t, h):
        h = self.decay * h + (1 - self.decay) * g * g
        return -self.learning_rate * g / (self.epsilon + np.sqrt(h)), (h,)


@hyperparameters
class AdaDeltaOutside(AdaDelta):
    def rule(self, g, t, h, r):
        ε, ρ = self.epsilon, self.decay
        h = ρ * h + (1 - ρ) * g * g
        δ = -(ε + np.sqrt(r)) / (ε + np.sqrt(h)) * g
        return self.learning_rate * δ, (h, ρ * r + (1 - ρ) * δ * δ)


@hyperparameters
class AdamInside(Adam):
    def rule(self, g, t, m, v):
        _, (m, v) = super().rule(g, t, m, v)
        m_hat, v_hat = m / (1 - self.decay_1**t), v / (1 - self.decay_2**t)
        return -self.learning_rate * m_hat / np.sqrt(v_hat + self.epsilon), (m, v)


WRONG_SIDE = [
    AdaGradInside(learning_rate=1.0),
    RMSPropOutside(learning_rate=1.0),
    AdaDeltaOutside(),
    AdamInside(learning_rate=1.0),
]


@pytest.mark.parametrize(
    ("right", "wrong"), list(zip(SMALL, WRONG_SIDE, strict=True)), ids=lambda x: type(x).__name__
)
def test_epsilon_stands_on_its_side_of_the_root(right, wrong):
    g, expected = SMALL[right]
    assert moves(right, [g])[0] == pytest.approx(expected, rel=1e-9)
    assert moves(wrong, [g])[0] != pytest.approx(expected, rel=0.1)


# Steps worked out by hand.


@hyperparameters
class ScaledAdaDelta(AdaDelta):
    def rule(self, g, t, h, r):
        Δ, (h, _) = super().rule(g, t, h, r)
        return Δ, (h, self.decay * r + (1 - self.decay) * Δ * Δ)


def test_adadelta_accumulates_the_unscaled_step():
    """g = 1, η = 1/2, in 40-digit decimal arithmetic. Without r's own scale, η would multiply twice over."""
    expected = [-0.0022360456171554193, -0.0022645311327666037, -0.0022837997412130058]
    np.testing.assert_allclose(moves(AdaDelta(learning_rate=0.5), [1, 1, 1]), expected, rtol=1e-12)
    wrong = moves(ScaledAdaDelta(learning_rate=0.5), [1, 1, 1])
    assert wrong[0] == pytest.approx(expected[0])
    assert wrong[1] != pytest.approx(expected[1], rel=1e-3)


@hyperparameters
class MomentumOfGradients(Momentum):
    """The convention of PyTorch and optax: b ← αb + g, step by −ηb."""

    def rule(self, g, t, v):
        b = self.momentum * v + g
        return -self.learning_rate * b, (b,)


def test_momentum_remembers_steps_not_gradients():
    """A falling learning rate tells the two apart: −.1 −.1 −.1 against −.1 −.019 −.0271."""
    falling = [0.1, 0.01, 0.01]
    np.testing.assert_allclose(moves(Momentum(), [1, 1, 1], falling), [-0.1, -0.1, -0.1], rtol=1e-12)
    wrong = moves(MomentumOfGradients(), [1, 1, 1], falling)
    np.testing.assert_allclose(wrong, [-0.1, -0.019, -0.0271], rtol=1e-12)
    constant = [0.1, 0.1, 0.1]
    np.testing.assert_allclose(
        moves(Momentum(), [1, 1, 1], constant), moves(MomentumOfGradients(), [1, 1, 1], constant), rtol=1e-12
    )


# Nothing is kept outside the state.


class SharedMomentum(Momentum):
    """The memory on the class, as in a careless port of an object with a mutable attribute."""

    memory = {"v": 0.0}

    def update(self, gradient, state, params=None):
        v = self.momentum * SharedMomentum.memory["v"] - self.learning_rate * gradient
        SharedMomentum.memory["v"] = v
        return v, state


def interleaved_equals_alone(optimizer):
    """Two runs side by side, of one instance, against each by itself."""
    rows = [1.0, 2.0, -1.0], [0.5, -3.0, 4.0]
    alone = [moves(optimizer, row) for row in rows]
    states, together = [optimizer.init(np.zeros(1)) for _ in rows], []
    for pair in zip(*rows, strict=True):
        results = [
            optimizer.update(
                *(np.array([g]), s, np.zeros(1)),
                **({} if optimizer.asks is None else {"gradient_at": lambda θ, g=g: g + θ}),
            )
            for g, s in zip(pair, states, strict=True)
        ]
        states = [state for _, state in results]
        together.append([Δ[0] for Δ, _ in results])
    return np.array_equal(np.transpose(together), alone)


def test_runs_share_nothing():
    for name, entry in registry.OPTIMIZERS.items():
        assert interleaved_equals_alone(entry.load()()), name
    assert not interleaved_equals_alone(SharedMomentum())
