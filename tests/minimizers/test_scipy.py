"""Every minimizer beside SciPy's namesake on known problems: as low, and for about as many points or fewer.

SciPy has no coordinate descent. Where variables hang together in a curved valley that needs more than ten
thousand steps, as it should; beside SciPy's BFGS it stands where they do not.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import kobai


def valley(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + jnp.sum(x[2:] ** 2)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2 + jnp.sum(x[2:] ** 2)


def powell(x):
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def wood(x):
    a, b, c, d = x
    return (
        100 * (a**2 - b) ** 2 + (a - 1) ** 2 + (c - 1) ** 2 + 90 * (c**2 - d) ** 2
        + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)
    )  # fmt: skip


PROBLEMS = {
    valley: [-1.2, 1.0, 0.0, 0.0],
    himmelblau: [0.0, 0.0, 1.0, 1.0],
    powell: [3.0, -1.0, 0.0, 1.0],
    wood: [-3.0, -1.0, -3.0, -1.0],
}
NAMESAKES = {
    "bfgs": "BFGS",
    "lbfgs": "L-BFGS-B",
    "conjugate_gradient": "CG",
    "newton": "trust-exact",
    "newton_cg": "Newton-CG",
}
ROOM = 1.5
"""At most so many times the points that SciPy visits: the trust regions begin with other radii."""


def problem(x, which):
    """One function for all four, so that each method is compiled once."""
    return jax.lax.switch(which, list(PROBLEMS), x)


def scipys(method, fun, start):
    """The lowest value that SciPy's method comes to, and how many points it visits."""
    value, derivatives = _in_float64(fun), {"jac": _in_float64(jax.grad(fun))}
    if method == "trust-exact":
        derivatives["hess"] = _in_float64(jax.hessian(fun))
    if method == "Newton-CG":
        derivatives["hessp"] = _in_float64(lambda x, v: jax.jvp(jax.grad(fun), (x,), (v,))[1])
    options = {"maxiter": 2000} | ({"xtol": 1e-10} if method == "Newton-CG" else {"gtol": 1e-6})
    found = scipy.optimize.minimize(value, start, method=method, options=options, **derivatives)
    return found.fun, max(found.nfev, found.njev)


def _in_float64(function):
    compiled = jax.jit(function)
    return lambda *arguments: np.asarray(compiled(*arguments), float)[()]


@pytest.mark.parametrize("method", NAMESAKES)
@pytest.mark.parametrize("which", range(len(PROBLEMS)), ids=[fun.__name__ for fun in PROBLEMS])
def test_against_scipy(which, method):
    fun, start = list(PROBLEMS.items())[which]
    ours = kobai.minimize(problem, start, args=(which,), method=method, gtol=1e-6)  # as SciPy's
    lowest, points = scipys(NAMESAKES[method], fun, start)
    assert ours.converged
    assert ours.gradient_norm <= 1e-6
    assert ours.objective == pytest.approx(0, abs=1e-7)
    if lowest > 1:
        assert fun == wood  # where some of SciPy's stop early, at 7.9: which ones, the last bit decides
        assert method in ("lbfgs", "newton_cg")
    else:
        assert ours.objective <= lowest + 1e-7
        assert ours.evaluations.value <= ROOM * points


def test_coordinate_descent_against_scipy():
    start = PROBLEMS[himmelblau]
    ours = kobai.minimize(himmelblau, start, method="coordinate_descent")
    lowest, _ = scipys("BFGS", himmelblau, start)
    assert ours.converged
    assert ours.objective == pytest.approx(lowest, abs=1e-9)
