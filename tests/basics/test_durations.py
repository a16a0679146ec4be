"""Times as people write them."""

import math

import pytest

from kobai.basics.durations import seconds_of
from kobai.basics.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90s", 90), ("5m", 300), ("1.5h", 5400), ("1h30m", 5400), (" 2 m 5 s ", 125), ("1d", 86400)),
        *((300, 300), (2.5, 2.5)),
    ],
)
def test_a_time_is_read(text, seconds):
    assert seconds_of("budget", text) == seconds


@pytest.mark.parametrize(
    "value",
    ["300", "5 minutes", "", "m", "5m or so", "-5m", "0s", 0, 0.5, -1, math.inf, math.nan, True, None, [1]],
)
def test_what_is_no_time_is_refused(value):
    with pytest.raises(UsageError, match="budget is a time of at least 1 s, such as 90s, 5m or 1h30m"):
        seconds_of("budget", value)
