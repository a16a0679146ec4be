"""What is measured, against numbers known by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.engine.draws import mini_batch
from kobai.engine.strategy import Strategy
from kobai.initializers import he, normal, xavier
from kobai.questions.curvature import first_batches, first_of, spectrum, training_loss
from kobai.questions.range.bounds import bound
from kobai.questions.why import curved, look, measure
from kobai.questions.why.measure import Measured, Unmeasured
from kobai.schedules import cosine
from kobai.stabilizers.regularization import l2
from kobai.tasks.digits import digits
from ranged import valley
from reasons import two_layers

SGD = kobai.SGD(0.1)


def of(task, *starts, rule=SGD, **more):
    given = {"seed": 3, "steps": 20, "most": 10_000} | more
    return measure.measured(task, rule, starts, Strategy(), **given)


@pytest.fixture(scope="module")
def layered():
    return of(two_layers(10.0), normal(1.0), normal(0.01), rule=kobai.SGD(0.001))


def test_gradients_by_array_and_what_batches_have_in_common():
    """½ Σ λᵢ wᵢ², alike in every batch: g = λw, and all of it is common."""
    task = valley([1.0, 4.0])
    found = of(task, he())
    w = task.start(he(), measure.stream(3, measure.INITIAL))
    [gradient] = found.starts["he"].gradients.values()
    assert gradient == pytest.approx(np.sqrt(np.mean((np.array([1.0, 4.0]) * w) ** 2)), rel=1e-5)
    assert found.starts["he"].common == pytest.approx(1)
    assert found.starts["he"].rare == 0
    own = bound(task, kobai.SGD(0.1), he(), 3)
    assert found.curved_at_start.bound.rate == pytest.approx(own.rate, rel=1e-6)
    assert found.curved_at_start.bound.formula == own.formula
    assert found.curved_at_start.stable == pytest.approx(2 / 4, rel=1e-4)
    assert found.failed == ""
    assert found.end.loss < found.starts["he"].loss


def test_layers_of_another_scale_have_gradients_of_another_scale(layered):
    """One factor from the input, one from the error; less what, in a batch, the error of the one adds to the
    gradient of the other."""
    gradients = layered.starts["normal:1"].gradients
    assert 10 < gradients["a"] / gradients["b"] < 100
    assert 0 < layered.starts["normal:1"].common < 1


def test_an_entry_is_rare_that_seldom_has_a_gradient():
    """Of eight batches one sees the second feature, none the third, which tells nothing; penalties aside."""
    x = np.zeros((16, 3), np.float32)
    x[:, 0], x[0, 1] = 1, 1
    task = kobai.Task(
        parameters={"w": np.zeros((3, 1), np.float32)},
        loss=lambda p, b: ((b @ p["w"] - 1) ** 2).mean(),
        train=x,
        validation=x,
        batch_size=2,
        target=0.1,
    )
    found = measure.measured(task, SGD, [normal(0.1)], Strategy(l2=l2(0.1)), seed=3, steps=1, most=8)
    assert found.starts["normal:0.1"].rare == pytest.approx((0 + 7 / 8) / 2)
    assert found.left_out == ("units", "curvature", "end")


def test_how_far_apart_the_gradients_of_entries_are():
    """Of twenty, λ = 1 … 1 and 50 … 50: g = λw, whose ratio for w alike is that of λ."""
    task = valley([1.0] * 10 + [50.0] * 10)
    seen, _ = look.looking(task, first_batches(task, 0, 4), Strategy())(jnp.ones(20), None)
    assert seen.spreads == {"w": pytest.approx(50)}


def test_the_ratio_of_curvatures_and_what_dividing_makes_of_it():
    """One direction in twenty curves 96 times as much. AdaGrad divides by |g| = λ|w|: 1/|w| is left of λ."""
    task = valley([96.0] + [1.0] * 19)
    found = of(task, he(), rule=kobai.AdaGrad(0.1), most=200).curved_at_start  # from one direction
    assert found.ratio == pytest.approx(96, rel=1e-3)  # the planted mistake, λ over v·Hv, is 9.5
    v = np.array(jax.random.normal(jax.random.key(0), (20,)))  # weighs what the quarter is told of
    w = np.abs(task.start(he(), measure.stream(3, measure.INITIAL)))
    λ = np.sort(1 / w)
    quarter = λ[np.argmax(np.cumsum(v[np.argsort(1 / w)] ** 2) >= 0.25 * (v**2).sum())]
    assert found.divided == pytest.approx(λ[-1] / quarter, rel=1e-2)
    assert found.bound is None  # AdaGrad divides by all gradients so far


def test_the_quarter_is_told_of_three_directions_with_their_spread():
    """The median of what each tells by itself; one alone may be far off."""
    task = valley(np.logspace(0, 3, 40))
    found = of(task, he()).curved_at_start
    loss = training_loss(task, first_of(first_batches(task, 3, 4)))
    w = jnp.asarray(task.start(he(), measure.stream(3, measure.INITIAL)))
    each = sorted(float(λ.largest / λ.quarter) for λ in (spectrum(loss, w, seed=seed) for seed in range(3)))
    assert found.spread == pytest.approx((each[0], each[2]), rel=1e-3)
    assert found.ratio == pytest.approx(each[1], rel=1e-3)
    assert each[2] > 1.05 * each[0]


@pytest.mark.parametrize("rule", [kobai.Adam(0.01), kobai.AdaGrad(0.1), kobai.RMSProp(0.01, decay=0.99)])
def test_at_the_end_the_limit_is_that_of_what_the_rule_divides_by_there(rule):
    """½λw²: after a few steps by hand v is known, and D⁻¹H is diagonal. At the start it is not told."""
    λ, steps = np.array([1.0, 4.0, 9.0]), 30
    task = valley(list(λ))
    found = of(task, he(), rule=rule, steps=steps)
    θ = jnp.asarray(task.start(he(), measure.stream(3, measure.INITIAL)))
    state = rule.init(θ)
    for _ in range(steps):
        Δ, state = rule.update(jnp.asarray(λ, θ.dtype) * θ, state, θ)
        θ = θ + Δ
    memory = {name: np.asarray(values, float) for name, values in state.memory.items()}
    if isinstance(rule, kobai.Adam):
        D = np.sqrt(memory["v"] / (1 - rule.decay_2**steps)) + rule.epsilon
        limit = 2 * (1 + rule.decay_1) * (1 - rule.decay_1**steps) / (1 - rule.decay_1)
    else:
        adds = isinstance(rule, kobai.AdaGrad)
        D = rule.epsilon + np.sqrt(memory["h"]) if adds else np.sqrt(rule.epsilon + memory["h"])
        limit = 2.0
    assert found.curved_at_start.bound is None
    assert found.left_out == ("units", "memory")
    assert found.curved_at_end.bound.rate == pytest.approx(limit / (λ / D).max(), rel=1e-3)


@pytest.mark.parametrize(
    ("rule", "strategy", "steps", "reason"),
    [
        (kobai.SGD(0.1), Strategy(), 10, ""),
        (kobai.SGD(0.1), Strategy(schedule=cosine()), 10, "schedule"),
        (kobai.AdaGrad(0.1), Strategy(), 10**6, "memory"),
        (kobai.Adam(0.1), Strategy(), 1000, "memory"),
        (kobai.Adam(0.1), Strategy(), 10_000, ""),
        (kobai.RMSProp(0.1), Strategy(), 150, ""),
        (kobai.Lion(0.1), Strategy(), 150, "formula"),
    ],
)
def test_theorys_limit_is_told_of_constant_rates_and_short_memories(rule, strategy, steps, reason):
    """A mean over 1/(1 − ρ₂) steps tells of other places, unless the training is far longer."""
    assert curved.unlimited(rule, strategy, steps) == reason


def test_the_units_are_those_of_the_layers_of_any_network():
    task = digits(hidden=6)
    found = of(task, xavier()).starts["xavier"]
    rows = mini_batch(3, 0, 1, task.batch_size, len(task.train[0]))[0]
    layers = task.filled(xavier(), measure.stream(3, measure.INITIAL))
    hidden = np.maximum(task.train[0][rows] @ layers[0]["weights"].T, 0)
    assert found.activations == {"relu 1": pytest.approx(hidden.std(), rel=1e-4)}


def test_penalties_are_part_of_what_the_rule_sees():
    """½λw² and ½λ₂w²: both curvatures add up, and so do the gradients."""
    task = valley([1.0, 4.0])
    strategy = Strategy(l2=l2(2.0))
    found = measure.measured(task, SGD, [he()], strategy, seed=3, steps=5, most=10_000)
    w = task.start(he(), measure.stream(3, measure.INITIAL))
    [gradient] = found.starts["he"].gradients.values()
    assert gradient == pytest.approx(np.sqrt(np.mean((np.array([3.0, 6.0]) * w) ** 2)), rel=1e-5)
    assert found.curved_at_start.largest == pytest.approx(6, rel=1e-4)
    assert found.starts["he"].loss == pytest.approx(0.5 * (w**2 * [3, 6]).sum(), rel=1e-5)


def test_a_curvature_that_cannot_be_measured_says_why(monkeypatch):
    def fails(*_, **__):
        raise TypeError("no second derivative\nat all")

    monkeypatch.setattr(measure, "curving", lambda *_: fails)
    found = of(valley([1.0, 4.0]), he())
    assert found.failed == "TypeError: no second derivative"
    assert (found.curved_at_start, found.curved_at_end) == (None, None)
    assert found.end is not None


def test_it_takes_what_it_may_and_no_more():
    task = valley([1.0, 4.0])
    of_three = of(task, he(), xavier())
    assert of_three.gradients == 8 * 2 + 120 + 20 + 16 + 120
    assert of(task, he(), xavier(), most=of_three.gradients) == of_three
    whole = of(task, he(), xavier(), most=of_three.gradients - 1)
    assert whole.gradients == 8 * 2 + 40 + 20 + 16 + 40
    assert (of_three.curved_at_start.spread is None, whole.curved_at_start.spread) == (False, None)
    assert of(task, he(), xavier(), most=whole.gradients) == whole
    start = of(task, he(), xavier(), most=whole.gradients - 1)
    assert (start.end, start.averaged, start.curved_at_end, start.gradients) == (None, None, None, 56)
    assert start.curved_at_start == whole.curved_at_start
    assert (whole.left_out, start.left_out) == (("units",), ("units", "end"))
    assert of(task, he(), xavier(), most=55).curved_at_start is None
    assert of(task, he(), xavier(), most=15) == Unmeasured("small")


def test_a_training_that_diverges_has_no_end():
    found = of(valley([1.0, 4.0]), he(), rule=kobai.SGD(1e20))
    assert (found.end, found.curved_at_end) == (None, None)
    assert found.left_out == ("units", "diverged")


def test_the_end_is_that_of_the_training_itself():
    """On ½λw² a step multiplies w by 1 − ηλ."""
    task = valley([1.0, 4.0])
    found = of(task, he(), rule=kobai.SGD(0.1), steps=10)
    w = task.start(he(), measure.stream(3, measure.INITIAL)) * np.array([0.9, 0.6]) ** 10
    assert found.end.loss == pytest.approx(0.5 * (w**2 * [1, 4]).sum(), rel=1e-4)
    mean = w * np.mean([np.array([0.9, 0.6]) ** -k for k in range(3)], axis=0)  # of the last 2 or 3 iterates
    assert found.averaged == pytest.approx(0.5 * (mean**2 * [1, 4]).sum(), rel=1e-4)


def test_plain_values_give_it_back(layered):
    assert Measured.of(jax.tree.map(lambda value: value, layered.plain())) == layered
