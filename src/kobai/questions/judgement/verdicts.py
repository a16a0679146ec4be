"""What is said of an arm against the baseline, and with how many more runs it could be said."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from kobai.questions.judgement.procedures import (
    BORROWED,
    FEWEST,
    PAIRED,
    ROUNDING,
    SIGMA,
    UNPAIRED,
    Contrast,
    least_p,
    plain,
    quantile,
)
from kobai.study.statistics import holm

BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
DRAWS = 2000
"""So many futures are drawn for a forecast."""
SUCCESS = 0.8
"""It names the smallest number at which so large a part of the futures is decided."""
AHEAD = (*range(1, 31), *range(32, 61, 2), *range(65, 101, 5), *range(120, 201, 20), 250, 300, 400, 500)
"""Numbers of further runs of each arm that a forecast looks at."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """An arm against the baseline.

    Fields:
      verdict: "better", "worse", "equivalent" (no difference larger than the margin) or "undecided".
      within: whether a difference that was shown is smaller than the margin all the same.
      corrected_p: Holm's, over all arms that are judged.
      level: the p from which on it is not shown.
      more: so many more runs of each arm would probably decide; None: not foreseeable, or decided.
      power: the probability that so many runs show a difference as large as the margin; None without one.
      detectable: the difference that they show with a probability of 80 %; None where no spread is known.
      look: the number of runs at which it was decided, or is not yet, of a file that grows; else None.
    """

    arm: str
    verdict: str
    within: bool
    contrast: Contrast
    corrected_p: float
    level: float
    more: int | None
    power: float | None
    detectable: float | None
    look: int | None = None


def verdicts(contrasts: dict[str, Contrast], margin: float | None, level: float) -> list[Verdict]:
    """The verdict of every arm, corrected for all of them."""
    p = holm([contrast.p for contrast in contrasts.values()])
    same = holm([contrast.equivalence_p(margin) for contrast in contrasts.values()])
    return [
        _verdict(name, contrast, float(own), float(equal), margin, level, len(contrasts))
        for (name, contrast), own, equal in zip(contrasts.items(), p, same, strict=True)
    ]


def _verdict(
    name: str,
    contrast: Contrast,
    p: float,
    equivalence: float,
    margin: float | None,
    level: float,
    family: int,
) -> Verdict:
    shown, equal = p <= level, equivalence <= level
    kind = (WORSE if contrast.worse else BETTER) if shown else EQUIVALENT if equal else UNDECIDED
    power, detectable = _power(contrast, margin, level / family), _detectable(contrast, level / family)
    return Verdict(name, kind, shown and equal, contrast, p, level, None, power, detectable)


# Power: that of the design, not of what was seen


def _power(contrast: Contrast, margin: float | None, level: float) -> float | None:
    """The probability that so many runs show a difference of the size of the margin, on either side."""
    if margin is None:
        return None
    if not math.isfinite(contrast.error) or contrast.least > level:
        return 0.0
    if contrast.error == 0:
        return 1.0
    from scipy import stats

    t, away = quantile(1 - level / 2, contrast.freedom), margin / contrast.error
    if math.isinf(contrast.freedom):
        return float(stats.norm.sf(t - away) + stats.norm.cdf(-t - away))
    return float(stats.nct.sf(t, contrast.freedom, away) + stats.nct.cdf(-t, contrast.freedom, away))


def _detectable(contrast: Contrast, level: float) -> float | None:
    """The difference that so many runs show with a probability of 80 %."""
    if not math.isfinite(contrast.error) or contrast.least > level:
        return None
    return (quantile(1 - level / 2, contrast.freedom) + quantile(SUCCESS, contrast.freedom)) * contrast.error


# How many more


def more(
    contrast: Contrast, margin: float | None, level: float, family: int, ahead: Sequence[int] = AHEAD
) -> int | None:
    """The smallest number of further runs of each arm after which a verdict is likely; None: not foreseeable.

    What is not known is drawn: the spread from s²ν/χ²_ν, the true difference around the one that was seen.
    Then the further runs are, and what all runs together say is a verdict where the difference is shown or
    its interval lies within the margin.

    Args:
      contrast: what is known.
      margin: of equivalence; None: none.
      level: p up to which something is shown, divided among so many arms of the family.
      family: how many arms.
      ahead: numbers of further runs that are looked at.
    """
    if math.isinf(contrast.difference) or (
        contrast.difference and contrast.spread <= ROUNDING * abs(contrast.difference)
    ):
        return _least(contrast, level / family, ahead)
    if not (math.isfinite(contrast.error) and contrast.spread > 0):
        return None
    rng, level, now = np.random.default_rng(0), level / family, _counts(contrast)
    known = math.isinf(contrast.freedom)
    scale = 1.0 if known else np.sqrt(contrast.freedom / rng.chisquare(contrast.freedom, DRAWS))
    spread = contrast.spread * scale * np.ones(DRAWS)
    truth = contrast.difference + contrast.error * scale * rng.normal(size=DRAWS)
    noise = rng.normal(size=DRAWS)
    for runs in ahead:
        then = tuple(count + runs for count in now)
        if least_p(contrast.procedure, then[0], then[-1]) > level:
            continue
        share_now, share_new = _precision(now), _precision((runs,) * len(now))
        new = truth + spread / math.sqrt(share_new) * noise
        d = (share_now * contrast.difference + share_new * new) / (share_now + share_new)
        freedom, own = _freedom(contrast, runs), spread
        if not known and contrast.procedure != BORROWED:
            extra = freedom - contrast.freedom
            drawn = np.random.default_rng(runs).chisquare(extra, DRAWS)
            own = np.sqrt((contrast.freedom * contrast.spread**2 + spread**2 * drawn) / freedom)
        error = own / math.sqrt(_precision(then))
        decided = np.abs(d) >= quantile(1 - level / 2, freedom) * error
        if margin is not None:
            decided |= np.abs(d) + quantile(1 - level, freedom) * error <= margin
        if decided.mean() >= SUCCESS:
            return runs
    return None


def _least(contrast: Contrast, level: float, ahead: Sequence[int]) -> int | None:
    """Where nothing varies: the fewest further runs with which a p can be so small."""
    now = _counts(contrast)
    then = {runs: [count + runs for count in now] for runs in ahead}
    enough = (
        runs
        for runs, counts in then.items()
        if least_p(contrast.procedure, counts[0], counts[-1]) <= level
        and (contrast.procedure != UNPAIRED or min(counts) >= FEWEST)
    )
    return next(enough, None)


def _counts(contrast: Contrast) -> tuple[int, ...]:
    return contrast.runs[:1] if plain(contrast.procedure) == PAIRED else contrast.runs


def _precision(counts: tuple[int, ...]) -> float:
    """1 / Σ 1/n: what σ² is divided by in the variance of the difference."""
    return 1 / sum(1 / count for count in counts)


def _freedom(contrast: Contrast, runs: int) -> float:
    """The degrees of freedom with so many more runs."""
    added = {PAIRED: runs, UNPAIRED: 2 * runs, BORROWED: runs, SIGMA: 0}[plain(contrast.procedure)]
    return contrast.freedom + added
