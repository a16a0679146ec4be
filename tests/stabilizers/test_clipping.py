"""Clipping against hand-computed numbers, torch and optax; and planted mistakes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobai.stabilizers import Clip, clip_norm, clip_percentile, clip_value
from kobai.stabilizers.clipping import global_norm
from libraries import each_library

repeatable = settings(derandomize=True, deadline=None, max_examples=50)


def clipped(rule, gradient, state=None):
    return rule.update(gradient, rule.init(gradient) if state is None else state)


# Clipping.


@each_library
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_at_one_is_exact(xp, dtype):
    """The lecture's example: the norm keeps the direction, the value turns it by 8.13°."""
    with jax.enable_x64(dtype is np.float64):
        g = xp.asarray([3.0, 4.0], dtype)
        by_norm, _ = clipped(clip_norm(1), g)
        by_value, _ = clipped(clip_value(1), g)
        # Exactly at the bound nothing changes.
        assert clipped(clip_norm(5), g)[0].tolist() == [3, 4]
        assert clipped(clip_value(4), g)[0].tolist() == [3, 4]
    expected = np.asarray([0.6, 0.8], dtype)
    # XLA divides by a scalar by multiplying with its reciprocal: in float64 a unit in the last place.
    np.testing.assert_array_max_ulp(by_norm, expected, 1 if xp is jnp and dtype is np.float64 else 0, dtype)
    assert by_value.tolist() == [1, 1]
    assert by_norm.dtype == by_value.dtype == dtype
    angle = math.degrees(math.acos((3 + 4) / (5 * math.sqrt(2))))
    assert angle == pytest.approx(8.13, abs=0.005)


def test_torch_misses_the_bound_by_its_epsilon(from_torch):
    """Why torch is no oracle for the digits behind 1e-6, and one before."""

    def clip(torch):
        parameter = torch.nn.Parameter(torch.zeros(2))
        parameter.grad = torch.tensor([3.0, 4.0])
        torch.nn.utils.clip_grad_norm_([parameter], 1.0)
        return parameter.grad.numpy()

    theirs = from_torch("clip_norm", clip)
    ours = clipped(clip_norm(1), np.array([3, 4], np.float32))[0]
    assert theirs.tolist() != ours.tolist()
    np.testing.assert_allclose(theirs, ours, rtol=5e-7)


def clip_arrays_one_by_one(gradient, bound):
    """The planted mistake: a norm for each array instead of one over all."""
    return jax.tree.map(lambda g: clipped(clip_norm(bound), g)[0], gradient)


def test_the_norm_is_over_all_arrays():
    gradient = {"w": np.array([[3.0, 0.0]]), "b": np.array([4.0])}
    ours, _ = clipped(clip_norm(1), gradient)
    theirs, _ = optax.clip_by_global_norm(1.0).update(jax.tree.map(jnp.asarray, gradient), None)
    assert (ours["w"].tolist(), ours["b"].tolist()) == ([[0.6, 0]], [0.8])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, theirs)
    assert clip_arrays_one_by_one(gradient, 1)["b"].tolist() == [1.0]


@each_library
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("rule", [clip_norm(1), clip_value(1), clip_percentile(50, 2)], ids=lambda r: r.name)
def test_what_is_not_finite_is_skipped_and_counted(rule, bad, xp):
    gradient = {"w": xp.asarray([[3.0, bad]]), "b": xp.asarray([4.0])}
    result, state = clipped(rule, gradient)
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(result))
    assert int(state.skipped) == 1
    result, state = rule.update({"w": xp.asarray([[0.3, 0.0]]), "b": xp.asarray([0.4])}, state)
    assert int(state.skipped) == 1
    assert np.isfinite(jax.tree.leaves(result)[0]).all()


@each_library
@pytest.mark.parametrize(
    ("rule", "counts"),
    [
        (clip_norm(5), [0, 1, 1, 1]),
        (clip_value(4), [0, 1, 1, 1]),
        (clip_percentile(100, 1), [0, 1, 1, 1]),
        (Clip(), [0, 0, 0, 0]),
    ],
    ids=["norm", "value", "percentile", "none"],
)
def test_what_is_cut_is_counted(rule, counts, xp):
    """A gradient at the bound, (3, 4), is not cut; one that is left out or 0 is none of those that are."""
    state, seen = rule.init(xp.zeros(2)), []
    for gradient in ([3.0, 4.0], [-3.1, -4.1], [np.nan, 9.0], [0.0, 0.0]):
        _, state = rule.update(xp.asarray(gradient), state)
        seen.append(int(state.clipped))
    assert seen == counts


