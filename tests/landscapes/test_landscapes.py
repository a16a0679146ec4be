"""The landscapes: gradients against differences, known minima against SciPy, and three problems of pure
optimisation against what is known of them by other means."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

import kobai
from kobai import landscapes, words
from kobai.basics import registry
from kobai.basics.errors import UsageError
from kobai.landscapes.difficulties import uniform
from kobai.landscapes.least_resistance import newton_resistance
from kobai.landscapes.resource_allocation import water_filling
from kobai.landscapes.shortest_path import BEGIN, END, cost

ALL = [landscapes.load(name) for name in registry.LANDSCAPES]
SMOOTH = [made for made in ALL if made.name not in ("noisy", "discontinuous")]
"""Whose gradient is that of the value."""

each = pytest.mark.parametrize("landscape", ALL, ids=lambda made: made.name)
each_smooth = pytest.mark.parametrize("landscape", SMOOTH, ids=lambda made: made.name)


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def gradient(landscape, x):
    return np.asarray(jax.grad(landscape.objective)(jnp.asarray(x)))


@each
def test_the_same_value_from_numpy_and_from_jax(landscape):
    x = np.array(landscape.start)
    plain, traced = landscape(x), jax.jit(landscape.objective)(x)
    assert np.shape(plain) == ()
    assert traced.dtype == np.float64
    assert float(plain) == pytest.approx(float(traced), rel=1e-13)


@each_smooth
def test_the_gradient_is_that_of_the_value(landscape):
    """Against central differences, at the start and beside it, where no coordinate is special."""
    for shift in (0.0, 0.137):
        x = np.array(landscape.start) + shift * np.cos(np.arange(landscape.dimension))
        differences = optimize.approx_fprime(x, lambda x: float(landscape(x)), 1e-7)
        found = gradient(landscape, x)
        np.testing.assert_allclose(found, differences, rtol=2e-4, atol=2e-5 * max(1, np.abs(found).max()))


@each_smooth
def test_the_known_minima_are_minima(landscape):
    for point in landscape.minima:
        assert float(landscape(np.array(point))) == pytest.approx(landscape.least, abs=1e-12)
        np.testing.assert_allclose(gradient(landscape, point), 0, atol=1e-9)


@each
def test_nothing_lower_is_near_a_known_minimum(landscape):
    """SciPy, without gradients, from a tenth beside it."""
    for point in landscape.minima:
        beside = np.array(point) + 0.1 * np.cos(np.arange(landscape.dimension))
        found = optimize.minimize(
            lambda x: float(landscape(x)), beside, method="Nelder-Mead", options={"maxfev": 800}
        )
        assert found.fun >= landscape.least - 1e-10


def test_a_wrong_minimum_is_noticed():
    """The planted mistake: Beale's minimum mistyped as (3, 0.4)."""
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(gradient(landscapes.beale(), (3.0, 0.4)), 0, atol=1e-9)


@each
def test_every_landscape_is_described(landscape):
    assert registry.LANDSCAPES[landscape.name].load() is getattr(landscapes, landscape.name)
    assert landscape.source
    assert math.isfinite(landscape.level())
    said = []
    for language in words.TABLES:
        with words.language(language):
            said.append(landscape.shows)
    assert len(set(said)) == 2
    if landscape.dimension == 2:
        (left, right), (bottom, top) = landscape.box
        assert left < landscape.start[0] < right
        assert bottom < landscape.start[1] < top
        assert all(left < x < right and bottom < y < top for x, y in landscape.minima)


@pytest.mark.parametrize("name", ["rosenbrock", "rastrigin", "ackley", "styblinski_tang", "ill_conditioned"])
def test_dimensions_may_be_chosen(name):
    made = landscapes.load(name, 7)
    assert made.dimension == 7
    [point] = made.minima
    assert float(made(np.array(point))) == pytest.approx(made.least, abs=1e-10)
    np.testing.assert_allclose(gradient(made, point), 0, atol=1e-9)


def test_rosenbrock_at_the_start_is_that_of_every_textbook():
    made = landscapes.rosenbrock()
    assert float(made(np.array(made.start))) == pytest.approx(24.2)
    np.testing.assert_allclose(gradient(made, made.start), [-215.6, -88.0])
    x = np.linspace(-1, 2, 5)
    assert float(landscapes.rosenbrock(5)(x)) == pytest.approx(optimize.rosen(x))
    np.testing.assert_allclose(gradient(landscapes.rosenbrock(5), x), optimize.rosen_der(x))


