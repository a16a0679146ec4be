"""Cautious masking: the formula of the paper, on any tree, beside the line that the paper prints."""

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


def path(masked):
    """Momentum on a valley whose two sides are as 1 to 30, with this mask, and how many entries it keeps."""
    rule, curvature = kobai.Momentum(0.02), np.geomspace(1, 30, 50)
    θ, kept = np.ones(50), []
    state = rule.init(θ)
    for _ in range(40):
        g = curvature * θ
        Δ, state = rule.update(g, state, θ)
        kept.append(int(np.sum(Δ * g < 0)))
        θ = θ + masked(Δ, g)
    return θ, kept


def as_printed(Δ, g, ε=0.0):
    """Algorithm 1 of arXiv 2411.16085 on one array: p.add_(u * m/(m.mean()+eps), alpha=-lr)."""
    u = -Δ
    m = (u * g > 0).astype(g.dtype)
    return -(u * m / (m.mean() + ε))


def test_of_one_array_it_follows_the_printed_line_with_one_more_entry_kept():
    """(nnz + 1)/d = m.mean() + 1/d: the printed ε is 1/50 here."""
    end, kept = path(cautious().update)
    assert min(kept) < 50
    np.testing.assert_allclose(end, path(lambda Δ, g: as_printed(Δ, g, 1 / 50))[0], atol=1e-9)
    assert np.abs(end - path(as_printed)[0]).max() > 1e-3
    assert np.abs(end - path(lambda Δ, g: Δ)[0]).max() > 1e-3


def test_all_arrays_are_scaled_alike():
    """kobai's choice: the printed line scales w by 4/2 and b by 1."""
    printed = {name: as_printed(Δ[name], G[name]) for name in ("w", "b")}
    found = cautious().update(Δ, G)
    np.testing.assert_array_equal(found["w"] / 1.25, printed["w"] / 2)
    np.testing.assert_array_equal(found["b"] / 1.25, printed["b"])


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
