"""What no unit may change: f and c·f, variables in other units, steep and far starts; all six methods.

References are closed forms, SciPy in float64, or the same solve at another scale, bit for bit: a power of two
changes no digit, so that any constant with the unit of f, and any square out of range, is seen.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import rosen

import kobai
from kobai import words
from kobai.basics.errors import UsageError
from kobai.minimizers import base, curvature, descent, gauge, solve, trust_region
from kobai.minimizers.base import Point
from kobai.minimizers.bfgs import BFGS
from kobai.minimizers.conjugate_gradient import FORMULAS, ConjugateGradient, linear_conjugate_gradient
from kobai.minimizers.coordinate_descent import CoordinateDescent
from kobai.minimizers.lbfgs import LBFGS
from kobai.minimizers.newton import Newton
from kobai.minimizers.newton_cg import NewtonCG

pytestmark = pytest.mark.usefixtures("quick_compile")

LINES = [BFGS(), LBFGS(), ConjugateGradient()]
METHODS = [*LINES, Newton(), NewtonCG(), CoordinateDescent()]
BOTH = [np.float32, np.float64]


def name_of(method):
    return type(method).__name__


six = pytest.mark.parametrize("method", METHODS, ids=name_of)
both = pytest.mark.parametrize("dtype", BOTH, ids=["single", "double"])


# --- f and c·f ---


def curved(x, c):
    """A convex function that is no quadratic, lowest at 1: its path has bends."""
    z = (x - 1) * jnp.array([1.0, 3.0, 10.0], x.dtype)
    return c * (jnp.sum(z**2) + jnp.sum(z**4) / 10 + z[0] * z[1] / 2)


def path(method, dtype, c):
    gtol = (1e-6 if dtype == np.float64 else 1e-2) * c
    return kobai.minimize(
        curved, np.array([0.0, 2.0, 1.5], dtype), args=(dtype(c),), method=method, gtol=gtol, keep_path=True
    )


@six
@pytest.mark.parametrize(
    ("dtype", "exponent"), [(np.float32, 90), (np.float32, -90), (np.float64, 900), (np.float64, -900)]
)
def test_f_and_c_f_give_one_path_bit_for_bit(method, dtype, exponent):
    one, other = path(method, dtype, 1.0), path(method, dtype, 2.0**exponent)
    assert (one.status, one.evaluations) == (other.status, other.evaluations)
    assert one.converged
    np.testing.assert_array_equal(one.history.path, other.history.path)
    np.testing.assert_allclose(one.value, 1, atol=0.01)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("exponent", [90, -90])
def test_so_do_all_formulas_of_conjugate_gradients(formula, exponent):
    method = ConjugateGradient(formula=formula)
    one, other = path(method, np.float32, 1.0), path(method, np.float32, 2.0**exponent)
    np.testing.assert_array_equal(one.history.path, other.history.path)


def test_a_length_by_squares_is_seen(monkeypatch):
    """Planted: what every textbook writes, √Σv², is 0 or infinite where v is a number."""
    for module in (base, descent):
        monkeypatch.setattr(module, "scaled", lambda v: (v, jnp.ones_like(v[0])))
    stuck = kobai.minimize(lambda x, c: curved(x, c), np.zeros(3, np.float32), args=(np.float32(2.0**90),))
    assert not stuck.converged
    np.testing.assert_array_equal(stuck.value, 0)


ROWS = np.column_stack([np.ones(50), np.linspace(0, 100, 50)])
COUNTS = np.random.RandomState(0).poisson(np.exp(ROWS @ [0.7, 0.016])).astype(float)


def poisson(b, rows, counts):
    return jnp.mean(jnp.exp(rows @ b) - counts * (rows @ b))


def poissons_own():
    """SciPy's answer in float64, from near it."""
    value = lambda b: np.mean(np.exp(ROWS @ b) - COUNTS * (ROWS @ b))  # noqa: E731
    slope = lambda b: ROWS.T @ (np.exp(ROWS @ b) - COUNTS) / 50  # noqa: E731
    bend = lambda b: (ROWS * np.exp(ROWS @ b)[:, None]).T @ ROWS / 50  # noqa: E731
    return scipy.optimize.minimize(
        value, [0.7, 0.016], jac=slope, hess=bend, method="trust-exact", tol=1e-10
    ).x


