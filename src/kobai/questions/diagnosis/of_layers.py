"""Troubles of the layers: what initial values, activations and depth do to units and gradients."""

import numpy as np

from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.case import Case, Finding
from kobai.questions.diagnosis.record import Record


def symmetry(case: Case, record: Record) -> Finding | None:
    """Units of a layer that begin alike and get the same gradients stay alike for ever: they are one."""
    shares = signs.alike(record)
    if not shares.size or shares.max() < healthy.ALIKE:
        return None
    worst = int(shares.argmax())
    return Finding({"share": float(shares[worst])}, layer=case.arrays[worst], step=0)


def saturation(case: Case, record: Record) -> Finding | None:
    """Units at the ends of tanh or the logistic function have no slope left, and hardly any gradient."""
    found = _most(case, record, signs.saturated(record, case.sites), healthy.SATURATED)
    if found is None or not found.step:
        return found
    # To be sure of its answer a unit goes to an end: later on it is a trouble where little has been learned.
    harm = record.diverged_at or signs.fitted(record, case.level) < healthy.FITTED
    return _later(found) if found.numbers["share"] >= healthy.SATURATED_LATER and harm else None


def dead_units(case: Case, record: Record) -> Finding | None:
    """Units of max(x, 0) that are 0 for every example get no gradient, and never come back."""
    return _later(_most(case, record, signs.dead(record, case.sites), healthy.DEAD))


def _later(found: Finding | None) -> Finding | None:
    """What was not there before the first step is a consequence of the steps."""
    if found is None or not found.step:
        return found
    return Finding(found.numbers, found.layer, found.step, later=True)


def _most(case: Case, record: Record, shares: np.ndarray, most: float) -> Finding | None:
    """The layer with the largest share at the end, if that is too large; since when it has been so."""
    if not shares.size or np.nan_to_num(shares[:, -1]).max() < most:
        return None
    worst = int(np.nan_to_num(shares[:, -1]).argmax())
    since = int(np.argmax(shares[worst] >= most))
    numbers = {"share": float(shares[worst, -1]), "start": float(shares[worst, 0])}
    return Finding(numbers, layer=case.layer(worst), step=int(record.marks[since]))


def vanishing(case: Case, record: Record) -> Finding | None:
    """Of the gradient at the last layer next to nothing gets to the first."""
    ratios = signs.backward(record, case.sites)
    usual = float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else np.nan
    first = next((i for i, site in enumerate(case.sites) if not site.time), None)
    if first is None or not max(ratios[0], usual) < 1 / healthy.GAIN:
        return None
    return Finding({"ratio": float(ratios[0])}, layer=case.layer(first), step=0)


def long_term(case: Case, record: Record) -> Finding | None:
    """Of the gradient at a sequence's end next to nothing gets to its beginning, which is not learned."""
    ratios = signs.through_time(record, case.sites)
    if case.control is None or not np.isfinite(ratios).any():
        return None
    fitted = signs.fitted(record, case.level)
    if not (max(ratios[0], np.nanmedian(ratios)) < 1 / healthy.GAIN and fitted < healthy.FITTED):
        return None
    numbers = {"ratio": float(ratios[0]), "fitted": max(fitted, 0.0)}
    return Finding(numbers, layer=_state(case), step=0)


def explosion(case: Case, record: Record) -> Finding | None:
    """The gradient grows on its way back through layers or time, or jumps at a cliff."""
    for ratios, layer in (
        (signs.backward(record, case.sites), None),
        (signs.through_time(record, case.sites), _state(case)),
    ):
        if np.nan_to_num(ratios[0]) > healthy.GAIN:
            return Finding({"ratio": float(ratios[0]), "jump": 1.0}, layer=layer, step=0)
    step, factor = signs.spike(record)
    calm = record.loss[: max(step, 1)]
    if factor < healthy.JUMP or not np.isfinite(calm).all() or calm[-1] > calm[0]:
        return None
    worst = int(np.nanargmax(record.gradients[step]))
    return Finding({"ratio": 1.0, "jump": factor}, layer=case.arrays[worst], step=step)


def _state(case: Case) -> str | None:
    """What the state of a recurrent network is called."""
    return next((case.layer(i) for i, site in enumerate(case.sites) if site.kind == "state"), None)
