"""What counts as a number: Python's and NumPy's, but neither True nor what no array can hold."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from kobai.basics.checks import check_count, check_fields, check_number, check_seed, is_number, is_whole
from kobai.basics.errors import UsageError

WHOLE = [0, -3, np.int64(7), np.uint8(1)]
NUMBERS = [*WHOLE, 0.5, float("nan"), np.float32(1.5), np.float64(2)]
NO_NUMBERS = [True, np.True_, None, "1", Fraction(1, 10), Decimal("0.1"), 1j, [1], np.ones(1), np.array(1.0)]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_a_number(value):
    assert is_number(value)
    assert is_whole(value) == any(value is whole for whole in WHOLE)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_no_number(value):
    assert not is_number(value)
    assert not is_whole(value)
    for check in (check_count, check_seed):
        with pytest.raises(UsageError):
            check("seeds", value)
    with pytest.raises(UsageError, match="Adam: learning_rate must be"):
        check_number("Adam", "learning_rate", value, "rule.rate", lambda _: True)


def test_fields_that_are_traced_are_left_alone_and_numpy_s_numbers_are_not():
    class Part:
        rate = np.bool_(True)
        factor = np.ones(3)

    check_fields(Part(), {"factor": ("rule.rate", lambda _: False)})
    with pytest.raises(UsageError, match="Part: rate must be"):
        check_fields(Part(), {"rate": ("rule.rate", lambda _: True)})
