"""Texts as numbers, truths and dates, and what stays a text."""

import datetime

import polars as pl
import pytest

from kobai.tasks.table.texts import stripped, understood

day = datetime.datetime


def read(texts, decimal_comma=False, one_word=True):
    return understood(stripped(pl.Series("x", texts)), decimal_comma, one_word)


@pytest.mark.parametrize(
    ("texts", "decimal_comma", "numbers"),
    [
        (["1", "2.5", "-1e3"], False, [1, 2.5, -1000]),
        (["1,234.50", "12", "-1,234,567"], False, [1234.5, 12, -1234567]),
        (["1.234,50", "12", "-3,5"], True, [1234.5, 12, -3.5]),
        (["¥1,234", "￥56", "¥-7"], False, [1234, 56, -7]),
        (["1,234円", "56円"], False, [1234, 56]),
        (["50%", "12.5 %", "１２％"], False, [50, 12.5, 12]),
        (["１２", "－３．５", "4"], False, [12, -3.5, 4]),
        (["inf", "-Infinity", "1"], False, [float("inf"), float("-inf"), 1]),
    ],
)
def test_numbers_as_people_write_them(texts, decimal_comma, numbers):
    assert read(texts, decimal_comma).series.to_list() == numbers


@pytest.mark.parametrize(
    "texts",
    [
        ["50%", "0.5"],  # in two units
        ["$5", "€5"],
        ["1,23", "4,56"],  # neither thousands nor, here, a decimal comma
        ["12,34,567", "1"],
        ["3+", "4"],
        ["A1", "B2"],
        ["1-2", "3-4"],
    ],
)
def test_what_is_no_number_for_certain_stays_a_text(texts):
    assert read(texts).series.to_list() == texts


@pytest.mark.parametrize("word", ["unknown", "-", "欠損", "n. a."])
def test_one_word_beside_numbers_is_a_missing_number(word):
    texts = [str(i) for i in range(9)] + [word]
    series, read_word = read(texts)
    assert read_word == word
    assert series.to_list() == [*range(9), None]


@pytest.mark.parametrize(
    "others",
    [["low", "high"], ["3+"], ["x"] * 2],  # two words; one with a digit; too many
)
def test_words_that_may_mean_something_make_a_text(others):
    texts = [str(i) for i in range(10)] + others
    assert read(texts).series.to_list() == texts


def test_a_word_of_a_label_may_be_a_class():
    texts = ["1", "2"] * 10 + ["other"]
    assert read(texts, one_word=False).series.to_list() == texts


@pytest.mark.parametrize(
    ("texts", "times"),
    [
        (["2024-01-31", "2024/2/1"], [day(2024, 1, 31), day(2024, 2, 1)]),
        (["2024年1月31日", "2024年2月1日"], [day(2024, 1, 31), day(2024, 2, 1)]),
        (["2024-01-31T09:00:00+09:00", "2024-01-31T09:00:00Z"], [day(2024, 1, 31), day(2024, 1, 31, 9)]),
    ],
)
def test_dates_begin_with_the_year_and_times_of_a_zone_are_in_utc(texts, times):
    assert read(texts).series.to_list() == times


@pytest.mark.parametrize("texts", [["1/2/2024"], ["31.01.2024"], ["2024-13-45", "2024-01-01"]])
def test_other_dates_stay_texts(texts):
    assert read(texts).series.to_list() == texts


def test_truths_in_any_case():
    assert read(["TRUE", "False", " true "]).series.to_list() == [True, False, True]
    assert read(["yes", "no"]).series.to_list() == ["yes", "no"]


def test_a_word_that_is_known_to_say_that_there_is_none():
    assert stripped(pl.Series([" a ", "?", "unknown"]), "unknown").to_list() == ["a", None, None]
