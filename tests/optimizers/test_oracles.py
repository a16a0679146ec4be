"""The rules since Adam, each against an independent implementation, step by step, in float64.

Oracles: optax 0.2.8 where its conventions are the rule's; the others are held against the package
`pytorch_optimizer` in `test_packages.py`, and here against the paper's formulas in plain NumPy, in
`independent.py`, which needs no package. A wrong variant of each subtle rule is held against the same oracle,
which must see it.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import independent
import kobai
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.candidates.lists import MODERN
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.optimizers import by_array, muon, sophia
from kobai.stabilizers import weight_decay
from trajectories import CURVATURE, NOISE, RNG, SQUARE, START, STEPS, flat, gradient, path
from wrong_rules import (
    MuonWithoutNesterov,
    ProdigyOfTheNewRate,
    SAMOfTheFirstGradient,
    SOAPThatDecaysFirst,
    SophiaOfTheOldCurvature,
)


def optax_path(rule, start=START, evaluated=None):
    with jax.enable_x64(True):
        θ = jax.tree.map(jnp.asarray, start)
        state, points = rule.init(θ), [θ]
        update = jax.jit(rule.update)
        for step in range(STEPS):
            Δ, state = update(gradient(step, θ), state, θ)
            θ = optax.apply_updates(θ, Δ)
            points.append(evaluated(state, θ) if evaluated else θ)
        return flat(points)


x_of = optax.contrib.schedule_free_eval_params
matrices = {"a": True, "b": False, "c": True, "d": True}
BY_OPTAX = {
    "nadamw": (
        kobai.NAdamW(0.1, 0.8, 0.99, 1e-3, 0.1),
        optax.nadamw(0.1, 0.8, 0.99, 1e-3, weight_decay=0.1, mask=matrices),
    ),
    "radam": (kobai.RAdam(0.1, 0.8, 0.99, 1e-3), optax.radam(0.1, 0.8, 0.99, 1e-3)),
    "adabelief": (kobai.AdaBelief(0.1, 0.8, 0.99, 1e-3), optax.adabelief(0.1, 0.8, 0.99, 1e-3, 1e-3)),
    "ademamix": (
        kobai.AdEMAMix(0.1, 0.8, 0.99, 0.95, 3.0, 1e-3, 0.1),
        optax.contrib.ademamix(0.1, 0.8, 0.99, 0.95, 3.0, 1e-3, weight_decay=0.1, mask=matrices),
    ),
    "adopt": (kobai.ADOPT(0.1, 0.8, 0.99, 1e-3), optax.contrib.adopt(0.1, 0.8, 0.99, 1e-3)),
    "lamb": (
        kobai.LAMB(0.1, 0.8, 0.99, 1e-3, 0.1),
        optax.lamb(0.1, 0.8, 0.99, 1e-3, weight_decay=0.1, mask=matrices),
    ),
    "adafactor": (
        kobai.Adafactor(0.1, 0.7),
        optax.adafactor(0.1, min_dim_size_to_factor=2, decay_rate=0.7),
    ),
    "prodigy": (kobai.Prodigy(2.0, 0.8, 0.99, 1e-3), optax.contrib.prodigy(2.0, (0.8, 0.99), eps=1e-3)),
    "d_adaptation": (
        kobai.DAdaptation(2.0, 0.8, 0.99, 1e-3),
        optax.contrib.dadapt_adamw(2.0, (0.8, 0.99), eps=1e-3),
    ),
}


def test_every_rule_since_adam_has_an_oracle():
    of_schedule_free = {"schedule_free_sgd", "schedule_free_adamw"}
    assert {*BY_OPTAX, *BY_FORMULA, *of_schedule_free, "soap", "adamw", "lion"} == set(MODERN)


@pytest.mark.parametrize("name", BY_OPTAX)
def test_trajectories_equal_optax(name):
    ours, theirs = BY_OPTAX[name]
    # optax keeps t^-c of Adafactor in single precision, whatever the rest.
    tolerance = 1e-6 if name == "adafactor" else 1e-11
    np.testing.assert_allclose(path(ours), optax_path(theirs), rtol=0, atol=tolerance)
    assert np.abs(path(ours)[-1] - path(ours)[0]).max() > 1e-6  # it moves


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (kobai.ScheduleFreeSGD(0.1, 0.8), optax.contrib.schedule_free_sgd(0.1, b1=0.8)),
        (
            kobai.ScheduleFreeAdamW(0.1, 0.8, 0.99, 1e-3),
            optax.contrib.schedule_free_adamw(0.1, b1=0.8, b2=0.99, eps=1e-3),
        ),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_schedule_free_is_evaluated_at_x_and_equals_optax(ours, theirs):
    np.testing.assert_allclose(path(ours), optax_path(theirs, evaluated=x_of), rtol=0, atol=1e-11)

    class AtY(type(ours)):
        def evaluation_point(self, params, state):
            return params

    wrong = path(AtY(**vars(ours)))
    assert np.abs(wrong - optax_path(theirs, evaluated=x_of)).max() > 1e-3


def test_schedule_free_weighs_by_the_largest_rate_so_far():
    """A warm-up, a fall: c = ηₘ²/Σηₘ², as optax has it with a schedule."""
    rates = np.minimum(np.arange(1, STEPS + 1) / 5, 1) * np.where(np.arange(STEPS) > 15, 0.1, 1)
    θ, state, points = START, kobai.ScheduleFreeSGD().init(START), [START]
    for step, rate in enumerate(rates):
        rule = kobai.ScheduleFreeSGD(rate * 0.1, 0.8)
        Δ, state = rule.update(gradient(step, θ), state, θ)
        θ = {name: θ[name] + Δ[name] for name in θ}
        points.append(rule.evaluation_point(θ, state))

    def schedule(count):  # of its steps, which optax counts from 1 at one place and from 0 at the other
        return jnp.asarray(rates * 0.1)[jnp.clip(count, 0, STEPS - 1)]

    with jax.enable_x64(True):
        inner = optax.scale_by_schedule(lambda count: -schedule(count))
        theirs = optax.contrib.schedule_free(inner, lambda count: schedule(count - 1), b1=0.8)
        expected = optax_path(theirs, evaluated=x_of)
    np.testing.assert_allclose(flat(points), expected, rtol=0, atol=1e-11)


BY_FORMULA = {
    "adan": (kobai.Adan(0.1, 0.8, 0.7, 0.99, 1e-3, 0.1), independent.adan(0.1, 0.8, 0.7, 0.99, 1e-3, 0.1)),
    "sam": (kobai.SAM(0.02, 0.8, 0.5), independent.sam(0.02, 0.8, 0.5)),
    "sophia": (
        kobai.Sophia(0.1, 0.8, 0.7, 0.5, 1e-12, 0.1),
        independent.sophia(0.1, 0.8, 0.7, 0.5, 1e-12, 0.1, CURVATURE),
    ),
    "muon": (kobai.Muon(0.1, 0.02, 0.9, 0.1), independent.muon(0.1, 0.02, 0.9, 0.1)),
    "shampoo": (kobai.Shampoo(0.1, 1e-4), independent.shampoo(0.1, 1e-4)),
    "prodigy": (kobai.Prodigy(2.0, 0.8, 0.99, 1e-3, 0.1), independent.prodigy(2.0, 0.8, 0.99, 1e-3, 0.1)),
}


def independent_path(step_of, start=START):
    θ, points, state = start, [start], {}
    for step in range(STEPS):
        θ = step_of(θ, functools.partial(gradient, step), step + 1, state)
        points.append(θ)
    return flat(points)


@pytest.mark.parametrize("name", BY_FORMULA)
def test_trajectories_equal_the_paper_worked_out(name):
    ours, theirs = BY_FORMULA[name]
    np.testing.assert_allclose(path(ours), independent_path(theirs), rtol=0, atol=1e-10)


def test_soap_equals_its_algorithm_worked_out():
    theirs = independent.soap(0.1, 0.9, 0.8, 1e-8, 0.1)
    ours = kobai.SOAP(0.1, 0.9, 0.8, 1e-8, 0.1)
    np.testing.assert_allclose(path(ours, SQUARE), independent_path(theirs, SQUARE), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["c", "d"])
def test_soap_equals_it_on_matrices_that_are_longer_one_way(name):
    """Their basis is not unique after one gradient; both sides round its matrix alike: the same."""
    start = {name: START[name]}
    theirs, ours = independent.soap(0.1, 0.9, 0.8, 1e-8, 0.1), kobai.SOAP(0.1, 0.9, 0.8, 1e-8, 0.1)
    np.testing.assert_allclose(path(ours, start), independent_path(theirs, start), rtol=0, atol=1e-7)


def test_sam_equals_optax_s_over_sgd():
    """In one call, with its gradients taken inside (opaque)."""
    theirs = optax.contrib.sam(
        optax.sgd(0.02, momentum=0.8),
        optax.chain(optax.contrib.normalize(), optax.sgd(0.5)),
        opaque_mode=True,
        reset_state=False,
    )
    with jax.enable_x64(True):
        θ = jax.tree.map(jnp.asarray, START)
        state, points = theirs.init(θ), [θ]
        for step in range(STEPS):

            def at(θ, _, step=step):
                return gradient(step, θ)

            Δ, state = theirs.update(gradient(step, θ), state, θ, grad_fn=at)
            θ = optax.apply_updates(θ, Δ)
            points.append(θ)
    np.testing.assert_allclose(path(kobai.SAM(0.02, 0.8, 0.5)), flat(points), rtol=0, atol=1e-12)


# Wrong variants, which the oracles see.


class NAdamWOfOneBias(kobai.NAdamW):
    def rule(self, g, t, m, v):  # m corrected by t instead of t + 1
        ρ1, ρ2 = self.decay_1, self.decay_2
        m, v = ρ1 * m + (1 - ρ1) * g, ρ2 * v + (1 - ρ2) * g * g
        m_hat = (ρ1 * m + (1 - ρ1) * g) / (1 - ρ1**t)
        return -self.learning_rate * m_hat / (np.sqrt(v / (1 - ρ2**t)) + self.epsilon), (m, v)


class RAdamFromFour(kobai.RAdam):
    def rule(self, g, t, m, v):  # the paper's threshold
        from kobai.optimizers import radam

        before, radam.THRESHOLD = radam.THRESHOLD, 4.0001
        try:
            return super().rule(g, t, m, v)
        finally:
            radam.THRESHOLD = before


class AdaBeliefOfTheOldMean(kobai.AdaBelief):
    def rule(self, g, t, m, s):
        ρ1, ρ2, ε = self.decay_1, self.decay_2, self.epsilon
        s = ρ2 * s + (1 - ρ2) * (g - m) ** 2 + ε
        m = ρ1 * m + (1 - ρ1) * g
        return -self.learning_rate * m / (1 - ρ1**t) / (np.sqrt(s / (1 - ρ2**t)) + ε), (m, s)


class AdEMAMixCorrected(kobai.AdEMAMix):
    def rule(self, g, t, m1, m2, v):
        Δ, (n1, n2, v) = super().rule(g, t, m1, m2, v)
        below = np.sqrt(v / (1 - self.decay_2**t)) + self.epsilon
        more = self.mixture * n2 * (1 / (1 - self.decay_3**t) - 1)
        return Δ - self.learning_rate * more / below, (n1, n2, v)


class ADOPTOfItsOwnSquare(kobai.ADOPT):
    def rule(self, g, t, m, v):
        v_new = np.where(t == 1, g * g, self.decay_2 * v + (1 - self.decay_2) * g * g)
        Δ, (m, _) = super().rule(g, t, m, v_new)
        return Δ, (m, v_new)


class LAMBOfTheMeanSize(kobai.LAMB):
    def formula(self, g, θ, t, memory, weight):
        Δ, memory = super().formula(g, θ, t, memory, weight)
        return Δ / np.sqrt(θ.size), memory


WRONG = {
    "nadamw": NAdamWOfOneBias,
    "radam": RAdamFromFour,
    "adabelief": AdaBeliefOfTheOldMean,
    "ademamix": AdEMAMixCorrected,
    "adopt": ADOPTOfItsOwnSquare,
    "lamb": LAMBOfTheMeanSize,
    "prodigy": ProdigyOfTheNewRate,
}


@pytest.mark.parametrize("name", WRONG)
def test_the_oracles_see_planted_mistakes(name):
    right, theirs = BY_OPTAX[name]
    wrong, expected = path(WRONG[name](**vars(right))), optax_path(theirs)
    assert np.isfinite(wrong).all()
    assert np.isfinite(expected).all()
    assert np.abs(wrong - expected).max() > 1e-9


def test_adan_of_optax_has_another_factor_of_the_change():
    """1 − ρ₂ where the paper's (1−β₂) is ρ₂: why NumPy is the oracle of this one."""
    ours = kobai.Adan(0.1, 0.8, 0.7, 0.99, 1e-3)
    theirs = optax.adan(0.1, 0.8, 0.7, 0.99, 1e-3, eps_root=0)
    assert np.abs(path(ours) - optax_path(theirs)).max() > 1e-3
    half = dataclasses.replace(ours, decay_2=0.5)  # where both are the same
    np.testing.assert_allclose(
        path(half), optax_path(optax.adan(0.1, 0.8, 0.5, 0.99, 1e-3, eps_root=0)), rtol=0, atol=1e-11
    )


