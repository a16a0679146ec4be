"""Paths against a plain loop and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import optimize

import kobai
from descended import rows
from kobai import landscapes
from kobai.candidates.lists import MODERN


def test_a_path_is_that_of_a_plain_loop(bowl):
    """In NumPy, with gradients by hand."""
    for row in bowl.outcome.rows:
        if row.method == "bfgs":
            continue
        x, rule = np.array([-7.0, 2.0]), row.variant
        state = rule.init(x)
        for step in range(1, 200):
            look = rule.lookahead(x, state)
            update, state = rule.update(np.array([look[0] / 10, 2 * look[1]]), state, x)
            x = x + update
            np.testing.assert_allclose(row.path.points[step], x, rtol=1e-7, atol=1e-9)
            assert row.path.values[step] == pytest.approx(x[0] ** 2 / 20 + x[1] ** 2, rel=1e-6, abs=1e-12)


def test_rules_that_ask_for_more_follow_a_plain_loop():
    """Each at one rate: second gradients, products with the Hessian, points of evaluation."""
    found = kobai.descend("bowl", "modern", learning_rates=[0.1], steps=40)
    assert {row.method for row in found.outcome.rows} == set(MODERN)

    def gradient(x):
        return x * np.array([0.1, 2.0])

    for row in found.outcome.rows:
        x, rule = np.array([-7.0, 2.0]), row.variant
        state = rule.init(x)
        with jax.enable_x64(True):
            for step in range(1, 41):
                more = {"gradient_at": gradient} if rule.asks else {}
                update, state = rule.update(gradient(x), state, x, **more)
                x = x + update
                point = rule.evaluation_point(x, state)
                np.testing.assert_allclose(row.path.points[step], point, rtol=1e-7, atol=1e-9)


def test_a_path_does_not_depend_on_its_companions(bowl):
    alone = kobai.descend("bowl", kobai.Adam(0.3))
    np.testing.assert_allclose(
        alone.outcome.rows[0].path.values, rows(bowl, "adam")[0].path.values, rtol=1e-9, atol=1e-300
    )


def test_a_minimizer_is_that_of_kobai_minimize(bowl):
    [row] = rows(bowl, "bfgs")
    with jax.enable_x64(True):
        alone = kobai.minimize(landscapes.bowl().objective, jnp.array([-7.0, 2.0]), gtol=1e-8, keep_path=True)
    assert row.path.ended == alone.status == "converged"
    assert row.path.counts == alone.evaluations._asdict()
    np.testing.assert_allclose(row.path.points, alone.history.path, rtol=1e-12, atol=1e-14)
    assert len(row.path.values) == alone.steps + 1
    # What had been spent on arrival: never less than a gradient a step, all of it at the end.
    assert (np.diff(row.path.spent) >= 1).all()
    assert row.path.spent[0] == 1
    assert row.path.spent[-1] == row.path.counts["gradient"]
    assert row.evaluations == row.path.spent[row.first]


def test_double_precision_whatever_the_program_uses(bowl):
    assert not jax.config.jax_enable_x64
    assert {row.path.values.dtype for row in bowl.outcome.rows} == {np.dtype(float)}
    assert min(row.value for row in bowl.outcome.rows) < 1e-60  # far below float32


def test_a_function_and_an_optimizer_of_ones_own():
    def f(x):
        return jnp.sum((x - 1) ** 4) + jnp.sum((x - 1) ** 2)

    found = kobai.descend(
        f, [kobai.from_optax(optax.sgd, learning_rate=[0.1, 0.05]), "lbfgs"], start=[3, 2, 0]
    )
    assert found.outcome.landscape.name == "f"
    assert set(found.table["status"]) == {"reached"}
    for row in found.outcome.rows:
        np.testing.assert_allclose(row.path.points[-1], 1, atol=1e-6)
    assert set(found.figures) == {"descent"}  # three dimensions have no contours
    assert found.command.startswith("kobai.descend(f, methods=[")


def test_many_dimensions_against_scipy():
    made = landscapes.rosenbrock(6)
    found = kobai.descend(made, ["bfgs"])
    [row] = found.outcome.rows
    expected = optimize.minimize(
        optimize.rosen, made.start, jac=optimize.rosen_der, method="BFGS", options={"gtol": 1e-8}
    )
    assert row.status == "reached"
    np.testing.assert_allclose(row.path.points[-1], expected.x, atol=1e-5)
