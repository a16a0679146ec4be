"""Sign flips: what pairs of runs might as well have been, were the two sides alike."""

import functools

import numpy as np

from kobai.study.statistics.estimates import Array

FLIPS = 2**12
"""So many sign flips are looked at: all there are up to 12 seeds, the identity and random ones beyond."""
BATCH = 2**22
"""Numbers a test holds at once (32 MB)."""
CLOSE = 1e-10
"""Two statistics that differ by less, in relation to 1 + their size, are a tie that rounding has split."""


@functools.lru_cache(maxsize=8)
def signs(seeds: int, most: int = FLIPS) -> Array:
    """The sign flips ε of so many seeds, 1 and −1 [flips, seeds]: the identity first, always the same.

    A seed has one sign, whatever is flipped by it, so that several statistics are flipped together. Where
    every flip of the data was as likely as the data, the share of flips at which a statistic is at least the
    observed one is an exact p-value, over all flips or over random ones with the identity among them (Fisher
    1935; Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).
    """
    if 2**seeds <= most:
        bits = np.arange(2**seeds)[:, None] >> np.arange(seeds) & 1
    else:
        bits = np.random.default_rng(0).integers(2, size=(most, seeds))
        bits[0] = 0
    flips = 1.0 - 2.0 * bits
    flips.flags.writeable = False
    return flips


def share(flipped: Array, observed: Array) -> Array:
    """The p-value: the share of flips […, flips] at which a statistic is at least the observed one […]."""
    return np.mean(flipped >= (observed - CLOSE * (1 + np.abs(observed)))[..., None], axis=-1)


def p_values(rows: Array, flips: Array) -> Array:
    """Of rows [sets, n] the share of flips [flips, n] at which |row · flip| is at least that of the first."""
    p, batch = np.ones(len(rows)), max(BATCH // len(flips), 1)
    for start in range(0, len(rows), batch):
        sums = np.abs(rows[start : start + batch] @ flips.T)
        p[start : start + batch] = share(sums, sums[:, 0])
    return p