@six
@both
def test_a_regression_that_begins_where_f_is_1e20(method, dtype):
    rows, counts = ROWS.astype(dtype), COUNTS.astype(dtype)
    found = kobai.minimize(poisson, np.array([0.5, 0.5], dtype), args=(rows, counts), method=method)
    assert found.history.objective[0] > 1e19
    # In single precision a method that looks along one direction at a time ends on the floor of the valley.
    np.testing.assert_allclose(found.value, poissons_own(), rtol=1e-4 if dtype == np.float64 else 2e-2)
    assert found.converged


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_linear_conjugate_gradients_solve_for_b_of_any_size(size):
    A = np.diag(np.array([2.0, 4.0, 8.0], np.float32))
    b = np.array([size, -size, 2 * size], np.float32)
    x, steps = linear_conjugate_gradient(lambda v: A @ v, b, np.zeros(3, np.float32))
    assert steps == 3
    np.testing.assert_allclose(x, np.linalg.solve(A.astype(float), b.astype(float)), rtol=1e-5)


def test_linear_conjugate_gradients_refuse_products_that_are_no_numbers():
    b, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
    for product in (lambda v: v * jnp.nan, lambda v: jnp.where(v == 0, v, jnp.inf)):
        with pytest.raises(UsageError, match="no finite number"):
            linear_conjugate_gradient(product, b, zero)
        x, _ = jax.jit(lambda b, product=product: linear_conjugate_gradient(product, b, zero))(b)
        assert np.isnan(x).all()
    x, steps = linear_conjugate_gradient(lambda v: v, zero, zero)
    assert steps == 0
    np.testing.assert_array_equal(x, 0)


def broken(v):
    raise RuntimeError("no matrix today")


@pytest.mark.parametrize(
    ("product", "b", "x", "options", "match"),
    [
        (np.eye(2), [1.0, 2], [0.0, 0], {}, r"product must be a function .* lambda v: A @ v"),
        (broken, [1.0, 2], [0.0, 0], {}, r"product raises RuntimeError: no matrix today \(.*test_scale\.py"),
        (lambda v: np.asarray(v) * 2, [1.0, 2], [0.0, 0], {}, "write it with jax.numpy"),
        (lambda v: v[:1], [1.0, 2], [0.0, 0], {}, r"2 real numbers to one, but gives float32\[1\]"),
        (lambda v: v @ v, [1.0, 2], [0.0, 0], {}, r"gives float32\[\]"),
        (lambda v: v, [1.0, 2], [0.0, 0, 0], {}, r"one length, got float32\[2\], float32\[3\]"),
        (lambda v: v, [1.0 + 1j], [0.0], {}, "vectors of real numbers"),
        (lambda v: v, "text", [0.0], {}, "vectors of real numbers"),
        (lambda v: v, [1.0], [0.0], {"tolerance": -1}, "tolerance must be .* got -1"),
        (lambda v: v, [1.0], [0.0], {"max_steps": 1.5}, "max_steps"),
    ],
)
def test_linear_conjugate_gradients_say_what_is_wrong(product, b, x, options, match):
    with pytest.raises(UsageError, match=match):
        linear_conjugate_gradient(product, b, x, **options)


def test_linear_conjugate_gradients_compute_whole_numbers_as_real_ones():
    x, _ = linear_conjugate_gradient(lambda v: 4 * v, [1, 2], [0, 0])
    np.testing.assert_allclose(x, [0.25, 0.5])


# --- steep and far starts ---


@six
@pytest.mark.parametrize(("dtype", "start"), [(np.float32, 60.0), (np.float64, 100.0)])
def test_an_exponential_wall(method, dtype, start):
    found = kobai.minimize(lambda x: jnp.exp(x) - 5 * x, dtype(start), method=method)
    assert found.converged
    assert found.value == pytest.approx(np.log(5), abs=1e-6 if dtype == np.float64 else 1e-3)


