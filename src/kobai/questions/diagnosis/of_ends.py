"""Troubles of where a training stands or ends: flat places, noise, and what it means for new examples."""

import numpy as np

from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.case import Case, Finding
from kobai.questions.diagnosis.record import Record


def saddle(case: Case, record: Record) -> Finding | None:
    """The loss stands still where it curves downwards: not a minimum, but hardly a slope to leave it by."""
    found = _standstill(case, record)
    if found is None or found.numbers["bent"] < healthy.BENT:
        return None
    return found


def plateau(case: Case, record: Record) -> Finding | None:
    """The loss stands still, and curves in no direction that would lead down."""
    found = _standstill(case, record)
    if found is None or found.numbers["bent"] >= healthy.BENT:
        return None
    return found


def _standstill(case: Case, record: Record) -> Finding | None:
    """Where nothing is learned for long; and how the loss curves downwards in the middle of it."""
    if case.facts is not None and case.facts.alike:
        return None  # to stand still at the one right answer is no trouble
    step, share = signs.stalled(record, float(np.fmin(case.level, record.train[0, 0])))
    if share < healthy.STALLED or record.diverged_at:
        return None
    middle = step + share * case.setting.steps / 2
    return Finding({"share": share, "bent": signs.bent(record, middle)}, step=step)


def noise_floor(case: Case, record: Record) -> Finding | None:
    """At the end the iterates go round about a better place: their mean has a clearly lower loss.

    And it is noise that moves them: that of a step is no less than half as long as the gradient itself.
    """
    gain, noise = signs.averaged(record), signs.noise_scale(record)
    if record.diverged_at or gain < healthy.AVERAGED or noise < case.setting.task.examples_a_step / 4:
        return None
    return Finding({"gain": gain, "noise": min(noise, 1e9)}, step=case.setting.steps)


def overfitting(case: Case, record: Record) -> Finding | None:
    """The validation loss has risen again while the training loss went on falling."""
    forgotten = signs.forgotten(record)
    if forgotten < healthy.FORGOTTEN or signs.risen(record) > healthy.RISEN:
        return None
    if case.control is not None and signs.learned(record, case.level) < healthy.LEARNED:
        return None
    losses = record.validation[:, 0]
    best = int(losses.argmin())
    return Finding({"forgotten": forgotten, "best": float(losses[best])}, step=int(record.marks[best]))


def underfitting(case: Case, record: Record) -> Finding | None:
    """Nothing moves any more, and even the training examples are not fitted: the network is too small."""
    if case.control is None or record.diverged_at:
        return None
    fitted, learned = signs.fitted(record, case.level), signs.learned(record, case.level)
    if fitted >= healthy.FITTED or learned < healthy.LEARNED or signs.settled(record) > healthy.SETTLED:
        return None
    return Finding({"fitted": max(fitted, 0.0), "learned": learned}, step=case.setting.steps)
