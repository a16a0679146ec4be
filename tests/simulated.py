"""Rates of events in simulated studies: how many there may be, how many are covered."""

import numpy as np
from scipy import stats

BUDGET = 500


def most(trials, rate, confidence=0.999):
    """The most events of probability `rate` that so many trials show, as a rate (one-sided bound)."""
    return stats.binom.ppf(confidence, trials, rate) / trials


def least(trials, rate, confidence=0.999):
    return stats.binom.ppf(1 - confidence, trials, rate) / trials


def covered(intervals, truth):
    return np.mean([i.low <= truth <= i.high for i in intervals])
