"""What a row holds: what the program writes is what a reader finds under its name."""

import jax.numpy as jnp
import numpy as np

from kobai.engine.columns import Columns, Rows


def test_every_number_is_found_under_its_name():
    columns = Columns(averages=2, counts=("skipped", "other"))
    numbers = [jnp.float32(n) for n in range(10)]
    row = columns.row(numbers[0], [*numbers[1:3], *numbers[4:8]], numbers[3], numbers[8:], jnp.float32)
    assert row.shape == (columns.number,) == (10,)
    rows = Rows(np.asarray(row)[None], columns)
    assert (rows.loss_sum, rows.loss, rows.metric, rows.lost) == (0, 1, 2, 3)
    assert rows.average(0) == (4, 5)
    assert rows.average(1) == (6, 7)
    assert (rows.count("skipped"), rows.count("other")) == (8, 9)
    np.testing.assert_array_equal(rows.evaluations, [[1, 2, 4, 5, 6, 7]])


def test_rows_of_a_plain_program_have_four_columns():
    assert Columns().number == 4
    assert Columns().evaluations == [1, 2]


def test_names_are_views():
    rows = Rows(np.zeros((3, 4)))
    rows.loss[1:] = 7
    rows.loss_sum[:] += 1
    np.testing.assert_array_equal(rows.table, [[1, 0, 0, 0], [1, 7, 0, 0], [1, 7, 0, 0]])


def test_a_population_has_rows_of_its_own():
    """A row for each cell at once, as the program for a GPU writes it."""
    columns = Columns()
    row = columns.row(jnp.zeros(5), (jnp.arange(5), jnp.ones(5)), jnp.zeros(5, bool), (), jnp.float32)
    assert row.shape == (5, 4)
    np.testing.assert_array_equal(Rows(np.asarray(row), columns).loss, np.arange(5))
