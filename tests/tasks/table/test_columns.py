"""What becomes of a column, by hand; and that nothing but its training rows decides it."""

import datetime
import zlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobai.tasks.table.columns import LEVELS, Moment, Number, Text, plan

NUMBERS = st.lists(
    st.none() | st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3)), min_size=4, max_size=40
)


def planned(values, training=None, name="x", dtype=None):
    series = pl.Series(name, values, dtype=dtype, strict=False)
    return plan(series, np.arange(len(series)) if training is None else np.array(training))


def encoded(values, training=None, **more):
    """The encoded columns as rows of numbers."""
    column = planned(values, training, **more)
    series = pl.Series("x", values, dtype=more.get("dtype"), strict=False)
    return np.array(list(column.encoder.encode(series)), float).T


def test_a_number_is_standardised_by_its_training_rows():
    """Rows 1, 2, 3 are for training: mean 4 and deviation √(8/3), whatever the last one is."""
    rows = encoded([2.0, 4.0, 6.0, 1000.0], [0, 1, 2])
    np.testing.assert_allclose(rows[:, 0], (np.array([2, 4, 6, 1000]) - 4) / np.sqrt(8 / 3))


def test_a_missing_number_is_the_mean_and_says_so():
    rows = encoded([1.0, None, 3.0, np.nan])
    np.testing.assert_allclose(rows, [[-1, 0], [0, 1], [1, 0], [0, 1]])


def test_what_is_missing_outside_of_training_alone_has_no_column():
    rows = encoded([0.5, 1.5, None], [0, 1])
    np.testing.assert_allclose(rows, [[-1], [1], [0]])


def test_an_infinite_number_is_missing_and_counted():
    column = planned([1.0, np.inf, 3.0, -np.inf, 5.0])
    assert (column.infinite, column.missing) == (2, 0)
    np.testing.assert_allclose(encoded([1.0, np.inf, 5.0]), [[-1, 0], [0, 1], [1, 0]])


def test_a_number_that_is_there_or_not_tells_that_alone():
    np.testing.assert_array_equal(encoded([7.0, None, 7.0]), [[0], [1], [0]])


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_a_scale_that_squares_cannot_hold_is_no_matter(scale):
    rows = encoded(list(np.array([0.1, 0.2, 0.3]) * scale))
    np.testing.assert_allclose(rows[:, 0], np.array([-1, 0, 1]) / np.sqrt(2 / 3), rtol=1e-9, atol=1e-12)


@given(NUMBERS)
def test_training_has_mean_0_and_deviation_1(values):
    column = planned(values)
    if not isinstance(column.encoder, Number) or not column.encoder.deviation:
        return
    z = encoded(values)[:, 0]
    present = z[[value is not None for value in values]]
    assert present.mean() == pytest.approx(0, abs=1e-6)
    assert present.std() == pytest.approx(1, abs=1e-6)


def test_truths_are_the_numbers_0_and_1():
    np.testing.assert_allclose(encoded([True, False]), [[1], [-1]])
    assert isinstance(planned([True, None, False]).encoder, Number)


