"""Cautious masking: the formula of the paper, on any tree."""

import jax.numpy as jnp
import numpy as np

import kobai
from kobai.stabilizers import Mask, cautious

Δ = {"w": np.array([[-2.0, 3.0], [0.0, -1.0]], np.float32), "b": np.array([4.0], np.float32), "n": None}
G = {"w": np.array([[1.0, 1.0], [1.0, 2.0]], np.float32), "b": np.array([-1.0], np.float32), "n": None}


def test_what_goes_down_the_gradient_stays_and_is_longer():
    """Of d = 5 entries three stay: 5/(3 + 1)."""
    masked = cautious().update(Δ, G)
    np.testing.assert_array_equal(masked["w"], 1.25 * np.array([[-2.0, 0.0], [0.0, -1.0]], np.float32))
    np.testing.assert_array_equal(masked["b"], [5.0])
    assert masked["n"] is None
    assert masked["w"].dtype == np.float32


def test_what_no_rule_moves_does_not_count():
    more = cautious().update({**Δ, "k": np.arange(3)}, {**G, "k": np.zeros(3)})
    assert more["b"] == 5.0
    assert more["k"].tolist() == [0, 1, 2]


def test_a_product_that_would_vanish_is_seen():
    tiny = jnp.full(1, 1e-30, jnp.float32)
    assert cautious().update([-tiny], [tiny])[0] != 0
    assert cautious().update([tiny], [tiny])[0] == 0


def test_a_mask_that_keeps_nothing_leaves_zeros():
    assert cautious().update([1.0, 1.0], [1.0, 1.0]) == [0.0, 0.0]


def test_it_has_a_name_and_a_spelling():
    assert cautious() == Mask() == kobai.stabilizers.cautious()
    assert Mask().name == "cautious"
