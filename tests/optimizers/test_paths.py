"""The update rules against the lecture's reference table, f = x²/20 + y² from (−7, 2), and planted mistakes.

A planted mistake is a small wrong variant of a rule; each is held against the very check that the right rule
passes, which must see it. Beside it: `test_steps.py`, single steps worked out by hand;
`test_contract.py`, what all rules share; `test_from_optax.py`, the comparison with optax.
"""

import dataclasses
import math

import jax
import numpy as np
import pytest
from jax import lax

from kobai.basics import registry
from kobai.basics.hyperparameters import hyperparameters
from kobai.candidates.lists import MODERN
from kobai.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Nesterov,
    NesterovDefinition,
    RMSProp,
    State,
)

START = np.array([-7.0, 2.0])
CURVATURE = np.array([0.1, 2.0])


def f(θ):
    return θ[..., 0] ** 2 / 20 + θ[..., 1] ** 2


@dataclasses.dataclass(frozen=True)
class Row:
    """Two iterates, the first step with f < 1e-3 (first), and the one from which f stays so (stays).

    Step 2 was worked out in 40-digit decimal arithmetic, one coordinate at a time.
    """

    step_1: tuple[float, float]
    step_2: tuple[float, float]
    first: int
    stays: int | None
    steps: int = 1000


TABLE = {
    SGD(learning_rate=0.95): Row((-6.335, -1.8), (-5.733175, 1.62), 43, 43),
    Momentum(learning_rate=0.1): Row((-6.93, 1.6), (-6.7977, 0.92), 58, 83),
    NesterovDefinition(learning_rate=0.1): Row((-6.93, 1.6), (-6.79833, 0.992), 25, 57),
    Nesterov(learning_rate=0.1): Row((-6.867, 1.24), (-6.679827, 0.4448), 24, 56),
    AdaGrad(learning_rate=1.5): Row((-5.5, 0.5), (-4.573268, 0.136197), 29, 29),
    RMSProp(learning_rate=0.3): Row((-6.051317, 1.051317), (-5.412340, 0.591523), 31, None),
    AdaDelta(): Row((-6.995528, 1.995528), (-6.991000, 1.991004), 1637, 1637, steps=3000),
    Adam(learning_rate=0.3): Row((-6.7, 1.7), (-6.400414, 1.402245), 63, 82),
    # (x, y) has one dimension, so nothing is decayed: Adam's row.
    AdamW(learning_rate=0.3): Row((-6.7, 1.7), (-6.400414, 1.402245), 63, 82),
    # Steps of one length pass by the minimum: 138 was worked out in decimal arithmetic too.
    Lion(learning_rate=0.05): Row((-6.95, 1.95), (-6.9, 1.9), 138, 1000),
}


def path(optimizer, steps):
    """The iterates on NumPy arrays, [steps + 1, 2], the start included."""
    θ, state = START, optimizer.init(START)
    iterates = [θ]
    for _ in range(steps):
        Δ, state = optimizer.update(CURVATURE * optimizer.lookahead(θ, state), state, θ)
        θ = θ + Δ
        iterates.append(θ)
    return np.stack(iterates)


def jax_path(optimizer, steps):
    """The same on JAX float64 arrays, as one compiled loop."""

    def step(carry, _):
        θ, state = carry
        Δ, state = optimizer.update(CURVATURE * optimizer.lookahead(θ, state), state, θ)
        return (θ + Δ, state), θ + Δ

    with jax.enable_x64(True):
        start = jax.numpy.asarray(START)
        run = jax.jit(lambda θ: lax.scan(step, (θ, optimizer.init(θ)), length=steps)[1])
        return np.concatenate([START[None], run(start)])


def disagreements(θ, row):
    """Which statements of the row are wrong of the iterates, to half a unit of the sixth decimal."""
    below = f(θ) < 1e-3
    first = int(np.argmax(below)) if below.any() else None
    above = np.flatnonzero(~below)
    stays = None if above[-1] == len(θ) - 1 else int(above[-1]) + 1
    checks = {
        "step 1": np.allclose(θ[1], row.step_1, rtol=0, atol=5e-7),
        "step 2": np.allclose(θ[2], row.step_2, rtol=0, atol=5e-7),
        "first": first == row.first,
        "stays": stays == row.stays,
    }
    return [name for name, holds in checks.items() if not holds]


def test_the_table_has_every_registered_rule():
    """But for those since Adam, which `test_oracles` has."""
    modern = set(MODERN) - {"adamw", "lion"}
    assert {type(optimizer) for optimizer in TABLE} == {
        entry.load() for name, entry in registry.OPTIMIZERS.items() if name not in modern
    }


