"""Stabilizers against hand-computed numbers, closed forms, torch and optax; and planted mistakes.

What they do inside a comparison is in `test_axes.py`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobai.basics.errors import UsageError
from kobai.optimizers import SGD, AdamW, Lion
from kobai.optimizers.base import decayed
from kobai.stabilizers import (
    Averaging,
    Clip,
    EarlyStopping,
    Penalty,
    WeightDecay,
    clip_norm,
    clip_percentile,
    clip_value,
    early_stopping,
    exponential,
    l1,
    l2,
    polyak,
    weight_decay,
)
from kobai.stabilizers.averaging import average
from kobai.stabilizers.clipping import clip, global_norm
from kobai.stabilizers.early_stopping import stopping

LIBRARIES = [np, jnp]
each_library = pytest.mark.parametrize("xp", LIBRARIES, ids=["numpy", "jax"])
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
    assert (int(state.seen), state.norms.tolist()) == (5, sorted(NORMS))


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
    assert (int(state.seen), int(state.skipped)) == (2, 1)


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


# Averaging.

CURVATURE = np.array([0.1, 2.0])


def f(θ):
    return θ[0] ** 2 / 20 + θ[1] ** 2


def circling(averaging, steps=200):
    """(θ, θ̄) of SGD at η = 1.0 on f = x²/20 + y² from (−7, 2), which keeps f = 4 for ever."""
    θ, rule = np.array([-7.0, 2.0]), SGD(learning_rate=1.0)
    optimizer, mean = rule.init(θ), averaging.init(θ)
    for _ in range(steps):
        Δ, optimizer = rule.update(CURVATURE * θ, optimizer, θ)
        θ = θ + Δ
        mean = averaging.update(θ, mean)
    return θ, mean.mean


def test_polyak_finds_the_middle_of_a_circling_training():
    θ, mean = circling(polyak(101))
    assert f(θ) == pytest.approx(4)
    assert f(mean) == pytest.approx(1.4e-11, rel=0.05)


POLYAK_SLIPS = {
    "one step late": Averaging("late", lambda t: 1 / np.maximum(t - 101, 1)),
    "from the start": polyak(),
    "the mean of two": Averaging("two", lambda t: 0.5 + 0 * t),
}


@pytest.mark.parametrize("wrong", POLYAK_SLIPS.values(), ids=POLYAK_SLIPS)
def test_the_reference_sees_planted_slips_of_the_mean(wrong):
    assert f(circling(wrong)[1]) != pytest.approx(1.4e-11, rel=0.05)


@each_library
@pytest.mark.parametrize("start", [1, 2, 7, 30])
def test_polyak_is_the_mean_of_the_iterates(start, xp):
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    averaging = polyak(start)
    state = averaging.init(xp.zeros(3, np.float32))
    for t, row in enumerate(rows, start=1):
        state = averaging.update(xp.asarray(row), state)
        expected = rows[start - 1 : t].mean(0) if t >= start else row
        np.testing.assert_allclose(state.mean, expected, rtol=1e-5, atol=1e-6)
        if t < start:  # nothing but the iterate, to the last bit
            np.testing.assert_array_equal(state.mean, row)
    assert state.mean.dtype == np.float32


@each_library
def test_the_exponential_mean_is_corrected_as_in_optax(xp):
    rows = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    averaging, ema = exponential(0.9), optax.ema(0.9, debias=True)
    state, theirs = averaging.init(xp.zeros(3, np.float32)), ema.init(jnp.zeros(3))
    for row in rows:
        state = averaging.update(xp.asarray(row), state)
        expected, theirs = ema.update(jnp.asarray(row), theirs)
        np.testing.assert_allclose(state.mean, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(averaging.weight(np.arange(1, 2)), [1.0])  # the first iterate, whole


def test_a_mean_of_equal_iterates_is_that_iterate():
    for averaging in (polyak(), polyak(5), exponential(0.5), exponential(0)):
        state = averaging.init(np.zeros(2))
        for _ in range(10):
            state = averaging.update(np.full(2, 3.0), state)
        np.testing.assert_allclose(state.mean, 3.0, rtol=1e-15)


# Regularization.

PARAMS = {"w": np.array([[1.0, -2.0], [0.0, 3.0]]), "b": np.array([4.0, -5.0])}
ZERO = jax.tree.map(np.zeros_like, PARAMS)


def test_penalties_by_hand():
    assert l1(0.5).loss(PARAMS) == 0.5 * 6
    assert l2(0.5).loss(PARAMS) == 0.25 * 14
    assert l2(0.5, biases=True).loss(PARAMS) == 0.25 * (14 + 41)
    np.testing.assert_array_equal(l1(0.5).gradient(ZERO, PARAMS)["w"], [[0.5, -0.5], [0, 0.5]])
    np.testing.assert_array_equal(l2(0.5).gradient(ZERO, PARAMS)["w"], [[0.5, -1], [0, 1.5]])


@pytest.mark.parametrize("penalty", [l1(0.3), l2(0.3), l1(0.3, biases=True), l2(0.3, biases=True)])
def test_the_gradient_is_that_of_the_loss(penalty):
    """JAX's derivative of the penalty; biases are left alone unless asked for."""
    params = jax.tree.map(lambda a: a + 0.5, PARAMS)  # away from the corner of |w|
    expected = jax.grad(penalty.loss)(jax.tree.map(jnp.asarray, params))
    found = penalty.gradient(ZERO, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)
    assert found["b"].any() == penalty.biases


