"""Every trouble by its name, in the order of causes: what stands before others may be why they are there."""

from collections.abc import Mapping

from kobai.questions.diagnosis import of_data, of_ends, of_layers, of_steps
from kobai.questions.diagnosis.case import Case, Cause, Finding, Trouble

CAUSES: Mapping[str, Cause] = {
    "constant_inputs": of_data.constant_inputs,
    "unscaled_inputs": of_data.unscaled_inputs,
    "symmetry": of_layers.symmetry,
    "unlearnable_labels": of_data.unlearnable_labels,
    "saturation": of_layers.saturation,
    "dead_units": of_layers.dead_units,
    "explosion": of_layers.explosion,
    "weight_decay_too_strong": of_steps.weight_decay_too_strong,
    "rate_too_high": of_steps.rate_too_high,
    "vanishing": of_layers.vanishing,
    "long_term": of_layers.long_term,
    "batch_norm_lag": of_steps.batch_norm_lag,
    "imbalance": of_data.imbalance,
    "saddle": of_ends.saddle,
    "plateau": of_ends.plateau,
    "rate_too_low": of_steps.rate_too_low,
    "noise_floor": of_ends.noise_floor,
    "overfitting": of_ends.overfitting,
    "underfitting": of_ends.underfitting,
}
"""Every trouble and what it looks like. Data come first, since everything else is measured on them; then what
is there before the first step; then the steps; then where these lead."""

NAMES = tuple(CAUSES)

ENDS = ("saddle", "plateau", "underfitting")
"""Where a training stands that gets no farther, whatever else brought it there."""


def troubles(case: Case) -> list[Trouble]:
    """The troubles of a case, strongest first; none: nothing wrong was found.

    A trouble is there if more than half of the seeds show it.
    """
    found = [each for name, cause in CAUSES.items() if (each := _trouble(case, name, cause)) is not None]
    if not found:
        alone = _trouble(case, "unlearnable_labels", of_data.nothing_to_learn)
        return [alone[0]] if alone else []
    ordered = [trouble for trouble, finding in found if not finding.later]
    for late in (trouble for trouble, finding in found if finding.later):
        ordered.insert(_place(late, ordered), late)
    return ordered


def _place(late: Trouble, others: list[Trouble]) -> int:
    """Where a trouble stands that came with the steps: before the ends that it led to, else behind all."""
    led_to = (i for i, each in enumerate(others) if each.name in ENDS and _since(each) >= _since(late))
    return next(led_to, len(others))


def _since(trouble: Trouble) -> int:
    return trouble.step or 0


def _trouble(case: Case, name: str, cause: Cause) -> tuple[Trouble, Finding] | None:
    """The trouble with what it looks like in the seed in the middle; None where too few have it."""
    findings = [finding for record in case.records if (finding := cause(case, record)) is not None]
    if 2 * len(findings) <= len(case.records):
        return None

    def first(finding: Finding) -> float:
        return next(iter(finding.numbers.values()))

    middle = sorted(findings, key=first)[len(findings) // 2]
    return Trouble(name, middle.layer, middle.step, middle.numbers, len(findings)), middle
