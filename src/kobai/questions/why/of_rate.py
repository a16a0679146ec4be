"""Why this rate: what happens at its neighbours in the tuning, and what theory says of them."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from kobai.candidates.values import learning_rate
from kobai.questions.why.cause import LEAST, SLOWER, Cause
from kobai.questions.why.measure import Measured
from kobai.study import statistics
from kobai.study.criterion import FINAL
from kobai.study.outcome import Outcome
from kobai.study.study import TUNING, Trial

LOWER, NOISY = 0.8, 0.5
"""A noise floor is named where the loss at the mean of the last iterates is at most this part of the loss at
the end, and the gradients of single batches have at most this part in common: they are noise for the most."""

PREVIOUS, NEXT = "previous", "next"
"""The neighbours of a rate in its grid."""


def of_rate(outcome: Outcome, measured: Measured) -> Cause:
    """What happens at the next larger rates of the tuning, and what theory says of them."""
    trial = outcome.recommended
    rate = learning_rate(trial.variant)
    if rate is None:
        return Cause("none", {})
    begin, end = measured.curved_at_start, measured.curved_at_end
    limits = [None if each is None or each.bound is None else each.bound.rate for each in (begin, end)]
    values: dict[str, Any] = {"rate": rate, "limit_at_start": limits[0], "limit_at_end": limits[1]}
    values |= {"stable_at_start": begin and begin.stable, "stable_at_end": end and end.stable}
    if measured.end is not None:
        values |= {"common": measured.end.common, "loss": measured.end.loss, "averaged": measured.averaged}
        values["noise_floor"] = _noise_floor(measured)
    values |= {"optimizer": outcome.leader, "initializer": trial.initializer.name}
    values |= _diverging(outcome, trial)
    tried = _neighbours(trial, rate)
    for side, (neighbour, other) in tried.items():
        values |= {side: neighbour} | _beside(outcome, trial, other, side)
    if len(tried) == 1:
        values["edge"] = "largest" if PREVIOUS in tried else "smallest"
    happens, more = beyond(outcome, trial)
    if happens == "diverges":
        return Cause(happens, values | {"runs": more["runs"]})
    if happens is None:
        return Cause("none", values)
    following = tried[NEXT][0]
    known = [limit for limit in limits if limit is not None]
    is_between = len(known) == len(limits) and rate <= min(known) and max(known) < following
    return Cause("limit" if is_between else "none", values)


def beyond(outcome: Outcome, trial: Trial) -> tuple[str | None, dict[str, Any]]:
    """What happens in the tuning at the next larger rate than a trial's, and its numbers: a run "diverges",
    or it is shown to do "worse"; None: neither, or there is no larger one."""
    rate = learning_rate(trial.variant)
    tried = {} if rate is None else _neighbours(trial, rate)
    if NEXT not in tried:
        return None, {}
    following, other = tried[NEXT]
    cells = outcome.cells_of(other, TUNING)
    values = {"next": following, "of": len(cells)}
    if lost := int(cells["diverged_at"].is_not_null().sum()):
        return "diverges", values | {"runs": lost}
    values |= _beside(outcome, trial, other, NEXT)
    return ("worse" if _is_worse(values) else None), values


def _noise_floor(measured: Measured) -> bool:
    """Whether the last iterates go round about a better place, and it is noise that moves them."""
    end, averaged = measured.end, measured.averaged
    if end is None or averaged is None or end.common is None:
        return False
    return end.common <= NOISY and averaged <= LOWER * end.loss


def _diverging(outcome: Outcome, trial: Trial) -> dict[str, Any]:
    """Of this optimizer, with these initial weights and settings: the least rate of the tuning at which a run
    diverges, if any does; and the largest that was tried."""
    found: dict[str, Any] = {}
    for variant in trial.candidate.along_rate(trial.variant):
        cells = outcome.cells_of(dataclasses.replace(trial, variant=variant), TUNING)
        if len(cells):
            found["highest"] = learning_rate(variant)
            lost = int(cells["diverged_at"].is_not_null().sum())
            if lost and "diverging" not in found:
                found |= {"diverging": learning_rate(variant), "lost": lost, "trained": len(cells)}
    return found


def _neighbours(trial: Trial, rate: float) -> dict[str, tuple[float, Trial]]:
    """The next smaller and the next larger rate of the tuning, where there are any, and their trials."""
    tried = [
        (other, dataclasses.replace(trial, variant=variant))
        for variant in trial.candidate.along_rate(trial.variant)
        if (other := learning_rate(variant)) is not None
    ]
    below, above = ([each for each in tried if (each[0] - rate) * sign > 0] for sign in (-1, 1))
    ends = {PREVIOUS: below[-1:], NEXT: above[:1]}
    return {side: each for side, found in ends.items() for each in found}


def _beside(outcome: Outcome, trial: Trial, other: Trial, side: str) -> dict[str, Any]:
    """What another rate costs beside the chosen one, on the seeds of the tuning, with its interval.

    The ratio of steps or of seconds, in which a run that misses the target counts as the longest; or how much
    worse the end is. Chosen on the same seeds, the rate looks rather too good in it.
    """
    both = [outcome.cells_of(each, TUNING).sort("seed") for each in (trial, other)]
    seeds = [each["seed"].to_list() for each in both]
    if seeds[0] != seeds[1]:
        return {}
    among = outcome.in_phase(TUNING)
    own, theirs = (outcome.study.measures(each, outcome.target, outcome.by, among) for each in both)
    found = statistics.paired_difference(theirs.x, own.x)
    values: dict[str, Any] = {"of": len(own.x)}
    if found.value is None or found.low is None or found.high is None:
        return values
    kind, read = ("worse", float) if outcome.by == FINAL else ("ratio", math.exp)
    numbers = {kind: found.value, "low": found.low, "high": found.high}
    if kind == "ratio" and own.arrived.any() and not theirs.arrived.any():
        values[f"{side}_bound"] = LEAST  # it takes at least as long as the low end says
    return values | {f"{side}_{name}": read(number) for name, number in numbers.items()}


def _is_worse(values: Mapping[str, Any]) -> bool:
    """Whether the next larger rate is shown to do worse in the tuning, and by as much as matters."""
    if (ratio := values.get(f"{NEXT}_ratio")) is not None:
        return bool(ratio >= SLOWER and values[f"{NEXT}_low"] > 1)
    return values.get(f"{NEXT}_worse") is not None and values[f"{NEXT}_low"] > 0