@six
@pytest.mark.parametrize(("dtype", "start"), [(np.float32, 80.0), (np.float64, 200.0)])
def test_walls_on_both_sides(method, dtype, start):
    found = kobai.minimize(lambda x: jnp.sum(jnp.cosh(x)), np.array([start, 1.0], dtype), method=method)
    assert found.converged
    np.testing.assert_allclose(found.value, 0, atol=1e-6 if dtype == np.float64 else 1e-3)


def huber(x):
    return jnp.sum(jnp.where(jnp.abs(x) < 1, x**2 / 2, jnp.abs(x) - 0.5))


@six
@pytest.mark.parametrize(("dtype", "start"), [(np.float32, 1e6), (np.float64, 1e15)])
def test_a_straight_slope_from_where_a_step_of_1_is_lost_in_rounding(method, dtype, start):
    found = kobai.minimize(huber, np.array([start], dtype), method=method)
    assert found.converged
    np.testing.assert_allclose(found.value, 0, atol=1e-5)


@six
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e8), (np.float64, 1e16)])
def test_a_bowl_from_where_a_step_of_1_is_lost_in_rounding(method, dtype, size):
    found = kobai.minimize(
        lambda x: jnp.sum((x - 3 * size) ** 2 / 1000), np.array([size], dtype), method=method, gtol=0.1
    )
    np.testing.assert_allclose(found.value, 3 * size, rtol=1e-6)


@six
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e19), (np.float64, 1e160)])
def test_a_low_value_is_no_fall_without_end(method, dtype, size):
    found = kobai.minimize(lambda x: size * (jnp.sum((x - 1) ** 2) - 3), np.zeros(3, dtype), method=method)
    assert found.converged
    assert found.objective == pytest.approx(-3 * size, rel=1e-6)


def plain_slope(x, c):
    return -c * jnp.sum(x)


@six
@both
@pytest.mark.parametrize("size", [1e-10, 1.0, 1e10])
def test_a_fall_without_end_is_one_at_every_size(method, dtype, size):
    found = kobai.minimize(plain_slope, np.ones(2, dtype), args=(dtype(size),), method=method)
    assert found.status == "unbounded"
    assert found.evaluations.value < 200


# --- convergence without a unit ---


def valley(x, c, units):
    z = x / units
    return c * (2 * (z[1] - z[0] ** 2) ** 2 + (1 - z[0]) ** 2)


@six
@pytest.mark.parametrize("c", [1e-12, 1.0, 1e12])
def test_converged_is_the_same_for_every_c(method, c):
    found = kobai.minimize(valley, [-1.2, 1.0], args=(c, np.ones(2)), method=method)
    assert found.converged
    np.testing.assert_allclose(found.value, 1, atol=1e-6)


@pytest.mark.parametrize("method", [Newton(), CoordinateDescent(), BFGS(), LBFGS()], ids=name_of)
@pytest.mark.parametrize("units", [(1.0, 1e6), (1e-4, 1e4)])
def test_nor_do_the_units_of_the_variables_make_it_converged(method, units):
    units = np.array(units)
    found = kobai.minimize(valley, [-1.2, 1.0] * units, args=(1e-6, units), method=method)
    assert not found.converged or np.allclose(found.value / units, 1, atol=1e-4)


@pytest.mark.parametrize("method", [BFGS(), LBFGS()], ids=name_of)
def test_a_bound_with_a_unit_is_deceived_by_it_and_that_is_said(method):
    """Planted: with ‖g‖∞ ≤ 1e-6 the second variable has arrived wherever it is."""
    units = np.array([1.0, 1e6])
    loose = kobai.minimize(valley, [-1.2, 1.0] * units, args=(1e-6, units), method=method, gtol=1e-6)
    assert loose.converged
    assert not np.allclose(loose.value / units, 1, atol=0.1)
    assert loose.caution


