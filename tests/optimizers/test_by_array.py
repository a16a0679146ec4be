"""What rules by array and on one vector make of flags, complex numbers, empty, long and broken arrays."""

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError

W = np.arange(6.0).reshape(2, 3) + 1
RULES = [
    kobai.Muon(0.1), kobai.LAMB(0.1), kobai.SOAP(0.1), kobai.Shampoo(0.1), kobai.Adafactor(0.1),
    kobai.Prodigy(), kobai.ScheduleFreeSGD(0.1),
]  # fmt: skip


def steps(rule, gradients, θ, weights=None):
    state = rule.init(θ, weights)
    for g in gradients:
        Δ, state = rule.update(g, state, θ, weights)
        θ = θ + Δ
    return θ


@pytest.mark.parametrize("no", [False, np.False_, 0, np.zeros(()), np.zeros((2, 3)), jnp.zeros(())])
@pytest.mark.parametrize("rule", [kobai.LAMB(0.1, weight_decay=0.5), kobai.ScheduleFreeSGD(0.1, 0.5, 0.5)])
def test_every_way_to_say_no_is_no(rule, no):
    none, one = steps(rule, [W], W, False), steps(rule, [W], W, np.True_)
    assert not np.array_equal(none, one)
    np.testing.assert_array_equal(steps(rule, [W], W, no), none)
    np.testing.assert_array_equal(steps(rule, [W], W, np.ones((2, 3))), one)


def test_truth_values_of_numpy_stand_for_whole_arrays_of_a_vector():
    θ, rule = {"b": np.ones(2), "w": W}, kobai.ScheduleFreeSGD(0.1, 0.5, 0.5)
    expected, _ = rule.update(θ, rule.init(θ), θ, {"b": False, "w": True})
    found, _ = rule.update(θ, rule.init(θ), θ, {"b": np.False_, "w": np.True_})
    for name in θ:
        np.testing.assert_array_equal(found[name], expected[name])


def test_an_array_that_is_partly_a_weight_is_refused():
    with pytest.raises(UsageError, match="LAMB takes an array whole"):
        kobai.LAMB().init(W, np.eye(2, 3))


@pytest.mark.parametrize("word", ["Outer", "embedding", ""])
@pytest.mark.parametrize("rule", [kobai.Muon(), kobai.ScheduleFreeSGD(), kobai.AdamW()])
def test_of_words_only_outer_says_what_an_array_is(rule, word):
    θ, state = {"w": W}, rule.init({"w": W})
    with pytest.raises(UsageError, match=f"'outer' or an array of 1 and 0, got '{word}'"):
        rule.update(θ, state, θ, {"w": word})
    rule.update(θ, state, θ, {"w": True})
    with pytest.raises(UsageError, match=f"got '{word}'"):
        kobai.Muon().init(θ, {"w": word})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_complex_numbers_are_refused(rule):
    name = type(rule).__name__
    with pytest.raises(UsageError, match=f"{name} is a formula of real numbers"):
        rule.init(W * 1j)
    with pytest.raises(UsageError, match=f"{name} is a formula of real numbers"):
        rule.update(W * 1j, rule.init(W), W)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_an_empty_array_stays_empty(rule):
    for shape in ((0, 3), (3, 0), (0,)):
        assert steps(rule, [np.zeros(shape)] * 2, np.zeros(shape)).shape == shape


@pytest.mark.parametrize("rule", [kobai.SOAP(0.1), kobai.Shampoo(0.1)], ids=lambda rule: type(rule).__name__)
def test_a_gradient_that_is_nan_makes_nan(rule):
    broken = np.where(W == 1, np.nan, W)
    assert np.isnan(steps(rule, [broken, W], W)).any()
    assert np.isnan(steps(rule, [W, broken, *[W] * 10], W)).any()


def test_a_side_that_is_too_long_has_no_matrix():
    class Short(kobai.SOAP):
        largest = 2

    class ShortShampoo(kobai.Shampoo):
        largest = 2

    assert set(Short().init(W).memory["arrays"]) == {"m", "v", "sum_0", "basis_0"}
    assert np.isfinite(steps(Short(), [W] * 13, W)).all()
    L = 1e-4 * np.eye(2) + W @ W.T
    values, vectors = np.linalg.eigh(L)
    expected = W - 0.1 * (vectors / np.sqrt(values)) @ vectors.T @ W
    np.testing.assert_allclose(steps(ShortShampoo(0.1), [W], W), expected, rtol=1e-10)
    long = np.ones((3, 3))
    np.testing.assert_allclose(
        steps(Short(0.1, 0.9, 0.99, 1e-8), [long] * 3, long),
        long - 0.2,  # Adam's steps of a constant gradient, after the first, which moves nothing
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: kobai.ScheduleFreeSGD(decay_1=0.0), "decay_1 must be a number above 0 and below 1"),
        (lambda: kobai.ScheduleFreeAdamW(decay_1=1.0), "decay_1 must be a number above 0 and below 1"),
        (lambda: kobai.Shampoo(epsilon=0.0), "epsilon must be a finite number above 0"),
    ],
)
def test_ranges_of_single_rules(make, sentence):
    with pytest.raises(UsageError, match=sentence):
        make()
