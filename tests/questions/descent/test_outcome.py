"""What is read off a path, and where minimizers stop."""

import math
import re

import numpy as np
import pytest

import kobai
from kobai.questions.descent import outcome as read
from kobai.questions.descent.walk import Path


def judged(values, level=1.0, ended=None):
    values = np.array(values, float)
    spent = 2 * np.arange(len(values))
    path = Path(values, np.zeros((len(values), 1)), spent, spent[-1] + (ended is not None), ended)
    return read.judge("sgd", kobai.SGD(), path, level)


@pytest.mark.parametrize(
    ("values", "ended", "expected"),
    [
        ([5, 3, 0.5, 0.2], None, (2, 2, "reached", None, 4)),
        ([5, 0.5, 2, 0.2], None, (1, 3, "reached", None, 2)),
        ([5, 0.5, 2, 2], None, (1, None, "left", None, 2)),
        ([5, 4, 3, 2], None, (None, None, "not_reached", None, 6)),
        ([0.5, 0.4], None, (0, 0, "reached", None, 0)),
        ([5, 1e9, 1e10], None, (None, None, "diverged", 1, 2)),
        ([5, 1e9, 3, 2], None, (None, None, "not_reached", None, 6)),
        ([5, 4, math.nan, math.nan], None, (None, None, "diverged", 2, 4)),
        ([5, 0.5, math.inf, math.nan], None, (1, None, "diverged", 2, 2)),
        ([5, -1, -1e9, -math.inf, math.nan], None, (1, 1, "reached", None, 2)),
        ([5, -1, -1e9, math.nan], None, (1, 1, "reached", None, 2)),
        ([5, 4, 3], "converged", (None, None, "converged", None, 5)),
        ([5, 4, 0.1], "converged", (2, 2, "reached", None, 4)),
        ([5, 4, 3], "line_search_failed", (None, None, "line_search_failed", None, 5)),
        ([5, 4, 3], "iteration_limit", (None, None, "not_reached", None, 5)),
        ([1.0, 1.0], None, (None, None, "not_reached", None, 2)),
    ],
)
def test_what_is_read_off_a_path(values, ended, expected):
    row = judged(values, ended=ended)
    assert (row.first, row.stays, row.status, row.diverged_at, row.evaluations) == expected


def test_the_best_of_several_rates():
    slow, fast, gone = judged([5, 3, 2, 0.5]), judged([5, 0.5, 0.4, 0.3]), judged([5, 1e9, 1e12, math.nan])
    leaves, never, lower = judged([5, 0.1, 3, 4]), judged([5, 4, 3, 3]), judged([5, 4, 3, 2])
    order = [fast, slow, leaves, lower, never, gone]
    assert read.ordered([gone, never, slow, leaves, lower, fast], None) == order
    assert read.best(order[::-1]) is fast
    # Two that end equally low: the one that was there first.
    sooner, later = judged([5, 2, 2, 2]), judged([5, 4, 3, 2 - 1e-12])
    assert read.best([later, sooner]) is sooner


# Where minimizers stop


def test_a_fall_without_end_is_an_arrival_and_its_cost_is_told():
    """A line search on the saddle goes down for ever: its last accepted iterate lies at −4e-12."""
    found = kobai.descend("saddle", ["bfgs", "lbfgs", "conjugate_gradient"])
    for row in found.outcome.rows:
        assert row.path.ended == "unbounded"
        assert (row.status, row.first, row.stays) == ("reached", 2, 2)
        assert row.value < -1e100
        assert row.evaluations == row.path.total == row.path.counts["gradient"] > 50
        assert len(row.path.values) == len(row.path.points) == len(row.path.spent) == 3


def test_what_was_spent_for_nothing_counts_where_it_never_arrives():
    [row] = kobai.descend("noisy", "bfgs", start=(-7, 2)).outcome.rows
    assert row.status == row.path.ended == "small_step"
    assert row.evaluations == row.path.counts["gradient"] == row.path.total


def test_at_a_saddle_no_minimum_is_claimed():
    shown = repr(kobai.descend("saddle", "bfgs", start=(0, 0)))
    assert re.search("^bfgs .* gradient zero$", shown, re.M)
    assert "No least value of this landscape is known; arrived means f < −1" in " ".join(shown.split())
    shown = repr(kobai.descend("rastrigin", "bfgs"))
    assert re.search("^bfgs .* gradient zero$", shown, re.M)
    assert "another minimum, a saddle, or a --tolerance too small" in " ".join(shown.split())
