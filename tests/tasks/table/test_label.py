"""What is predicted: classes or numbers, by the rule that the page states."""

import datetime

import numpy as np
import polars as pl
import pytest

from kobai.basics.errors import UsageError
from kobai.tasks.table.label import known_rows, label_of
from terminal import says_in_each_language


def label(values, kind=None, **more):
    return label_of(pl.Series("y", values, **more), kind)


def test_texts_and_truths_are_classes():
    found = label(["b", "a", "b", "a"])
    assert found.classes == ("a", "b")
    assert found.values.tolist() == [1, 0, 1, 0]
    assert label([True, False, True, False]).classes == ("False", "True")
    assert label(["b", "a", "b", "a"], dtype=pl.Categorical).classes == ("a", "b")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1] * 5, "classification"),
        ([0.0, 1.0] * 5, "classification"),  # as whole numbers with gaps are written
        ([0.5, 1.0] * 50, "regression"),
        (list(range(20)) * 5, "classification"),
        (list(range(20)) * 4, "regression"),  # four rows a class
        (list(range(21)) * 50, "regression"),
        ([0, 1, 2] * 3, "regression"),
    ],
)
def test_whole_numbers_are_classes_where_few_of_them_stand_in_many_rows(values, kind):
    assert label(values).kind == kind
    assert label(values).whole == (kind == "classification")


def test_the_argument_decides():
    assert label([0, 1] * 5, "regression").kind == "regression"
    assert label(list(range(21)) * 5, "classification").classes == tuple(map(str, range(21)))
    assert label([2.0, 1.0, 2.0, 1.0], "classification").classes == ("1", "2")


def test_classes_stand_in_the_order_of_their_values():
    assert label([10, 9, 10, 9] * 3).classes == ("9", "10")


def test_a_class_is_written_in_full():
    assert label([1234567.0, 7654321.0] * 5).classes == ("1234567", "7654321")
    assert label([1234567.0, 7654321.0] * 5).levels == (1234567.0, 7654321.0)


def test_a_row_is_known_where_its_label_is_there_and_finite():
    assert known_rows(pl.Series([1.0, None, np.nan, np.inf, 2.0])).tolist() == [0, 4]
    assert known_rows(pl.Series(["a", None])).tolist() == [0]


@pytest.mark.parametrize(
    ("values", "kind", "parts"),
    [
        (["a", "a"], None, ["label 'y' is a in every row", "that varies"]),
        (["a", "b", "c"], None, ["3 different values in 3 rows", "too many for classes"]),
        (["a", "b", "a", "b"], "regression", ["must hold numbers", "got 'a'"]),
        ([datetime.date(2024, 1, i) for i in (1, 2, 3)], None, ["got Date", "choose another column"]),
        ([[1], [2]], None, ["got List"]),
        ([0.1, 0.2, 0.3], "classification", ["too many for classes", "kind='regression'"]),
        ([1, 2], "regresion", ["kind of label 'regresion'", "did you mean 'regression'?"]),
    ],
)
def test_a_wrong_label_is_refused(values, kind, parts):
    with pytest.raises(UsageError) as caught:
        label(values, kind)
    assert says_in_each_language(caught.value, parts)