def test_soap_s_oracle_sees_a_decay_of_the_old_parameters():
    wrong = path(SOAPThatDecaysFirst(0.1, 0.9, 0.8, 1e-8, 0.1), SQUARE)
    expected = independent_path(independent.soap(0.1, 0.9, 0.8, 1e-8, 0.1), SQUARE)
    assert np.abs(wrong - expected).max() > 1e-3


def test_muon_without_nesterov_is_optax_s():
    """The mean M is corrected there, which X does not see but for what is added to its norm."""
    start = {name: START[name] for name in ("a", "c", "d")}
    theirs = optax.contrib.muon(0.1, beta=0.9, nesterov=False, consistent_rms=0.2, weight_decay=0.1)
    np.testing.assert_allclose(
        path(MuonWithoutNesterov(0.1, 0.02, 0.9, 0.1), start), optax_path(theirs, start), rtol=0, atol=1e-6
    )


class MuonScaledByJordan(kobai.Muon):
    def formula(self, g, θ, t, memory, weight):
        Δ, memory = super().formula(g, θ, t, memory, weight)
        rows, columns = [*g.shape, 1][:2]
        return Δ * max(1, rows / columns) ** 0.5 / (0.2 * max(g.shape) ** 0.5), memory


class ShampooOfTheHalfPower(kobai.Shampoo):
    def power(self, matrix, exponent):
        return super().power(matrix, 2 * exponent)


