"""Files and frames as tables, and what is none."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from kobai.basics.errors import UsageError
from kobai.tasks.table.read import is_table, read
from table_files import columns
from terminal import says_in_each_language


def test_parquet_is_read_column_by_column(tmp_path):
    path = tmp_path / "data.parquet"
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None], "truth": [True, False]})
    frame.write_parquet(path)
    assert columns(path) == frame.to_dict(as_series=False)
    assert columns(str(path)) == columns(frame) == columns(frame.lazy())


def test_a_text_that_names_a_table_is_one():
    assert all(map(is_table, ("a.csv", "b.TSV", "c.parquet", pl.DataFrame(), pd.DataFrame())))
    assert not any(map(is_table, ("digits", "my_task.py", "my_task.py:name", 3, None, np.zeros(3))))


def test_no_file_and_no_table_are_told(tmp_path):
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "nope.csv")
    assert says_in_each_language(caught.value, ["there is no file", "nope.csv", "look at its name"])
    with pytest.raises(UsageError, match="there is no file"):
        read(tmp_path.with_suffix(".csv"))
    with pytest.raises(UsageError) as caught:
        read(3)
    assert says_in_each_language(caught.value, ["a table must be a file", "got int"])
