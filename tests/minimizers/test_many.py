"""`kobai.minimize_many`: each start as if it were alone, and the distinct minima they lead to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.minimizers.many import chunk_size, distinct, stacked, unstacked
from kobai.minimizers.newton import Newton

HIMMELBLAU = np.array([[3, 2], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848126]])


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


STARTS = np.random.default_rng(0).uniform(-5, 5, size=(30, 2))


@pytest.fixture(scope="module")
def found():
    return kobai.minimize_many(himmelblau, STARTS, chunk=8)


def test_the_four_minima_are_found_with_the_starts_that_led_there(found):
    assert set(found.status) == {"converged"}
    assert len(found.minima) == 4
    for minimum in found.minima:
        nearest = np.min(np.max(np.abs(HIMMELBLAU - minimum.value), axis=1))
        assert nearest < 1e-5
        np.testing.assert_allclose(
            found.value[minimum.starts], minimum.value[None].repeat(len(minimum.starts), 0), atol=1e-5
        )
    assert sorted(np.concatenate([minimum.starts for minimum in found.minima])) == list(range(30))
    values = [minimum.objective for minimum in found.minima]
    assert values == sorted(values)
    assert found.objective[found.best] == min(found.objective)


def test_each_start_is_solved_as_if_it_were_alone(found):
    for i in (0, 7, 29):
        alone = kobai.minimize(himmelblau, STARTS[i])
        np.testing.assert_allclose(found.value[i], alone.value, rtol=1e-9)
        assert (found.status[i], found.steps[i]) == (alone.status, alone.steps)
        assert [int(count[i]) for count in found.evaluations] == list(alone.evaluations)


@pytest.mark.parametrize("chunk", [1, 30])
def test_whichever_way_is_chosen_the_result_is_the_same(found, chunk):
    other = kobai.minimize_many(himmelblau, STARTS, chunk=chunk, threads=1)
    np.testing.assert_allclose(other.value, found.value, rtol=1e-8)
    np.testing.assert_array_equal(other.steps, found.steps)
    assert [list(a.starts) for a in other.minima] == [list(b.starts) for b in found.minima]


def test_a_second_call_is_the_same_bit_for_bit(found):
    again = kobai.minimize_many(himmelblau, STARTS, chunk=8, threads=1)
    np.testing.assert_array_equal(again.value, found.value)


def test_starts_may_be_trees_and_methods_named():
    fun = lambda p, c: jnp.sum((p["w"] - c) ** 2) + p["b"] ** 2  # noqa: E731
    starts = {"w": np.zeros((3, 2, 2), np.float32), "b": jnp.arange(3, dtype=jnp.float32)}
    out = kobai.minimize_many(fun, starts, method="newton", args=(2.0,))
    assert (out.value["w"].shape, out.value["b"].shape) == ((3, 2, 2), (3,))
    np.testing.assert_allclose(out.value["w"], 2, rtol=1e-6)
    assert isinstance(out.value["b"], jax.Array)
    [minimum] = out.minima
    assert minimum.value["w"].shape == (2, 2)
    assert list(minimum.starts) == [0, 1, 2]


def test_a_start_that_fails_harms_no_other():
    fun = lambda x: jnp.sum(x - jnp.log(x))  # noqa: E731
    out = kobai.minimize_many(fun, np.array([[2.0], [-1.0], [5.0]]), method=Newton())
    assert out.status == ("converged", "nonfinite_start", "converged")
    assert [list(minimum.starts) for minimum in out.minima] == [[0, 2]]
    assert out.best in (0, 2)


def test_lists_of_starts_are_arrays():
    rows = kobai.minimize_many(himmelblau, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(
        rows.value, kobai.minimize_many(himmelblau, np.array([[1.0, 2], [3, 4]])).value
    )
    numbers = kobai.minimize_many(lambda x: (x - 1) ** 2, [-3.0, 2, 0.5])
    np.testing.assert_allclose(numbers.value, np.ones(3))


def test_where_no_start_is_a_number_none_is_the_best():
    out = kobai.minimize_many(lambda x: jnp.sum(jnp.log(x)), [[-1.0], [-2.0]])
    with pytest.raises(UsageError, match="none of the starts"):
        _ = out.best


def test_rows_and_trees_are_each_others_inverse():
    starts = {"a": np.arange(12.0).reshape(2, 3, 2), "b": np.arange(2.0)}
    X, tree = stacked(starts)
    assert X.shape == (2, 7)
    back = unstacked(X, tree)
    for name in starts:
        np.testing.assert_array_equal(back[name], starts[name])
    rows, _ = stacked([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(rows, [[1, 2], [3, 4], [5, 6]])


def test_ends_are_gathered_by_value_and_place():
    x = np.array([[0.0], [1e-4], [2.0], [2.0], [-2.0], [9.0]])
    f = np.array([1.0, 1.00001, 1.0, 3.0, 0.5, -7.0])
    found = list(distinct(x, f, np.array([True, True, True, True, True, False]), 1e-3))
    assert [(first, list(members)) for first, members in found] == [(4, [4]), (0, [0, 1]), (2, [2]), (3, [3])]
    assert len(list(distinct(x, f, np.full(6, True), 0.0))) == 6


def test_a_saddle_that_is_hit_exactly_is_no_minimum():
    fun = lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2  # noqa: E731 - minima at ±1, a saddle at 0
    out = kobai.minimize_many(fun, [[0.0, 1.0], [0.5, 1.0], [-0.5, 1.0], [0.0, 0.0]])
    assert set(out.status) == {"converged"}
    np.testing.assert_allclose([minimum.value for minimum in out.minima], [[1, 0], [-1, 0]], atol=1e-6)
    [saddle] = out.saddles
    np.testing.assert_allclose(saddle.value, 0, atol=1e-6)
    assert (saddle.objective, list(saddle.starts)) == (pytest.approx(1), [0, 3])


def test_a_minimum_at_infinity_is_none_and_that_is_said():
    fun = lambda x: jnp.sum(x**2 * (x - 1) ** 2 * jnp.exp(-jnp.abs(x)))  # noqa: E731 - 0 at 0, at 1, at infinity
    out = kobai.minimize_many(fun, [[0.1], [9.0], [0.9]])
    assert out.caution == ("", "flat", "")
    assert "levels off" in out.message(1)
    np.testing.assert_allclose(sorted(minimum.value[0] for minimum in out.minima), [0, 1], atol=1e-6)


def test_a_flat_minimum_is_a_minimum():
    out = kobai.minimize_many(lambda x: jnp.sum(x) ** 2 + x[0] ** 4, [[1.0, 2.0, -1.0], [0.5, 0.0, 0.0]])
    assert not out.saddles
    assert sum(len(minimum.starts) for minimum in out.minima) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_both_precisions_a_maximum_is_told_from_a_minimum(dtype):
    fun = lambda x: jnp.sum(jnp.cos(x))  # noqa: E731
    out = kobai.minimize_many(fun, np.array([[0.0], [2.0], [np.pi + 0.1]], dtype))
    assert [list(point.starts) for point in out.saddles] == [[0]]
    assert [list(point.starts) for point in out.minima] == [[1, 2]]


def test_many_ends_are_one_line(found):
    assert (
        repr(found)
        == f"Solutions(30 starts: {{'converged': 30}}; 4 minima, lowest {found.minima[0].objective:g})"
    )


def test_each_end_is_said_in_words():
    out = kobai.minimize_many(lambda x: jnp.sum(x - jnp.log(x)), [[2.0], [-1.0]])
    assert out.message(0) == kobai.minimize(lambda x: jnp.sum(x - jnp.log(x)), [2.0]).message
    assert "not finite at x0" in out.message(1)


def test_chunks_are_large_for_few_variables_and_small_for_many():
    sizes = [chunk_size(n) for n in (1, 2, 10, 30, 100, 1000, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 100
    assert sizes[-1] == 1


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"starts": np.zeros((0, 2))}, "leading axis"),
        ({"starts": 1.0}, "leading axis"),
        ({"starts": [[1.0, 2.0], [3.0]]}, "one length at each level"),
        ({"starts": {"a": np.zeros((2, 1)), "b": np.zeros((3, 1))}}, "leading axis"),
        ({"starts": np.zeros((2, 2), int)}, "int64"),
        ({"same": -1}, "same"),
        ({"chunk": 0}, "chunk"),
        ({"threads": 0}, "threads"),
        ({"gtol": np.nan}, "gtol"),
        ({"method": "neuton"}, "newton"),
        ({"fun": 3}, "function"),
    ],
)
def test_mistakes_are_refused(arguments, match):
    given = {"fun": himmelblau, "starts": STARTS} | arguments
    with pytest.raises(UsageError, match=match):
        kobai.minimize_many(given.pop("fun"), given.pop("starts"), **given)