def test_a_text_has_a_column_for_each_level_in_alphabetical_order():
    rows = encoded(["b", "a", "b", "c"])
    np.testing.assert_array_equal(rows, [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_a_missing_text_is_no_level_and_says_so():
    np.testing.assert_array_equal(
        encoded(["b", None, "b", "a"]), [[0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    )


def test_a_level_that_training_does_not_know_is_none_of_them_and_counted():
    column = planned(["a", "b", "a", "b", "z", "z"], [0, 1, 2, 3])
    assert column.unseen == 2
    rows = encoded(["a", "b", "a", "b", "z", "z"], [0, 1, 2, 3])
    np.testing.assert_array_equal(rows[4:], 0)


def test_more_levels_than_there_is_room_for_share_columns_by_their_hash():
    names = [f"city {i}" for i in range(LEVELS + 1)] * 3
    column = planned(names)
    assert column.encoder.is_hashed
    rows = encoded(names)
    assert rows.shape == (len(names), LEVELS)
    np.testing.assert_array_equal(rows.sum(axis=1), 1)
    assert rows[7, zlib.crc32(b"city 7") % LEVELS] == 1
    assert planned(names[: 3 * LEVELS]).encoder.is_hashed
    exactly = [f"city {i}" for i in range(LEVELS)] * 3
    assert planned(exactly).encoder.levels == tuple(sorted(set(exactly)))


@given(st.lists(st.none() | st.text(max_size=3), min_size=3, max_size=40), st.data())
def test_each_row_of_a_text_has_one_level_or_says_that_it_is_missing(values, data):
    training = sorted(data.draw(st.sets(st.integers(0, len(values) - 1), min_size=2)))
    column = planned(values, training, dtype=pl.String)
    if not isinstance(column.encoder, Text):
        return
    rows = encoded(values, training, dtype=pl.String)
    seen = {values[i] for i in training}
    for value, row in zip(values, rows, strict=True):
        known = value in seen
        assert row.sum() == known
    assert rows.shape[1] == column.encoder.width


def test_a_date_becomes_days_and_what_varies_of_its_parts():
    """Three Mondays of January 2024: month and weekday and hour are the same, days and day are not."""
    dates = [datetime.date(2024, 1, day) for day in (1, 8, 15)]
    column = planned(dates)
    assert isinstance(column.encoder, Moment)
    assert list(column.encoder.numbers) == ["days", "day"]
    days = column.encoder.numbers["days"]
    assert days.mean == (datetime.date(2024, 1, 8) - datetime.date(1970, 1, 1)).days
    z = np.array([-1, 0, 1]) / np.sqrt(2 / 3)
    np.testing.assert_allclose(encoded(dates), np.c_[z, z])


def test_a_time_of_day_is_the_hour_and_a_fraction_of_the_days():
    times = [datetime.datetime(2024, 1, 1, hour) for hour in (0, 6, 12)]
    encoder = planned(times).encoder
    assert list(encoder.numbers) == ["days", "hour"]
    assert encoder.numbers["days"].mean == pytest.approx(19723.25)
    assert encoder.numbers["hour"].mean == 6


def test_a_missing_date_says_so_once():
    dates = [datetime.date(2024, 1, 1), None, datetime.date(2024, 2, 3)]
    rows = encoded(dates)
    assert rows[:, 1].tolist() == [0, 1, 0]
    assert rows[1].tolist() == [0, 1, 0, 0, 0]  # days, missing, month, day, weekday


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([3.0, 3.0, 3.0], "constant"),
        (["a", "a", "a"], "constant"),
        ([True, True, True], "constant"),
        ([datetime.date(2024, 1, 1)] * 3, "constant"),
        ([None, None, None], "empty"),
        ([np.nan, np.inf, None], "empty"),
        ([[1], [2], [3]], "type"),
        ([4, 2, 3], "identifier"),
        (["Ann", "Bob", "Cyd"], "unique"),
        ([f"name {i}" for i in range(95)] + ["name 0"] * 5, "unique"),
    ],
)
def test_a_column_is_left_out(values, reason):
    column = planned(values)
    assert column.encoder is None
    assert column.reason == reason


@pytest.mark.parametrize(
    ("name", "is_identifier"),
    [
        *[
            (name, True)
            for name in ("id", "user_id", "userId", "userID", "row index", "uuid", "会員番号", "Unnamed: 0")
        ],
        *[(name, False) for name in ("paid", "humid", "grid", "price", "index fund", "valid")],
    ],
)
def test_a_name_tells_an_identifier_that_has_gaps(name, is_identifier):
    values = [10, 5000, 777, 123_456, 42]
    assert (planned(values, name=name).reason == "identifier") == is_identifier


def test_whole_numbers_that_repeat_or_have_gaps_are_measured():
    assert planned([1, 2, 2]).reason == ""
    assert planned([10, 5000, 777]).reason == ""
    assert planned([1.5, 2.5, 3.5]).reason == ""


def test_an_identifier_is_told_from_the_training_rows_of_a_shuffled_file():
    """They have gaps, where the rows for validation and test are; but all of them lie within as many rows."""
    random = np.random.default_rng(0)
    shuffled = random.permutation(100) + 1
    assert planned(list(shuffled), sorted(random.permutation(100)[:60])).reason == "identifier"


def test_an_identifier_counts_the_rows_without_a_label_too():
    """Of rows 0 to 99 ten have no label: 90 numbers, which lie within the 100 rows of the table."""
    x = pl.Series("row", [i for i in range(100) if i % 10 != 5])
    assert plan(x, np.arange(90), 100).reason == "identifier"
    assert plan(x, np.arange(90)).reason == ""  # as if the table had 90 rows


@given(NUMBERS, NUMBERS)
def test_what_stands_outside_of_training_changes_nothing(training, others):
    """No leak: with other numbers in the rows for validation and test the encoder is the same."""
    rows = np.arange(len(training))
    one = plan(pl.Series("x", training + others, dtype=pl.Float64), rows)
    other = plan(pl.Series("x", training + [1e9] * len(others), dtype=pl.Float64), rows)
    assert (one.encoder, one.reason) == (other.encoder, other.reason)
