"""The solvers of `cutest.py`, each a function of a problem that gives the point it came back with.

A solver counts through the problem's own `value`, `gradient`, `hessian` and `hessian_vector`, or reports what
it counted itself where its loop is compiled. Every one of them stops at the first accepted point whose
‖g‖∞ ≤ 1e-6, or after 2,000 iterations, whatever its own tests for stopping are: those are switched off where
they can be.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

GTOL = 1e-6
ITERATIONS = 2000
TRIALS = 40_000
"""No solver may visit more points than this: twenty for each iteration."""

Counts = dict[str, int]


@dataclasses.dataclass
class Problem:
    """One problem of the collection: f on flat float64 vectors, its start, its derivatives compiled once."""

    name: str
    f: Callable[[Any], Any]
    x0: np.ndarray

    def __post_init__(self) -> None:
        self._value_and_gradient = jax.jit(jax.value_and_grad(self.f))
        self._hessian = jax.jit(jax.hessian(self.f))
        self._hessian_vector = jax.jit(lambda x, v: jax.jvp(jax.grad(self.f), (x,), (v,))[1])
        self.start()

    def start(self) -> None:
        """Count from zero."""
        self.counts: Counts = {"values": 0, "gradients": 0, "hessians": 0, "hessian_vectors": 0}
        self._at: np.ndarray | None = None
        self.lowest, self._lowest_value = self.x0, np.inf

    def peek(self, x: Any) -> tuple[float, np.ndarray]:
        """f and its gradient, uncounted, one compiled call for both."""
        if self._at is None or not np.array_equal(self._at, x):
            f, g = self._value_and_gradient(jnp.asarray(x))
            self._at, self._f, self._g = np.array(x), float(f), np.asarray(g)
            if self._f < self._lowest_value:
                self.lowest, self._lowest_value = self._at, self._f
        return self._f, self._g

    def value(self, x: Any) -> float:
        self.counts["values"] += 1
        return self.peek(x)[0]

    def gradient(self, x: Any) -> np.ndarray:
        self.counts["gradients"] += 1
        return self.peek(x)[1]

    def hessian(self, x: Any) -> np.ndarray:
        self.counts["hessians"] += 1
        return np.asarray(self._hessian(jnp.asarray(x)))

    def hessian_vector(self, x: Any, v: Any) -> np.ndarray:
        self.counts["hessian_vectors"] += 1
        return np.asarray(self._hessian_vector(jnp.asarray(x), jnp.asarray(v)))


def scipy_minimizer(method: str, *second: str, **options: Any) -> Callable[[Problem], tuple[Any, Counts]]:
    """`scipy.optimize.minimize` with `method`; `second` names the second derivative it is given."""

    def solve(problem: Problem) -> tuple[Any, Counts]:
        def stop(intermediate_result: Any) -> None:
            if np.max(np.abs(problem.peek(intermediate_result.x)[1])) <= GTOL:
                raise StopIteration

        given = {
            {"hessian": "hess", "hessian_vector": "hessp"}[name]: getattr(problem, name) for name in second
        }
        result = scipy.optimize.minimize(
            problem.value,
            problem.x0,
            jac=problem.gradient,
            method=method,
            callback=stop,
            options={"maxiter": ITERATIONS, **options},
            **given,
        )
        return result.x, problem.counts

    return solve


def optimistix_bfgs(problem: Problem) -> tuple[Any, Counts]:
    """optimistix's BFGS step by step, since by itself it looks at steps and never at the gradient."""
    import optimistix

    solver = optimistix.BFGS(rtol=0.0, atol=0.0)
    fn = lambda x, _: (problem.f(x), None)  # noqa: E731
    y0 = jnp.asarray(problem.x0)
    shape = jax.eval_shape(problem.f, y0)

    def goes_on(carry: Any) -> Any:
        y, state, steps = carry
        ended = (jnp.max(jnp.abs(state.f_info.grad)) <= GTOL) | jnp.all(state.y_eval == y)
        return ~(ended & (steps > 1)) & (steps < TRIALS) & (state.num_accepted_steps <= ITERATIONS)

    def step(carry: Any) -> Any:
        y, state, steps = carry
        y, state, _ = solver.step(fn, y, None, {}, state, frozenset())
        return y, state, steps + 1

    @jax.jit
    def run(y0: Any) -> Any:
        state = solver.init(fn, y0, None, {}, shape, None, frozenset())
        return jax.lax.while_loop(goes_on, step, (y0, state, 0))

    y, state, steps = run(y0)
    # Each step evaluates f once and differentiates it where the point is accepted.
    return y, {"values": int(steps), "gradients": int(state.num_accepted_steps)}