def steps_of(scale, units):
    """A gauge after one step of a quadratic, with x in `units` and f times `scale`."""
    H = np.array([[2.0, 0.5], [0.5, 1.0]])
    at = lambda z: Point(z * units, scale * (z @ H @ z / 2), scale * (H @ z) / units)  # noqa: E731
    start, after = at(np.array([3.0, -2.0])), at(np.array([0.1, -0.2]))
    return gauge.advance(gauge.begin(start), start, after, True)


def test_the_gauge_has_no_unit():
    plain = steps_of(1.0, np.ones(2))
    assert 0.5 < plain.left < 2  # the minimum lies at 0, so that about as much is left as there is of x
    for scale, units in ((1e-30, np.ones(2)), (1e30, np.ones(2)), (1.0, np.array([1e8, 1e-8]))):
        other = steps_of(scale, units)
        np.testing.assert_allclose(other.left, plain.left, rtol=1e-5)


@pytest.mark.parametrize("n", [1, 7, base.MOST_IN_ONE_PASS + 1])
def test_sums_in_one_pass_are_those_of_numpy(n):
    a, b = np.random.default_rng(n).normal(size=(2, n))
    with jax.enable_x64(True):
        together = base.sums(jnp.asarray(a), jnp.asarray(b), jnp.asarray(a > b))
    np.testing.assert_allclose(together, [a.sum(), b.sum(), (a > b).sum()], rtol=1e-12, atol=1e-12 * n)


def test_a_trial_that_was_not_accepted_leaves_the_gauge_as_it_was():
    one = steps_of(1.0, np.ones(2))
    here = Point(np.array([0.1, -0.2]), np.array(0.02), np.array([0.1, -0.15]))
    for before, after in zip(one, gauge.advance(one, here, here, False), strict=True):
        np.testing.assert_array_equal(before, after)


def test_before_the_first_step_only_a_gradient_of_zero_has_converged():
    assert kobai.minimize(lambda x: 1e-12 * jnp.sum((x - 1) ** 2), np.zeros(2)).steps > 0
    assert kobai.minimize(lambda x: jnp.sum(x**2), np.zeros(2)).steps == 0


# --- success that is none ---


def cosine(x):
    return jnp.sum(jnp.cos(x))