PLANTED = [
    ("sam", SAMOfTheFirstGradient),
    ("sophia", SophiaOfTheOldCurvature),
    ("muon", MuonWithoutNesterov),
    ("muon", MuonScaledByJordan),
    ("shampoo", ShampooOfTheHalfPower),
]


@pytest.mark.parametrize(("name", "wrong"), PLANTED)
def test_the_formulas_see_planted_mistakes(name, wrong):
    right, theirs = BY_FORMULA[name]
    found = path(wrong(**vars(right)))
    assert np.isfinite(found).all()
    assert np.abs(found - independent_path(theirs)).max() > 1e-3


# What single rules promise.


class SophiaByTheIndex(kobai.Sophia):
    every = 1


def test_sophia_s_estimate_is_u_hu_of_a_hessian_that_is_not_diagonal():
    """h ← ρ₂h + (1−ρ₂) u⊙(Hu) with the signs of each step, worked out; and their mean is the diagonal."""
    H = RNG.normal(size=(5, 5))
    H = H + H.T
    θ, rule = RNG.normal(size=5), SophiaByTheIndex(decay_2=0.9)
    state, h, mean, drawn = rule.init(θ), np.zeros(5), np.zeros(5), []
    with jax.enable_x64(True):
        for t in range(1, 301):
            _, state = rule.update(H @ θ, state, θ, gradient_at=lambda x: H @ x)
            u = np.asarray(sophia.signs(θ, t))
            h, mean = 0.9 * h + 0.1 * u * (H @ u), mean + u * (H @ u) / 300
            drawn.append(u)
            np.testing.assert_allclose(state.memory["h"], h, rtol=0, atol=1e-12)
    signs = np.array(drawn)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert len(np.unique(signs, axis=0)) == 32  # all there are: they change from step to step
    assert np.abs(signs.mean(axis=0)).max() < 4 / 300**0.5
    deviation = np.sqrt(((H - np.diag(np.diag(H))) ** 2).sum(axis=1) / 300)
    assert (np.abs(mean - np.diag(H)) < 4 * deviation).all()