def optax_lbfgs(problem: Problem) -> tuple[Any, Counts]:
    """`optax.lbfgs()` with its own zoom line search, in a compiled loop."""
    import optax
    import optax.tree_utils as otu

    rule = optax.lbfgs()
    value_and_gradient = optax.value_and_grad_from_state(problem.f)

    def goes_on(carry: Any) -> Any:
        x, state, steps, points = carry
        g = otu.tree_get(state, "grad")
        return ((steps == 0) | (jnp.max(jnp.abs(g)) > GTOL)) & (steps < ITERATIONS) & (points < TRIALS)

    def step(carry: Any) -> Any:
        x, state, steps, points = carry
        value, g = value_and_gradient(x, state=state)
        Δ, state = rule.update(g, state, x, value=value, grad=g, value_fn=problem.f)
        points += otu.tree_get(state, "info").num_linesearch_steps
        return optax.apply_updates(x, Δ), state, steps + 1, points

    @jax.jit
    def run(x: Any) -> Any:
        return jax.lax.while_loop(goes_on, step, (x, rule.init(x), 0, 1))

    x, _, _, points = run(jnp.asarray(problem.x0))
    return x, {"values": int(points), "gradients": int(points)}


def kobai_minimizer(problem: Problem, *, name: str) -> tuple[Any, Counts]:
    """`kobai.minimize` with the method registered as `name`."""
    import kobai
    from kobai.basics import registry

    method = registry.MINIMIZERS[name].load()()
    solution = kobai.minimize(
        problem.f, problem.x0, method=method, gtol=GTOL, max_steps=ITERATIONS, max_evaluations=TRIALS
    )
    counted = solution.evaluations
    return solution.value, {name: int(getattr(counted, field)) for name, field in FIELDS.items()}


FIELDS = {
    "values": "value",
    "gradients": "gradient",
    "hessians": "hessian",
    "hessian_vectors": "hessian_vector",
}
"""What `kobai.Solution.evaluations` calls the counts."""

KOBAI = ("bfgs", "lbfgs", "conjugate_gradient", "newton", "newton_cg", "coordinate_descent")

SOLVERS: dict[str, Callable[[Problem], tuple[Any, Counts]]] = {
    **{"kobai-" + name.replace("_", "-"): functools.partial(kobai_minimizer, name=name) for name in KOBAI},
    "scipy-bfgs": scipy_minimizer("BFGS", gtol=GTOL),
    "scipy-l-bfgs-b": scipy_minimizer("L-BFGS-B", gtol=GTOL, ftol=0.0, maxfun=TRIALS),
    "scipy-cg": scipy_minimizer("CG", gtol=GTOL),
    "scipy-newton-cg": scipy_minimizer("Newton-CG", "hessian", xtol=1e-12),
    "scipy-newton-cg-products": scipy_minimizer("Newton-CG", "hessian_vector", xtol=1e-12),
    "scipy-trust-exact": scipy_minimizer("trust-exact", "hessian", gtol=GTOL),
    "scipy-trust-ncg-products": scipy_minimizer("trust-ncg", "hessian_vector", gtol=GTOL),
    "optimistix-bfgs": optimistix_bfgs,
    "optax-lbfgs": optax_lbfgs,
}

NAMESAKES = {
    "kobai-bfgs": ("scipy-bfgs", "optimistix-bfgs"),
    "kobai-lbfgs": ("scipy-l-bfgs-b", "optax-lbfgs"),
    "kobai-conjugate-gradient": ("scipy-cg",),
    "kobai-newton": ("scipy-newton-cg", "scipy-trust-exact"),
    "kobai-newton-cg": ("scipy-newton-cg-products", "scipy-trust-ncg-products"),
    "kobai-coordinate-descent": (),
}
"""Whom each method is compared with: the same idea with the same derivatives."""
