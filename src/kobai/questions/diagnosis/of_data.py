"""Troubles of the data: what no optimizer and no initial values can mend."""

from kobai.questions.diagnosis import healthy, signs
from kobai.questions.diagnosis.case import Case, Finding
from kobai.questions.diagnosis.record import Record


def constant_inputs(case: Case, record: Record) -> Finding | None:  # noqa: ARG001 - all seeds have the data
    """Columns of the inputs that never vary tell nothing."""
    share = case.facts.constant
    return Finding({"share": share}) if share >= healthy.CONSTANT else None


def unscaled_inputs(case: Case, record: Record) -> Finding | None:  # noqa: ARG001
    """Inputs far from 1 in size, or columns of very different spread: one rate cannot suit all weights."""
    facts = case.facts
    size = facts.largest if facts.largest > 0 else 1.0
    if 1 / healthy.SIZE <= size <= healthy.SIZE and facts.apart <= healthy.APART:
        return None
    return Finding({"size": size, "apart": facts.apart})


def imbalance(case: Case, record: Record) -> Finding | None:  # noqa: ARG001
    """One class stands there much more often than another: to name it always is nearly right."""
    classes = case.facts.classes
    if case.facts.outnumbered < healthy.OUTNUMBERED:
        return None
    return Finding({"times": case.facts.outnumbered, "share": classes[0] / sum(classes)})


def unlearnable_labels(case: Case, record: Record) -> Finding | None:
    """The labels are learned by heart, and yet tell no more of new examples than shuffled ones do."""
    if case.control is None:
        return None
    learned, fitted = signs.learned(record, case.control), signs.fitted(record, case.control)
    if learned >= healthy.LEARNED or fitted < healthy.BY_HEART:
        return None
    return Finding({"learned": max(learned, 0.0), "fitted": fitted})


def nothing_to_learn(case: Case, record: Record) -> Finding | None:
    """The same of a network that cannot learn by heart: asked where nothing else is the matter."""
    if case.control is None or record.diverged_at:
        return None
    learned, fitted = signs.learned(record, case.control), signs.fitted(record, case.control)
    if learned >= healthy.LEARNED:
        return None
    return Finding({"learned": max(learned, 0.0), "fitted": fitted})
