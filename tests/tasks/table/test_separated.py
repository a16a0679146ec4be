"""Text files as columns: types, pieces, and every way in which a file is wrong."""

import contextlib
import datetime
import gc

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kobai.basics.errors import UsageError
from kobai.tasks.table import separated as reading
from kobai.tasks.table.read import read
from kobai.tasks.table.texts import MISSING
from table_files import columns, writer
from terminal import says_in_each_language


@pytest.fixture
def file(tmp_path):
    """Write a file; its path."""
    return writer(tmp_path)


def test_each_type_is_understood(file):
    text = """n, x ,truth,day,time,text,code
1,0.5,true,2024-01-02,2024-01-02 03:04:05,"a, b",07
2,1e3,False,2024/1/3,2024-01-03T00:00:00,ü,8
"""
    assert columns(file(text)) == {
        "n": [1, 2],
        "x": [0.5, 1000],
        "truth": [True, False],
        "day": [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 3)],
        "time": [datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.datetime(2024, 1, 3)],
        "text": ["a, b", "ü"],
        "code": [7, 8],
    }


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_value_is_one_in_every_type(file, missing):
    row = ",".join([missing] * 4 + [f" {missing} "])
    text = f"n,text,truth,day,spaced\n1,a,true,2024-01-02,5\n{row}\n"
    for values in columns(file(text)).values():
        assert values[1] is None
        assert values[0] is not None


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_first_row(file, sign):
    assert columns(file(f"a{sign}b\n1{sign}x\n")) == {"a": [1], "b": ["x"]}


def test_a_comma_is_a_decimal_point_where_it_separates_nothing(file):
    assert columns(file("a;b\n1,5;x\n2;y\n")) == {"a": [1.5, 2.0], "b": ["x", "y"]}


def test_a_tsv_is_separated_by_tabs_alone(file):
    assert columns(file("a,b\tc\n1\t2\n", "data.tsv")) == {"a,b": [1], "c": [2]}


def test_blanks_around_numbers_are_no_text(file):
    assert columns(file("a, b\n 1, x\n 2.5, y\n")) == {"a": [1, 2.5], "b": ["x", "y"]}


def test_the_marks_of_other_systems_are_no_part_of_the_table(file):
    assert columns(file(b"\xef\xbb\xbfa,b\r\n1,x\r\n")) == {"a": [1], "b": ["x"]}


def test_a_column_without_a_name_is_called_by_its_place(file):
    assert list(columns(file(",b\n1,2\n"))) == ["column 1", "b"]


def test_a_row_that_ends_early_is_empty_there(file):
    assert columns(file("a,b\n1\n2,x\n3\n")) == {"a": [1, 2, 3], "b": [None, "x", None]}


def test_whole_numbers_beyond_64_bits_are_numbers(file):
    assert columns(file(f"a\n{10**25}\n1\n")) == {"a": [1e25, 1]}


def test_a_file_of_old_systems_is_read(file):
    assert columns(file("a,b\r1,x\r")) == {"a": [1], "b": ["x"]}
    assert columns(file("名前,点\n山田,3\n", encoding="cp932")) == {"名前": ["山田"], "点": [3]}
    assert columns(file("名前,点\n山田,3\n", encoding="utf-16")) == {"名前": ["山田"], "点": [3]}


def test_day_and_month_that_may_be_confused_stay_a_text(file):
    assert columns(file("when\n01/02/2024\n13/02/2024\n"))["when"] == ["01/02/2024", "13/02/2024"]


ROWS = [(i, i / 7, f'name "{i}"\nof two lines' if i % 5 == 0 else f"n{i}") for i in range(200)]
TEXT = "i,x,text\n" + "".join('{},{},"{}"\n'.format(i, x, t.replace('"', '""')) for i, x, t in ROWS)


