"""Intervals cover what they claim to: simulated runs whose mean is known, few of which arrive."""

import functools

import numpy as np
import pytest
import scipy.stats

from kobai.study import statistics as s
from kobai.study.statistics.estimates import t_interval

BUDGET = 500
STUDIES = 300
MARGIN = scipy.stats.norm.ppf(0.999) * np.sqrt(0.05 * 0.95 / STUDIES)
"""What chance may take from a coverage of 95 % in so many studies, once in a thousand times."""

ARRIVALS = {
    "uniform": lambda rng, size: rng.uniform(20, 480, size),
    "log-normal": lambda rng, size: np.minimum(np.exp(rng.normal(5, 0.4, size)), BUDGET - 1),
    "early": lambda rng, size: rng.uniform(20, 60, size),
    "late": lambda rng, size: rng.uniform(440, 499, size),
}


@functools.cache
def studies(shape, chance, runs):
    """(restricted times [studies, runs], their true mean) where runs arrive with this chance."""
    rng = np.random.default_rng([runs, int(100 * chance)])
    steps = ARRIVALS[shape](rng, (STUDIES, runs))
    truth = BUDGET - chance * (BUDGET - ARRIVALS[shape](rng, 10**6).mean())
    return np.where(rng.random((STUDIES, runs)) < chance, steps, BUDGET), truth


def coverage(times, truth, interval):
    ends = [interval(study) for study in times]
    return np.mean([low - 1e-9 <= truth <= high + 1e-9 for low, high in ends])


def ours(times):
    mean = s.mean_steps(times, BUDGET)
    return mean.low, mean.high


def student(times):
    if np.ptp(times) == 0:
        return times[0], times[0]
    ends = t_interval(times)
    return ends.low, ends.high


@pytest.mark.parametrize("shape", ARRIVALS)
@pytest.mark.parametrize(("chance", "runs"), [(0.08, 10), (0.3, 10), (0.3, 5), (0.6, 10)])
def test_the_mean_of_steps_is_covered_where_runs_fail(shape, chance, runs):
    assert coverage(*studies(shape, chance, runs), ours) >= 0.94 - MARGIN


@pytest.mark.parametrize("shape", ARRIVALS)
def test_student_s_interval_would_not_cover_where_few_arrive(shape):
    """The interval that stood here before: the test above must be able to see it."""
    assert coverage(*studies(shape, 0.08, 10), student) < 0.75


@pytest.mark.parametrize("shape", ARRIVALS)
def test_the_interval_stays_within_the_budget_and_holds_its_mean(shape):
    times, _ = studies(shape, 0.3, 10)
    for study in times[:50]:
        mean = s.mean_steps(study, BUDGET)
        assert 0 <= mean.low <= mean.value <= mean.high <= BUDGET