def test_weights_can_be_named_in_a_flat_vector():
    θ = np.array([1.0, -2.0, 0.0, 3.0, 4.0, -5.0])
    weights = np.array([1.0, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(l2(0.5).gradient(0 * θ, θ, weights), [0.5, -1, 0, 1.5, 0, 0])
    np.testing.assert_array_equal(weight_decay(0.5).update(0 * θ, θ, 0.1, weights), -0.05 * θ * weights)


def test_decay_is_l2_for_sgd_and_not_for_adam():
    g = jax.tree.map(lambda a: a + 1, PARAMS)
    sgd = SGD(learning_rate=0.1)
    penalized, _ = sgd.update(l2(0.5).gradient(g, PARAMS), sgd.init(PARAMS), PARAMS)
    beside = weight_decay(0.5).update(sgd.update(g, sgd.init(PARAMS))[0], PARAMS, 0.1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), penalized, beside)
    adamw = AdamW(learning_rate=0.1, weight_decay=0.5)
    plain = AdamW(learning_rate=0.1, weight_decay=0.0)
    penalized, _ = plain.update(l2(0.5).gradient(g, PARAMS), plain.init(PARAMS), PARAMS)
    beside, _ = adamw.update(g, adamw.init(PARAMS), PARAMS)
    assert np.abs(penalized["w"] - beside["w"]).max() > 0.01


def train(optimizer, steps=20):
    """Parameters after steps on a loss that pulls every entry towards 1, in float64."""

    def step(carry, _):
        params, state = carry
        update, state = optimizer.update(jax.tree.map(lambda a: a - 1, params), state, params)
        return (jax.tree.map(jnp.add, params, update), state), None

    with jax.enable_x64(True):
        params = jax.tree.map(jnp.asarray, PARAMS)
        (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), length=steps)
    return params


def only_weights(params):
    return jax.tree.map(lambda a: a.ndim >= 2, params)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AdamW(0.05, weight_decay=0.3), optax.adamw(0.05, weight_decay=0.3, mask=only_weights)),
        (Lion(0.05, weight_decay=0.3), optax.lion(0.05, weight_decay=0.3, mask=only_weights)),
    ],
    ids=["adamw", "lion"],
)
def test_adamw_and_lion_equal_optax_with_a_mask(ours, theirs):
    jax.tree.map(
        # 1e-12: 20 steps of float64 rounding, in two orders of the same operations.
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12),
        train(ours),
        train(theirs),
    )


