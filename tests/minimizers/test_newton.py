"""Newton and Newton-CG: against closed forms, at saddles, under scaling; planted mistakes are seen."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.minimizers import newton, newton_cg, trust_region
from kobai.minimizers.base import Objective, Point
from kobai.minimizers.newton import Newton
from kobai.minimizers.newton_cg import NewtonCG, truncated_step
from kobai.minimizers.solve import solve

pytestmark = pytest.mark.usefixtures("quick_compile")
BOTH = [Newton(), NewtonCG()]


def name_of(method):
    return type(method).__name__


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def saddle(x):
    """A saddle at (0, 0) of value 0, minima −1/4 at (0, ±√½)."""
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def quadratic(n, seed, condition=1e3):
    """½ xᵀAx − bᵀx with the given condition, and its minimum."""
    random = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(random.normal(size=(n, n)))
    A = Q @ np.diag(np.geomspace(1, condition, n)) @ Q.T
    b = random.normal(size=n)
    return (lambda x: 0.5 * x @ A @ x - b @ x), np.linalg.solve(A, b)


@pytest.fixture
def driven(quickly):
    """The states of a solve, trial after trial."""

    def driven(method, fun, x, trials):
        objective = Objective(fun)
        advance = quickly(lambda state: method.advance(objective, state))
        states = [quickly(lambda x: method.begin(objective, x))(jnp.asarray(x))]
        for _ in range(trials):
            states.append(advance(states[-1]))
        return states

    return driven


@pytest.fixture(scope="module")
def exact(quickly):
    """`trust_region.exact_step`, compiled once for each size."""

    @quickly
    def exact(H, g, radius):
        return trust_region.exact_step(H, trust_region.factor(H), g, radius)

    return exact


# --- against closed forms ---


@pytest.mark.parametrize("n", [1, 20])
def test_newton_ends_a_convex_quadratic_in_one_step(n):
    fun, minimum = quadratic(n, seed=n)
    found = kobai.minimize(fun, np.full(n, 3.0), method=Newton())
    assert (found.status, found.steps, tuple(found.evaluations)) == ("converged", 1, (2, 2, 1, 0))
    np.testing.assert_allclose(found.value, minimum, rtol=1e-9, atol=1e-11)


def test_one_step_is_enough_where_variables_differ_by_ten_decades():
    scale = np.geomspace(1, 1e10, 6)
    found = kobai.minimize(lambda x: jnp.sum((scale * x - 1) ** 2), np.zeros(6), method=Newton(), gtol=1e-3)
    assert found.steps == 1
    np.testing.assert_allclose(found.value, 1 / scale, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 20])
def test_newton_cg_solves_a_quadratic_and_counts_every_product(n):
    fun, minimum = quadratic(n, seed=n, condition=20)
    found = kobai.minimize(fun, np.full(n, 3.0), method=NewtonCG())
    assert found.status == "converged"
    np.testing.assert_allclose(found.value, minimum, atol=1e-5)
    value, gradient, hessian, products = found.evaluations
    assert value == gradient == found.steps + 1
    assert hessian == 0
    assert found.steps <= products <= n * found.steps


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_the_counts_are_those_of_the_calls(method, monkeypatch):
    called = dict.fromkeys(("value_and_gradient", "hessian", "hessian_vector"), 0)

    def counting(name):
        real = getattr(Objective, name)

        def call(self, *arguments):
            jax.debug.callback(lambda: called.update({name: called[name] + 1}))
            return real(self, *arguments)

        return call

    for name in called:
        monkeypatch.setattr(Objective, name, counting(name))
    found = kobai.minimize(lambda x: rosenbrock(x), np.array([-1.2, 1.0]), method=method)
    jax.effects_barrier()
    counted = found.evaluations
    assert called == {
        "value_and_gradient": counted.gradient,
        "hessian": counted.hessian,
        "hessian_vector": counted.hessian_vector,
    }


@pytest.mark.parametrize("indefinite", [False, True])
@pytest.mark.parametrize("radius", [1e-3, 0.5, 10.0])
def test_the_exact_step_satisfies_the_conditions_of_the_trust_region(exact, indefinite, radius):
    """(H + μI)s = −g, μ ≥ 0, H + μI ⪰ 0, μ(Δ − ‖s‖) = 0: sufficient (Moré and Sorensen 1983)."""
    random = np.random.default_rng(3)
    H = random.normal(size=(6, 6))
    H = H + H.T if indefinite else H @ H.T + np.eye(6)
    g = random.normal(size=6)
    model = exact(H, g, radius)
    s = np.asarray(model.step)
    μ = -s @ (H @ s + g) / (s @ s)
    np.testing.assert_allclose(H @ s + μ * s, -g, atol=1e-8 * (1 + abs(μ) * radius))
    assert μ >= -1e-10
    assert np.linalg.eigvalsh(H)[0] + μ >= -1e-8
    assert np.linalg.norm(s) <= radius * 1.001
    if not model.inside:
        np.testing.assert_allclose(np.linalg.norm(s), radius, rtol=1.1e-3)
    np.testing.assert_allclose([model.slope, model.curvature], [g @ s, s @ H @ s], rtol=1e-8)


def test_the_hard_case_goes_along_the_eigenvector(exact):
    """g has no part along the only negative curvature, and (H + μI)⁻¹g is too short for any μ."""
    H, g = jnp.diag(jnp.array([-2.0, 1.0, 4.0])), jnp.array([0.0, 1.0, 1.0])
    model = exact(H, g, 5.0)
    np.testing.assert_allclose(jnp.linalg.norm(model.step), 5, rtol=1e-6)
    np.testing.assert_allclose(model.step[1:], [-1 / 3, -1 / 6], rtol=1e-6)


@pytest.mark.parametrize("λ", [-1e-7, 0.0])
def test_a_slope_along_a_curvature_that_rounding_hides_leads_to_the_boundary(exact, λ):
    """The step was as short as if the curvature were as large as the rounding of the largest."""
    model = exact(jnp.diag(jnp.array([λ, 1.0, 1e13])), jnp.array([1e-2, 0.0, 0.0]), 100.0)
    assert not model.inside
    np.testing.assert_allclose(jnp.linalg.norm(model.step), 100, rtol=2e-3)
    np.testing.assert_allclose(model.step[0], -100, rtol=2e-3)


@pytest.mark.parametrize("method", [Newton(), Newton(keep=0)], ids=["kept", "anew"])
def test_newton_does_not_creep_where_one_variable_is_much_stiffer_than_the_other(method):
    """log(1 + x²) bends down far out, by less than the rounding of 1e14: 2,000 steps of 2e-5 from 10,000."""
    found = kobai.minimize(
        lambda x: jnp.log1p(x[0] ** 2) + 1e14 * x[1] ** 2, np.array([1e4, 1e-3]), method=method
    )
    assert found.status == "converged"
    assert found.steps < 60
    np.testing.assert_allclose(found.value, 0, atol=1e-6)


def test_the_truncated_step_is_the_newton_step_where_nothing_stops_it(quickly):
    random = np.random.default_rng(5)
    A = random.normal(size=(7, 7))
    H, g = jnp.asarray(A @ A.T + np.eye(7)), jnp.asarray(random.normal(size=7))
    step = quickly(lambda radius: truncated_step(lambda v: H @ v, g, radius, 1e-12, 100))
    model, products = step(jnp.inf)
    np.testing.assert_allclose(model.step, -jnp.linalg.solve(H, g), rtol=1e-8)
    assert model.inside
    assert 7 <= products <= 10
    short, _ = step(0.01)
    np.testing.assert_allclose(jnp.linalg.norm(short.step), 0.01)
    assert not short.inside


# --- where the Hessian is indefinite or singular ---


@pytest.mark.parametrize("method", BOTH, ids=name_of)
@pytest.mark.parametrize("start", [(1.0, 1e-4), (0.0, 0.1)])
def test_a_saddle_repels(method, start):
    found = kobai.minimize(saddle, np.array(start), method=method)
    assert found.status == "converged"
    np.testing.assert_allclose(np.abs(found.value), [0, np.sqrt(0.5)], atol=1e-6)


@pytest.mark.parametrize("y", [0.0, 1e-9])
def test_newton_leaves_even_the_line_that_leads_straight_to_the_saddle(y):
    """On y = 0 no gradient points away from it; the eigenvector does."""
    found = kobai.minimize(saddle, np.array([1.0, y]), method=Newton())
    np.testing.assert_allclose(np.abs(found.value), [0, np.sqrt(0.5)], atol=1e-6)


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_no_step_goes_uphill(method, driven):
    for fun, start in (
        (saddle, (0.7, 0.01)),
        (rosenbrock, (-1.2, 1.0)),
        (lambda x: jnp.sum(jnp.cos(x)), (0.3, 6.0)),
    ):
        states = driven(method, fun, np.array(start), 12)
        for before, after in zip(states, states[1:], strict=False):
            if after.steps > before.steps and np.max(np.abs(before.point.g)) > 1e-6:
                assert after.point.f < before.point.f
                assert np.vdot(before.point.g, after.point.x - before.point.x) < 0


def test_newton_on_a_singular_quadratic():
    """Of rank one: any point of a plane is a minimum."""
    a = np.array([1.0, 2.0, 3.0])
    found = kobai.minimize(lambda x: (a @ x - 1) ** 2, np.zeros(3), method=Newton())
    assert found.status == "converged"
    np.testing.assert_allclose(a @ found.value, 1)


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_a_trial_that_is_no_number_is_a_step_too_long(method):
    found = kobai.minimize(lambda x: jnp.sum(x - jnp.log(x)), np.array([30.0, 0.01]), method=method)
    assert found.status == "converged"
    np.testing.assert_allclose(found.value, 1, atol=1e-5)


@pytest.mark.parametrize("method", BOTH, ids=name_of)
@pytest.mark.parametrize("fun", [lambda x: x[0] ** 3 + x[1] ** 2, lambda x: -jnp.exp(x[0]) + x[1] ** 2])
def test_falling_without_end_is_said(method, fun):
    assert kobai.minimize(fun, np.array([-0.5, 1.0]), method=method).status == "unbounded"


ROWS = np.array([[1.0, 2.0], [-1.0, 1.5], [0.5, -1.0]])
UNCURVED = {
    "|x|": (lambda x: jnp.sum(jnp.abs(x - 0.3)), [3.3, 2.1], "small_step"),
    "hinge": (lambda x: jnp.sum(jnp.maximum(0, 1 - ROWS @ x)), [-3.0, 0.5], "small_step"),
    "a plane": (lambda x: x[0], [1.0, 2.0], "unbounded"),
    "x² − y²": (lambda x: x[1] ** 2 - x[0] ** 2, [1.0, 1.0], "unbounded"),
    "−exp": (lambda x: -jnp.exp(x[0]), [0.5], "unbounded"),
    "huge": (lambda x: 1e100 * jnp.sum(x), [1.0, 2.0], "unbounded"),
}
"""No curvature along the first direction: nothing says how far to go."""


@pytest.mark.parametrize("method", BOTH, ids=name_of)
@pytest.mark.parametrize("which", UNCURVED)
def test_no_curvature_along_the_first_direction(which, method):
    fun, start, status = UNCURVED[which]
    found = kobai.minimize(fun, start, method=method)
    assert found.status == status
    assert found.evaluations.value < 200
    assert found.objective < fun(jnp.array(start))


def test_the_natural_length_of_a_direction():
    p, zero = jnp.array([3.0, 4.0]), jnp.zeros(2)
    assert newton_cg.natural(p, 2 * p, 50.0) == 0.5
    assert newton_cg.natural(p, -2 * p, -50.0) == 0.5
    assert newton_cg.natural(p, jnp.array([8.0, -6.0]), 0.0) == 0.5
    for nothing in (zero, zero * jnp.nan):
        assert newton_cg.natural(p, nothing, nothing[0]) == pytest.approx(0.2)
    assert trust_region.length(p * 1e200) == pytest.approx(5e200)
    assert trust_region.length(p * 1e-200) == pytest.approx(5e-200)
    assert trust_region.length(zero) == 0


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_a_gradient_lost_in_rounding_ends_it(method):
    """At 1e16 the values of neighbouring points are equal: no tolerance of 0 is ever met."""
    found = kobai.minimize(lambda x: 1e16 + jnp.sum((x - np.pi) ** 4), np.full(2, 3.0), method=method, gtol=0)
    assert found.status in ("small_step", "converged")
    assert found.evaluations.value < 200


# --- invariances ---


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_f_and_c_f_give_one_path(method):
    def scaled(x, c):
        return c * rosenbrock(x)

    def run(c):
        start = np.array([-1.2, 1.0, 0.5])
        return kobai.minimize(scaled, start, args=(c,), method=method, gtol=c * 1e-6, keep_path=True)

    one = run(1.0)
    for c in (1e-10, 1e10):
        other = run(c)
        assert (one.steps, one.evaluations) == (other.steps, other.evaluations)
        np.testing.assert_allclose(one.history.path, other.history.path, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_shifted_and_rotated_axes_give_the_same_path(method):
    Q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    start, shift = np.array([-1.2, 1.0, 0.5]), np.array([3.0, -2.0, 1.0])
    one = kobai.minimize(rosenbrock, start, method=method, keep_path=True)
    other = kobai.minimize(
        lambda z: rosenbrock(Q @ z - shift), Q.T @ (start + shift), method=method, keep_path=True
    )
    moved = other.history.path @ Q.T - shift
    rows = 8  # rounding grows from step to step
    np.testing.assert_allclose(one.history.path[:rows], moved[:rows], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(other.value, Q.T @ (np.ones(3) + shift), atol=1e-5)


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_vmap_gives_what_a_loop_gives(method, quickly):
    X = jnp.asarray(np.random.default_rng(2).uniform(-2, 2, size=(6, 3)))

    def run(x):
        state, _ = solve(method, Objective(rosenbrock), x, gtol=1e-6, max_steps=200, max_evaluations=1000)
        return state.point.x, state.steps, state.evaluations

    together = quickly(jax.vmap(run))(X)
    single = quickly(run)
    for i, x in enumerate(X):
        alone = single(x)
        np.testing.assert_allclose(together[0][i], alone[0], rtol=1e-8)
        assert together[1][i] == alone[1]
        assert [int(count[i]) for count in together[2]] == [int(count) for count in alone[2]]


@pytest.mark.parametrize("method", BOTH, ids=name_of)
def test_float32(method):
    found = kobai.minimize(rosenbrock, np.array([-1.2, 1.0], np.float32), method=method)
    assert found.status == "converged"
    assert found.value.dtype == np.float32
    np.testing.assert_allclose(found.value, 1, atol=1e-2)


# --- what is kept, what is refused ---


def test_a_kept_hessian_saves_hessians_and_leads_to_the_same_minimum():
    fresh = kobai.minimize(rosenbrock, np.full(5, -1.0), method=Newton(keep=0.0))
    kept = kobai.minimize(rosenbrock, np.full(5, -1.0), method=Newton())
    assert fresh.evaluations.hessian == fresh.steps
    assert kept.evaluations.hessian < fresh.evaluations.hessian
    np.testing.assert_allclose(kept.value, fresh.value, atol=1e-6)


def test_newton_refuses_a_large_hessian_and_names_newton_cg():
    with pytest.raises(UsageError, match=r"2001.*2000.*kobai\.NewtonCG"):
        kobai.minimize(lambda x: x @ x, np.ones(2001), method=Newton())
    assert kobai.minimize(lambda x: x @ x, np.ones(2001), method=NewtonCG()).status == "converged"


@pytest.mark.parametrize(
    ("method", "match"),
    [
        (lambda: Newton(keep=1.0), "keep"),
        (lambda: Newton(keep=-0.1), "keep"),
        (lambda: Newton(largest=0), "largest"),
        (lambda: NewtonCG(most=0), "most"),
    ],
)
def test_options_that_mean_nothing_are_refused(method, match):
    with pytest.raises(UsageError, match=match):
        method()


# --- planted mistakes ---


def unchecked(point, trial, model, radius):
    """Accepts whatever the step was."""
    return trust_region.StepVerdict(jnp.bool_(True), radius, jnp.bool_(False))


def never_shrinking(point, trial, model, radius):
    verdict = trust_region.judged(point, trial, model, radius)
    kept = jnp.where(jnp.isfinite(radius), radius, jnp.linalg.norm(model.step))
    return verdict._replace(radius=jnp.maximum(verdict.radius, kept))


def plain_newton_step(H, L, g, radius, far=1.0):
    """−H⁻¹g whatever the signs of H: to the nearest stationary point, uphill too."""
    s = -jnp.linalg.solve(H, g)
    return trust_region.Model(s, jnp.vdot(g, s), -jnp.vdot(g, s), jnp.bool_(True))


def test_a_missing_check_of_the_trial_is_seen(monkeypatch, driven):
    """From here the full step of √(1 + x²) overshoots for ever: x ← −x³."""
    fun = lambda x: jnp.sum(jnp.sqrt(1 + x**2))  # noqa: E731
    assert kobai.minimize(fun, np.array([2.0]), method=Newton()).status == "converged"
    monkeypatch.setattr(newton, "judged", unchecked)
    assert driven(Newton(), fun, np.array([2.0]), 4)[-1].point.f > 1e6


@pytest.mark.parametrize(
    ("module", "method"), [(newton, Newton()), (newton_cg, NewtonCG())], ids=["newton", "cg"]
)
def test_a_missing_shrink_is_seen(monkeypatch, module, method, driven):
    fun, start = (lambda x: jnp.sum(jnp.sqrt(1 + x**2))), np.array([2.0])
    monkeypatch.setattr(module, "judged", never_shrinking)
    assert driven(method, fun, start, 20)[-1].steps == 0


def test_a_step_that_ignores_the_signs_of_the_hessian_is_seen(monkeypatch, driven):
    monkeypatch.setattr(newton, "exact_step", plain_newton_step)
    monkeypatch.setattr(newton, "judged", unchecked)
    states = driven(Newton(), saddle, np.array([1.0, 1e-3]), 6)
    assert np.vdot(states[0].point.g, [0, states[1].point.x[1] - 1e-3]) != 0
    np.testing.assert_allclose(states[-1].point.x, [0, 0], atol=1e-6)  # it went to the saddle


def test_a_hessian_kept_too_long_is_seen(driven):
    """keep is a field, so a wrong one can be planted past its check."""
    stale = dataclasses.replace(Newton())
    object.__setattr__(stale, "keep", 1e9)
    lazy = driven(stale, rosenbrock, np.array([-1.2, 1.0]), 30)[-1]
    good = driven(Newton(), rosenbrock, np.array([-1.2, 1.0]), 40)[-1]
    assert float(lazy.point.f) > 1e3 * float(good.point.f)


@pytest.mark.parametrize("radius", [1.0, 1e-2, 1e-6, 1e-12])
def test_what_is_promised_is_of_the_model_that_the_step_is_the_lowest_of(exact, radius):
    """Curvatures of −200 and 5e4 are hidden by the rounding of 5e21 and count as 0: with them the promise of
    a long step was negative, the trial hopeless, and Newton ended with a gradient of 1e10 (NELSONLS)."""
    H, g = jnp.diag(jnp.array([-2e2, 5e4, 5e21])), jnp.array([60.0, 55.0, 1e10])
    model = exact(H, g, radius)
    assert float(jnp.linalg.norm(model.step)) == pytest.approx(radius, rel=2e-3)
    assert float(model.decrease()) > 0


def test_judging_compares_with_what_was_promised(quickly):
    judged = quickly(lambda f: trust_region.judged(before, Point(jnp.ones(1), f, jnp.zeros(1)), model, 1.0))
    before = Point(jnp.zeros(1), jnp.asarray(1.0), jnp.array([-1.0]))
    model = trust_region.Model(jnp.ones(1), jnp.asarray(-1.0), jnp.asarray(1.0), jnp.bool_(False))
    for f, accepted, radius in ((0.5, True, 3.0), (0.7, True, 1.0), (0.95, True, 0.5), (1.5, False, 1 / 3)):
        verdict = judged(f)
        assert (bool(verdict.accepted), round(float(verdict.radius), 12)) == (accepted, round(radius, 12)), f
    verdict = judged(jnp.nan)
    assert (bool(verdict.accepted), float(verdict.radius)) == (False, 0.1)
