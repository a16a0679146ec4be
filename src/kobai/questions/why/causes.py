"""The causes that the measurements support: why these initial weights, why this rate, why this optimizer.

A cause is named only where what it explains is established by the study (the alternative is slower on the
fresh seeds) and the measurement differs by more than it does anywhere in healthy networks. Else none was
found, which is said, with the numbers.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from kobai.candidates.values import learning_rate
from kobai.optimizers.adabelief import AdaBelief
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.ademamix import AdEMAMix
from kobai.optimizers.adopt import ADOPT
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nadamw import NAdamW
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.radam import RAdam
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.sgd import SGD
from kobai.questions.why.measure import Measured
from kobai.study.answer import Answer
from kobai.study.criterion import FINAL
from kobai.study.outcome import Outcome
from kobai.study.question import Question
from kobai.study.study import TUNING, Trial

SLOWER = 1.25
"""A ratio of steps that matters: the same as that of a hit of `kobai range`."""

SCALE = 10.0
"""A factor between gradients that matters. Between the layers of the built-in tasks, with he or xavier, it is
at most 4.7 (mnist1d); between two initial values with which they train alike, at most 3.9."""

RARE = 0.5
"""An entry is rare that has a gradient in fewer batches than this part; in the built-in tasks .07 at most."""

PLAIN = (SGD, Momentum, Nesterov, NesterovDefinition)
"""Rules that follow the gradient as it is."""

DIVIDING = (AdaGrad, AdaDelta, RMSProp, Adam, AdamW, NAdamW, RAdam, AdaBelief, AdEMAMix, ADOPT)
"""Rules that divide each entry by its own scale. Others do neither, and are no witnesses of this cause."""


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why something was chosen: the name of the cause, "none" where none was found; and its numbers."""

    name: str
    values: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Why:
    """The causes, what they rest on, and what that took.

    Fields:
      share: the gradients of the measurements as a part of the study's.
    """

    initializer: Cause
    learning_rate: Cause
    optimizer: Cause
    share: float
    measured: Measured


def why(outcome: Outcome, answer: Answer, measured: Measured) -> Why:
    """The causes that the measurements of a study support."""
    return Why(
        _initializer(answer, measured),
        _learning_rate(outcome, measured),
        _optimizer(outcome, answer, measured),
        measured.gradients / gradients_of(outcome),
        measured,
    )


def gradients_of(outcome: Outcome) -> int:
    """About how many gradients a study took: the steps of all its trainings."""
    ends = outcome.cells["diverged_at"].fill_null(outcome.study.steps)
    return max(int(ends.sum()), 1)


def _slower(question: Question) -> dict[str, float]:
    """How many times as many steps each alternative needs that is shown to need more; by name.

    Infinite where no ratio can be told, and the alternative is shown not to be the best.
    """
    found = {}
    for each in question.alternatives:
        ratio, low = each.ratio.value, each.ratio.low
        if ratio is None or not math.isfinite(ratio):
            if each.name in question.not_best:
                found[each.name] = math.inf
        elif ratio >= SLOWER and ((low is not None and low > 1) or each.name in question.not_best):
            found[each.name] = ratio
    return found


def _initializer(answer: Answer, measured: Measured) -> Cause:
    """The alternative that is shown to be slower and whose gradients are farthest from the choice's."""
    choice = answer.initializer.choice
    own, slower = measured.starts[choice], _slower(answer.initializer)
    factors: dict[tuple[str, str], float] = {
        (name, layer): _ratio(gradient, own.gradients[layer])
        for name in slower
        if name in measured.starts
        for layer, gradient in measured.starts[name].gradients.items()
    }
    values: dict[str, Any] = {"choice": choice}
    if not factors:
        return Cause("none", values)
    name, layer = max(factors, key=lambda place: abs(math.log(factors[place])))
    factor, look = factors[name, layer], measured.starts[name]
    values |= {"other": name, "layer": layer, "ratio": slower[name], "times": max(factor, 1 / factor)}
    values |= {"gradient": look.gradients[layer], "of_choice": own.gradients[layer]}
    if look.activations:
        values |= {"activations": list(look.activations), "activations_of_choice": list(own.activations)}
    if look.gradients[layer] == 0:
        return Cause("absent", values)
    cause = "vanishing" if factor <= 1 / SCALE else "exploding" if factor >= SCALE else "none"
    return Cause(cause, values)


def _ratio(one: float, other: float) -> float:
    least = float(np.finfo(np.float32).tiny)
    return max(one, least) / max(other, least)


def _learning_rate(outcome: Outcome, measured: Measured) -> Cause:
    """What happens at the next larger rates of the tuning, and what theory says of them."""
    trial = outcome.recommended
    rate = learning_rate(trial.variant)
    if rate is None:
        return Cause("none", {})
    limits = [
        None if bound is None else bound.rate for bound in (measured.bound_at_start, measured.bound_at_end)
    ]
    values: dict[str, Any] = {"rate": rate, "limit_at_start": limits[0], "limit_at_end": limits[1]}
    values["common"] = None if measured.end is None else measured.end.common
    above = [
        (other, dataclasses.replace(trial, variant=variant))
        for variant in trial.candidate.along_rate(trial.variant)
        if (other := learning_rate(variant) or 0.0) > rate
    ]
    if not above:
        return Cause("none", values)
    [following, tried], *_ = above
    lost = outcome.cells_of(tried, TUNING)["diverged_at"].is_not_null()
    if lost.any():
        return Cause("diverges", values | {"next": following, "runs": int(lost.sum()), "of": len(lost)})
    if not _worse(outcome, trial, tried):
        return Cause("none", values)
    known = [limit for limit in limits if limit is not None]
    is_between = bool(known) and rate <= min(known) and max(known) < following
    return Cause("limit" if is_between else "none", values | {"next": following})


def _worse(outcome: Outcome, trial: Trial, other: Trial) -> bool:
    """Whether another rate did clearly worse in the tuning."""
    x = [
        outcome.study.measures(outcome.cells_of(each, TUNING), outcome.target, outcome.by).x.mean()
        for each in (trial, other)
    ]
    return bool(x[1] - x[0] > (0 if outcome.by == FINAL else math.log(SLOWER)))


def _optimizer(outcome: Outcome, answer: Answer, measured: Measured) -> Cause:
    """What separates adaptive rules from the others here, if they are separated."""
    leader = outcome.recommended.variant
    rivals = {name for name, trial in outcome.winners.items() if isinstance(trial.variant, PLAIN)}
    own = measured.starts[outcome.recommended.initializer.name]
    values: dict[str, Any] = {"choice": outcome.leader, "rare": own.rare}
    if len(own.gradients) > 1:
        by_size = sorted(own.gradients.items(), key=lambda each: each[1])
        (low_layer, low), (high_layer, high) = by_size[0], by_size[-1]
        values |= {"low_layer": low_layer, "low": low, "high_layer": high_layer, "high": high}
        values["times"] = _ratio(high, low)
    slower = _slower(answer.optimizer)
    if not isinstance(leader, DIVIDING) or not rivals or not rivals <= slower.keys():
        return Cause("none", values)
    rival = min(rivals, key=lambda name: slower[name])
    values |= {"rival": rival, "ratio": slower[rival]}
    if values.get("times", 1) >= SCALE:
        return Cause("scales", values)
    return Cause("rare" if own.rare >= RARE else "none", values)