@each_library
def test_without_a_bound_nothing_is_done(xp):
    gradient = xp.asarray([np.nan, 1e30, -np.inf])
    result, state = clipped(Clip(), gradient)
    np.testing.assert_array_equal(result, gradient)
    assert int(state.skipped) == 0


def test_optax_spreads_an_infinite_entry():
    gradient = {"w": jnp.asarray([3.0, np.inf]), "b": jnp.asarray([4.0])}
    spread, _ = optax.clip_by_global_norm(1.0).update(gradient, None)
    assert np.isnan(spread["w"]).any()


@each_library
def test_a_norm_whose_square_overflows_is_a_norm(xp):
    g = xp.asarray([3e30, 4e30], np.float32)
    np.testing.assert_allclose(global_norm(g), np.float32(5e30), rtol=1e-6)
    np.testing.assert_allclose(clipped(clip_norm(1), g)[0], [0.6, 0.8], rtol=1e-6)
    small = xp.asarray([3e-30, 4e-30], np.float32)  # and one whose square is zero
    np.testing.assert_allclose(global_norm(small), np.float32(5e-30), rtol=1e-6)
    assert global_norm({}) == 0
    assert global_norm(xp.zeros(0)) == 0


def divided_by_the_largest(g, bound):
    """The planted mistake: dividing by the largest entry rounds, and the norm with it."""
    length = np.abs(g).max() * np.sqrt(np.sum((g / np.abs(g).max()) ** 2))
    return g / length * np.float32(bound) if length > bound else g


def test_in_single_precision_the_bound_is_kept_and_what_is_within_is_untouched():
    """Against norms in float64, of every size that single precision has; both libraries."""
    random, touched, shorten = np.random.default_rng(0), 0, jax.jit(clip_norm_of)
    for _ in range(600):
        size = 10.0 ** random.uniform(-30, 36)
        g = (random.normal(size=random.choice([1, 2, 3, 10, 1000])) * size).astype(np.float32)
        length = np.linalg.norm(g.astype(np.float64))
        for factor in (1 + 1e-7, 1, 1 - 1e-6, 0.5, 1e-3):
            bound = float(length * factor)
            for result in (clipped(clip_norm(bound), g)[0], np.asarray(shorten(g, bound))):
                if length <= bound:
                    assert result.tobytes() == g.tobytes()
                # Two roundings of each entry; what is over by the rounding of the norm is within.
                assert np.linalg.norm(result.astype(np.float64)) <= bound * (1 + 6 * 2.0**-23)
                if factor <= 0.5:
                    expected = g.astype(np.float64) * factor
                    np.testing.assert_allclose(result, expected, rtol=4 * 2.0**-23, atol=1e-40)
            touched += length <= bound and divided_by_the_largest(g, bound).tobytes() != g.tobytes()
    assert touched > 50


def clip_norm_of(g, bound):
    """As the engine has it: the bound is traced."""
    rule = jax.tree.unflatten(jax.tree.structure(clip_norm(1)), [math.inf, bound, 0.0, 0])
    return rule.update(g, rule.init(g, room=0))[0]


@each_library
def test_the_ends_of_single_precision(xp):
    """Entries near the largest number have a norm beyond it, and are finite; the smallest are no zeros."""
    huge = xp.full(16, 3e38, np.float32)
    result, state = clipped(clip_norm(1), huge)
    np.testing.assert_allclose(result, 0.25, rtol=1e-6)
    assert int(state.skipped) == 0
    assert float(global_norm(huge)) == np.finfo(np.float32).max
    tiny = xp.full(16, 2e-38, np.float32)
    np.testing.assert_allclose(clipped(clip_norm(6e-38), tiny)[0], np.float32(1.5e-38), rtol=1e-6)
    assert clipped(clip_norm(1e-37), tiny)[0].tolist() == tiny.tolist()
    np.testing.assert_allclose(global_norm(tiny), 8e-38, rtol=1e-6)