def test_muon_makes_singular_values_alike_and_leaves_the_rest_to_adamw():
    for shape in ((5, 5), (3, 8), (8, 3)):
        values = np.linalg.svd(muon.orthogonal(np.random.default_rng(1).normal(size=shape)))[1]
        assert ((values > 0.6) & (values < 1.3)).all()
    start = {"a": START["a"], "b": START["b"]}
    ours = path(kobai.Muon(0.1, adamw_learning_rate=0.05), start)
    theirs = path(kobai.AdamW(0.05, weight_decay=0), start)
    np.testing.assert_allclose(ours[:, 16:], theirs[:, 16:], rtol=0, atol=1e-12)
    assert np.abs(ours[:, :16] - theirs[:, :16]).max() > 0.01


def test_what_is_a_weight_can_be_said():
    """A last layer that is left to AdamW, as Muon's authors have it."""
    rule, said = kobai.Muon(), {"a": False, "b": False, "c": True, "d": True}
    state = rule.init(START, said)
    assert set(state.memory["arrays"]["a"]) == {"m", "v"}
    assert set(state.memory["arrays"]["c"]) == {"M"}
    Δ, _ = rule.update(NOISE[0], state, START, said)
    np.testing.assert_allclose(Δ["a"], -0.001 * np.sign(NOISE[0]["a"]), rtol=1e-5)