def test_saddles_have_no_slope_at_the_middle_and_fall_beside_it():
    for made, hessian in ((landscapes.saddle(), [2, -2]), (landscapes.monkey_saddle(), [0, 0])):
        np.testing.assert_array_equal(gradient(made, (0.0, 0.0)), 0)
        found = jax.hessian(made.objective)(jnp.zeros(2))
        np.testing.assert_allclose(found, np.diag(hessian), atol=1e-15)
        assert made.least is None
        assert float(made(np.array([0.1, 1.0]))) < 0


def test_the_plateau_is_flat_and_the_cliff_is_steep():
    start = landscapes.plateau().start
    assert np.linalg.norm(gradient(landscapes.plateau(), start)) < 0.01
    cliff = landscapes.cliff()
    # Across the wall the value jumps, and on it the gradient is a thousand times that of the ground around.
    b = np.linspace(-4.5, 0, 20001)
    values = np.asarray(cliff(np.array([np.full_like(b, 6.0), b])))
    slopes = np.abs(np.diff(values) / np.diff(b))
    assert slopes.max() > 1000 * np.median(slopes)


def test_the_two_levels_are_a_slope_with_hollows():
    made = landscapes.two_level()
    x = np.linspace(-8, 8, 4001)
    values = np.asarray(made(np.array([x, np.zeros_like(x)])))
    inner = values[1:-1]
    hollows = x[1:-1][(inner < values[:-2]) & (inner < values[2:])]
    assert len(hollows) == 7
    bottoms = np.interp(hollows, x, values)
    assert np.all(np.diff(bottoms[hollows <= 1e-9]) < 0)  # each nearer hollow is deeper


# Inexact gradients


def test_the_noise_is_bounded_centred_and_always_the_same():
    made, bowl = landscapes.noisy(size=0.5), landscapes.bowl()
    points = np.random.default_rng(0).normal(size=(4000, 2))
    noisy = np.asarray(jax.vmap(jax.grad(made.objective))(points))
    noise = noisy - np.asarray(jax.vmap(jax.grad(bowl.objective))(points))
    assert np.abs(noise).max() <= 0.5
    assert np.abs(noise).max() > 0.49
    np.testing.assert_allclose(noise.std(axis=0), 0.5 / np.sqrt(3), rtol=0.05)
    assert np.abs(noise.mean(axis=0)).max() < 4 * 0.5 / np.sqrt(3 * 4000)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(4000)
    np.testing.assert_array_equal(noisy, jax.vmap(jax.grad(landscapes.noisy().objective))(points))
    other = jax.vmap(jax.grad(landscapes.noisy(seed=1).objective))(points)
    assert np.mean(np.asarray(other) == noisy) < 0.01
    assert float(made(points[0])) == float(bowl(points[0]))


def test_the_noise_depends_on_every_bit_of_the_point():
    x = jnp.array([0.3, -1.2])
    near = x.at[1].set(jnp.nextafter(x[1], 0.0))
    assert np.all(np.asarray(uniform(x, 0)) != np.asarray(uniform(near, 0)))
    assert uniform(x.astype(jnp.float32), 0).dtype == np.float32


def test_the_stairs_jump_where_the_gradient_sees_nothing():
    made = landscapes.discontinuous()
    y = np.sqrt(0.5)  # where the bowl is ½
    below, above = (float(made(np.array([0.0, y + side]))) for side in (-1e-9, 1e-9))
    assert above - below == pytest.approx(0.375, abs=1e-6)
    bowl = gradient(landscapes.bowl(), (-3.0, 1.1))
    np.testing.assert_allclose(gradient(made, (-3.0, 1.1)), bowl / 4)


def test_the_spectrum_is_that_of_the_hessian():
    made = landscapes.ill_conditioned(spectrum=(0.5, 3.0, 40.0, 1e6))
    hessian = jax.hessian(made.objective)(jnp.array(made.start))
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), (0.5, 3.0, 40.0, 1e6), rtol=1e-8)
    assert np.abs(hessian[0, 1]) > 1  # no axis is a direction of its own
    assert float(made(np.array(made.start))) == pytest.approx((0.5 + 3 + 40 + 1e6) / 2)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(jax.hessian(landscapes.ill_conditioned(4).objective)(jnp.zeros(4))),
        (1, 10, 100, 1000),
    )


# Pure optimisation


