"""Troubles of the data: what no optimizer and no initial values can mend."""

from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.case import Case, Finding
from kobai.questions.diagnosis.facts import outputs
from kobai.questions.diagnosis.record import Record


def constant_inputs(case: Case, record: Record) -> Finding | None:  # noqa: ARG001 - all seeds have the data
    """Columns of the inputs that never vary tell nothing."""
    share = case.facts.constant
    numbers = {"share": share, "examples": float(case.facts.examples)}
    return Finding(numbers) if share >= healthy.CONSTANT else None


def unscaled_inputs(case: Case, record: Record) -> Finding | None:  # noqa: ARG001
    """Inputs far from 1 in size, or columns of very different spread: one rate cannot suit all weights."""
    facts = case.facts
    size = facts.largest if facts.largest > 0 else 1.0
    if 1 / healthy.SIZE <= size <= healthy.SIZE and facts.apart <= healthy.APART:
        return None
    return Finding({"size": size, "apart": facts.apart})


def imbalance(case: Case, record: Record) -> Finding | None:  # noqa: ARG001
    """One class stands there much more often than another: to name it always is nearly right.

    Whole numbers are classes where the network has an output for each kind of them: counts are none.
    """
    classes = case.facts.classes
    if case.facts.outnumbered < healthy.OUTNUMBERED or (outputs(case.setting.task) or 0) < len(classes):
        return None
    return Finding({"times": case.facts.outnumbered, "share": classes[0] / sum(classes)})


def unlearnable_labels(case: Case, record: Record) -> Finding | None:
    """The labels are learned by heart, and yet tell no more of new examples than shuffled ones do.

    Or all of them are one and the same, and there is nothing to learn.
    """
    if case.facts is not None and case.facts.alike:
        return Finding({"learned": 0.0, "fitted": 1.0, "alike": 1.0})
    if not case.is_controlled:
        return None
    learned, fitted = signs.learned(record, case.level), signs.fitted(record, case.level)
    if learned >= healthy.LEARNED or fitted < healthy.BY_HEART:
        return None
    return Finding({"learned": max(learned, 0.0), "fitted": fitted})


def nothing_to_learn(case: Case, record: Record) -> Finding | None:
    """The same of a network that cannot learn by heart: asked where nothing else is the matter.

    Labels that have something to do with the inputs are fitted better than shuffled ones from the first steps
    on, before new examples show it: such a training has not gone far, and is none of this. That is seen in
    the first seed, which has the start and the batches of the control.
    """
    if case.control is None or not case.is_controlled or record.diverged_at:
        return None
    learned, fitted = signs.learned(record, case.level), signs.fitted(record, case.level)
    first, mixed = (signs.fitted(each, case.level) for each in (case.records[0], case.control))
    if learned >= healthy.LEARNED or first > mixed + healthy.MORE:
        return None
    return Finding({"learned": max(learned, 0.0), "fitted": fitted})