@pytest.mark.parametrize("walk", [path, jax_path])
@pytest.mark.parametrize(("optimizer", "row"), TABLE.items(), ids=lambda x: type(x).__name__)
def test_reference_table(optimizer, row, walk):
    θ = walk(optimizer, row.steps)
    assert θ.dtype == np.float64
    assert disagreements(θ, row) == []


# Planted mistakes that the table sees.


@hyperparameters
class UncorrectedAdam(Adam):
    def rule(self, g, t, m, v):
        m = self.decay_1 * m + (1 - self.decay_1) * g
        v = self.decay_2 * v + (1 - self.decay_2) * g * g
        return -self.learning_rate * m / (np.sqrt(v) + self.epsilon), (m, v)


@hyperparameters
class AdamFromZero(Adam):
    def rule(self, g, t, m, v):
        return super().rule(g, t - 1, m, v)


@hyperparameters
class NesterovWithoutLookahead(NesterovDefinition):
    def lookahead(self, params, state):
        return params


@hyperparameters
class AscendingAdaDelta(AdaDelta):
    def rule(self, g, t, h, r):
        Δ, memory = super().rule(g, t, h, r)
        return -Δ, memory


@hyperparameters
class AdaGradFromATenth(AdaGrad):
    def init(self, params):
        return State(np.int32(0), {"h": np.full_like(params, 0.1)})


@pytest.mark.parametrize(
    ("right", "wrong", "seen"),
    [
        (Adam(learning_rate=0.3), UncorrectedAdam(learning_rate=0.3), "step 1"),
        (Adam(learning_rate=0.3), AdamFromZero(learning_rate=0.3), "step 1"),
        (NesterovDefinition(learning_rate=0.1), NesterovWithoutLookahead(learning_rate=0.1), "step 2"),
        (NesterovDefinition(learning_rate=0.1), Nesterov(learning_rate=0.1), "step 1"),
        (AdaDelta(), AscendingAdaDelta(), "step 1"),
        (AdaGrad(learning_rate=1.5), AdaGradFromATenth(learning_rate=1.5), "step 1"),
    ],
    ids=lambda x: type(x).__name__ if not isinstance(x, str) else x,
)
def test_the_table_sees_planted_mistakes(right, wrong, seen):
    with np.errstate(all="ignore"):  # 0/0 is the mistake of counting from 0
        assert seen in disagreements(path(wrong, 100), TABLE[right])


def test_uncorrected_adam_converges_all_the_same():
    """Why the table pins steps: a test of the loss alone would pass."""
    θ = path(UncorrectedAdam(learning_rate=0.3), 1000)
    np.testing.assert_allclose(θ[1], (-6.05132, 1.05132), atol=5e-6)
    assert f(θ[-1]) < 1e-3


def test_the_two_forms_of_nesterov_follow_one_path():
    """Θₜ = θₜ + αvₜ, at a learning rate that changes with every step and gradients that θ decides."""
    rates = np.random.default_rng(0).uniform(0.01, 0.3, 200)
    θ, Θ, α = START, START, 0.9
    definition, implementation = NesterovDefinition(momentum=α), Nesterov(momentum=α)
    state, State_ = definition.init(θ), implementation.init(Θ)
    for rate in rates:
        definition = dataclasses.replace(definition, learning_rate=rate)
        implementation = dataclasses.replace(implementation, learning_rate=rate)
        Δ, state = definition.update(CURVATURE * definition.lookahead(θ, state), state, θ)
        θ = θ + Δ
        Δ, State_ = implementation.update(CURVATURE * Θ, State_, Θ)
        Θ = Θ + Δ
        # 1e-12: 200 steps of rounding at a scale of 7.
        np.testing.assert_allclose(Θ, θ + α * state.memory["v"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(State_.memory["v"], state.memory["v"], rtol=0, atol=1e-12)


# Stability on this f: the steepest curvature is 2.


@pytest.mark.parametrize(
    ("optimizer", "steps", "low", "high"),
    [
        (SGD(learning_rate=0.99), 2000, 0, 1e-12),
        (SGD(learning_rate=1.0), 2000, 4 - 1e-12, 4 + 1e-12),
        (SGD(learning_rate=1.01), 2000, 1e12, math.inf),
        # The boundary of momentum: η = 2(1 + α) / 2 = 1.9.
        (Momentum(learning_rate=1.89), 1000, 0, 1e-12),
        (Momentum(learning_rate=1.91), 1000, 1e12, math.inf),
    ],
    ids=str,
)
def test_stability(optimizer, steps, low, high):
    assert low <= f(path(optimizer, steps)[-1]) <= high


def test_adam_bursts_long_after_it_arrived():
    """v̂ decays until the step outgrows it, from about step 6,030; rounding decides exactly when."""
    values = f(path(Adam(learning_rate=0.3), 10_000))
    assert values[1000:5000].max() < 1e-3
    assert values[5000:].max() > 1e-3
