"""Troubles of the steps: the learning rate, and what is done beside the update rule."""

import numpy as np

from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.case import Case, Finding, is_known
from kobai.questions.diagnosis.record import Record


def rate_too_high(case: Case, record: Record) -> Finding | None:  # noqa: ARG001 - each has this form
    """Steps longer than the curvature bears: the loss is thrown up for good, or by most steps a little."""
    risen, over = signs.risen(record), signs.overshoot(record)
    # What only goes round about a better place is thrown up by noise: each step suits its own batch.
    round_about = over < healthy.STEADY and signs.averaged(record) > healthy.AVERAGED
    # Thrown where no unit is left alive, a loss comes back to its start and no farther.
    thrown = signs.thrown(record) > healthy.THROWN and signs.fallen(record) < healthy.GONE
    lost = record.diverged_at > 0 or ((risen > healthy.RISEN or thrown) and not round_about)
    step, curved = signs.beyond(record)
    at, leap = signs.leap(record)
    too_long = curved > healthy.BORNE or leap > healthy.LEAP or record.diverged_at > 0
    if not ((lost and too_long) or over > healthy.OVERSHOT):
        return None
    numbers = {"curvature": curved, "leap": leap, "overshoot": over}
    numbers |= {"diverged": float(record.diverged_at), "lost": float(lost)}
    return Finding(numbers, step=record.diverged_at or (step if curved > healthy.BORNE else at))


def rate_too_low(case: Case, record: Record) -> Finding | None:
    """Straight on, several times as far, the loss is still falling: the steps are too short."""
    ahead, used = signs.ahead(record), signs.slowest(record)
    idle = not is_known(used) or used < healthy.IDLE
    if record.diverged_at or ahead < healthy.AHEAD or not idle or signs.overshoot(record) > healthy.STEADY:
        return None
    return Finding({"ahead": ahead, "used": used}, step=case.setting.steps)


def weight_decay_too_strong(case: Case, record: Record) -> Finding | None:
    """The weights are drawn to zero faster than the loss can hold them: the same training does well without.

    How strong a decay is, no number of its own says: beside a rule a step takes ηλ off each weight, in the
    loss λ joins the gradient; what that comes to depends on the rule, and on how long the training is.
    """
    if not case.undecayed or case.control is None:
        return None
    without = case.undecayed[next(i for i, each in enumerate(case.records) if each is record)]
    left, usual = (1 - signs.learned(each, case.level) for each in (record, without))
    fitted, before = (signs.fitted(each, case.level) for each in (record, without))
    costs = left > healthy.COSTS * usual and left - usual > healthy.LEARNED
    starves = fitted < healthy.FITTED <= before and left > usual
    if not (costs or starves):
        return None
    numbers = {"lowest": signs.lowest(record), "without": signs.lowest(without)}
    return Finding(numbers | {"shrunk": signs.shrunk(record), "decay": case.setting.decay})


def batch_norm_lag(case: Case, record: Record) -> Finding | None:
    """With the running statistics the network is worse than with a batch's own, on the same examples."""
    lag = signs.lag(record)
    if case.setting.task.state is None or not np.isfinite(lag) or lag < healthy.LAG:
        return None
    return Finding({"lag": lag}, step=case.setting.steps)
