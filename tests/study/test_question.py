"""A question of a study."""

import numpy as np

from kobai.study import statistics
from kobai.study.question import question


def test_what_rounding_leaves_of_a_bound_is_no_cost():
    """Nowhere is a behind b. The planted mistake: "at most 0 % more" of what sums of logarithms leave."""
    a = np.array([30.0, 30, 40, 50, 10, 10, 50, 50])
    b = np.where(np.arange(8) == 5, 20, a)
    found = statistics.choose(statistics.log_steps(np.stack([a, b], axis=1), 100))
    assert 0 < found.bounds[found.leader] < 1e-15
    asked = question("a", {"a": a, "b": b}, 100)
    assert (asked.choice, asked.leader, asked.best_set, asked.cost.high) == ("a", "a", ("a", "b"), 0)
    assert asked.of("b").high > 0.2
