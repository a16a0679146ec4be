"""What an exercise sees of an answer that puts something else into its arguments."""

import numpy as np
import pytest

from kobai.course.exercise import function
from kobai.course.judge import judge

CASE = ({"W": np.array([1.0, 2.0])}, [np.array([1.0]), 3.0])


def total(params, rows):
    return float(params["W"].sum() + rows[1])


@pytest.mark.parametrize("value", [0.0, [1.0], {"a": 1.0}, np.zeros(3), "text", None])
@pytest.mark.parametrize(("argument", "place"), [(0, "W"), (1, 0), (1, 1)])
def test_an_argument_that_became_something_else_was_changed(argument, place, value):
    def answer(*arguments):
        result = total(*arguments)
        arguments[argument][place] = value
        return result

    exercise = function("total", total, [CASE])
    assert judge("x", exercise, {"total": total}).status == "passed"
    assert judge("x", exercise, {"total": answer}).mistake == "arguments_changed"
