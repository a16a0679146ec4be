"""What cannot be trained is told before any training: the part, the row, the number, what to do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai import words
from kobai.tasks.check import check_start, check_task

ROWS = 400
PLACES = [("train", 400, 399), ("validation", 50, 7), ("test", 60, 0)]
"""A part, how many rows it has, and the bad one."""


def data(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 3)).astype(np.float32), rng.integers(2, size=rows).astype(np.int32)


def cross_entropy(parameters, batch):
    x, y = batch
    logits = x @ parameters["w"] + parameters["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def task(**fields):
    parameters = {"w": np.zeros((3, 2), np.float32), "b": np.zeros(2, np.float32)}
    parts = {"train": data(), "validation": data(50, 1), "test": data(60, 2)}
    return kobai.Task(**{"parameters": parameters, "loss": cross_entropy, **parts, **fields})


def check(task):
    check_task(task)
    check_start(task, task.parameters)


def refused(spoiled):
    with pytest.raises(kobai.UsageError) as caught:
        check(spoiled)
    return str(caught.value)


def test_sound_data_pass():
    check(task())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("part", "rows", "row"), [("train", 400, 399), ("validation", 50, 7), ("test", 60, 0)]
)
def test_a_number_that_is_none_is_told_with_its_row(part, rows, row, value):
    x, y = data(rows)
    x[row, 1] = value
    assert f"row {row} of {part}, counted from 0, holds {value}; leave that row out" in refused(
        task(**{part: (x, y)})
    )


@pytest.mark.parametrize(
    ("part", "rows", "row"), [("train", 400, 399), ("validation", 50, 7), ("test", 60, 0)]
)
def test_a_label_beyond_the_classes_is_told_with_its_row(part, rows, row):
    x, y = data(rows)
    y[row] = 2
    sentence = refused(task(**{part: (x, y)}))
    assert (
        f"row {row} of {part}, counted from 0, gives the index 2 where there are 2, from 0 to 1" in sentence
    )


def test_a_row_with_a_loss_that_is_not_finite_is_told_with_its_whole_numbers():
    def lost(parameters, batch):
        return jnp.mean(jnp.log(batch[1] + 1.0)) + cross_entropy(parameters, (batch[0], 0 * batch[1]))

    x, y = data()
    y[7] = -2
    sentence = refused(task(loss=lost, train=(x, y)))
    assert "row 7 of train, counted from 0, has a loss that is not finite (its whole numbers: -2)" in sentence


def test_the_first_of_several_bad_rows_is_named():
    x, y = data()
    x[[350, 70, 200]] = np.nan
    assert "row 70 of train" in refused(task(train=(x, y)))


def test_the_user_s_own_way_with_missing_values_is_left_alone():
    """NaN in the data are no fault where the loss fills them in."""

    def filled(parameters, batch):
        x, y = batch
        return cross_entropy(parameters, (jnp.nan_to_num(x), y))

    x, y = data()
    x[::5, 0] = np.nan
    check_start(task(train=(x, y), loss=filled), task().parameters)


def test_a_loss_that_is_never_finite_is_no_fault_of_a_row():
    def lost(parameters, batch):
        return cross_entropy(parameters, batch) * jnp.nan

    assert "loss must be finite at the start, got nan" in refused(task(loss=lost))


def test_the_rows_are_told_also_where_a_batch_is_normalized():
    """Alone a row makes a batch of itself, so that a variance of nothing is no fault of the row."""
    network = kobai.tasks.digits(batch_norm=True, hidden=8)
    x, y = network.train
    x = x.copy()
    x[1000, 3] = np.nan
    spoiled = dataclasses.replace(network, train=(x, y))
    assert "row 1000 of train, counted from 0, holds nan" in refused(spoiled)


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (np.array([0, 2**32 + 1] * 25), 2**32 + 1),
        (np.array([0, -(2**31) - 1] * 25), -(2**31) - 1),
        (np.array([0, 2**40] * 25, np.uint64), 2**40),
    ],
)
def test_whole_numbers_that_32_bits_would_wrap_are_refused(array, value):
    x, _ = data(50)
    sentence = refused(task(validation=(x, array)))
    assert f"validation holds the whole number {value}, which 32 bits cannot hold" in sentence
    assert "jax_enable_x64" in sentence
    assert np.asarray(jnp.asarray(array)).max() != array.max() or array.min() < -(
        2**31
    )  # it would have wrapped


def test_numbers_that_single_precision_would_lose_are_refused():
    x = data(50)[0].astype(float)
    x[3, 0] = 1e300
    assert "validation holds 1e+300, which single precision cannot hold" in refused(
        task(validation=(x, data(50)[1]))
    )


def test_whole_numbers_of_parameters_and_state_are_looked_at_too():
    parameters = {**task().parameters, "seen": np.array([2**33])}
    assert "parameters holds the whole number 8589934592" in refused(task(parameters=parameters))


def test_under_x64_nothing_is_wrapped_and_nothing_refused():
    x, y = data(50)
    with jax.enable_x64(True):
        check_task(task(validation=(x, y.astype(np.int64) + 2**40)))


def test_it_is_said_in_japanese_too():
    x, y = data()
    x[399, 1] = np.nan
    with words.language("ja"):
        assert "trainの399行目（0から数えて）にnanがあります" in refused(task(train=(x, y)))


@pytest.mark.parametrize("field", ["preparation", "cautions"])
@pytest.mark.parametrize("value", [5, "a sentence", [object], [None]])
def test_what_is_said_of_the_data_must_be_sentences(field, value):
    assert f"{field} must be a list of sentences, got " in refused(task(**{field: value}))