def test_what_is_a_weight_can_be_said_to_a_rule_of_optax():
    """The same step as by `init` and `update`; without what is said it is another."""
    said = {"a": "outer", "b": False, "c": True, "d": True}
    rule = kobai.Muon(0.1, 0.05, weight_decay=0.1)
    ours, _ = rule.update(NOISE[0], rule.init(START, said), START, said)
    for flags, same in ((said, True), (None, False)):
        chain = rule.as_optax(weights=flags)
        theirs, _ = chain.update(NOISE[0], chain.init(START), START)
        assert np.array_equal(theirs["a"], ours["a"]) is same


def test_soap_s_first_step_moves_nothing_and_its_bases_stay_orthonormal():
    rule, state = kobai.SOAP(), kobai.SOAP().init(START)
    for step in range(12):
        Δ, state = rule.update(NOISE[step], state, START)
        assert (step > 0) == bool(np.any(Δ["c"]))
        for k, size in enumerate((3, 6)):
            basis = state.memory["arrays"]["c"][f"basis_{k}"]
            np.testing.assert_allclose(basis.T @ basis, np.eye(size), atol=1e-10)


def test_adafactor_remembers_rows_and_columns():
    state = kobai.Adafactor().init({"w": np.ones((6, 4)), "k": np.ones((2, 3, 5)), "b": np.ones(3)})
    shapes = {name: {k: v.shape for k, v in m.items()} for name, m in state.memory["arrays"].items()}
    assert shapes == {
        "w": {"rows": (4,), "columns": (6,)},
        "k": {"rows": (2, 3), "columns": (2, 5)},
        "b": {"v": (3,)},
    }


