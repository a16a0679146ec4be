"""`kobai.minimize`: its ends, its counts, its trees and dtypes, and what it refuses."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai import words
from kobai.minimizers import solve as solve_module
from kobai.minimizers.base import LINE_SEARCH_FAILED, RUNNING, SMALL_STEP, STATUSES, Objective, Point
from kobai.minimizers.bfgs import BFGS
from kobai.minimizers.conjugate_gradient import ConjugateGradient
from kobai.minimizers.lbfgs import LBFGS
from kobai.minimizers.solve import answer, solve

METHODS = [BFGS(), LBFGS(), ConjugateGradient()]
START = np.array([-1.2, 1.0])


@pytest.fixture(autouse=True)
def _quick(quick_compile):
    pass


def name_of(method):
    return type(method).__name__


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def barrier(x):
    """Finite for x > 0 only, lowest at 1."""
    return jnp.sum(x - jnp.log(x))


# --- ends ---


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_converged(method):
    found = kobai.minimize(rosenbrock, START, method=method)
    assert (found.status, found.converged) == ("converged", True)
    np.testing.assert_allclose(found.value, [1, 1], atol=1e-5)
    assert found.gradient_norm <= 1e-6
    assert found.gradient_norm == pytest.approx(
        np.max(np.abs(jax_gradient(rosenbrock, found.value))), rel=1e-3
    )
    assert found.objective == pytest.approx(value_of(rosenbrock, found.value), rel=1e-3)


def jax_gradient(fun, x):
    with jax.enable_x64(True):
        return np.asarray(jax.grad(fun)(jnp.asarray(x)))


def value_of(fun, x):
    with jax.enable_x64(True):
        return float(fun(jnp.asarray(x)))


def test_a_start_at_the_minimum_takes_one_evaluation_and_no_step():
    found = kobai.minimize(rosenbrock, [1.0, 1.0])
    assert (found.status, found.steps, found.evaluations.value) == ("converged", 0, 1)
    assert len(found.history.objective) == 1


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_iteration_limit(method):
    found = kobai.minimize(rosenbrock, START, method=method, max_evaluations=7)
    assert found.status == "iteration_limit"
    assert found.evaluations.value == 7


def test_iteration_limit_by_steps():
    found = kobai.minimize(rosenbrock, START, max_steps=3)
    assert (found.status, found.steps) == ("iteration_limit", 3)


@pytest.mark.parametrize("method", METHODS, ids=name_of)
@pytest.mark.parametrize("start", [[math.nan, 1.0], [math.inf, 1.0], [-1.0, 1.0]])
def test_nonfinite_start(method, start):
    found = kobai.minimize(barrier, start, method=method)
    assert found.status == "nonfinite_start"
    assert found.evaluations.value == 1
    np.testing.assert_array_equal(found.value, start)


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_unbounded(method):
    for power in (1.0, 3.0):
        assert kobai.minimize(falling, [1.0, 2.0], args=(power,), method=method).status == "unbounded"


def falling(x, power):
    return -jnp.sum(x**power)


@jax.custom_jvp
def upside_down(x):
    """x² with the gradient of −x²."""
    return jnp.sum(x**2)


upside_down.defjvp(lambda x, v: (upside_down(*x), -2 * jnp.vdot(x[0], v[0])))


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_gradient_that_points_the_wrong_way_ends_in_a_failed_search(method):
    found = kobai.minimize(upside_down, [1.0, 2.0], method=method)
    assert found.status in ("line_search_failed", "small_step")
    np.testing.assert_array_equal(found.value, [1, 2])


ROOTS = np.linspace(1.1, 4.7, 20)


def bowl_with_roots(x):
    return 1e6 * jnp.sum((jnp.exp(x) - ROOTS) ** 2) + 1


def test_small_step_where_the_tolerance_is_beyond_rounding():
    """exp(log 4.7) is not quite 4.7: the gradient there is some rounding error, never 1e-300."""
    found = kobai.minimize(bowl_with_roots, np.zeros(20), gtol=1e-300)
    assert found.status == "small_step"
    np.testing.assert_allclose(found.value, np.log(ROOTS), atol=1e-9)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_end_is_said_with_its_remedy(language):
    found = kobai.minimize(rosenbrock, START, max_steps=2)
    with words.language(language):
        assert "max_steps" in found.message
        for status in STATUSES[1:]:
            assert dataclasses.replace(found, status=status).message


# --- the best point, trials that are no numbers, restarts ---


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_trials_outside_the_domain_shorten_the_step(method):
    found = kobai.minimize(barrier, [30.0, 1e-3], method=method)
    assert found.status == "converged"
    np.testing.assert_allclose(found.value, 1, atol=1e-5)


def drive(method, objective, x, most=300):
    """Every state from the start on, outside any loop."""
    state = jax.jit(lambda x: method.begin(objective, x))(x)
    advance = jax.jit(lambda state: method.advance(objective, state))
    states = [state]
    while state.status == RUNNING and len(states) < most:
        state = advance(state)
        states.append(state)
    return states


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_the_best_point_seen_is_the_answer_and_counts_are_exact(method):
    """Stopped at any point, what comes back is the lowest value of all trials so far."""
    values = []

    def seen(x):
        f = rosenbrock(x)
        jax.debug.callback(lambda f: values.append(float(f)), jax.lax.stop_gradient(f))
        return f

    for bound in (2, 5, 11):
        values.clear()
        found = kobai.minimize(seen, START, method=method, max_evaluations=bound)
        jax.effects_barrier()
        assert len(values) == bound == found.evaluations.value == found.evaluations.gradient
        assert found.objective == pytest.approx(min(values), rel=1e-6)  # callbacks get single precision


@dataclasses.dataclass(frozen=True)
class Walled(Objective):
    """Nothing farther than this from the start is a number."""

    radius: float = math.inf

    def at(self, x):
        f, g = self.value_and_gradient(x)
        inside = jnp.linalg.norm(x - START.astype(x.dtype)) <= self.radius
        return Point(x, jnp.where(inside, f, jnp.nan), g)


def test_a_failed_search_starts_anew_once_along_steepest_descent():
    """After some steps no further trial is a number: one search fails, then that along −g, then it ends."""
    method = BFGS()
    state = before = method.begin(Objective(rosenbrock), jnp.asarray(START, jnp.float32))
    advance = jax.jit(lambda state, radius: method.advance(Walled(rosenbrock, radius), state))
    while state.steps < 4:
        state = before = advance(state, math.inf)
    assert not before.memory.fresh
    fresh = []
    while state.status == RUNNING:
        state = advance(state, 0.0)
        fresh.append(bool(state.memory.fresh))
    assert state.status in (LINE_SEARCH_FAILED, SMALL_STEP)
    assert (fresh[0], fresh[-1]) == (False, True)
    assert fresh == sorted(fresh)  # first with what was remembered, then once without
    np.testing.assert_array_equal(state.best.x, before.best.x)


# --- counts, history ---

PINNED = {"BFGS": (35, 44), "LBFGS": (34, 43), "ConjugateGradient": (27, 72)}
"""Steps and evaluations on Rosenbrock from (−1.2, 1), ± 2 for the rounding of other machines."""


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_pinned_counts(method):
    found = kobai.minimize(rosenbrock, START, method=method, gtol=1e-6)
    np.testing.assert_allclose((found.steps, found.evaluations.value), PINNED[name_of(method)], atol=2)
    assert found.evaluations.gradient == found.evaluations.value
    assert found.evaluations.hessian == found.evaluations.hessian_vector == 0


def test_history_has_a_row_for_every_iterate():
    found = kobai.minimize(rosenbrock, START, keep_path=True)
    history = found.history
    assert len(history.objective) == len(history.gradient_norm) == len(history.path) == found.steps + 1
    np.testing.assert_array_equal(history.path[0], START)
    np.testing.assert_array_equal(history.path[-1], found.value)
    for x, f, norm in zip(history.path, history.objective, history.gradient_norm, strict=True):
        assert f == pytest.approx(value_of(rosenbrock, x), rel=1e-9)
        assert norm == pytest.approx(np.max(np.abs(jax_gradient(rosenbrock, x))), rel=1e-6, abs=1e-12)
    assert np.all(np.diff(history.objective) <= 0)
    assert kobai.minimize(rosenbrock, START).history.path is None


# --- trees and dtypes ---


def bowl(tree):
    return jnp.sum((tree["a"] - 1) ** 2) + 3 * jnp.sum((tree["b"][0] + 2) ** 4) + tree["b"][1] ** 2


def test_any_tree_gives_the_path_of_its_numbers():
    tree = {"a": np.zeros((2, 3)), "b": (np.ones(2), 5.0)}
    found = kobai.minimize(bowl, tree, keep_path=True)
    flat = kobai.minimize(
        lambda x: bowl({"a": x[:6].reshape(2, 3), "b": (x[6:8], x[8])}),
        np.concatenate([np.zeros(6), np.ones(2), [5.0]]),
        keep_path=True,
    )
    np.testing.assert_array_equal(found.history.path, flat.history.path)
    assert jax.tree.structure(found.value) == jax.tree.structure(tree)
    np.testing.assert_allclose(found.value["a"], 1, atol=1e-5)


def test_leaves_come_back_as_they_were():
    tree = {"numpy": np.ones(2), "single": np.ones(2, np.float32), "jax": jnp.ones(3, jnp.float32)}
    found = kobai.minimize(lambda t: sum(jnp.sum((x - 2) ** 2) for x in jax.tree.leaves(t)), tree)
    assert type(found.value["numpy"]) is np.ndarray
    assert found.value["numpy"].dtype == np.float64
    assert found.value["single"].dtype == np.float32
    assert isinstance(found.value["jax"], jax.Array)
    assert found.value["jax"].dtype == jnp.float32


def test_numbers_of_python_and_numpy_are_computed_in_double_whatever_the_mode_of_jax():
    assert not jax.config.jax_enable_x64
    assert kobai.minimize(rosenbrock, [-1.2, 1]).history.objective.dtype == np.float64
    assert kobai.minimize(lambda x: (x - 2.0) ** 2, 0.5).value == pytest.approx(2)


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_single_precision(method):
    found = kobai.minimize(rosenbrock, START.astype(np.float32), method=method)
    assert found.status == "converged"
    assert found.history.objective.dtype == found.value.dtype == np.float32
    np.testing.assert_allclose(found.value, 1, atol=0.01)


def test_an_unreachable_tolerance_in_single_precision_ends_near_the_minimum():
    found = kobai.minimize(rosenbrock, START.astype(np.float32), gtol=1e-12, max_steps=500)
    np.testing.assert_allclose(found.value, 1, atol=0.01)


# --- vmap, compilation ---


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_vmap_equals_a_loop(method):
    starts = np.random.default_rng(1).uniform(-2, 2, (5, 2))
    bounds = {"gtol": 1e-6, "max_steps": 300, "max_evaluations": 2000}

    def one(x):
        state, _ = solve(method, Objective(rosenbrock), x, **bounds)
        return answer(state).x, state.steps, state.evaluations.value, state.status

    with jax.enable_x64(True):
        ends, steps, evaluations, statuses = jax.vmap(one)(starts)
    for i, start in enumerate(starts):
        alone = kobai.minimize(rosenbrock, start, method=method, gtol=bounds["gtol"])
        np.testing.assert_allclose(ends[i], alone.value, atol=1e-5)
        assert STATUSES[statuses[i]] == alone.status == "converged"
        assert abs(int(steps[i]) - alone.steps) <= 2
        assert abs(int(evaluations[i]) - alone.evaluations.value) <= 4


def test_a_second_call_compiles_nothing():
    traced = []

    def counted(x, a):
        traced.append(1)
        return jnp.sum((x - a) ** 2)

    kobai.minimize(counted, np.zeros(3), args=(1.0,))
    once = len(traced)
    found = kobai.minimize(counted, np.ones(3), args=(5.0,), gtol=1e-3, max_steps=1999, max_evaluations=50)
    assert len(traced) == once
    np.testing.assert_allclose(found.value, 5)
    kobai.minimize(counted, np.ones(4), args=(5.0,))
    assert len(traced) > once  # another shape is another program


def test_a_function_that_cannot_be_hashed_is_minimized_too():
    class Loss:
        __hash__ = None

        def __call__(self, x):
            return jnp.sum((x - 1) ** 2)

    np.testing.assert_allclose(kobai.minimize(Loss(), [0.0, 0.0]).value, 1)


# --- mistakes ---


def total(x):
    return jnp.sum(x**2)


MISTAKES = {
    "fun is no function": ({"fun": 3}, "fun must be a function, got int"),
    "fun gives an array": ({"fun": lambda x: x}, r"one real number.*float64\[2\]"),
    "fun gives a Python number": ({"fun": lambda x: 1.0}, "one real number.*float"),
    "fun gives whole numbers": ({"fun": lambda x: jnp.sum(x > 0)}, "one real number.*int"),
    "fun calls NumPy": ({"fun": lambda x: np.sin(x).sum()}, "cannot be traced"),
    "fun branches": ({"fun": lambda x: x[0] if x[0] > 0 else -x[0]}, "cannot be traced"),
    "whole numbers": ({"x0": np.arange(2)}, "x0 must hold float32 or float64.*int64"),
    "words": ({"x0": ["a"]}, "x0 must hold float32 or float64.*str"),
    "nothing": ({"x0": None}, "x0 holds no numbers"),
    "an empty array": ({"x0": np.zeros(0)}, "x0 holds no numbers"),
    "half precision": ({"x0": np.ones(2, np.float16)}, "float16"),
    "complex numbers": ({"x0": np.ones(2, complex)}, "complex128"),
    "negative tolerance": ({"gtol": -1e-6}, "gtol must be a finite number of at least 0, got -1e-06"),
    "no tolerance": ({"gtol": math.nan}, "gtol.*nan"),
    "a tolerance in words": ({"gtol": "small"}, "gtol.*small"),
    "no steps": ({"max_steps": 0}, "max_steps must be a whole number of at least 1"),
    "half a step": ({"max_steps": 0.5}, "max_steps must be a whole number"),
    "too many steps": ({"max_steps": 2**31}, "max_steps must be at most 1073741824, got 2147483648"),
    "too many evaluations": ({"max_evaluations": 2**40}, "max_evaluations must be at most 1073741824"),
    "no evaluations": ({"max_evaluations": 0}, "max_evaluations must be a whole number"),
    "a class that is no method": ({"method": dict}, "such as kobai.BFGS.*got dict"),
    "a misspelt method": ({"method": "bgfs"}, "no minimizer 'bgfs'; did you mean 'bfgs'"),
    "words as argument": (
        {"fun": lambda x, a: total(x), "args": ("a",)},
        "args must hold arrays and numbers",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_in_one_sentence(mistake):
    call, sentence = MISTAKES[mistake]
    with pytest.raises(kobai.UsageError, match=sentence) as caught:
        kobai.minimize(**({"fun": total, "x0": [1.0, 2.0]} | call))
    with words.language("ja"):
        assert str(caught.value)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BFGS(curvature=1.5), "BFGS: decrease and curvature"),
        (lambda: LBFGS(decrease=0.95), "LBFGS: decrease and curvature"),
        (lambda: LBFGS(pairs=0), "LBFGS: pairs must be a whole number"),
        (lambda: ConjugateGradient(formula="polak"), "no formula 'polak'; choose one of: .*polak_ribiere"),
        (lambda: ConjugateGradient(formula=["dai_yuan"]), "no formula"),
        (lambda: kobai.CoordinateDescent(order=["random"]), "no order"),
        (lambda: kobai.CoordinateDescent(block=0), "CoordinateDescent: block must be a whole number"),
        (
            lambda: kobai.CoordinateDescent(seed=2**32),
            "CoordinateDescent: seed .* to 4294967295, got",
        ),
        (lambda: kobai.NewtonCG(most=0), "NewtonCG: most must be a whole number"),
        (lambda: kobai.Newton(largest=0), "Newton: largest must be a whole number"),
    ],
)
def test_options_of_a_method_are_checked(make, sentence):
    with pytest.raises(kobai.UsageError, match=sentence):
        make()


def test_a_traced_start_is_refused_with_the_function_that_takes_it():
    with pytest.raises(kobai.UsageError, match=r"kobai\.minimizers\.solve\.solve"):
        jax.jit(lambda x: kobai.minimize(total, x).value)(jnp.ones(2))


def test_traced_arguments_are_refused_too():
    with pytest.raises(kobai.UsageError, match=r"args is traced.*kobai\.minimizers\.solve\.solve"):
        jax.jit(lambda a: kobai.minimize(lambda x, a: total(x - a), [1.0], args=(a,)).value)(jnp.ones(1))


@pytest.mark.parametrize("outer", [jax.jit, jax.vmap, jax.grad])
@pytest.mark.parametrize("minimize", ["minimize", "minimize_many"])
def test_a_function_that_holds_a_traced_value_is_refused_too(outer, minimize, monkeypatch):
    monkeypatch.undo()  # the options of the tests' compiler are for the outermost program only
    with pytest.raises(
        kobai.UsageError, match=r"traced by JAX from outside.*kobai\.minimizers\.solve\.solve"
    ):
        outer(lambda a: getattr(kobai, minimize)(lambda x: total(x - a), [[1.0]]).value.sum())(
            jnp.ones(1) if outer is not jax.grad else 1.0
        )


@pytest.mark.parametrize(
    "x0", [[np.float64(1), 2.0], (np.float32(1), 2), [[1.0, 2.0], [3.0, 4.0]], [[np.int64(1)], [2]]]
)
def test_lists_of_numbers_are_arrays(x0):
    found = kobai.minimize(lambda x: total(x - 1), x0)
    assert found.value.shape == np.shape(x0)
    assert found.value.dtype == np.float64
    np.testing.assert_allclose(found.value, 1)


def test_the_largest_bounds_need_no_long_history():
    found = kobai.minimize(total, [1.0, 2.0], max_steps=2**30, max_evaluations=2**30)
    assert found.converged
    assert len(found.history.objective) == found.steps + 1


def test_methods_can_be_named():
    for method in METHODS:
        name = {"BFGS": "bfgs", "LBFGS": "lbfgs", "ConjugateGradient": "conjugate_gradient"}[name_of(method)]
        by_name = kobai.minimize(rosenbrock, START, method=name)
        assert by_name.evaluations == kobai.minimize(rosenbrock, START, method=method).evaluations


def test_the_compiled_program_is_shared_between_calls():
    before = solve_module._compiled._cache_size()
    kobai.minimize(rosenbrock, START)
    kobai.minimize(rosenbrock, START * 0.9, gtol=1e-5)
    assert solve_module._compiled._cache_size() <= before + 1
