"""How much of a large result is shown, and the word about the rest."""

import numpy as np
import polars as pl

from kobai import words
from kobai.report import cut
from kobai.report.sheet import Sheet


def test_few_things_are_all_shown():
    assert cut.first([3, 1, 2], 3) == cut.spread([3, 1, 2], 3) == [3, 1, 2]
    assert cut.word("rows", 3, 3) == []
    assert cut.listed("1, 2, 3") == "1, 2, 3"


def test_the_first_and_those_that_are_shown_in_any_case():
    assert cut.first([5, 4, 3, 2, 1], 2, always=[1]) == [5, 4, 1]
    assert cut.first([7] * 5, 2) == [7, 7]


def test_the_first_and_the_last_of_those_that_are_spread():
    assert cut.spread(range(101), 5) == [0, 25, 50, 75, 100]


def test_a_long_list_in_a_sentence_ends_at_a_comma():
    text = cut.listed(", ".join(map(str, range(1000))))
    assert len(text) <= cut.LETTERS + 2
    *numbers, end = text.split(", ")
    assert end == "…"
    assert numbers == [str(i) for i in range(len(numbers))]
    assert cut.listed("x" * 5000) == "x" * cut.LETTERS + "…"


def test_the_ends_and_the_spikes_of_curves_stay():
    heights = np.sin(np.arange(10_000) / 9)
    heights[777] = 40
    table = pl.DataFrame({"step": np.arange(10_000), "a": heights, "b": -heights})
    few = cut.curves(table, ["a", "b"], 100)
    assert len(few) <= 104
    assert {0, 777, 9999} <= set(few["step"])


def test_a_sheet_shows_rows_and_columns_as_a_person_reads_them():
    names = [f"column {i}" for i in range(100)]
    rows = [[f"{i}.{j}" for j in range(100)] for i in range(300)]
    sheet = Sheet("A title", names, rows, ["A note."])
    shown = sheet.shown()
    assert (len(shown.rows), len(shown.heads)) == (cut.ROWS, 1 + cut.COLUMNS)
    assert [row[0] for row in shown.rows][:: cut.ROWS - 1] == ["0.0", "299.0"]
    assert shown.heads[:2] + shown.heads[-1:] == ["column 0", "column 1", "column 99"]
    assert "40 of 300 rows are shown" in sheet.text()
    assert "13 of 100 columns are shown" in sheet.summary()
    with words.language("ja"):
        assert "300行のうち" in sheet.page({}, "kobai.nothing()")


def test_a_small_sheet_is_shown_whole():
    sheet = Sheet("A title", ["a", "b"], [["1", "2"]], ["A note."])
    assert sheet.shown() == sheet