@pytest.mark.parametrize(
    ("returns", "saturation", "budget"),
    [((1, 2, 3, 4), (1, 1, 2, 3), 10), ((1, 5, 0.2), (3, 1, 1), 2), ((1, 1), (1, 10), 0.5)],
)
def test_water_filling_meets_the_conditions_of_the_optimum(returns, saturation, budget):
    a, c = np.array(returns, float), np.array(saturation, float)
    x = water_filling(a, c, budget)
    assert x.sum() == pytest.approx(budget)
    assert (x >= 0).all()
    marginal = a / (c + x)
    assert np.ptp(marginal[x > 0]) < 1e-12
    assert (marginal[x == 0] <= marginal[x > 0].min()).all()
    found = optimize.minimize(
        lambda x: -(a * np.log1p(x / c)).sum(),
        np.full(len(a), budget / len(a)),
        jac=lambda x: -a / (c + x),
        bounds=[(0, None)] * len(a),
        constraints={"type": "eq", "fun": lambda x: x.sum() - budget, "jac": lambda x: np.ones(len(a))},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(x, found.x, atol=1e-6)
    made = landscapes.resource_allocation(returns, saturation, budget)
    assert made.least == pytest.approx(found.fun)
    assert len(made.minima) == int((x > 0).all())  # softmax leaves no project empty


def best_of(landscape):
    """SciPy's BFGS from the landscape's start."""
    both = jax.jit(jax.value_and_grad(landscape.objective))
    return optimize.minimize(
        lambda x: tuple(map(np.asarray, both(x))),
        np.array(landscape.start),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-7, "maxiter": 2000},
    )


def test_newtons_body_by_quadrature():
    """The closed forms against the integrals they come from, and the published drag 0.3748 of length 1."""
    nose, drag = newton_resistance(1.0)
    assert nose == pytest.approx(0.3509, abs=5e-5)
    assert drag == pytest.approx(0.3748, abs=5e-5)

    def r(q):
        return nose * (1 + q * q) ** 2 / (4 * q)

    def dr(q):
        return nose * (3 * q * q - 1) * (1 + q * q) / (4 * q * q)

    rim = optimize.brentq(lambda q: r(q) - 1, 1, 10)
    assert integrate.quad(lambda q: q * dr(q), 1, rim)[0] == pytest.approx(1.0)
    resistance = nose**2 + 2 * integrate.quad(lambda q: r(q) / (1 + q * q) * dr(q), 1, rim)[0]
    assert drag == pytest.approx(resistance)


def test_the_body_of_rings_comes_near_newtons_and_beats_the_cone():
    nose, drag = newton_resistance(1.0)
    errors = []
    for rings in (9, 19):
        made = landscapes.least_resistance(rings)
        found = best_of(made)
        assert made.least == drag < found.fun < made.level()
        assert 1 / (1 + math.exp(-found.x[0])) == pytest.approx(nose, abs=2e-3)
        errors.append(found.fun - drag)
    assert errors[1] < errors[0] / 3  # of second order in the width of a ring
    cone = np.array([-30.0, *np.zeros(9)])
    assert float(landscapes.least_resistance()(cone)) == pytest.approx(1 / 2)
    assert found.fun < 0.76 * 0.5


def grid_search(spacing, reach=5):
    """The cheapest way from BEGIN to END over a grid, each knot joined to those up to `reach` away."""
    x, y = np.arange(-2, 2 + spacing / 2, spacing), np.arange(-1.2, 1.6 + spacing / 2, spacing)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    index = np.arange(len(x) * len(y)).reshape(len(x), len(y))
    rows, columns, costs = [], [], []
    for i in range(reach + 1):
        for j in range(-reach, reach + 1):
            if math.gcd(i, j) != 1 or (i == 0 and j < 0):
                continue
            first = (slice(0, len(x) - i), slice(max(0, -j), len(y) - max(0, j)))
            second = (slice(i, len(x)), slice(max(0, j), len(y) - max(0, -j)))
            a, b = points[first], points[second]
            along = np.mean([cost(a + t * (b - a)) for t in (1 / 6, 1 / 2, 5 / 6)], axis=0)
            rows.append(index[first].ravel())
            columns.append(index[second].ravel())
            costs.append((along * np.linalg.norm(b - a, axis=-1)).ravel())
    size = index.size
    graph = coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size)
    ).tocsr()
    begin, end = (
        index[tuple(np.argmin(np.abs(axis - p)) for axis, p in zip((x, y), point, strict=True))]
        for point in (BEGIN, END)
    )
    return dijkstra(graph, directed=False, indices=begin)[end]


