"""Maximum likelihood against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, stats

import kobai
from kobai import initializers as initial_values
from kobai import words
from kobai.questions.likelihood import (
    fit_normal,
    likelihoods,
    log_likelihood,
    maximum_likelihood,
    normal_log_density,
)

DATA = [1, 2, 3, 4, 10]


def test_the_density_is_scipys():
    x = np.linspace(-3, 8, 12)
    expected = stats.norm(2, np.sqrt(1.7)).logpdf(x)
    np.testing.assert_allclose(normal_log_density(x, 2.0, 1.7), expected, rtol=1e-5)


def test_a_product_underflows_where_the_sum_of_logarithms_does_not():
    p = np.full(100, 0.3, np.float32)
    assert np.prod(p) == 0
    assert float(log_likelihood(jnp.log(p))) == pytest.approx(100 * np.log(0.3), rel=1e-5)


@pytest.mark.parametrize("method", [None, "lbfgs", "conjugate_gradient"])
def test_the_normal_distribution_of_the_lecture(method):
    fit = fit_normal(DATA, method=method)
    assert fit.mean == pytest.approx(4, abs=1e-5)
    assert fit.variance == pytest.approx(10, rel=1e-5)
    assert fit.solution.converged
    # Planted: n − 1 gives 12.5, and the table says that it is less likely.
    rows = {row["way"]: row for row in fit.table.iter_rows(named=True)}
    assert rows["unbiased"]["variance"] == pytest.approx(12.5)
    assert rows["closed"]["log_likelihood"] == pytest.approx(stats.norm(4, np.sqrt(10)).logpdf(DATA).sum())
    assert rows["unbiased"]["log_likelihood"] < rows["minimizer"]["log_likelihood"] - 0.05


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (1e6, 1), (0, 1e-6), (-3, 1e8)])
def test_the_fit_follows_shift_and_scale(shift, scale):
    x = shift + scale * np.array(DATA)
    fit = fit_normal(x)
    assert fit.mean == pytest.approx(x.mean(), abs=1e-4 * scale)
    assert fit.variance == pytest.approx(10 * scale**2, rel=1e-4)


def test_a_fit_shows_itself():
    lines = str(fit_normal(DATA)).splitlines()
    assert lines[2].split() == ["mean", "variance", "log-likelihood"]
    assert [line.split()[-3:] for line in lines[3:6]] == [
        ["4", "10", "-12.8512"],
        ["4", "10", "-12.8512"],
        ["4", "12.5", "-12.909"],
    ]
    with words.language("ja"):
        assert "対数尤度" in str(fit_normal(DATA))


def test_likelihood_of_two_candidates():
    frame = likelihoods(DATA, {"B": (7, 4), "A": (4, 10)})
    assert frame["name"].to_list() == ["A", "B"]  # the better first
    expected = [stats.norm(m, np.sqrt(v)).pdf(DATA).prod() for m, v in ((4, 10), (7, 4))]
    np.testing.assert_allclose(frame["likelihood"], expected, rtol=1e-9)
    np.testing.assert_allclose(frame["log_likelihood"], np.log(expected), rtol=1e-9)
    # Of many examples the product is 0 for both, and the sum still decides.
    frame = likelihoods(np.tile(DATA, 200), {"B": (7, 4), "A": (4, 10)})
    assert frame["likelihood"].to_list() == [0, 0]
    assert frame["name"][0] == "A"


def test_densities_of_numbers_whose_squares_are_none():
    frame = likelihoods([1e200, -1e200], {"narrow": (0, 1e300), "wide": (0, 1e308)})
    assert frame["name"].to_list() == ["wide", "narrow"]
    np.testing.assert_allclose(frame["log_likelihood"], [-1e92, -1e100], rtol=1e-9)
    fit = fit_normal([1e100, 2e100, 3e100])
    assert (fit.mean, fit.variance) == (pytest.approx(2e100), pytest.approx(2e200 / 3))


def test_a_likelihood_beyond_the_largest_number_is_infinite():
    """Densities of narrow distributions are above 1, and their product grows as it otherwise shrinks."""
    x = np.random.default_rng(0).normal(size=1000) / 1000
    frame = likelihoods(x, {"narrow": (0, 1e-6), "wide": (0, 1)})
    assert frame["likelihood"].to_list() == [np.inf, 0]
    assert frame["log_likelihood"][0] == pytest.approx(stats.norm(0, 1e-3).logpdf(x).sum())
    fit = fit_normal(x)
    assert fit.variance == pytest.approx(x.var(), rel=1e-5)
    assert fit.log_likelihood > frame["log_likelihood"][0] > 709


def test_a_coin():
    """Closed form: the share of heads."""
    heads = np.array([1.0, 0, 0, 1, 1, 1, 0, 1])
    solution = maximum_likelihood(
        lambda log_odds, y: y * jax.nn.log_sigmoid(log_odds) + (1 - y) * jax.nn.log_sigmoid(-log_odds),
        0.0,
        heads,
    )
    assert 1 / (1 + np.exp(-solution.value)) == pytest.approx(5 / 8, abs=1e-6)


def test_waiting_times():
    """Exponential distribution; closed form: one over the mean."""
    times = np.random.default_rng(0).exponential(3.0, 50)
    solution = maximum_likelihood(lambda log_rate, t: log_rate - jnp.exp(log_rate) * t, 0.0, times)
    assert np.exp(solution.value) == pytest.approx(1 / times.mean(), rel=1e-5)


def test_least_squares_is_maximum_likelihood_under_normal_noise():
    random = np.random.default_rng(1)
    X = np.column_stack([np.ones(30), random.standard_normal((30, 2))])
    y = X @ [1.0, 2, -3] + 0.1 * random.standard_normal(30)
    expected = np.linalg.lstsq(X, y)[0]

    def log_density(θ, data):
        X, y = data
        return normal_log_density(y, X @ θ["weights"], jnp.exp(θ["log_variance"]))

    solution = maximum_likelihood(log_density, {"weights": np.zeros(3), "log_variance": 0.0}, (X, y))
    np.testing.assert_allclose(solution.value["weights"], expected, atol=1e-5)
    variance = np.mean((y - X @ expected) ** 2)
    assert np.exp(solution.value["log_variance"]) == pytest.approx(variance, rel=1e-4)


def weibull(θ, t):
    shape, scale = θ
    return jnp.log(shape / scale) + (shape - 1) * jnp.log(t / scale) - (t / scale) ** shape


def weibulls_own(times):
    """The maximum by SciPy: the shape is the root of one equation, and gives the scale."""

    def equation(k):
        return np.sum(times**k * np.log(times)) / np.sum(times**k) - 1 / k - np.mean(np.log(times))

    k = optimize.brentq(equation, 0.1, 20, xtol=1e-14)
    return k, np.mean(times**k) ** (1 / k)


@pytest.mark.parametrize("unit", [1e-7, 1.0, 1e7])
@pytest.mark.parametrize("method", [None, "newton"])
def test_the_unit_of_the_data_does_not_matter(unit, method):
    """With ‖g‖∞ ≤ 1e-6 the scale has arrived wherever it is, where data are large."""
    times = 6.4 * np.random.RandomState(0).weibull(2, 200)
    shape, scale = weibulls_own(times)
    solution = maximum_likelihood(weibull, [1.0, 5 * unit], times * unit, method=method)
    assert (solution.status, solution.caution) == ("converged", "")
    np.testing.assert_allclose(solution.value, [shape, scale * unit], rtol=1e-6)
    # Planted: without units of the parameters, and with the bound that was the default.
    plain = kobai.minimize(lambda θ, t: -jnp.mean(weibull(θ, t)), [1.0, 5e7], args=(times * 1e7,), gtol=1e-6)
    assert plain.converged
    assert abs(plain.value[1] / (scale * 1e7) - 1) > 1e-2


def test_the_tolerance_and_the_units_can_be_given():
    times = 6.4 * np.random.RandomState(0).weibull(2, 200)
    rough = maximum_likelihood(weibull, [1.0, 5.0], times, gtol=1e-2)
    exact = maximum_likelihood(weibull, [1.0, 5.0], times, gtol=1e-9, scale=[2.0, 6.0])
    assert rough.converged
    assert exact.converged
    assert rough.steps < exact.steps
    np.testing.assert_allclose(exact.value, weibulls_own(times), rtol=1e-7)


def test_a_likelihood_without_a_maximum_is_told():
    """Classes that can be separated: the larger the weight, the more probable the labels."""
    points, labels = np.array([-2.0, -1, 1, 2]), np.array([-1.0, -1, 1, 1])
    log_p = lambda w, data: jax.nn.log_sigmoid(data[1] * data[0] * w)  # noqa: E731
    for gtol in (None, 1e-6):
        solution = maximum_likelihood(log_p, 0.0, (points, labels), gtol=gtol)
        assert not solution.converged or solution.caution == "flat"
        assert solution.value > 5


@pytest.mark.parametrize("make", [kobai.tasks.digits, kobai.tasks.sine])
def test_the_full_gradient_is_the_mean_of_those_of_equal_batches(make):
    """A loss that is a mean over examples is what makes mini-batches possible."""
    task = make(hidden=6)
    parameters = initial_values.he().fill(task.parameters, 0, layout=task.layout)
    x, y = (array[:120] for array in task.train)
    gradient = jax.jit(jax.grad(task.loss))
    whole = gradient(parameters, (x, y))
    parts = [gradient(parameters, (x[i : i + 30], y[i : i + 30])) for i in range(0, 120, 30)]
    mean = jax.tree.map(lambda *arrays: np.mean(arrays, axis=0), *parts)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), mean, whole)
    # Planted: batches of unequal sizes need weights, their plain mean is another vector.
    unequal = [gradient(parameters, (x[:10], y[:10])), gradient(parameters, (x[10:], y[10:]))]
    plain = jax.tree.map(lambda *arrays: np.mean(arrays, axis=0), *unequal)
    differences = jax.tree.map(lambda a, b: np.abs(a - b).max(), plain, whole)
    assert max(jax.tree.leaves(differences)) > 1e-3


def test_a_fit_speaks_the_language_of_its_call():
    """Also after the call has ended."""
    fit = fit_normal([1, 2, 4], language="ja")
    assert "最尤法による正規分布" in str(fit)
    assert words.current() == "en"
    with words.language("ja"):
        assert "maximum likelihood" in str(fit_normal([1, 2, 4], language="en"))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: fit_normal([3, 3, 3]), r"not all equal, got \[3.0, 3.0, 3.0\]"),
        (lambda: fit_normal([3]), "two or more numbers"),
        (lambda: fit_normal(["a"]), r"data must be a list of finite numbers, got \['a'\]"),
        (lambda: fit_normal([1, np.nan]), "finite numbers"),
        (lambda: fit_normal([[1, 2]]), "list of finite numbers"),
        (
            lambda: likelihoods(DATA, {"A": (1, 0)}),
            "candidate A: the variance must be",
        ),
        (
            lambda: likelihoods(DATA, {"A": ("x", 1)}),
            "candidate A: the mean must be a finite number, got 'x'",
        ),
        (
            lambda: likelihoods(DATA, {"A": (None, 1)}),
            "candidate A: the mean must be a finite number, got None",
        ),
        (lambda: fit_normal([-1e200, 1e200]), r"too large or too small for a number, got \[-1e\+200"),
        (lambda: fit_normal([-1e-200, 1e-200]), "measure them in another unit"),
        (lambda: fit_normal([-1.7e308, 1.7e308]), "measure them in another unit"),
        (lambda: fit_normal([1.2e308, 1.6e308, 1.7e308]), "measure them in another unit"),
        (
            lambda: maximum_likelihood(weibull, [1.0, 5.0], np.ones(3), scale=[1.0]),
            "a tree of numbers like start",
        ),
        (lambda: maximum_likelihood(weibull, [1.0, 5.0], np.ones(3), scale=[1.0, 0.0]), "numbers above 0"),
        (lambda: maximum_likelihood(weibull, [1.0, "b"], np.ones(3)), "start must hold float32 or float64"),
        (
            lambda: maximum_likelihood(weibull, [1.0, 5.0], np.ones(3), gtol=-1),
            "gtol must be a finite number",
        ),
        (lambda: likelihoods(DATA, {"A": 4}), r"candidate A must be two numbers, \(mean, variance\), got 4"),
        (lambda: likelihoods(DATA, [(4, 10)]), r"candidates must be a dict .* got \[\(4, 10\)\]"),
        (lambda: fit_normal(DATA, method="bfg"), "there is no minimizer 'bfg'; did you mean 'bfgs'?"),
    ],
)
def test_mistakes(call, problem):
    with pytest.raises(kobai.UsageError, match=problem):
        call()