def test_a_state_begins_in_a_traced_function():
    """As training loops for optax begin it."""
    state = jax.jit(clip_percentile(50, 3).as_optax().init)({"w": jnp.zeros(2)})
    assert state.norms.tolist() == [np.inf] * 3


@repeatable
@given(rows=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), bound=st.floats(1e-3, 1e3))
def test_clipping_keeps_the_direction_and_the_bound(rows, bound):
    g = np.array(rows, np.float64)
    result, _ = clipped(clip_norm(bound), g)
    length = np.linalg.norm(g)
    assert np.linalg.norm(result) <= bound * (1 + 1e-12) or length <= bound
    if length <= bound:
        assert result.tolist() == g.tolist()
    else:
        np.testing.assert_allclose(result, g / length * bound, rtol=1e-12)


NORMS = [1.0, 4.0, 2.0, 8.0, 5.0]


def walk(rule, norms):
    """(the norms after clipping, the last state) for scalar gradients of these norms."""
    state, found = rule.init(np.zeros(1)), []
    for norm in norms:
        g, state = rule.update(np.array([norm]), state)
        found.append(float(np.abs(g[0])))
    return found, state


@pytest.mark.parametrize("q", [10, 50, 75, 90, 100])
def test_the_threshold_is_measured_once(q):
    """Against numpy's percentile of the first five, which are not clipped; later ones are not seen."""
    found, state = walk(clip_percentile(q, 5), [*NORMS, 100.0, 0.5, 1000.0])
    bound = np.percentile(NORMS, q)
    np.testing.assert_allclose(found, [*NORMS, bound, 0.5, bound], rtol=1e-12)
    assert (int(state.number), state.norms.tolist()) == (5, sorted(NORMS))


def test_nothing_is_sorted_in_a_step():
    """A sort of k norms in every step of every cell was most of the work: each norm is put in its place."""
    rule = clip_percentile(90, 50)
    state = rule.init(jnp.zeros(2))
    assert "sort" not in str(jax.make_jaxpr(rule.update)(jnp.ones(2), state))
    assert "sort" in str(jax.make_jaxpr(jnp.sort)(state.norms))
    norms = np.random.RandomState(1).randint(1, 6, 30).astype(float)  # with ties
    assert walk(clip_percentile(50, 30), norms)[1].norms.tolist() == sorted(norms)


def test_norms_that_are_not_finite_are_not_measured():
    found, state = walk(clip_percentile(100, 2), [1.0, np.nan, 2.0, 5.0])
    assert found == [1, 0, 2, 2]
    assert (int(state.number), int(state.skipped)) == (2, 1)


def test_a_traced_percentile_has_room_for_the_longest():
    """As the engine has it: k is a number of the cell, the room one for all."""

    def last(rule):
        def step(state, norm):
            g, state = rule.update(jnp.array([norm]), state)
            return state, g[0]

        return jax.lax.scan(step, rule.init(jnp.zeros(1), room=5), jnp.array([*NORMS, 100.0]))[1][-1]

    rules = [clip_percentile(50, 5), clip_percentile(50, 2), clip_norm(3), Clip()]
    stacked = jax.tree.map(lambda *leaves: jnp.asarray(leaves, jnp.float32), *rules)
    np.testing.assert_allclose(jax.vmap(last)(stacked), [4, 2.5, 3, 100], rtol=1e-6)


def test_clipping_stands_in_a_chain_of_optax():
    chain = optax.chain(clip_norm(1).as_optax(), optax.sgd(0.5))
    params = jnp.zeros(2)
    state = chain.init(params)
    update, state = jax.jit(chain.update)(jnp.array([3.0, 4.0]), state, params)
    np.testing.assert_array_equal(update, np.float32([-0.3, -0.4]))
    update, state = chain.update(jnp.array([np.nan, 4.0]), state, params)
    assert not update.any()
    assert int(state[0].skipped) == 1


def test_half_precision_is_measured_in_single():
    g = jnp.full(100_000, 2, jnp.bfloat16)
    assert float(global_norm(g)) == pytest.approx(2 * math.sqrt(100_000), rel=1e-5)
    assert clipped(clip_norm(1), g)[0].dtype == jnp.bfloat16