def pass_between_hills(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


@six
@both
def test_a_maximum_and_a_saddle_are_called_so(method, dtype):
    for fun, start in ((cosine, [0.0]), (pass_between_hills, [0.0, 0.0])):
        found = kobai.minimize(fun, np.array(start, dtype), method=method)
        assert (found.status, found.steps, found.caution) == ("converged", 0, "downhill")
        assert "no minimum" in found.message
        with words.language("ja"):
            assert "極大か鞍点" in found.message


POINTS, LABELS = np.array([-2.0, -1, 1, 2]), np.array([-1.0, -1, 1, 1])


def logistic(b, points, labels):
    return jnp.mean(jnp.logaddexp(0, -labels * (b[0] + b[1] * points)))


@six
@both
@pytest.mark.parametrize("gtol", [None, 1e-3])
def test_classes_that_can_be_separated_have_no_minimum(method, dtype, gtol):
    data = POINTS.astype(dtype), LABELS.astype(dtype)
    found = kobai.minimize(logistic, np.zeros(2, dtype), args=data, method=method, gtol=gtol)
    assert not found.converged or found.caution == "flat"
    if found.converged:
        assert "levels off" in found.message
    # With one label turned there is one, and nothing to say.
    data = POINTS.astype(dtype), np.array([-1, 1, -1, 1], dtype)
    found = kobai.minimize(logistic, np.zeros(2, dtype), args=data, method=method)
    assert (found.status, found.caution) == ("converged", "")


MARGINS = np.random.default_rng(0).normal(size=(40, 3))
SIDES = np.sign(MARGINS @ [1.0, 2.0, -1.0])


def separated(w, z):
    """log p of the labels z[1], 0 or 1, which the sign of z[0] tells without a fault."""
    return -jnp.logaddexp(0.0, -(2 * z[1] - 1) * w * z[0])


@six
@both
def test_a_minimum_at_infinity_is_neither_a_success_nor_a_fall_without_end(method, dtype):
    data = POINTS.astype(dtype), (LABELS > 0).astype(dtype)
    found = kobai.maximum_likelihood(separated, dtype(0.1), data, method=method)
    assert found.status in ("converged", "small_step")
    assert found.caution == "flat"
    assert "at infinity" in found.message
    with words.language("ja"):
        assert "無限遠" in found.message


@six
@both
def test_so_it_is_in_several_variables_and_where_rounding_ends_the_way(method, dtype):
    def rows(w, margins, sides):
        return jnp.mean(jnp.logaddexp(0.0, -sides * (margins @ w)))

    for fun, start, args in (
        (rows, np.zeros(3, dtype), (MARGINS.astype(dtype), SIDES.astype(dtype))),
        (lambda x: -jnp.sum(jnp.arctan(x)), np.full(1, 0.5, dtype), ()),
    ):
        found = kobai.minimize(fun, start, args=args, method=method, max_steps=1500)
        assert found.status != "unbounded"
        if found.status != "iteration_limit":  # coordinate after coordinate the way is long
            assert (found.caution, bool(np.all(np.isfinite(found.value)))) == ("flat", True)


@pytest.mark.parametrize("method", LINES, ids=name_of)
def test_a_gradient_that_shrinks_on_steps_as_long_as_ever_is_no_progress(method):
    """Far out −arctan is the same number everywhere, while its gradient goes on to shrink for 1,300 steps."""
    found = kobai.minimize(lambda x: -jnp.sum(jnp.arctan(x)), np.full(1, 0.5), method=method)
    assert (found.status, found.caution) == ("small_step", "flat")
    assert found.steps < 250


@pytest.mark.parametrize("method", LINES, ids=name_of)
@both
def test_a_logarithm_does_fall_without_end(method, dtype):
    """Slowly: what is left of a tenfold step is the same part of the whole, wherever it is taken."""
    start, near, far = dtype([20, 1e30, 1e31])
    assert descent.falls(start, -np.log(near), -np.log(far))
    assert not descent.falls(start, 1 / near, 1 / far)
    found = kobai.minimize(lambda x: -jnp.sum(x) - jnp.sum(jnp.log(x)), np.ones(2, dtype), method=method)
    assert found.status == "unbounded"


@six
def test_where_rounding_ends_the_way_to_a_minimum_nothing_is_said(method):
    """A kink has no curvature, but its gradient is as large as ever: it does not level off."""
    kink = lambda x: jnp.sum(jnp.maximum(x, -2 * x))  # noqa: E731
    found = kobai.minimize(kink, np.array([1.3, 0.7], np.float32), method=method)
    assert found.status in ("small_step", "line_search_failed")
    assert found.caution == ""


MINIMA = {
    "a bowl": (lambda x: jnp.sum((x - 1) ** 2), [0.0, 0.0, 0.0]),
    "fourth powers": (lambda x: jnp.sum((x - 1) ** 4), [0.0, 0.0, 0.0]),
    "a trough": (lambda x: (x[0] + x[1] - 1) ** 2, [0.0, 0.0, 0.0]),
    "Rosenbrock": (
        lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
        [-1.2, 1.0, 1.0],
    ),
}


@pytest.mark.parametrize("method", [BFGS(), LBFGS(), Newton()], ids=name_of)
@pytest.mark.parametrize("which", MINIMA)
def test_of_a_minimum_nothing_is_said(which, method):
    fun, start = MINIMA[which]
    found = kobai.minimize(fun, start, method=method)
    assert (found.status, found.caution) == ("converged", "")
    assert ";" not in found.message


def test_a_few_products_see_the_ends_of_the_spectrum():
    """Lanczos against the eigenvalues: exact in few variables, the ends in many."""
    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        for n, spectrum in ((4, [-3.0, 0, 1, 50]), (60, [-20.0, *np.linspace(0.1, 10, 58), 100])):
            Q, _ = np.linalg.qr(random.normal(size=(n, n)))
            A = Q * np.array(spectrum) @ Q.T
            λ = np.linalg.eigvalsh(curvature.tridiagonal(lambda v, A=A: A @ v, jnp.zeros(n)))
            np.testing.assert_allclose([λ[0], λ[-1]], [spectrum[0], spectrum[-1]], rtol=1e-3)
        # Where all directions are used up after one, nothing is made of rounding.
        λ = np.linalg.eigvalsh(curvature.tridiagonal(lambda v: 7 * v, jnp.zeros(5)))
        np.testing.assert_allclose(λ, [0, 0, 0, 0, 7], atol=1e-12)


# --- too much to remember ---


def far_bowl(x):
    return jnp.sum((x - 1) ** 2)


def test_the_default_makes_way_for_lbfgs_and_says_so():
    found = kobai.minimize(far_bowl, np.zeros(40_000))
    assert found.converged
    assert found.stand_in
    assert "L-BFGS took the place of BFGS" in found.message
    np.testing.assert_allclose(found.value, 1, atol=1e-6)
    many = kobai.minimize_many(far_bowl, np.zeros((2, 20_000)))
    assert many.stand_in
    assert "L-BFGS" in many.message(1)
    assert not kobai.minimize(far_bowl, np.zeros(3)).stand_in


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: kobai.minimize(far_bowl, np.zeros(40_000), method="bfgs"), r"BFGS .* 1\.6e\+09 .*LBFGS"),
        (
            lambda: kobai.minimize(far_bowl, np.zeros(40_000), method=CoordinateDescent(block=40_000)),
            r"CoordinateDescent .* 40000 variables",
        ),
        (lambda: kobai.minimize(far_bowl, np.zeros(10**6), keep_path=True), "lower max_steps"),
        (
            lambda: kobai.minimize_many(far_bowl, np.zeros((100, 2000)), method="bfgs", chunk=100),
            "fewer starts side by side",
        ),
    ],
)
def test_what_would_fill_the_memory_is_refused_before_it_begins(call, match):
    with pytest.raises(UsageError, match=match):
        call()


