"""Which procedure two arms get: told by their seeds and numbers of runs, never by what the runs say."""

import dataclasses
import math

import numpy as np

from kobai.questions.judgement.procedures import (
    BORROWED,
    FEWEST,
    PAIRED,
    RANKS,
    SIGMA,
    SIGNED,
    UNPAIRED,
    Contrast,
    contrast_of,
)
from kobai.questions.judgement.ranks import rank_contrast
from kobai.questions.judgement.runs import Array
from kobai.questions.judgement.scale import Arm

COMMON = 0.8
"""Arms are paired where so large a part of the seeds of each is one of the other's, too."""
LENDING = 5
"""So many runs of one arm tell a spread that may stand for another's, too."""


def common(arm: Arm, other: Arm) -> list[tuple[int, int]]:
    """Where the runs of the same seed stand in both; none where a seed stands twice or is not told."""
    if None in (*arm.seeds, *other.seeds):
        return []
    if len(set(arm.seeds)) < len(arm.seeds) or len(set(other.seeds)) < len(other.seeds):
        return []
    places = {seed: i for i, seed in enumerate(other.seeds)}
    return [(i, places[seed]) for i, seed in enumerate(arm.seeds) if seed in places]


def are_paired(arm: Arm, other: Arm) -> bool:
    """Whether the two ran on the same seeds: on four fifths of those of either at least."""
    pairs = common(arm, other)
    return len(pairs) > 1 and len(pairs) >= COMMON * max(len(arm.x), len(other.x))


def pairs_of(arm: Arm, other: Arm) -> tuple[Array, Array]:
    """The runs on the same seeds, in the order of the arm."""
    places = np.array(common(arm, other))
    return arm.x[places[:, 0]], other.x[places[:, 1]]


def compared(
    arm: Arm,
    other: Arm,
    *,
    sigma: float | None,
    borrow: bool,
    unpaired: bool,
    ranks: bool = False,
    count: int | None = None,
) -> Contrast:
    """The test of an arm against the baseline.

    With σ known, that alone counts. Else arms on the same seeds are paired. Else Welch and the permutation,
    for which four runs on either side are needed. A single run, or two or three where that was asked for,
    borrows the spread of five or more on the other side; so does an arm whose runs are all the same, which
    are one. Where none of it can be, no p is below 1. Where ranks are asked for, pairs and other arms have
    the rank forms. Of an arm whose runs have all crashed pairs or the permutation say on which side it is.

    Args:
      arm, other: the two, the baseline last.
      sigma: the standard deviation of a run, if it is known.
      borrow: whether two or three runs are to borrow the spread of the other side.
      unpaired: whether equal seeds are no pairs.
      ranks: whether ranks are compared in place of means.
      count: the first so many runs alone, or pairs.
    """
    if arm.lost or other.lost:
        return _of_sides(arm, other, unpaired, count)
    if sigma is not None:
        return contrast_of(SIGMA, arm.first(count).x, other.first(count).x, sigma)
    if not unpaired and are_paired(arm, other):
        x, y = pairs_of(arm, other)
        x, y = x[:count], y[:count]
        return rank_contrast(SIGNED, x, y) if ranks else contrast_of(PAIRED, x, y)
    arm, other = arm.first(count), other.first(count)
    n, m = len(arm.x), len(other.x)
    if min(n, m) >= FEWEST:
        return rank_contrast(RANKS, arm.x, other.x) if ranks else contrast_of(UNPAIRED, arm.x, other.x)
    few, many = (arm, other) if n < m else (other, arm)
    if len(many.x) >= LENDING and np.ptp(many.x) > 0 and not ranks and (len(few.x) == 1 or borrow):
        contrast = contrast_of(BORROWED, few.x, many.x)
        return contrast if n < m else contrast.turned()
    return untestable(n, m, float(arm.x.mean() - other.x.mean()))


def untestable(n: int, m: int, difference: float) -> Contrast:
    """What runs say of which no test can speak."""
    return Contrast(UNPAIRED, (n, m), difference, math.inf, math.nan, math.nan, 1.0, 1.0)


def _of_sides(arm: Arm, other: Arm, unpaired: bool, count: int | None) -> Contrast:
    """Of an arm without a number: on which side it is, by no known or borrowed noise, and not how far."""
    alone = [dataclasses.replace(each, lost=False) for each in (arm, other)]
    own = compared(*alone, sigma=None, borrow=False, unpaired=unpaired, count=count)
    if own.procedure == BORROWED:
        own = untestable(*own.runs, own.difference)
    difference = math.inf * float(np.sign(own.difference)) if own.difference else 0.0
    return dataclasses.replace(own, difference=difference, error=math.inf, spread=math.nan)