@pytest.mark.parametrize("piece", [20, 64, 1000, 10**6])
def test_a_file_read_in_pieces_is_the_same(file, monkeypatch, piece):
    monkeypatch.setattr(reading, "PIECE", piece)
    read_back = columns(file(TEXT))
    assert read_back["i"] == [i for i, _, _ in ROWS]
    assert read_back["text"] == [text for _, _, text in ROWS]
    np.testing.assert_allclose(read_back["x"], [x for _, x, _ in ROWS], rtol=1e-6)


def test_a_piece_that_ends_inside_of_quotes_would_tear_a_row(file, monkeypatch):
    """The wrong variant: cut at any line, the rows of two lines are torn."""
    monkeypatch.setattr(reading, "PIECE", 64)

    def torn(file):
        yield from (block for block in iter(lambda: b"".join(file.readlines(64)), b""))

    monkeypatch.setattr(reading, "_pieces", torn)
    with pytest.raises(UsageError):
        columns(file(TEXT))


@pytest.mark.parametrize(("last", "first"), [("0.5", 1.0), ("x", 1.0), ("007a", "1"), ("2024-01-02", "1")])
def test_a_later_row_may_be_of_a_wider_type(file, monkeypatch, last, first):
    monkeypatch.setattr(reading, "PIECE", 16)
    path = file("a,b\n" + "1,2\n" * 20 + f"{last},3\n")
    assert columns(path)["a"][0] == first
    assert columns(path)["b"] == [2] * 20 + [3]


def test_codes_keep_their_zeros_where_a_later_one_has_letters(file, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 16)
    assert columns(file("a\n" + "007\n" * 20 + "7b\n"))["a"][0] == "007"


def test_a_large_file_keeps_a_column_in_double_precision_that_needs_it(file, monkeypatch):
    monkeypatch.setattr(reading, "PIECE", 800)
    times = [1_700_000_000.5 + i for i in range(50)]
    table = read(file("t,x\n" + "".join(f"{t},{i / 3}\n" for i, t in enumerate(times))))
    assert table.column("t").to_list() == times
    assert table.column("x").dtype == pl.Float32


def test_a_released_column_is_let_go(file):
    table = read(file("a,b\n1,2\n"))
    table.column("a")
    table.release("a")
    gc.collect()
    with pytest.raises(KeyError):
        table.column("a")


@pytest.mark.parametrize(
    ("content", "name", "parts"),
    [
        (b"", "data.csv", ["data.csv is empty", "a row of names"]),
        (b" \n\n", "data.csv", ["is empty"]),
        ("a,b,a\n1,2,3\n", "data.csv", ["several columns of one name: a", "give each its own"]),
        ("a,b\n1,2,3\n", "data.csv", ["2 names in its first row, and 3 columns below"]),
        ("a,b\n1,2\n" * 9 + "1,2,3\n", "data.csv", ["2 names", "3 columns below"]),
        ("a,b\n", "data.csv", ["is empty"]),
        (
            "größe\n1\n",
            "data.csv:latin-1",
            ["not in UTF-8", "byte 0xf6 at position 2", "save the file as UTF-8"],
        ),
        ('x,y\n1,5" disk\n2,a\n', "data.csv", ["quotation mark that is never closed", '1,5" disk', "double"]),
        (b"PAR1 nonsense", "data.parquet", ["data.parquet cannot be read as a table"]),
        (b"x", "data.xlsx", ["no table that kobai reads", ".csv, .tsv", ".parquet"]),
    ],
)
def test_a_file_that_cannot_be_read_is_told(file, content, name, parts):
    name, _, encoding = name.partition(":")
    with pytest.raises(UsageError) as caught:
        read(file(content, name, encoding or "utf-8"))
    assert says_in_each_language(caught.value, parts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text('ab1,";\n\r\t .-e', max_size=60).map(str.encode))
def test_whatever_stands_in_a_file_it_is_a_table_or_a_mistake_that_is_told(file, content):
    path = file(content)
    with contextlib.suppress(UsageError):
        table = read(path)
        assert {len(table.column(name)) for name in table.names} == {table.height}