def test_many_variables_are_no_hindrance_to_a_method_that_remembers_few_numbers():
    assert solve.remembered(LBFGS(), 10**7) == pytest.approx(20 * 10**7, rel=0.2)
    solve.check_memory(LBFGS(), 10**7)
    solve.check_memory(NewtonCG(), 10**8)


def test_scipy_has_the_same_rosenbrock():
    """The function of the planted cases is the published one."""
    fun, start = MINIMA["Rosenbrock"]
    with jax.enable_x64(True):
        assert float(fun(jnp.array(start))) == pytest.approx(rosen(np.array(start)))


def test_the_step_along_a_boundary_is_found_at_every_size():
    """The exact step of the trust region, (H + μI)s = −g with ‖s‖ = Δ, for f times c: the same s."""
    H, g = jnp.diag(jnp.array([-2.0, 1.0, 4.0], jnp.float32)), jnp.array([1.0, -1.0, 2.0], jnp.float32)
    exact = jax.jit(lambda c: trust_region.exact_step(c * H, trust_region.factor(c * H), c * g, 0.7).step)
    plain = exact(1.0)
    assert float(jnp.linalg.norm(plain)) == pytest.approx(0.7, rel=2e-3)
    for c in (2.0**-100, 2.0**100):
        np.testing.assert_allclose(exact(np.float32(c)), plain, rtol=1e-4)


HINGES = np.array([[1.0, 2.0], [-1.0, 1.5], [0.5, -1.0]])


@pytest.mark.parametrize("start", [(-3.0, 0.5), (-3.0, 0.6), (5.0, -3.0)])
@pytest.mark.parametrize("method", ["bfgs", "lbfgs"])
def test_a_kink_that_is_no_minimum_has_not_converged(method, start):
    """Along a kink steps shrink to nothing while the gradient turns round; the minimum is at a corner."""
    found = kobai.minimize(lambda x: jnp.sum(jnp.maximum(0, 1 - HINGES @ x)), start, method=method)
    assert found.status != "converged" or found.objective == pytest.approx(23 / 14, abs=1e-6)