def test_without_its_mask_optax_decays_biases():
    """The difference of the conventions is no matter of tolerance."""
    ours, theirs = train(AdamW(0.05, weight_decay=0.3)), train(optax.adamw(0.05, weight_decay=0.3))
    assert np.abs(ours["b"] - theirs["b"]).max() > 0.1


def test_adamw_equals_torch(from_torch):
    def theirs(torch):
        parameter = torch.nn.Parameter(torch.tensor(PARAMS["w"]))
        optimizer = torch.optim.AdamW([parameter], lr=0.05, weight_decay=0.3)
        for _ in range(20):
            optimizer.zero_grad()
            ((parameter - 1) ** 2 / 2).sum().backward()
            optimizer.step()
        return parameter.detach().numpy()

    # torch shrinks before it steps, by the same factor: Δ = −ηλθ + Adam's, whose g is of the old θ.
    np.testing.assert_allclose(
        train(AdamW(0.05, weight_decay=0.3))["w"], from_torch("adamw", theirs), rtol=1e-9
    )


def test_decay_without_parameters_is_refused():
    rule = AdamW()
    with pytest.raises(UsageError, match="update was given none"):
        rule.update(PARAMS, rule.init(PARAMS))
    assert decayed(np.ones(2), None, 0.1).tolist() == [1, 1]  # nothing there to decay


# Early stopping.


def stopped(rule, losses):
    """(evaluations made, index of the restored one) for a row of validation losses."""
    best = rule.init(np.array(-1))
    for i, loss in enumerate(losses):
        best = rule.update(np.float64(loss), np.array(i), best)
        if rule.ends(best):
            return i + 1, int(best.params)
    return len(losses), int(best.params)


FALLING = [5, 3, 2, 2.5, 1.9, 1.95, 2.2, 1.8, 3, 4, 5, 0]


@pytest.mark.parametrize(
    ("patience", "change", "expected"),
    [
        (1, 0.0, (4, 2)),
        (2, 0.0, (7, 4)),
        (3, 0.0, (11, 7)),
        (9, 0.0, (12, 11)),
        (2, 0.5, (5, 2)),
        (3, 0.15, (6, 2)),
    ],
)
def test_early_stopping_by_hand(patience, change, expected):
    assert stopped(early_stopping(patience, change), FALLING) == expected


def test_no_number_is_no_improvement():
    assert stopped(early_stopping(2), [np.nan, 3, np.nan, np.nan]) == (4, 1)
    assert stopped(early_stopping(2), [np.nan, np.nan, 1]) == (2, -1)


def test_an_equal_loss_is_no_improvement():
    assert stopped(early_stopping(3), [2, 2, 2, 2, 1]) == (4, 0)


def test_early_stopping_is_traceable():
    rule = early_stopping(2)
    best = jax.jit(lambda loss, params, best: rule.update(loss, params, best))(
        jnp.float32(3), {"w": jnp.ones(2)}, rule.init({"w": jnp.zeros(2)})
    )
    assert float(best.loss) == 3
    assert best.params["w"].tolist() == [1, 1]


# How they are written.


@pytest.mark.parametrize(
    ("read", "text", "name"),
    [
        (clip, "norm:1.0", "norm:1"),
        (clip, " Value:0.5 ", "value:0.5"),
        (clip, "percentile:90", "percentile:90"),
        (clip, "percentile:90:50", "percentile:90:50"),
        (clip, "none", "none"),
        (average, "polyak", "polyak"),
        (average, "polyak:100", "polyak:100"),
        (average, "exponential", "exponential:0.99"),
        (stopping, "patience:10", "patience:10"),
        (stopping, "patience:10:0.001", "patience:10:0.001"),
    ],
)
def test_spellings_are_read_and_written(read, text, name):
    made = read(text)
    assert made.name == name
    assert read(name).name == name
    assert read(made) is made