def test_the_shortest_path_is_that_of_dijkstra():
    made = landscapes.shortest_path()
    found = best_of(made)
    searched = grid_search(0.04)
    assert made.least < found.fun < made.level()
    assert made.least < searched < made.least * 1.005  # a path over the grid is a path
    straight = np.linspace(BEGIN, END, 12)[1:-1].ravel()
    assert float(made(straight)) > 1.5 * made.least
    finer = landscapes.shortest_path(20)
    assert made.least < best_of(finer).fun < found.fun


# Mistakes


def own(**fields):
    """A landscape of one's own."""
    return kobai.Landscape(**{"name": "own", "objective": lambda x: (x**2).sum(), "start": (1, 2), **fields})


def test_a_landscape_of_ones_own_may_be_said_in_whole_numbers():
    made = own(box=[[-2, 2], [-3, 3]], minima=[[0, 0]], least=0)
    assert made.start == (1.0, 2.0)
    [row] = kobai.descend(made, "newton").outcome.rows
    assert (row.status, row.first) == ("reached", 1)


def test_a_cliff_of_few_steps_claims_no_minimum_that_is_none():
    made = landscapes.cliff(5)
    assert made.minima == ()
    assert float(made(np.array(landscapes.cliff().minima[0]))) > 1e-6


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: landscapes.load("bowel"), ("landscape 'bowel'", "'bowl'")),
        (lambda: landscapes.load("bowl", 3), ("bowl", "2 dimensions", "3")),
        (lambda: landscapes.load("rosenbrock", 1), ("dimension", "from 2", "1")),
        (lambda: landscapes.rosenbrock(2.5), ("dimension", "whole number", "2.5")),
        (lambda: landscapes.ill_conditioned(spectrum=(1, -1)), ("spectrum", "positive", "(1, -1)")),
        (lambda: landscapes.ill_conditioned(spectrum=()), ("spectrum", "positive", "()")),
        (lambda: landscapes.resource_allocation(budget=0), ("budget", "positive", "0")),
        (lambda: landscapes.resource_allocation((1, 2), (1,)), ("equally many", "(1, 2)")),
        (lambda: landscapes.least_resistance(length=math.inf), ("length", "above 0", "inf")),
        (lambda: landscapes.least_resistance(0), ("rings", "at least 1", "0")),
        (lambda: landscapes.shortest_path(-1), ("points", "at least 1", "-1")),
        (lambda: landscapes.least_resistance(length="a"), ("length", "above 0", "'a'")),
        (lambda: landscapes.ill_conditioned(spectrum="ab"), ("spectrum", "positive", "'ab'")),
        (lambda: landscapes.ill_conditioned(spectrum=[[1, 2], [3]]), ("spectrum", "[[1, 2], [3]]")),
        (
            lambda: landscapes.ill_conditioned(seed=-1),
            ("ill_conditioned: seed", "from 0 to", "-1"),
        ),
        (lambda: landscapes.noisy(size="a"), ("noisy: size", "at least 0", "'a'")),
        (lambda: landscapes.noisy(seed=1.5), ("noisy: seed", "whole number", "1.5")),
        (lambda: landscapes.cliff(0), ("cliff: steps", "at least 1", "0")),
        (lambda: landscapes.resource_allocation(budget=None), ("budget", "positive", "None")),
        (lambda: landscapes.resource_allocation(returns=["a", "b"]), ("positive numbers", "['a', 'b']")),
        (lambda: own(objective=3), ("Landscape: objective", "function", "3")),
        (lambda: own(start=()), ("Landscape: start", "finite numbers", "()")),
        (lambda: own(start=(1, "a")), ("Landscape: start", "finite numbers", "(1, 'a')")),
        (lambda: own(box=((1, 0), (0, 1))), ("Landscape: box", "left < right", "((1, 0), (0, 1))")),
        (lambda: own(box=3), ("Landscape: box", "left < right", "3")),
        (lambda: own(minima=((1, 2, 3),)), ("Landscape: minima", "as start", "((1, 2, 3),)")),
        (lambda: own(least="a"), ("Landscape: least", "finite number", "'a'")),
        (lambda: own(tolerance=math.nan), ("Landscape: tolerance", "finite number", "nan")),
    ],
)
def test_mistakes_name_the_thing_the_rule_and_the_value(make, parts):
    with pytest.raises(UsageError) as caught:
        make()
    for language in words.TABLES:
        with words.language(language):
            assert "\n" not in str(caught.value)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_the_dimension_that_a_landscape_has_may_be_said():
    assert landscapes.load("bowl", 2).dimension == 2
    assert kobai.landscapes.load("shortest_path").dimension == 20