def test_prodigy_and_d_adaptation_find_a_rate():
    """From 1e-6 up, on f = Σ a θ²/2 without noise: no rate was given."""
    for rule in (kobai.Prodigy(), kobai.DAdaptation()):
        θ, state, far = {"x": np.full(3, 5.0)}, rule.init({"x": np.full(3, 5.0)}), []
        for _ in range(400):
            Δ, state = rule.update({"x": np.array([1.0, 0.5, 2.0]) * θ["x"]}, state, θ)
            θ = {"x": θ["x"] + Δ["x"]}
            far.append(np.abs(θ["x"]).max())
        assert state.memory["d"] > 0.01
        assert min(far) < 0.5


@pytest.mark.parametrize("rule", [kobai.SAM(), kobai.Sophia()], ids=lambda rule: type(rule).__name__)
def test_a_rule_that_asks_says_what_is_missing(rule):
    with pytest.raises(UsageError, match="gradient_at=f"):
        rule.update(NOISE[0], rule.init(START), START)
    with pytest.raises(UsageError, match="update was given none"):
        rule.update(NOISE[0], rule.init(START), gradient_at=lambda θ: θ)


def test_a_rule_that_asks_stands_in_a_chain_of_optax():
    rule = kobai.SAM(0.1)
    chained = optax.chain(rule.as_optax(), optax.scale(0.5))
    θ = jax.tree.map(jnp.asarray, START)
    at = functools.partial(gradient, 0)
    Δ, _ = chained.update(at(θ), chained.init(θ), θ, gradient_at=at)
    whole, _ = rule.update(at(θ), rule.init(θ), θ, gradient_at=at)
    for name in θ:
        np.testing.assert_allclose(Δ[name], whole[name] / 2, rtol=1e-6)


@pytest.mark.parametrize("name", MODERN)
def test_a_compiled_program_follows_the_loop(name):
    """The branches that a program has (SOAP, Shampoo, Sophia) are those that a loop takes."""
    rule = registry.OPTIMIZERS[name].load()()

    def step(θ, state, t):
        def at(θ):
            return jax.tree.map(lambda c, x: c * x + jnp.cos(t + 3 * x), {k: CURVATURE[k] for k in θ}, θ)

        Δ, state = rule.update(at(θ), state, θ, **({"gradient_at": at} if rule.asks else {}))
        return jax.tree.map(jnp.add, θ, Δ), state

    with jax.enable_x64(True):
        looped = compiled = {key: jnp.asarray(START[key]) for key in ("a", "b")}
        state = plain = rule.init(looped)
        program = jax.jit(step)
        for t in range(13):
            compiled, state = program(compiled, state, t)
            looped, plain = step(looped, plain, t)
        for key in looped:
            np.testing.assert_allclose(compiled[key], looped[key], rtol=1e-7, atol=1e-9)


def test_when_takes_one_branch():
    taken = []
    by_array.when(True, lambda m: taken.append("yes") or m, lambda m: taken.append("no") or m, {})
    by_array.when(np.bool_(False), lambda m: taken.append("yes") or m, lambda m: taken.append("no") or m, {})
    assert taken == ["yes", "no"]


def test_decay_beside_a_rate_that_is_found_is_refused():
    strategies = [Strategy(weight_decay=weight_decay(0.1))]
    with pytest.raises(UsageError, match="Prodigy finds its rate itself"):
        Sweep(kobai.tasks.sine(), [kobai.Prodigy()], steps=2, evaluate_every=1, strategies=strategies)