def test_none_is_no_average_and_no_stopping():
    assert average("none") is average(None) is stopping("none") is stopping(None) is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: clip_norm(0), "clip_norm: norm must be a finite number above 0, got 0"),
        (lambda: clip_norm(np.nan), "norm must be a finite number above 0, got nan"),
        (lambda: Clip(norm=-1.0), "Clip: norm must be a number above 0, inf for no bound, got -1.0"),
        (lambda: Clip(norm=math.nan), "Clip: norm must be a number above 0, inf for no bound, got nan"),
        (lambda: Clip(value=np.float32(0)), "Clip: value must be a number above 0"),
        (lambda: Clip(norm=True), "Clip: norm must be a number above 0, inf for no bound, got True"),
        (lambda: Clip(norm="1"), "Clip: norm must be a number above 0, inf for no bound, got '1'"),
        (lambda: Clip(percentile=101, first=5), "Clip: percentile must be a number between 0 and 100"),
        (lambda: Clip(percentile=50, first=1.5), "Clip: first must be a whole number of at least 0"),
        (lambda: Penalty(l1=-1), "Penalty: l1 must be a finite number of at least 0, got -1"),
        (lambda: Penalty(l2=True), "Penalty: l2 must be a finite number of at least 0, got True"),
        (lambda: Penalty(l2=math.inf), "Penalty: l2 must be a finite number of at least 0, got inf"),
        (lambda: WeightDecay(math.nan), "WeightDecay: rate must be a finite number of at least 0, got nan"),
        (lambda: EarlyStopping(0), "EarlyStopping: patience must be a whole number of at least 1, got 0"),
        (lambda: EarlyStopping(math.inf), "EarlyStopping: patience must be a whole number"),
        (lambda: Clip(percentile=50, first=math.inf), "Clip: first must be a whole number of at least 0"),
        (lambda: EarlyStopping(2, -1), "EarlyStopping: minimum_change must be a finite number"),
        (lambda: l2(0.1, biases="no"), "Penalty: biases must be True or False, got 'no'"),
        (lambda: clip_value("1"), "value must be a finite number above 0, got '1'"),
        (lambda: clip_percentile(101), "percentile must be a number above 0 and at most 100, got 101"),
        (lambda: clip_percentile(50, 0), "first must be a whole number of at least 1, got 0"),
        (lambda: clip("norn:1"), "did you mean 'norm'"),
        (lambda: clip("norm"), "clipping 'norm' cannot be read; write norm:NORM"),
        (lambda: clip("norm:x"), "write norm:NORM"),
        (lambda: clip("percentile:1:2:3"), "write percentile:PERCENTILE, percentile:PERCENTILE:FIRST"),
        (lambda: polyak(0), "start must be a whole number"),
        (lambda: polyak(1.5), "start must be a whole number"),
        (lambda: polyak(math.inf), "start must be a whole number of at least 1, got inf"),
        (lambda: clip("percentile:90:inf"), "first must be a whole number of at least 1, got inf"),
        (lambda: early_stopping(math.inf), "patience must be a whole number of at least 1, got inf"),
        (lambda: exponential(1), r"decay must be a number in \[0, 1\)"),
        (lambda: l1(-1), "strength must be a finite number of at least 0"),
        (lambda: weight_decay(True), "rate must be a finite number of at least 0, got True"),
        (lambda: early_stopping(0), "patience must be a whole number"),
        (lambda: early_stopping(3, -1), "minimum_change must be"),
    ],
)
def test_what_is_no_part_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()


@pytest.mark.parametrize("part", [clip_norm(1), l1(0.1), l2(0.1), weight_decay(0.1), early_stopping(3)])
def test_tree_operations_put_anything_into_a_part(part):
    """A placeholder, a derivative, an array: only what a caller writes is checked."""
    for value in (None, object(), np.zeros(3), jnp.float32(-1)):
        assert jax.tree.leaves(jax.tree.map(lambda _, value=value: value, part), is_leaf=lambda x: x is None)
    assert jax.jit(lambda part: part)(part) == part
