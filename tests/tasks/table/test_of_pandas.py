"""Frames of pandas as columns, whatever types they have."""

import datetime

import numpy as np
import pandas as pd

from table_files import columns


def test_a_frame_of_pandas_is_the_same_as_one_of_polars():
    """Whatever types pandas has for missing values; pyarrow is not needed."""
    frame = pd.DataFrame(
        {
            "int": [1, 2, 3],
            "float": [0.5, np.nan, 1.5],
            "Int": pd.array([1, None, 3], dtype="Int64"),
            "bool": [True, False, True],
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "text": ["a", None, "b"],
            "category": pd.Categorical(["u", "v", None]),
            "time": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "zone": pd.to_datetime(["2024-01-01", None, "2024-01-03"]).tz_localize("Asia/Tokyo"),
            "mixed": [1, "x", None],
            7: [1, 2, 3],
        }
    )
    day = datetime.datetime
    found = columns(frame)
    assert np.isnan(found["float"][1])
    assert found | {"float": None} == {
        "int": [1, 2, 3],
        "float": None,
        "Int": [1, None, 3],
        "bool": [True, False, True],
        "boolean": [True, None, False],
        "text": ["a", None, "b"],
        "category": ["u", "v", None],
        "time": [day(2024, 1, 1), None, day(2024, 1, 3)],
        "zone": [day(2023, 12, 31, 15), None, day(2024, 1, 2, 15)],  # in UTC
        "mixed": ["1", "x", None],
        "7": [1, 2, 3],
    }
